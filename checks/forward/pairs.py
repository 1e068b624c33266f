"""Two definitions of a model held against each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from checks.forward import locating, numerics, unlike
from checks.forward.inputs import Inputs
from checks.forward.instances import Instance, Recording
from checks.forward.leaves import tensors
from checks.forward.manifest import mismatches
from checks.forward.program import same_program
from checks.forward.scenarios import Scenario
from checks.forward.sides import Side
from checks.forward.verdicts import Finding, Layer, Place, Verdict


@dataclass(frozen=True, slots=True)
class Question:
    """Who is asked, for the finding that answers. `exactly`: not a bit may differ."""

    model: str
    pair: str
    subject: str
    variant: str
    exactly: bool = False
    tolerance: float = 0.0
    """A larger bound than the rules give, which needs a reason of its own."""
    reason: str = ""
    locate: bool = True
    """Is it to be found out where a difference begins? That takes two more runs."""

    def answer(
        self,
        check: str,
        verdict: Verdict,
        note: str = "",
        places: tuple[Place, ...] = (),
        error: float | None = None,
        bound: float | None = None,
    ) -> Finding:
        return Finding(
            self.model,
            self.pair,
            self.subject,
            self.variant,
            check,
            verdict,
            note,
            places,
            error,
            bound,
        )


def compare_manifests(question: Question, one: Instance, other: Instance) -> Finding:
    """Names, shapes, ties, buffers, signature and configuration."""
    found = list(mismatches(one, other, exactly=question.exactly))
    if not found:
        return question.answer("manifest", Verdict.PROVED)
    first = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    places = locating.manifest_places(one, other, first) if question.locate else ()
    return question.answer("manifest", Verdict.DIVERGED, first.message + more, places)


def compare_runs(
    question: Question, one: Instance, other: Instance, scenario: Scenario, given: Inputs
) -> Finding:
    """`one` against `other` over a scenario: traces first, then bits, then numbers."""
    theirs = other.record(scenario, given)
    try:
        mine = one.record(scenario, given)
    except Exception as error:
        return question.answer(scenario.name, Verdict.BROKEN, *failure(one, error))
    empty = _nothing_compared(theirs.outputs)
    if empty:
        return question.answer(scenario.name, Verdict.VACUOUS, empty)
    if same_program(mine.program, theirs.program) and not _other_values(mine, theirs):
        return question.answer(scenario.name, Verdict.PROVED)
    difference = numerics.furthest(mine.outputs, theirs.outputs, may_add=not question.exactly)
    if difference is None:
        return question.answer(scenario.name, Verdict.REFACTOR)
    if scenario.dtype is not None and not question.exactly and difference.error < float("inf"):
        note = "its bits are other ones: how exact it is, is asked beside float64"
        return question.answer(scenario.name, Verdict.SKIPPED, note)
    bound = 0.0 if question.exactly else max(_rule(theirs.outputs), question.tolerance)
    note = question.reason if difference.error <= bound and question.tolerance else ""
    if 0 < bound < difference.error < float("inf"):
        bound = max(bound, numerics.RESPONSE * response(other, scenario, given))
        note = "raised: the model answers a last bit of its weights so"
    if difference.error > bound and not question.exactly and _throw_dice(mine, theirs, scenario):
        quiet = replace(scenario, name=f"{scenario.name}, no dropout", training=False)
        other.record(quiet, given)
        found = compare_runs(question, one, other, quiet, given)
        note = "; ".join(filter(None, ("dropout differs: compared without", found.note)))
        return replace(found, check=scenario.name, note=note)
    if bound > numerics.SENSELESS:
        note = f"it answers a last bit of its weights with {bound / numerics.RESPONSE:.0e}"
        return question.answer(scenario.name, Verdict.VACUOUS, note, (), difference.error, bound)
    if difference.error <= bound:
        return question.answer(
            scenario.name, Verdict.WITHIN_NOISE, note, (), difference.error, bound
        )
    if not question.locate:
        return question.answer(scenario.name, Verdict.DIVERGED, difference.message)
    layers: tuple[Layer, ...] = ()
    try:
        message, places = locating.first_divergence(one, other, scenario, given)
        layers = unlike.by_layer(one, other, scenario, given)
    except Exception as error:  # what a run has changed about a model may keep it from another
        message, places = f"a second run failed: {type(error).__name__}: {first_line(error)}", ()
    note = "; ".join(filter(None, (difference.message, message)))
    found = question.answer(
        scenario.name, Verdict.DIVERGED, note, places, difference.error, bound or None
    )
    return replace(found, trace=unlike.beside(mine.program, theirs.program), layers=layers)


def _throw_dice(mine: Recording, theirs: Recording, scenario: Scenario) -> bool:
    """Do two implementations draw the same random numbers, which they may do in another order?"""
    drawn = [_drawn(each) for each in (mine, theirs)]
    return scenario.training and drawn[0] == drawn[1] != Counter()


def _drawn(recording: Recording) -> Counter[tuple[object, ...]]:
    """How often what is called, with which probabilities."""
    return Counter(
        (each.name, *(given for given in each.arguments if not isinstance(given, tuple)))
        for each in recording.program.operations
        if each.draws
    )


def response(instance: Instance, scenario: Scenario, given: Inputs) -> float:
    """How much the outputs move if each weight moves by one unit in its last place."""
    expected = instance.record(scenario, given).outputs
    with numerics.nudged(instance.model):
        actual = instance.run(scenario, given)
    found = numerics.furthest(actual, expected)
    return 0.0 if found is None or found.error == float("inf") else found.error


def _other_values(mine: Recording, theirs: Recording) -> bool:
    """A program proves nothing where its outputs differ all the same: state outside of it."""
    return numerics.furthest(mine.outputs, theirs.outputs) is not None


def _rule(outputs: Any) -> float:
    dtypes = {each.dtype for each in tensors(outputs).values() if each.is_floating_point()}
    return max((numerics.bound_of(dtype) for dtype in dtypes), default=0.0)


def _nothing_compared(outputs: Any) -> str:
    """Why these outputs would agree with anything; empty if they would not."""
    found = [each for each in tensors(outputs).values() if each.is_floating_point()]
    if not any(each.numel() for each in found):
        return "there are no numbers among the outputs"
    if not any(bool(each.isfinite().all()) and bool(each.any()) for each in found):
        return "no output is finite and other than zero"
    return ""


def failure(instance: Instance, error: Exception) -> tuple[str, tuple[Place, ...]]:
    return failed(instance.side, error)


def failed(side: Side, error: Exception) -> tuple[str, tuple[Place, ...]]:
    """What went wrong, and the innermost line of the side's own code on the way there."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        role = side.files.get(path)
        if role is not None:
            places.append(locating.place(role, path, trace.tb_lineno))
        trace = trace.tb_next
    return f"{side.role}: {type(error).__name__}: {first_line(error)}", tuple(places[-1:])


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else ""
