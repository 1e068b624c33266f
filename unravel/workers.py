"""Models are read and converted in this process, or in several."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

from unravel.converter import convert
from unravel.diagnostics import Place, diagnose
from unravel.nearby import with_nearest_module
from unravel.parents import is_known_by_imports, parent_paths
from unravel.reading import Loader
from unravel.types import Converted, Failed, Refused

T = TypeVar("T")

_REPORT = "this is a defect of unravel; please report it with the modular file"


@dataclass(frozen=True, slots=True)
class Read:
    """The imports of the modular file `source` were read: the paths of its parent modules."""

    source: str
    parents: tuple[str, ...]


Task: TypeAlias = "Callable[[str, Loader], T | Failed]"


def read_one(source: str, loader: Loader) -> Read | Failed:
    """Which modules `source` extends. Never raises, as `convert_one`."""
    try:
        modular = loader.load_imports(source)
        if modular is not None and not is_known_by_imports(modular):
            modular = loader.load(source)
        if modular is None:
            return _missing(source, loader)
        return Read(source, parent_paths(modular, loader.settings, loader.exists))
    except Refused as refused:
        return Failed(source, (refused.diagnostic,))
    except Exception as error:
        return defect(source, error)


def convert_one(source: str, loader: Loader) -> Converted | Failed:
    """What becomes of the modular file at `source`. Never raises: a defect of ours is a failure."""
    try:
        loader.lookups.clear()
        loader.make_room()
        modular = loader.load(source)
        if modular is None:
            return _missing(source, loader)
        outcome = convert(modular, loader.settings, loader.load)
        if isinstance(outcome, Failed):
            return with_nearest_module(outcome, modular, loader.settings, loader.root)
        # What is built on this model is built on what it has become.
        loader.forget(source)
        return replace(outcome, lookups=tuple(sorted(loader.lookups.items())))
    except Refused as refused:
        return Failed(source, (refused.diagnostic,))
    except Exception as error:
        return defect(source, error)


def _missing(source: str, loader: Loader) -> Failed:
    is_link = os.path.islink(os.path.join(loader.root, source))
    message = "this is a link that leads nowhere" if is_link else "there is no such file"
    return Failed(source, (diagnose("UNR001", Place(source, 0, 0), message),))


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


class Here(Executor):
    """Does at once, in this thread, what is submitted."""

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Workers:
    """Runs tasks on models; with more than one, each worker is a process of its own.

    What a worker has read it need not read again, so it matters which one gets a model.
    """

    def __init__(self, loader: Loader, *, count: int) -> None:
        self._loader = loader
        self.count = count
        self._executors: list[Executor] = [Here()]
        if count > 1:
            self._executors = [_start(loader) for _ in range(count)]

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for executor in self._executors:
            executor.shutdown(wait=True, cancel_futures=True)

    def submit(self, task: Task[T], source: str, worker: int) -> Future[T | Failed]:
        """Begin `task` on the modular file `source`."""
        if self.count == 1:
            return self._executors[0].submit(task, source, self._loader)
        try:
            return self._executors[worker].submit(_run_here, task, source)
        except BrokenProcessPool:
            self._executors[worker] = _start(self._loader)
            return self._executors[worker].submit(_run_here, task, source)

    def result(self, future: Future[T | Failed], task: Task[T], source: str) -> T | Failed:
        """The outcome of `task`, once it is there."""
        try:
            return future.result()
        except BrokenProcessPool:
            # This model or another has killed the worker. Alone, it harms no other.
            return self._run_alone(task, source)
        except Exception as error:
            # The outcome could not travel between the processes.
            return defect(source, error)

    def _run_alone(self, task: Task[T], source: str) -> T | Failed:
        with _start(self._loader) as executor:
            try:
                future: Future[T | Failed] = executor.submit(_run_here, task, source)
                return future.result()
            except BrokenProcessPool:
                return defect(source, RuntimeError("the worker process died"))


# -- in a worker process -------------------------------------------------------------------------

_loader: Loader | None = None


def _start(loader: Loader) -> ProcessPoolExecutor:
    # A forked worker need not import anything.
    method = "fork" if sys.platform == "linux" else "spawn"
    context = multiprocessing.get_context(method)
    return ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(loader,))


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


def _run_here(task: Task[T], source: str) -> T | Failed:
    assert _loader is not None, "a worker begins with its loader"
    return task(source, _loader)
