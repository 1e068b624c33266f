"""Models are converted in this process, or in several."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from types import TracebackType

from unravel.converter import convert
from unravel.diagnostics import Place, diagnose
from unravel.reading import Loader
from unravel.types import Converted, Failed, Refused

_REPORT = "this is a defect of unravel; please report it with the modular file"


def convert_one(source: str, loader: Loader) -> Converted | Failed:
    """What becomes of the modular file at `source`. Never raises: a defect of ours is a failure."""
    try:
        modular = loader.load(source)
        if modular is None:
            return Failed(source, (diagnose("UNR001", Place(source, 0, 0), "no such file"),))
        return convert(modular, loader.settings, loader.load)
    except Refused as refused:
        return Failed(source, (refused.diagnostic,))
    except Exception as error:
        return defect(source, error)


def defect(source: str, error: BaseException) -> Failed:
    """The failure to report where unravel itself is wrong."""
    message = f"unravel itself failed: {type(error).__name__}: {error}".rstrip(": ")
    hint = _REPORT
    if os.environ.get("UNRAVEL_DEBUG") == "1":
        hint += "\n" + "".join(traceback.format_exception(error)).rstrip()
    return Failed(source, (diagnose("UNR901", Place(source, 0, 0), message, hint=hint),))


@contextmanager
def without_collector() -> Iterator[None]:
    """Syntax trees are many objects without cycles: looking for some takes half of a run."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def count_jobs(jobs: int) -> int:
    """How many workers `jobs` asks for; 0 is one a core that we may use."""
    if jobs:
        return jobs
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Workers:
    """Converts models; with `jobs` above 1, in that many processes that live until the end."""

    def __init__(self, loader: Loader, *, jobs: int) -> None:
        self._loader = loader
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def convert(self, sources: Sequence[str]) -> Iterator[Converted | Failed]:
        """The outcomes of `sources`, as they come. Give the longest ones first."""
        if self._jobs < 2 or (len(sources) < 2 and self._pool is None):
            yield from (convert_one(source, self._loader) for source in sources)
            return
        if self._pool is None:
            self._pool = _start(self._loader, self._jobs)
        lost = yield from _collect(self._pool, sources)
        if lost:
            # One of them has killed its worker. Alone, it harms no other.
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
            for source in lost:
                yield self._convert_alone(source)

    def _convert_alone(self, source: str) -> Converted | Failed:
        with _start(self._loader, 1) as pool:
            try:
                return pool.submit(_convert_here, source).result()
            except BrokenProcessPool:
                return defect(source, RuntimeError("the worker process died"))


def _collect(
    pool: ProcessPoolExecutor, sources: Sequence[str]
) -> Generator[Converted | Failed, None, list[str]]:
    """Yields outcomes; returns the sources that were lost with a worker."""
    waiting: dict[Future[Converted | Failed], str] = {}
    lost = []
    try:
        for source in sources:
            waiting[pool.submit(_convert_here, source)] = source
    except BrokenProcessPool:
        lost = list(sources[len(waiting) :])
    for future in as_completed(waiting):
        try:
            outcome = future.result()
        except BrokenProcessPool:
            lost.append(waiting[future])
        except Exception as error:
            # The outcome could not travel between the processes.
            yield defect(waiting[future], error)
        else:
            yield outcome
    return sorted(lost)


# -- in a worker process -------------------------------------------------------------------------

_loader: Loader | None = None


def _start(loader: Loader, jobs: int) -> ProcessPoolExecutor:
    # A forked worker inherits the outlines that were read so far.
    method = "fork" if sys.platform == "linux" else "spawn"
    context = multiprocessing.get_context(method)
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(loader,))


def _begin(loader: Loader) -> None:
    global _loader
    _loader = loader
    gc.disable()
    # Ctrl-C is the main process' business: it tells us to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed main process cannot tell us; without it there is nobody to work for."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _convert_here(source: str) -> Converted | Failed:
    assert _loader is not None, "a worker begins with its loader"
    return convert_one(source, _loader)
