"""The command `check`: states, formats, mending, and what a branch has touched."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unravel import options, terminal

if TYPE_CHECKING:
    from checks.report import Report, Result
    from unravel.types import Diagnostic

DONE, FAILED = 0, 2
FORMATS = ("text", "json", "github", "sarif", "junit", "markdown")
_AT_CAUSES = ("github", "sarif")
"""The formats whose findings are shown beside a line of code: that of what has changed."""


@click.command(short_help="Are the generated files in sync?")
@options.MODELS
@options.DIFF
@click.option("--fix", is_flag=True, help="Generate what is stale or missing; keep edits by hand.")
@click.option("--changed-only", is_flag=True, help="Only models that a change since REF reaches.")
@click.option("--base", metavar="REF", help="Where that change began; HEAD.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@options.OUTPUT
@options.JOBS
@options.PROFILE
@options.ROOT
@options.RUFF
@options.NO_CACHE
@options.CACHE_DIR
@options.QUIET
def check(
    models: tuple[str, ...],
    diff: bool,
    fix: bool,
    changed_only: bool,
    base: str | None,
    form: str,
    output: str | None,
    jobs: int | None,
    profile: str | None,
    root: str | None,
    ruff: str,
    no_cache: bool,
    cache_dir: str | None,
    quiet: bool,
) -> int:
    """Are the generated files of all models, or of those named, in sync?

    A file is in sync, stale (a modular file or a parent has changed), edited by hand, missing, or
    without its modular file; a model may be unconvertible. Without --fix, nothing is written.

    \b
    Examples:
      unravel check                             all models
      unravel check mistral --diff              one, and what would change
      unravel check --fix                       generate what is stale
      unravel check --changed-only --base main  what this branch may have broken
      unravel check --format sarif -o out.sarif for code scanners
    """
    if base and not changed_only:
        raise click.UsageError("--base goes with --changed-only.")
    if changed_only and models:
        raise click.UsageError("--changed-only finds the models: name none.")
    from checks import report

    wanted = _Wanted(
        root, models, profile, jobs, options.executable(ruff), not no_cache and (cache_dir or True)
    )
    if changed_only:
        reached = _reached(wanted, base or "HEAD")
        if reached is None:
            return FAILED
        if not reached.models and not reached.gone:
            summary = f"no model is reached by what has changed since {base or 'HEAD'}"
            return DONE if _put(report.Report("", ()), form, output, summary) else FAILED
        wanted = reached
    found = wanted.checked()
    if fix and wanted.mend(found, quiet=quiet or form != "text"):
        found = wanted.checked()
    if form == "text" and output is None:
        _print(found, diff=diff, quiet=quiet)
    elif not _put(found, form, output, report.summary(found)):
        return FAILED
    return report.exit_code(found)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be checked, and how; `gone` are orphans that nobody else would look for."""

    root: str | None
    models: tuple[str, ...]
    profile: str | None
    jobs: int | None
    ruff: str
    cache: bool | str
    gone: tuple[tuple[str, str], ...] = ()

    def checked(self) -> Report:
        from checks import sync

        with terminal.progress() as on_progress:
            found = sync.check_sync(
                root=self.root,
                models=self.models,
                profile=self.profile,
                jobs=self.jobs,
                ruff=self.ruff,
                cache=self.cache,
                on_progress=on_progress,
            )
        known = {result.subject for result in found.results}
        orphans = (sync.orphan(*each) for each in self.gone if each[0] not in known)
        return replace(found, results=(*found.results, *orphans))

    def mend(self, found: Report, *, quiet: bool) -> bool:
        """Generate what is stale or missing, less what was edited by hand; was there something?"""
        from checks.report import MENDABLE, Verdict
        from unravel.running import convert

        edited = {each.source for each in found.results if each.verdict is Verdict.EDITED}
        stale = {each.source for each in found.results if each.verdict in MENDABLE} - edited
        if not stale:
            return False
        run = convert(
            root=found.root,
            models=[str(Path(found.root, each)) for each in sorted(stale)],
            profile=self.profile,
            jobs=self.jobs,
            ruff=self.ruff,
            cache=self.cache,
            on_wait=lambda: terminal.say("waiting for another run to finish ..."),
        )
        files = [file for each in run.finished for file in each.files]
        terminal.report_written(files, found.root, quiet=quiet)
        return True


def _reached(wanted: _Wanted, base: str) -> _Wanted | None:
    """The models that what has changed since `base` reaches; None where that cannot be told."""
    from unravel.impact import find_reach
    from unravel.selection import open_here
    from unravel.types import Failed

    project = open_here(wanted.root, wanted.profile)
    reach = project if isinstance(project, Failed) else find_reach(project, base)
    if isinstance(reach, Failed):
        terminal.complain(reach.diagnostics, wanted.root or "")
        return None
    return replace(wanted, models=reach.sources, gone=reach.orphans)


def _print(found: Report, *, diff: bool, quiet: bool) -> None:
    from checks import report

    results = sorted(found.results, key=lambda result: terminal.rank(result.diagnostics))
    for result, left in zip(
        results, terminal.once(each.diagnostics for each in results), strict=True
    ):
        _print_result(replace(result, diagnostics=left), found.root, diff=diff, quiet=quiet)
    if found.began and not quiet:
        click.echo(report.summary(found))


def _print_result(result: Result, root: str, *, diff: bool, quiet: bool) -> None:
    from checks.report import Verdict
    from unravel.types import Severity

    warnings = [each for each in result.diagnostics if each.severity is Severity.WARNING]
    others = [each for each in result.diagnostics if each.severity is Severity.ERROR]
    stream = sys.stderr if result.verdict is Verdict.ERROR else sys.stdout
    terminal.complain(() if quiet else warnings, root)
    terminal.complain(others, root, stream=stream)
    if diff:
        terminal.print_differences([result.difference])


# -- for tools -----------------------------------------------------------------------------------


def _put(found: Report, form: str, output: str | None, summary: str) -> bool:
    """Print the report, or write it to `output`; False where that cannot be."""
    if form == "text":
        lines = [line for each in _found(found.results, at_causes=False) for line in _plain(each)]
        return terminal.put("\n".join([*lines, summary]) + "\n", output)
    import unravel
    from unravel.diagnostics import CODES
    from unravel.reports import Report as Rendered
    from unravel.reports import RuleInfo, render

    diagnostics = tuple(_found(found.results, at_causes=form in _AT_CAUSES))
    codes = sorted({each.code for each in diagnostics})
    text = render(
        form,
        Rendered(
            command="check",
            subjects=tuple(result.subject for result in found.results),
            diagnostics=diagnostics,
            rules=tuple(RuleInfo(code, code, CODES[code]) for code in codes),
            version=unravel.__version__,
            summary=summary,
            details={"files": [_entry(result) for result in found.results]},
        ),
    )
    return terminal.put(text, output)


def _plain(found: Diagnostic) -> list[str]:
    return terminal.diagnostic_lines(found)


def _found(results: Iterable[Result], *, at_causes: bool) -> Iterator[Diagnostic]:

    results = list(results)
    moved = [_at_causes(each) if at_causes else each.diagnostics for each in results]
    for each in terminal.once(moved):
        yield from each


def _at_causes(result: Result) -> Sequence[Diagnostic]:
    """The findings, moved to the lines that the generated file does not have yet."""
    if not result.causes:
        return result.diagnostics
    *warnings, found = result.diagnostics
    hint = found.hint.split("\n")[-1]
    moved = []
    for cause in result.causes:
        names = f" ({', '.join(cause.definitions)})" if cause.definitions else ""
        message = f"{result.subject} does not have this change yet{names}"
        place = {"path": cause.path, "line": cause.line, "column": min(cause.line, 1)}
        moved.append(replace(found, message=message, hint=hint, excerpt="", **place))  # type: ignore[arg-type]
    return [*warnings, *moved]


def _entry(result: Result) -> dict[str, object]:
    return {
        "path": result.subject,
        "state": result.verdict.value,
        "modular_file": result.source,
        "causes": [
            {"path": each.path, "line": each.line, "definitions": list(each.definitions)}
            for each in result.causes
        ],
    }
