"""One run over a project, from its folder to the outcomes; what it takes is loaded at need."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from unravel.config import find_root
from unravel.orphans import find_orphans
from unravel.outcomes import Run
from unravel.recall import open_cache, open_recall
from unravel.selection import Project, failed, open_project, select
from unravel.types import Failed, Settings
from unravel.writing import locked, recover, state_folder


def convert(
    *,
    root: str | Path | None = None,
    models: Sequence[str] = (),
    profile: str | None = None,
    settings: Settings | None = None,
    jobs: int | None = 1,
    ruff: str = "",
    force: bool = False,
    write: bool = True,
    cache: bool | str | Path = False,
    skip: bool = False,
    keep: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    on_wait: Callable[[], None] = lambda: None,
) -> Run:
    """Convert the modular files of the project at `root`, and write what has changed.

    `models` are names of models or paths of modular files; none means all. Without `root`, it is
    found from the current folder upwards; without `settings`, they are read from its
    pyproject.toml. `jobs` is the number of worker processes: 0 for one a core, None for what
    the settings say. With `force`, files that unravel did not generate are overwritten too.
    With `write` off, nothing on disk changes. `cache` names the folder in which results are kept
    from run to run; True is the one of the settings. With `skip`, a model of which the cache knows
    that all its files are in sync is `Unchanged`, and they are not even read. With `keep`, what was
    read stays in memory until the process ends, which takes less time than to take it apart.
    `on_progress` hears how many models of how many are done; `on_wait`, that another run is
    awaited.

    What is wrong with the user's files is not raised: it is a `Failed` among the outcomes.
    """
    folder = Path(os.path.abspath(root)) if root else find_root(Path.cwd(), profile=profile)
    project = open_project(folder, profile, settings, ruff)
    if isinstance(project, Failed):
        return Run(str(folder), (project,), began=False)
    try:
        with ExitStack() as stack:
            state = stack.enter_context(_writable(project, on_wait)) if write else None
            # Looked for only now: another run may have been waited for.
            selection = select(project, models)
            if not selection.selected:
                return Run(str(folder), selection.unknown, began=False)
            recall = open_recall(open_cache(project.settings, folder, cache), selection)
            orphans = () if models else find_orphans(selection, recall)
            if recall is not None:
                stack.callback(recall.close)
                if skip:
                    recall.find_unchanged(selection.selected)
                    unchanged = [recall.unchanged.get(each) for each in selection.selected]
                    if all(unchanged):
                        return Run(str(folder), tuple(filter(None, unchanged)), orphans=orphans)
            # Loading the converter takes longer than all that was done so far.
            from unravel.project import Course

            scratch = stack.enter_context(_scratch(state))
            course = Course(selection, scratch, state, force, recall, on_progress)
            if keep:
                _kept.append(course)
            return Run(str(folder), course.run(jobs), orphans=orphans)
    except OSError as error:
        return Run(str(folder), (_unusable(error),), began=False)


def check(
    *,
    root: str | Path | None = None,
    models: Sequence[str] = (),
    profile: str | None = None,
    settings: Settings | None = None,
    jobs: int | None = 1,
    ruff: str = "",
    cache: bool | str | Path = False,
    skip: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """What `convert` would do, with nothing written: are the generated files in sync?"""
    return convert(
        root=root,
        models=models,
        profile=profile,
        settings=settings,
        jobs=jobs,
        ruff=ruff,
        write=False,
        cache=cache,
        skip=skip,
        on_progress=on_progress,
    )


_kept: list[object] = []
"""What is not to be taken apart before the process ends."""


@contextmanager
def _writable(project: Project, on_wait: Callable[[], None]) -> Iterator[Path]:
    """No other run writes now, and what a killed one has left is put in order."""
    state = state_folder(project.root)
    with locked(state, on_wait=on_wait):
        recover(state)
        yield state


_IN_MEMORY = "/dev/shm"
_ROOM = 2**30
"""Bytes that are to be free there: many times what the models of transformers take."""


@contextmanager
def _scratch(state: Path | None) -> Iterator[Path]:
    """A folder that is gone afterwards. A run that writes also removes what killed ones left."""
    base, prefix = _scratch_base(), "unravel-check-"
    if state is not None:
        prefix = f"unravel-{state.name}-"
        for killed in Path(base).glob(f"{prefix}*"):
            shutil.rmtree(killed, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=base, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _scratch_base() -> str:
    """Where scratch folders go: into memory, if the user says nothing else and there is room.

    A disk takes a second of processor time to make a folder for each of some hundred models.
    """
    if sys.platform == "linux" and not {"TMPDIR", "TEMP", "TMP"} & os.environ.keys():
        if os.path.isdir(_IN_MEMORY) and os.access(_IN_MEMORY, os.W_OK | os.X_OK):
            free = os.statvfs(_IN_MEMORY)
            if free.f_bavail * free.f_frsize >= _ROOM:
                return _IN_MEMORY
    return tempfile.gettempdir()


def _unusable(error: OSError) -> Failed:
    path = str(error.filename or tempfile.gettempdir())
    return failed("UNR404", path, f"unravel cannot use this: {error.strerror or error}")
