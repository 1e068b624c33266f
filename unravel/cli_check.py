"""The command `check`: states, formats, mending, and what a branch has touched."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unravel.completing import models as complete

if TYPE_CHECKING:
    from checks.report import Report, Result
    from unravel.types import Diagnostic

DONE, FAILED = 0, 2
FORMATS = ("text", "json", "github", "sarif", "junit", "markdown")
_AT_CAUSES = ("github", "sarif")
"""The formats whose findings are shown beside a line of code: that of what has changed."""


@click.command(short_help="Are the generated files in sync?")
@click.argument("models", nargs=-1, metavar="[MODEL|FILE]...", shell_complete=complete)
@click.option("--diff", is_flag=True, help="Print what changes, as a unified diff.")
@click.option("--fix", is_flag=True, help="Generate what is stale or missing; keep edits by hand.")
@click.option("--changed-only", is_flag=True, help="Only models that a change since REF reaches.")
@click.option("--base", metavar="REF", help="Where that change began; HEAD.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, not to the terminal.")
@click.option("--jobs", type=click.IntRange(min=0), help="Worker processes; 0: one a core.")
@click.option("--profile", metavar="NAME", help="Layout and rules: default or transformers.")
@click.option("--root", metavar="DIR", help="The project's folder, if not found from here.")
@click.option("--ruff", metavar="PATH", default="", help="Another ruff than the installed one.")
@click.option("--no-cache", is_flag=True, help="Use nothing that earlier runs have kept.")
@click.option("--cache-dir", metavar="DIR", help="Where runs keep what later ones can use.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors and findings only.")
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
    from checks import report, sync
    from unravel import cli

    gone: tuple[tuple[str, str], ...] = ()
    if changed_only:
        from unravel.impact import Reach, find_reach

        reach = find_reach(root, profile, base or "HEAD")
        if not isinstance(reach, Reach):
            cli._complain(reach.diagnostics, root or "")
            return FAILED
        models, gone = reach.sources, reach.orphans
        if not models and not gone:
            found = report.Report(reach.root, ())
            _put(found, form, output, f"no model is reached by what has changed since {reach.base}")
            return DONE

    def checked(on_progress: object = None) -> Report:
        with cli._progress() as on_progress:
            found = sync.check_sync(
                root=root,
                models=models,
                profile=profile,
                jobs=jobs,
                ruff=cli._executable(ruff),
                cache=not no_cache and (cache_dir or True),
                on_progress=on_progress,
            )
        known = {result.subject for result in found.results}
        orphans = (sync.orphan(*each) for each in gone if each[0] not in known)
        return replace(found, results=(*found.results, *orphans))

    found = checked()
    stale = [each for each in found.results if each.verdict in report.MENDABLE]
    edited = {each.source for each in found.results if each.verdict is report.Verdict.EDITED}
    sources = {each.source for each in stale} - edited
    if fix and sources:
        from unravel.running import convert

        run = convert(
            root=found.root,
            models=[str(Path(found.root, each)) for each in sorted(sources)],
            profile=profile,
            jobs=jobs,
            ruff=cli._executable(ruff),
            cache=not no_cache and (cache_dir or True),
            on_wait=lambda: cli._say("waiting for another run to finish ..."),
        )
        files = [file for each in run.finished for file in each.files]
        cli._report_written(files, found.root, quiet=quiet or form != "text")
        found = checked()
    if form == "text" and output is None:
        _print(found, diff=diff, quiet=quiet)
    elif not _put(found, form, output, report.summary(found)):
        return FAILED
    return report.exit_code(found)


def _print(found: Report, *, diff: bool, quiet: bool) -> None:
    from checks import report
    from unravel import cli

    results = sorted(found.results, key=lambda result: cli._rank(result.diagnostics))
    for result, left in zip(results, cli._once(each.diagnostics for each in results), strict=True):
        _print_result(replace(result, diagnostics=left), found.root, diff=diff, quiet=quiet)
    if found.began and not quiet:
        click.echo(report.summary(found))


def _print_result(result: Result, root: str, *, diff: bool, quiet: bool) -> None:
    from checks.report import Verdict
    from unravel import cli
    from unravel.types import Severity

    warnings = [each for each in result.diagnostics if each.severity is Severity.WARNING]
    others = [each for each in result.diagnostics if each.severity is Severity.ERROR]
    stream = sys.stderr if result.verdict is Verdict.ERROR else sys.stdout
    cli._complain(() if quiet else warnings, root)
    cli._complain(others, root, stream=stream)
    if diff:
        cli._print_differences([result.difference])


# -- for tools -----------------------------------------------------------------------------------


def _put(found: Report, form: str, output: str | None, summary: str) -> bool:
    """Print the report, or write it to `output`; False where that cannot be."""
    from unravel.cli_lineage import put

    if form == "text":
        lines = [line for each in _found(found.results, at_causes=False) for line in _plain(each)]
        return put("\n".join([*lines, summary]) + "\n", output)
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
    return put(text, output)


def _plain(found: Diagnostic) -> list[str]:
    from unravel.cli import diagnostic_lines

    return diagnostic_lines(found)


def _found(results: Iterable[Result], *, at_causes: bool) -> Iterator[Diagnostic]:
    from unravel.cli import _once

    results = list(results)
    moved = [_at_causes(each) if at_causes else each.diagnostics for each in results]
    for each in _once(moved):
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
