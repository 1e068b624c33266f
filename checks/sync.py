"""Are the generated files what a fresh conversion gives?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import unravel
from checks.report import Report, Result, Verdict
from unravel import (
    Cause,
    Diagnostic,
    Failed,
    Finished,
    FinishedFile,
    Outcome,
    State,
    find_causes,
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
    found = [result for each in run.outcomes for result in _results(each, run.root)]
    found += [orphan(path, source) for path, source in run.orphans]
    return Report(run.root, tuple(found), run.began)


def _results(outcome: Outcome, root: str) -> Iterator[Result]:
    if isinstance(outcome, Failed):
        source = outcome.source
        yield Result(NAME, source, Verdict.ERROR, outcome.diagnostics, source=source)
        return
    warnings = outcome.warnings
    for file in outcome.files:
        if isinstance(file, str) or file.state is State.UNCHANGED:
            path = file if isinstance(file, str) else file.path
            yield Result(NAME, path, Verdict.IN_SYNC, warnings, source=outcome.source)
        elif isinstance(outcome, Finished):
            yield _result(outcome, file, warnings, root)
        warnings = ()


def _result(
    outcome: Finished, file: FinishedFile, warnings: tuple[Diagnostic, ...], root: str
) -> Result:
    hint = f"run `unravel convert {outcome.model}`"
    causes: tuple[Cause, ...] = ()
    if file.before is None:
        message = f"the file that {outcome.source} generates is missing"
        found = Diagnostic("UNR502", file.path, 0, 0, message, hint)
        verdict = Verdict.MISSING
    else:
        line, column, excerpt = _first_difference(file.before, file.content)
        verdict, code = Verdict.STALE, "UNR501"
        message = f"the file is not what {outcome.source} generates"
        if file.is_edited:
            verdict, code = Verdict.EDITED, "UNR503"
            message = f"the file was edited by hand; it is generated from {outcome.source}"
            hint = f"move the edit into a modular file, then {hint}"
        else:
            causes = find_causes(root, outcome, file)
            hint = "\n".join([*map(_in_words, causes), hint])
        found = Diagnostic(code, file.path, line, column, message, hint, excerpt)
    diagnostics = (*warnings, found)
    return Result(NAME, file.path, verdict, diagnostics, file.difference(), outcome.source, causes)


def _in_words(cause: Cause) -> str:
    place = f"{cause.path}:{cause.line}" if cause.line else cause.path
    names = ", ".join(cause.definitions[:_SHOWN]) + ", ..." * (len(cause.definitions) > _SHOWN)
    return f"{place} has changed" + (f": {names}" if names else "")


_SHOWN = 5


def orphan(path: str, source: str) -> Result:
    """The result for a generated file whose modular file `source` is gone."""
    message = f"{source}, from which the file was generated, is gone"
    found = Diagnostic("UNR504", path, 0, 0, message, "delete the file, or bring that one back")
    return Result(NAME, path, Verdict.ORPHAN, (found,), source=source)


def _first_difference(before: bytes, after: bytes) -> tuple[int, int, str]:
    """Line and column of the first difference, and that line as it stands on disk.

    The comments at the top count only where there is no other difference: a banner has a digest.
    """
    old, new = (_lines(content.decode("utf-8", "replace")) for content in (before, after))
    above, over = (_comments(lines) for lines in (old, new))
    if old[above:] == new[over:]:
        above = over = 0
    first = _first_unequal(old[above:], new[over:])
    there = old[above + first] if above + first < len(old) else ""
    expected = new[over + first] if over + first < len(new) else ""
    column = _first_unequal(there, expected) + 1
    return above + first + 1, column, there.rstrip("\r\n")


def _comments(lines: Sequence[str]) -> int:
    """How many lines of comments stand at the top."""
    return next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _first_unequal(one: Sequence[str], two: Sequence[str]) -> int:
    shorter = min(len(one), len(two))
    return next((n for n in range(shorter) if one[n] != two[n]), shorter)
