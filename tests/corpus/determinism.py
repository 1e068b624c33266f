"""The same bytes, whatever the hash seed, the number of jobs and the order of the files.

`python -m tests.corpus.determinism [MODEL ...]` converts the corpus (or these models alone) once
for each way below, compares every generated file, and converts once more: that run must write
nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.corpus.conversion import Run, convert
from tests.corpus.release import FetchFailed, Release, fetch
from tests.corpus.tree import Corpus, files, lay_out, snapshot, survey


@dataclass(frozen=True)
class Way:
    """One way to run a conversion that must not show in what it writes."""

    hash_seed: int
    jobs: int
    backwards: bool = False

    def __str__(self) -> str:
        order = "files backwards" if self.backwards else "files in order"
        return f"hash seed {self.hash_seed}, --jobs {self.jobs}, {order}"


WAYS = (Way(0, 1), Way(1, 2), Way(2, 2, backwards=True))


class NotDeterministic(Exception):
    """Two runs wrote different files; the message names them."""


def check(corpus: Corpus, tree: Path, ruff: Path, *, ways: Iterable[Way] = WAYS) -> None:
    """Convert `corpus` in `tree` in each way. Raises NotDeterministic."""
    first: dict[str, bytes] = {}
    last = None
    for last in ways:
        lay_out(corpus, tree)
        run = _convert(corpus, tree, ruff, last)
        print(f"{last}: {run.wall_seconds:.1f} s, exit code {run.exit_code}", flush=True)
        written = snapshot(tree, corpus.generated)
        first = first or written
        unlike = [path for path, content in written.items() if content != first[path]]
        if unlike:
            raise NotDeterministic(f"{last}: not as the first run wrote them: {', '.join(unlike)}")
    if last is not None:
        _check_second_run(corpus, tree, ruff, last)


def _check_second_run(corpus: Corpus, tree: Path, ruff: Path, way: Way) -> None:
    before, present = _stamps(corpus, tree), files(tree)
    run = _convert(corpus, tree, ruff, way)
    print(f"once more: {run.wall_seconds:.1f} s, exit code {run.exit_code}", flush=True)
    touched = sorted(path for path, stamp in _stamps(corpus, tree).items() if stamp != before[path])
    if touched:
        raise NotDeterministic(f"a second run wrote {', '.join(touched)}")
    if files(tree) != present:
        strange = ", ".join(sorted(files(tree) ^ present))
        raise NotDeterministic(f"a second run added or removed {strange}")


def _convert(corpus: Corpus, tree: Path, ruff: Path, way: Way) -> Run:
    # Named one by one even where they are all there are: an order has to be given to be reversed.
    named = sorted(corpus.modular, reverse=way.backwards)
    variables = {"PYTHONHASHSEED": str(way.hash_seed)}
    return convert(tree, ruff, ["--jobs", str(way.jobs), *named], variables=variables)


def _stamps(corpus: Corpus, tree: Path) -> dict[str, tuple[int, int]]:
    """What changes when a file is written: even with the same bytes, even by a rename."""
    stats = {path: (tree / path).stat() for path in corpus.generated}
    return {path: (stat.st_mtime_ns, stat.st_ino) for path, stat in stats.items()}


def main(models: Sequence[str]) -> int:
    release = Release()
    try:
        fetch(release)
        corpus = survey(release.expected)
        check(corpus.of_models(models) if models else corpus, release.tree, release.ruff)
    except (FetchFailed, LookupError, NotDeterministic) as error:
        print(error.args[0], file=sys.stderr)
        return 1
    print("the same bytes each time, and nothing written by the last run")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
