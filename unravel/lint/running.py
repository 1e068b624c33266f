"""One run of the linter over a project, from its folder to the report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from unravel.diagnostics import CODES
from unravel.lint.baseline import read_baseline, without_known
from unravel.lint.catalogue import UnknownCode, catalogue, chosen
from unravel.lint.explaining import info
from unravel.lint.fixing import Fixed, fix_unit
from unravel.lint.keeping import Kept, open_kept
from unravel.lint.linting import Linted, Located, confirmed, lint_unit, position
from unravel.lint.rule import Scope
from unravel.lint.units import Unit, units
from unravel.outcomes import FinishedFile
from unravel.reading import Loader, read_source
from unravel.recall import open_cache
from unravel.reports import Report
from unravel.selection import Project, failed, relative, select
from unravel.types import Diagnostic, Failed
from unravel.workers import Workers, count_jobs, without_collector
from unravel.writing import BOM, Write, locked, recover, state_folder, write_models


@dataclass(frozen=True, slots=True)
class Run:
    """What was found in the project at `root`.

    `subjects` are the files that were looked at; `failed` says what could not be.
    """

    root: str
    subjects: tuple[str, ...]
    findings: tuple[Located, ...]
    failed: tuple[Failed, ...]
    began: bool = True

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return tuple(each.diagnostic for each in self.findings)


@dataclass(frozen=True, slots=True)
class FixRun:
    """What fixing has come to; `files` are the files that change."""

    fixed: tuple[Fixed, ...]
    files: tuple[FinishedFile, ...]
    failed: tuple[Failed, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the linter: `requests` name models or files; no `codes` means all rules."""

    requests: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    baseline: str = ""
    """The path of a file with findings to leave out, in place of that of the settings."""
    jobs: int | None = 1
    cache: bool | str | Path = False


def lint(
    project: Project | Failed,
    wanted: Wanted,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Look through the project. What is wrong with the user's files is among the results."""
    if isinstance(project, Failed):
        return Run("", (), (), (project,), began=False)
    root = str(project.root)
    settings = project.settings
    try:
        codes = _codes(project, wanted)
    except UnknownCode as error:
        return Run(root, (), (), (failed("UNR010", "lint", str(error)),), began=False)
    found = units(select(project, ()), wanted.requests)
    if isinstance(found, Failed):
        return Run(root, (), (), (found,), began=False)
    cache = open_cache(settings, project.root, wanted.cache)
    kept = open_kept(cache, project, catalogue().keys()) if cache is not None else None
    with without_collector():
        results = _results(found, project, codes, wanted.jobs, kept, on_progress)
    if kept is not None:
        kept.close()
    done = [each for each in results if isinstance(each, Linted)]
    lost = tuple(each for each in results if isinstance(each, Failed))
    subjects = sorted({path for unit in found for path in unit.wanted})
    findings = sorted(
        (each for linted in confirmed(done) for each in linted.findings), key=position
    )
    return Run(root, tuple(subjects), tuple(findings), lost)


def _codes(project: Project, wanted: Wanted) -> frozenset[str]:
    settings = project.settings
    return chosen(wanted.select or settings.lint_select, (*wanted.ignore, *settings.lint_ignore))


def _results(
    found: Sequence[Unit],
    project: Project,
    codes: frozenset[str],
    jobs: int | None,
    kept: Kept | None,
    on_progress: Callable[[int, int], None],
) -> list[Linted | Failed]:
    """The results of all units, in their order; of each, all rules are run when one is."""
    known = {unit.name: kept.get(unit.name) for unit in found} if kept is not None else {}
    left = [unit for unit in found if known.get(unit.name) is None]
    results: dict[str, Linted | Failed] = {k: each for k, each in known.items() if each}
    count = _count(project, jobs, left)
    with Workers(loader_of(project), count=count) as workers:
        every = frozenset(catalogue()) if kept is not None else codes
        tasks = [partial(lint_unit, unit=_whole(unit), codes=every) for unit in left]
        futures = [
            workers.submit(task, unit.name, number * count // max(1, len(left)))
            for number, (task, unit) in enumerate(zip(tasks, left, strict=True))
        ]
        for number, (unit, task, future) in enumerate(zip(left, tasks, futures, strict=True)):
            result = workers.result(future, task, unit.name)
            results[unit.name] = result
            if kept is not None and isinstance(result, Linted):
                kept.put(result)
            on_progress(number + 1, len(left))
    return [_narrowed(results[unit.name], unit, codes) for unit in found]


_WORTH_A_WORKER = 4
"""Units; for fewer, starting another process takes longer than looking at them."""


def _count(project: Project, jobs: int | None, left: Sequence[Unit]) -> int:
    wanted = count_jobs(project.settings.jobs if jobs is None else jobs)
    return max(1, min(wanted, len(left) // _WORTH_A_WORKER))


def _whole(unit: Unit) -> Unit:
    return replace(unit, wanted=frozenset(unit.paths))


def _narrowed(result: Linted | Failed, unit: Unit, codes: frozenset[str]) -> Linted | Failed:
    """Less what was not asked for; diagnostics of the converter belong to no rule."""
    if isinstance(result, Failed):
        return result
    known = catalogue()
    findings = tuple(
        each
        for each in result.findings
        if each.diagnostic.path in unit.wanted
        and (each.diagnostic.code in codes or each.diagnostic.code not in known)
    )
    return replace(result, findings=findings)


def loader_of(project: Project) -> Loader:
    """Gives out the modules of the project as they lie on disk."""
    # Generated parents are read from disk, as they are: without owners, nothing else is generated.
    return Loader(str(project.root), os.devnull, project.settings, {})


def fix(
    project: Project | Failed,
    run: Run,
    wanted: Wanted,
    *,
    write: bool,
    on_wait: Callable[[], None] = lambda: None,
) -> FixRun:
    """Fix what `run` has found and can be fixed; with `write` off, only say what would change."""
    assert isinstance(project, Project), "the run has looked at it"
    rules = [catalogue()[code] for code in _codes(project, wanted)]
    codes = frozenset(r.code for r in rules if r.promise and r.scope is Scope.MODULAR)
    found = units(select(project, ()), wanted.requests)
    assert not isinstance(found, Failed), "the run has looked at them"
    broken = {f.diagnostic.path for f in run.findings if f.diagnostic.code in codes}
    left = [unit for unit in found if broken.intersection(unit.paths)]
    count = _count(project, wanted.jobs, left)
    with without_collector(), Workers(loader_of(project), count=count) as workers:
        tasks = [partial(fix_unit, unit=unit, codes=codes) for unit in left]
        futures = [
            workers.submit(task, unit.name, number * count // max(1, len(left)))
            for number, (task, unit) in enumerate(zip(tasks, left, strict=True))
        ]
        results = [
            workers.result(future, task, unit.name)
            for future, task, unit in zip(futures, tasks, left, strict=True)
        ]
    fixed = tuple(each for each in results if isinstance(each, Fixed))
    lost = tuple(each for each in results if isinstance(each, Failed))
    files = tuple(finished(project, path, t) for each in fixed for path, t in each.texts.items())
    if write:
        lost += written(project, files, on_wait)
    return FixRun(fixed, files, lost)


def written(
    project: Project, files: Sequence[FinishedFile], on_wait: Callable[[], None] = lambda: None
) -> tuple[Failed, ...]:
    """Write all `files` or none; returns why not."""
    if not files:
        return ()
    state = state_folder(project.root)
    with locked(state, on_wait=on_wait):
        recover(state)
        writes = [Write(str(project.root / f.path), f.content, f.before) for f in files]
        errors = [error for error in write_models([writes], state=state) if error is not None]
    return tuple(
        failed(
            "UNR404",
            relative(error.file, project.root),
            f"the file cannot be written: {error.reason}",
        )
        for error in errors
    )


def finished(project: Project, path: str, text: str) -> FinishedFile:
    """The file at `path` with `text` in place of its own."""
    file = project.root / path
    source = read_source(str(file), path)
    content = ((BOM if source.bom else "") + source.with_line_ends(text)).encode("utf-8")
    return FinishedFile(path, "", content, file.read_bytes())


# -- what is shown -------------------------------------------------------------------------------


def baseline_file(wanted: Wanted, project: Project | Failed) -> Path | None:
    """Where the baseline is or will be, if one is wanted."""
    if wanted.baseline:
        return Path(wanted.baseline)
    if isinstance(project, Failed) or not project.settings.lint_baseline:
        return None
    return project.root / project.settings.lint_baseline


def without_baseline(
    run: Run, wanted: Wanted, project: Project | Failed
) -> tuple[tuple[Diagnostic, ...], int]:
    """The findings that the baseline does not list, and how many it does. May raise
    `BaselineError`."""
    file = baseline_file(wanted, project)
    if file is None or not run.began:
        return run.diagnostics, 0
    shown = without_known(run.diagnostics, read_baseline(file))
    return shown, len(run.diagnostics) - len(shown)


def statistics(shown: Iterable[Diagnostic]) -> Iterator[str]:
    """A line for each code: how often, and what it is."""
    counts = Counter(each.code for each in shown)
    for code, count in sorted(counts.items()):
        rule = catalogue().get(code)
        yield f"{count:6}  {code}  {rule.name if rule is not None else CODES[code]}"


def report(run: Run, shown: Sequence[Diagnostic], hidden: int) -> Report:
    """What formats are made from."""
    import unravel

    rules = tuple(info(rule) for rule in catalogue().values())
    failures = tuple(found for each in run.failed for found in each.diagnostics)
    numbers = {"hidden": hidden}
    everything = (*failures, *shown)
    return Report("lint", run.subjects, everything, rules, unravel.__version__, numbers)


def exit_code(run: Run, shown: Sequence[Diagnostic]) -> int:
    """0 where nothing was found, 1 where something was, 2 where something was not looked at."""
    if run.failed or not run.subjects or any(each.code not in catalogue() for each in shown):
        return 2
    return 1 if shown else 0
