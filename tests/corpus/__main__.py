"""`make corpus`: convert all modular files of a release and compare with what it ships."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.corpus.comparing import Comparison, compare, drift, listed, write_list
from tests.corpus.conversion import Run, convert, findings
from tests.corpus.release import COUNTS, RUFF_VERSION, VERSION, FetchFailed, Release, fetch
from tests.corpus.tree import Corpus, lay_out, survey


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.list and (options.only or options.version != VERSION):
        print(f"--list needs a whole run over {VERSION}", file=sys.stderr)
        return 2
    release = Release(options.version, options.ruff_version)
    try:
        fetch(release)
    except FetchFailed as error:
        print(f"The corpus could not be fetched: {error}", file=sys.stderr)
        return 2
    if options.fetch:
        return 0
    corpus = survey(release.expected)
    print(f"transformers {release.version}: {_counted(corpus)}", flush=True)
    if not counts_hold(release.version, corpus):
        return 2
    try:
        chosen = corpus.of_models(options.only) if options.only else corpus
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    lay_out(corpus, release.tree)
    jobs = ["--jobs", str(options.jobs)] if options.jobs else []
    run = convert(release.tree, release.ruff, [*options.only, *jobs])
    comparison = compare(chosen, release.tree)
    if options.list:
        drifted = _update_list(comparison, may_grow=options.may_grow)
    elif options.only or options.version != VERSION:
        drifted = bool(comparison.unlike)
    else:
        drifted = _print_drift(comparison)
    print(report(chosen, comparison, run))
    return 1 if drifted or run.exit_code not in (0, 2) else 0


def counts_hold(version: str, corpus: Corpus) -> bool:
    """Whether the release has the files that it is known to have; prints if it has not."""
    known = COUNTS.get(version)
    if known is None or known == (len(corpus.modular), len(corpus.generated)):
        return True
    print(f"expected {known[0]} modular files and {known[1]} generated files", file=sys.stderr)
    return False


def report(corpus: Corpus, comparison: Comparison, run: Run) -> str:
    """All that is worth knowing of one run, the summary last."""
    total = len(corpus.generated)
    lines = []
    for path, difference in comparison.differing.items():
        lines += [f"{path}:{difference.line}: differs", *_indented(str(difference))]
    failed = {corpus.sources[path] for path in comparison.missing}
    blocks = {source: block for source, block in findings(run.output).items() if source in failed}
    for source in sorted(failed):
        lines += [f"{source}: not converted", *_indented("\n".join(blocks.get(source, [])))]
    if run.exit_code not in (0, 2) or failed - blocks.keys():
        lines += ["The end of what the conversion printed:", *_indented(run.output[-4000:])]
    lines += [
        f"{len(comparison.identical)} of {total} generated files are identical, "
        f"{len(comparison.differing)} differ, {len(comparison.missing)} were not written "
        f"({len(failed)} of {len(corpus.modular)} modular files failed)",
        f"exit code {run.exit_code}, {run.wall_seconds:.1f} s, "
        f"{run.cpu_seconds:.1f} s of processor time, "
        f"{run.peak_bytes / 2**20:.0f} MiB at most in one process",
    ]
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.corpus", description=__doc__)
    parser.add_argument("--version", default=VERSION, help="the release (default %(default)s)")
    parser.add_argument("--ruff-version", default=RUFF_VERSION, help="default %(default)s")
    parser.add_argument("--only", nargs="+", default=[], metavar="MODEL")
    parser.add_argument("--jobs", type=int, default=0, help="default: as many as unravel takes")
    parser.add_argument("--fetch", action="store_true", help="fetch what is missing, and stop")
    parser.add_argument(
        "--list", action="store_true", help="strike from differing.txt what no longer differs"
    )
    parser.add_argument(
        "--may-grow", action="store_true", help="with --list: also add what differs newly"
    )
    return parser


def _counted(corpus: Corpus) -> str:
    return f"{len(corpus.modular)} modular files, {len(corpus.generated)} generated files"


def _indented(text: str) -> list[str]:
    return [f"    {line}" for line in text.splitlines()]


def _print_drift(comparison: Comparison) -> bool:
    found = drift(comparison.unlike, listed())
    if found is not None:
        print(found)
    return found is not None


def _update_list(comparison: Comparison, *, may_grow: bool) -> bool:
    refused = write_list(comparison.unlike, may_grow=may_grow)
    for path in refused:
        print(f"{path} differs and was not listed; the list may only shrink", file=sys.stderr)
    return bool(refused)


if __name__ == "__main__":
    sys.exit(main())
