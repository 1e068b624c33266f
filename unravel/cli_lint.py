"""The commands of the linter: `lint` and `rule`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import click

from unravel import options, terminal

if TYPE_CHECKING:
    from unravel.lint.running import FixRun, Run, Wanted
    from unravel.selection import Project
    from unravel.types import Diagnostic, Failed

DONE, FAILED = 0, 2

_PLACE = (options.PROFILE, options.ROOT, options.QUIET)
_FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "github", "sarif", "junit", "markdown")),
    default="text",
    show_default=True,
    help="How findings are printed.",
)
_LINT = (
    options.MODELS,
    click.option("--fix", is_flag=True, help="Mend what can be mended safely."),
    click.option("--diff", is_flag=True, help="Print what --fix would change, and write nothing."),
    click.option("--select", metavar="CODES", multiple=True, help="These rules: UNM,UNS213,..."),
    click.option("--ignore", metavar="CODES", multiple=True, help="All but these rules."),
    click.option("--baseline", metavar="FILE", default="", help="Leave out what FILE lists."),
    click.option("--write-baseline", is_flag=True, help="List all findings in the baseline."),
    _FORMAT,
    click.option("--statistics", is_flag=True, help="Print how many findings each rule has."),
    options.JOBS,
    options.PROFILE,
    options.ROOT,
    options.RUFF,
    options.NO_CACHE,
    options.CACHE_DIR,
    options.QUIET,
)


def _lint_options(command: Callable[..., int]) -> Callable[..., int]:
    for decorate in reversed(_LINT):
        command = decorate(command)
    return command


@click.command(short_help="Find mistakes in modular files and models.")
@_lint_options
def lint(
    models: tuple[str, ...],
    fix: bool,
    diff: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    baseline: str,
    write_baseline: bool,
    form: str,
    statistics: bool,
    jobs: int | None,
    profile: str | None,
    root: str | None,
    ruff: str,
    no_cache: bool,
    cache_dir: str | None,
    quiet: bool,
) -> int:
    """Find mistakes in all modular files and models, or in those named, and mend them.

    Generated files are looked at too; what is found there is reported where its author wrote it.
    `unravel rule` explains the rules. Exit codes: 0 nothing found; 1 findings; 2 something could
    not be read or converted, or nothing was found to look at.
    """
    from unravel.lint import running
    from unravel.lint.baseline import BaselineError
    from unravel.selection import open_here

    wanted = running.Wanted(
        requests=models,
        select=tuple(code.strip() for each in select for code in each.split(",")),
        ignore=tuple(code.strip() for each in ignore for code in each.split(",")),
        baseline=os.path.abspath(baseline) if baseline else "",
        jobs=jobs,
        cache=not no_cache and (cache_dir or True),
    )
    project = open_here(root, profile, options.executable(ruff))
    with terminal.progress() as on_progress:
        run = running.lint(project, wanted, on_progress)
    if write_baseline:
        return _write_baseline(run, wanted, project)
    if (fix or diff) and run.began:
        fixed = running.fix(project, run, wanted, write=not diff)
        _report_fixes(fixed, run.root, is_dry=diff, quiet=quiet)
        run = running.lint(project, wanted) if fix and not diff else run
    try:
        shown, hidden = running.without_baseline(run, wanted, project)
    except BaselineError as error:
        terminal.say(str(error))
        return FAILED
    _print_findings(run, shown, hidden, form, statistics=statistics, quiet=quiet)
    return running.exit_code(run, shown)


def _write_baseline(run: Run, wanted: Wanted, project: Project | Failed) -> int:
    from unravel.lint import baseline, running

    _complain_of(run.failed, run.root)
    file = running.baseline_file(wanted, project)
    if run.failed or file is None:
        terminal.say(
            "there is no baseline: give a file with --baseline" if file is None else "not written"
        )
        return FAILED
    try:
        count = baseline.write_baseline(file, run.diagnostics)
    except OSError as error:
        terminal.say(f"{file}: {error.strerror}")
        return FAILED
    click.echo(f"wrote {terminal.count(count, 'finding')} to {os.path.relpath(file)}")
    return DONE


def _report_fixes(fixed: FixRun, root: str, *, is_dry: bool, quiet: bool) -> None:
    """What was mended and what was not, and why."""
    if is_dry:
        terminal.print_differences(file.difference() for file in fixed.files)
    _complain_of(fixed.failed, root)
    made = sum(len(each.made) for each in fixed.fixed)
    for each in fixed.fixed:
        for found, why in each.refused:
            path = terminal.from_here(found.path, root)
            terminal.say(f"{path}:{found.line}: {found.code} is not mended: {why}")
    if made and not quiet:
        verb = "would mend" if is_dry else "mended"
        places = terminal.count(len(fixed.files), "file")
        line = f"{verb} {terminal.count(made, 'finding')} in {places}"
        click.echo(line, err=True)


def _print_findings(
    run: Run,
    shown: Sequence[Diagnostic],
    hidden: int,
    form: str,
    *,
    statistics: bool,
    quiet: bool,
) -> None:
    from unravel.lint import running

    _complain_of(run.failed, run.root)
    if form != "text":
        from unravel.reports import render

        click.echo(render(form, running.report(run, shown, hidden)), nl=False)
        return
    if statistics:
        for line in running.statistics(shown):
            click.echo(line)
    else:
        terminal.complain(shown, run.root, stream=sys.stdout)
    if run.began and not quiet:
        known = f", and {hidden} in the baseline" if hidden else ""
        looked = terminal.count(len(run.subjects), "file")
        click.echo(f"{terminal.count(len(shown), 'finding')} in {looked}{known}")


def _complain_of(failures: Iterable[Failed], root: str) -> None:
    for each in failures:
        terminal.complain(each.diagnostics, root)


@click.group(short_help="Blocks that are marked as copies.")
def copies() -> None:
    """Blocks that are marked `# Copied from module.Object with Old->New`."""


def _copies_options(command: Callable[..., int]) -> Callable[..., int]:
    for decorate in reversed((click.argument("files", nargs=-1, metavar="[FILE]..."), *_PLACE)):
        command = decorate(command)
    return command


@copies.command(short_help="Are the copies in step with their sources?")
@_copies_options
@_FORMAT
def check(
    files: tuple[str, ...], profile: str | None, root: str | None, quiet: bool, form: str
) -> int:
    """Are all marked copies, or those in FILEs, what their sources say? Nothing is written."""
    from unravel.lint import copying, running
    from unravel.lint.catalogue import chosen
    from unravel.selection import open_here

    project = open_here(root, profile)
    run = copying.check(project, files, chosen(("UNC",), ()))
    _print_findings(run, run.diagnostics, 0, form, statistics=False, quiet=quiet)
    return running.exit_code(run, run.diagnostics) if run.subjects or run.failed else DONE


@copies.command(short_help="Bring the copies in step with their sources.")
@_copies_options
@click.option("--diff", is_flag=True, help="Print what would change, and write nothing.")
def fix(
    files: tuple[str, ...], profile: str | None, root: str | None, quiet: bool, diff: bool
) -> int:
    """Bring all marked copies, or those in FILEs, in step with their sources.

    What cannot be mended is printed as `unravel copies check` would.
    """
    from unravel.lint import copying, running
    from unravel.lint.catalogue import chosen
    from unravel.selection import open_here
    from unravel.types import Failed

    project = open_here(root, profile)
    codes = chosen(("UNC",), ())
    if not isinstance(project, Failed):
        fixed = copying.fix(project, files, codes, write=not diff)
        _complain_of(fixed.failed, str(project.root))
        if diff:
            terminal.print_differences(file.difference() for file in fixed.files)
        elif not quiet:
            for file in fixed.files:
                click.echo(f"wrote {terminal.from_here(file.path, str(project.root))}")
        if fixed.failed:
            return FAILED
        if diff:
            return DONE
    run = copying.check(project, files, codes)
    _print_findings(run, run.diagnostics, 0, "text", statistics=False, quiet=quiet)
    return running.exit_code(run, run.diagnostics) if run.subjects or run.failed else DONE


@click.command(short_help="Explain a rule of the linter.")
@click.argument("code", required=False)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text")
def rule(code: str | None, form: str) -> int:
    """Explain the rule CODE of the linter, or list all rules."""
    from unravel.lint.explaining import UnknownCode, explained, listed

    try:
        click.echo(explained(code, form) if code else listed(form))
    except UnknownCode as error:
        terminal.say(str(error))
        return FAILED
    return DONE
