"""Are the generated files what a fresh conversion gives?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import unravel
from checks.report import Report, Result, Verdict
from unravel import (
    Diagnostic,
    Failed,
    Finished,
    FinishedFile,
    Outcome,
    Severity,
    State,
    Unchanged,
)

NAME = "sync"


def check_sync(
    *,
    root: str | Path | None = None,
    models: Sequence[str] = (),
    profile: str | None = None,
    jobs: int | None = 1,
    ruff: str = "",
    cache: bool | str | Path = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """A result for each generated file and each model that could not be converted."""
    run = unravel.check(
        root=root,
        models=models,
        profile=profile,
        jobs=jobs,
        ruff=ruff,
        cache=cache,
        skip=True,
        on_progress=on_progress,
    )
    results = tuple(result for each in run.outcomes for result in _results(each))
    return Report(run.root, results, run.began)


def _results(outcome: Outcome) -> Iterator[Result]:
    if isinstance(outcome, Failed):
        yield Result(NAME, outcome.source, Verdict.ERROR, outcome.diagnostics)
        return
    warnings = outcome.warnings
    for file in outcome.files:
        if isinstance(file, str):
            yield Result(NAME, file, Verdict.IN_SYNC, warnings)
        else:
            yield _result(outcome, file, warnings)
        warnings = ()


def _result(
    outcome: Finished | Unchanged, file: FinishedFile, warnings: tuple[Diagnostic, ...]
) -> Result:
    if file.state is State.UNCHANGED:
        return Result(NAME, file.path, Verdict.IN_SYNC, warnings)
    hint = f"run `unravel convert {outcome.model}`"
    if file.before is None:
        message = f"the file that {outcome.source} generates is missing"
        found = Diagnostic("UNR502", file.path, 0, 0, message, hint, severity=Severity.ERROR)
        verdict = Verdict.MISSING
    else:
        line, column, excerpt = _first_difference(file.before, file.content)
        message = f"the file is not what {outcome.source} generates"
        found = Diagnostic("UNR501", file.path, line, column, message, hint, excerpt)
        verdict = Verdict.OUT_OF_SYNC
    return Result(NAME, file.path, verdict, (*warnings, found), file.difference())


def _first_difference(before: bytes, after: bytes) -> tuple[int, int, str]:
    """Line and column of the first difference, and that line as it stands on disk."""
    old, new = (_lines(content.decode("utf-8", "replace")) for content in (before, after))
    line = _first_unequal(old, new)
    there = old[line] if line < len(old) else ""
    expected = new[line] if line < len(new) else ""
    return line + 1, _first_unequal(there, expected) + 1, there.rstrip("\r\n")


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _first_unequal(one: Sequence[str], two: Sequence[str]) -> int:
    shorter = min(len(one), len(two))
    return next((n for n in range(shorter) if one[n] != two[n]), shorter)
