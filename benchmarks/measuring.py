"""What whole processes cost: seconds of processor time, seconds on the clock, and memory."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

REPOSITORY = Path(__file__).parents[1]
_EVERY = 0.02
"""Seconds between two looks at the memory."""


class MeasuringFailed(Exception):
    """A process that was to be measured did not do its work; the message says what it printed."""


@dataclass(frozen=True)
class Cost:
    """Seconds that a process and all that it started took, and their memory at its peak."""

    cpu: float
    wall: float
    peak: int = 0
    """Bytes, pages that processes share counted once; 0 where nobody looked."""


@dataclass(frozen=True)
class Process:
    """A command to measure on so many cores; `prepare` is called before each run, uncounted."""

    command: Sequence[str]
    cores: int = 1
    folder: Path = REPOSITORY
    prepare: Callable[[], object] = lambda: None
    looks_at_memory: bool = False
    codes: tuple[int, ...] = (0,)


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def unravel(*arguments: str) -> list[str]:
    """The command line of this repository's unravel, also where another one is installed."""
    return python("-m", "unravel", *arguments)


def measure(processes: Mapping[str, Process], repeat: int) -> dict[str, Cost]:
    """The medians of `repeat` runs of each process.

    They take turns, so that a busy minute of the machine falls on all of them. Memory is measured
    in a run of its own, because looking at it takes time, too.
    """
    runs: dict[str, list[Cost]] = {name: [] for name in processes}
    for _ in range(repeat):
        for name, process in processes.items():
            runs[name].append(run(process))
    return {
        name: Cost(
            median(each.cpu for each in costs),
            median(each.wall for each in costs),
            peak(processes[name]) if processes[name].looks_at_memory else 0,
        )
        for name, costs in runs.items()
    }


def run(process: Process) -> Cost:
    """One run, from the start of the process to its end."""
    process.prepare()
    with _started(process) as (running, began):
        # The times of this child and of the children that it waited for, and of nobody else.
        _, status, used = os.wait4(running.pid, 0)
        wall = time.perf_counter() - began
        running.returncode = os.waitstatus_to_exitcode(status)
    return Cost(used.ru_utime + used.ru_stime, wall)


def peak(process: Process) -> int:
    """The most memory that the process and all that it started held at the same time."""
    process.prepare()
    highest = 0
    with _started(process) as (running, _):
        while running.poll() is None:
            highest = max(highest, sum(map(_memory, _processes_of(running.pid))))
            time.sleep(_EVERY)
    return highest


@contextmanager
def _started(process: Process) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    allowed = os.sched_getaffinity(0)
    if process.cores > len(allowed):
        raise MeasuringFailed(f"{process.cores} cores are to be measured, and {len(allowed)} here")
    # A child inherits the cores, and so do its own children.
    os.sched_setaffinity(0, sorted(allowed)[: process.cores])
    try:
        began = time.perf_counter()
        running = subprocess.Popen(
            process.command,
            cwd=process.folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    finally:
        os.sched_setaffinity(0, allowed)
    yield running, began
    assert running.stderr is not None
    said = running.stderr.read().decode("utf-8", "replace")
    running.stderr.close()
    if running.returncode not in process.codes:
        words = " ".join(process.command)
        raise MeasuringFailed(f"`{words}` ended with code {running.returncode}:\n{said[-2000:]}")


def _environment() -> dict[str, str]:
    """What an installed unravel finds: modules that are compiled, whatever is set here."""
    found = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    compiled = os.path.join(tempfile.gettempdir(), f"unravel-bench-{os.getuid()}-compiled")
    return {
        **found,
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONPYCACHEPREFIX": compiled,
        "COLUMNS": "200",
    }


def _processes_of(session: int) -> Iterator[int]:
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                # The name in parentheses may hold anything; the session comes fourth behind it.
                stat = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
                if int(stat[3]) == session:
                    yield int(entry)


def _memory(process: int) -> int:
    """The proportional set size: what several processes share is divided among them."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
