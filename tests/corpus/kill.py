"""`kill -9` in the midst of conversions: no half-written file, and the next run completes it.

`python -m tests.corpus.kill [--times N] [MODEL ...]` kills the whole process group of a conversion
N times. After each kill every generated file must be blank or complete. Then it runs to the end:
every file must be complete and no other file may be left behind.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.corpus.conversion import Run, command, convert, environment
from tests.corpus.release import FetchFailed, Release, fetch
from tests.corpus.tree import Corpus, blank, files, lay_out, snapshot, survey


class NotSafe(Exception):
    """A kill left something behind that it must not; the message says what."""


@dataclass(frozen=True)
class Bed:
    """Where conversions are killed: a tree, and a folder for all that they keep outside of it."""

    corpus: Corpus
    tree: Path
    ruff: Path

    @property
    def outside(self) -> Path:
        return self.tree.with_name(f"{self.tree.name}-outside")

    @property
    def variables(self) -> dict[str, str]:
        return {"TMPDIR": str(self.outside), "XDG_CACHE_HOME": str(self.outside / "cache")}

    def lay_out(self) -> None:
        lay_out(self.corpus, self.tree)
        shutil.rmtree(self.outside, ignore_errors=True)
        self.outside.mkdir()

    def blank(self) -> None:
        blank(self.corpus, self.tree)

    def now(self) -> dict[str, bytes]:
        return snapshot(self.tree, self.corpus.generated)

    def present(self) -> frozenset[str]:
        """All files in and outside of the tree, generated or not."""
        return files(self.tree) | {f"outside/{path}" for path in files(self.outside)}

    def convert(self) -> Run:
        return convert(self.tree, self.ruff, self.corpus.modular, variables=self.variables)

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command(self.tree, self.ruff, self.corpus.modular),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(self.variables),
            cwd=self.tree,
            start_new_session=True,
        )


@dataclass(frozen=True)
class Goal:
    """What a conversion that nobody kills makes of a blanked tree."""

    blank: dict[str, bytes]
    complete: dict[str, bytes]
    present: frozenset[str]
    exit_code: int
    seconds: float


def check(bed: Bed, *, times: int, seed: int = 0) -> int:
    """Kill `times` conversions; returns how many of them had begun to write. Raises NotSafe."""
    chance = random.Random(seed)
    goal = _goal(bed)
    print(f"not killed: {goal.seconds:.1f} s, exit code {goal.exit_code}", flush=True)
    changing = [path for path in goal.blank if goal.blank[path] != goal.complete[path]]
    interrupted = 0
    for number in range(1, times + 1):
        bed.blank()
        # Half of the kills fall anywhere in the run; the others just as files are being written,
        # which is a small part of the time.
        if number % 2:
            moment = chance.uniform(0, goal.seconds)
            _kill_after(bed, seconds=moment)
            when = f"after {moment:.2f} s"
        else:
            awaited = chance.choice(changing)
            _kill_when_written(bed, awaited=awaited, size=len(goal.blank[awaited]))
            when = f"as {awaited} was written"
        done = _check_left(bed, goal)
        interrupted += 0 < done < len(changing)
        print(f"kill {number}, {when}: {done} of {len(changing)} complete", flush=True)
        if chance.random() < 0.2 or number == times:
            _check_completed(bed, goal)
            print("the next run: all complete, nothing left over", flush=True)
    return interrupted


def _goal(bed: Bed) -> Goal:
    bed.lay_out()
    before = bed.now()
    run = bed.convert()
    after = bed.now()
    if after == before:
        raise NotSafe(f"the conversion wrote nothing: {run.output[-2000:]}")
    return Goal(before, after, bed.present(), run.exit_code, run.wall_seconds)


def _kill_after(bed: Bed, *, seconds: float) -> None:
    process = bed.start()
    time.sleep(seconds)
    _kill(process)


def _kill_when_written(bed: Bed, *, awaited: str, size: int) -> None:
    process = bed.start()
    while process.poll() is None and (bed.tree / awaited).stat().st_size == size:
        time.sleep(0.0002)
    _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    # The group outlives its leader for as long as one of the workers does.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _check_left(bed: Bed, goal: Goal) -> int:
    """How many files were written. Raises NotSafe if one is neither blank nor complete."""
    now = bed.now()
    torn = [path for path in now if now[path] not in (goal.blank[path], goal.complete[path])]
    if torn:
        raise NotSafe(f"neither blank nor complete: {', '.join(torn)}")
    return sum(now[path] != goal.blank[path] for path in now)


def _check_completed(bed: Bed, goal: Goal) -> None:
    run = bed.convert()
    now = bed.now()
    unfinished = ", ".join(path for path in now if now[path] != goal.complete[path])
    if unfinished or run.exit_code != goal.exit_code:
        raise NotSafe(f"the next run ended in {run.exit_code} and did not complete {unfinished}")
    strange = bed.present() ^ goal.present
    if strange:
        raise NotSafe(f"after the next run, left over or lost: {', '.join(sorted(strange))}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.kill", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--times", type=int, default=30, help="default %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    options = parser.parse_args(arguments)
    release = Release()
    try:
        fetch(release)
        corpus = survey(release.expected)
        chosen = corpus.of_models(options.models) if options.models else corpus
        bed = Bed(chosen, release.tree, release.ruff)
        interrupted = check(bed, times=options.times, seed=options.seed)
    except (FetchFailed, LookupError, NotSafe) as error:
        print(error.args[0], file=sys.stderr)
        return 1
    print(f"{options.times} kills, {interrupted} of them between the first file and the last")
    return 0


if __name__ == "__main__":
    sys.exit(main())
