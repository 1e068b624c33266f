"""Forward passes in sync: do two definitions of a model compute the same thing?

    verdicts    what is found, and how bad it is
    sides       where definitions come from: generated, live, reference
    naming      what the names of an original are in ours
    originals   a model of another make as a side like any other
    configs     a tiny configuration for any configuration class, and a perturbed one
    inputs      what a model is given
    weights     the same weights on every machine
    scenarios   the ways in which a model is run
    leaves      nested outputs by name
    program     what was computed, operation by operation
    manifest    what can be seen without running anything
    numerics    how far numbers may be apart
    locating    from an operation to the line that asked for it
    scripts     programs that show what failed
    pairs       two definitions held against each other
    slow        the slow tier:
    fullsize      published sizes, on fake tensors
    wide          published widths, by numbers
    generating    texts, by log-probabilities
    compiling     compiled, and not
    parallel      split among two processes, and not
    conditions  the device and the precisions that are asked
    devices     devices as torch knows them, and torch's switches
    pretended   a second device for machines that have none
    across      a model on the CPU and on a GPU
    precision   bfloat16 and float16
    routing     choices of one run that are replayed in another
    attention   flex and flash attention
    session     the checks of one model
    project     where the files of a model are
    fingerprints  what findings depend on, as a digest
    stored      reports of earlier runs, while nothing has changed
    shards      which models a machine takes
    running     all models
    unlike      both programs side by side, and errors by layer
    terminal    the table
    reports     JSON and JUnit
    page        HTML
    plugin      all models, as tests of pytest

Nothing here knows the converter: it runs wherever torch and transformers do.
"""
