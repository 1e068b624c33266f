"""Work in processes of its own: forked from one that has loaded everything, and limited.

A fork takes milliseconds where importing torch and transformers takes seconds. One model that
crashes, hangs or eats the memory costs that model alone.
"""

from __future__ import annotations

import os
import pickle
import resource
import selectors
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Of each process: seconds that it computes, and bytes beyond those there when it was forked.

    A busy machine takes longer for the same: a process may last `patience` times as long.
    """

    seconds: int = 120
    memory: int = 6 * 2**30
    patience: int = 5

    @property
    def longest(self) -> int:
        return self.seconds * self.patience


@dataclass(frozen=True, slots=True)
class Lost:
    """There is no result, and why."""

    reason: str
    seconds: float


@dataclass(slots=True)
class _Child:
    name: str
    pid: int
    began: float
    received: bytearray = field(default_factory=bytearray)


def run_each(
    names: Sequence[str],
    work: Callable[[str], T],
    *,
    jobs: int = 1,
    limits: Limits | None = None,
) -> Iterator[tuple[str, T | Lost]]:
    """`work(name)` for each of `names`, as they are done; `jobs` of them at a time."""
    limits = limits or Limits()
    waiting = deque(names)
    with selectors.DefaultSelector() as selector:
        running: dict[int, _Child] = {}
        try:
            while waiting or running:
                while waiting and len(running) < max(1, jobs):
                    reader, child = _start(waiting.popleft(), work, limits)
                    running[reader] = child
                    selector.register(reader, selectors.EVENT_READ)
                for key, _ in selector.select(timeout=0.2):
                    reader = int(key.fd)
                    chunk = os.read(reader, 1 << 20)
                    running[reader].received += chunk
                    if not chunk:
                        selector.unregister(reader)
                        yield _finished(reader, running.pop(reader), limits)
                _end_late(running, limits)
        finally:
            for child in running.values():
                os.kill(child.pid, signal.SIGKILL)
                os.waitpid(child.pid, 0)


def _start(name: str, work: Callable[[str], T], limits: Limits) -> tuple[int, _Child]:
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(writer)
        return reader, _Child(name, pid, time.monotonic())
    os.close(reader)
    code = 1
    try:
        _limit(limits)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        payload = pickle.dumps(work(name))
        with os.fdopen(writer, "wb") as stream:
            stream.write(payload)
        code = 0
    except MemoryError:
        code = _NO_MEMORY
    finally:
        os._exit(code)


_NO_MEMORY = 77


def _limit(limits: Limits) -> None:
    with open("/proc/self/statm", encoding="ascii") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = size + limits.memory
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.seconds, limits.seconds + 1))


def _finished(reader: int, child: _Child, limits: Limits) -> tuple[str, Any]:
    os.close(reader)
    _, status = os.waitpid(child.pid, 0)
    seconds = time.monotonic() - child.began
    if os.waitstatus_to_exitcode(status) == 0 and child.received:
        return child.name, pickle.loads(bytes(child.received))
    return child.name, Lost(_reason(status, seconds, limits), seconds)


def _reason(status: int, seconds: float, limits: Limits) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code == _NO_MEMORY:
        return f"it wants more than {limits.memory / 2**30:.1f} GiB of memory"
    if code == -signal.SIGXCPU:
        return f"it was still computing after {limits.seconds} s of a processor's time"
    if code == -signal.SIGKILL and seconds >= limits.longest:
        return f"it was still there after {limits.longest} s"
    if code < 0:
        return f"it was ended by {signal.Signals(-code).name}"
    return f"its process ended with code {code}"


def _end_late(running: dict[int, _Child], limits: Limits) -> None:
    for child in running.values():
        if time.monotonic() - child.began > limits.longest:
            os.kill(child.pid, signal.SIGKILL)
