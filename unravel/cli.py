"""The commands: arguments, progress, printing and exit codes. Nothing else prints."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import click

from unravel import options
from unravel.cli_check import check
from unravel.cli_forward import forward
from unravel.cli_lineage import graph, impact
from unravel.cli_lint import copies, lint, rule
from unravel.cli_new import new
from unravel.terminal import (
    complain,
    count,
    from_here,
    once,
    print_differences,
    progress,
    rank,
    report_written,
    say,
)

if TYPE_CHECKING:
    from unravel.cache import Cache
    from unravel.outcomes import FinishedFile, Run

DONE, CHANGED, FAILED, INTERRUPTED = 0, 1, 2, 130


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    # As with Ctrl-C, what was begun is put in order on the way out.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    # Syntax trees are many objects without cycles: looking for some takes a fifth of a run.
    gc.disable()
    _end(run(sys.argv[1:]))


def _end(code: int) -> NoReturn:
    """End the process at once: to take all that was read apart first takes a while."""
    # Whoever has loaded torch, or profiles us, has something left to do.
    if "torch" in sys.modules or sys.getprofile() or sys.gettrace():
        gc.freeze()
        sys.exit(code)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """The exit code of the command that `arguments` give. Nothing is raised."""
    for stream in (sys.stdout, sys.stderr):
        # What a terminal cannot show must not end a conversion.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = commands.main(list(arguments), "unravel", standalone_mode=False)
        sys.stdout.flush()
        return int(code or DONE)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever reads us has seen enough. The interpreter must not complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _version(context: click.Context, option: click.Parameter, given: bool) -> None:
    if given and not context.resilient_parsing:
        import unravel

        click.echo(f"unravel {unravel.__version__}")
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
def commands() -> None:
    """Turn short modular_<model>.py files into complete single-file models.

    Exit codes: 0 in sync or done; 1 out of sync; 2 something could not be read, converted or
    written, or nothing was found.
    """


@commands.command(short_help="Generate the files of models.")
@options.MODELS
@options.DIFF
@options.JOBS
@options.PROFILE
@options.ROOT
@options.RUFF
@options.NO_CACHE
@options.CACHE_DIR
@options.QUIET
@click.option("--stdout", "to_stdout", is_flag=True, help="Print the generated files.")
@click.option("--force", is_flag=True, help="Overwrite files that unravel did not generate, too.")
@click.option("--watch", is_flag=True, help="Go on: convert what is saved, until Ctrl-C.")
@click.option("--fail-if-written", is_flag=True, help="Exit with 1 if a file was written.")
def convert(
    models: tuple[str, ...],
    diff: bool,
    jobs: int | None,
    profile: str | None,
    root: str | None,
    ruff: str,
    no_cache: bool,
    cache_dir: str | None,
    quiet: bool,
    to_stdout: bool,
    force: bool,
    watch: bool,
    fail_if_written: bool,
) -> int:
    """Generate the files of all models, or of those named.

    With --diff or --stdout, nothing is written. With --watch, a modular file that is saved is
    converted, and so is what depends on it.

    \b
    Examples:
      unravel convert                  all models
      unravel convert mistral --diff   what would change in one
      unravel convert --watch          each time that a file is saved
    """
    if diff and to_stdout:
        raise click.UsageError("--diff and --stdout exclude each other.")
    if watch and (diff or to_stdout):
        raise click.UsageError("--watch writes: it excludes --diff and --stdout.")
    from unravel.outcomes import State
    from unravel.running import convert as convert_project

    def convert_now(cache: bool | str) -> Run:
        with progress() as on_progress:
            return convert_project(
                root=root,
                models=models,
                profile=profile,
                jobs=jobs,
                ruff=options.executable(ruff),
                force=force,
                write=not (diff or to_stdout),
                cache=cache,
                skip=not to_stdout,
                keep=not watch,
                on_progress=on_progress,
                on_wait=lambda: say("waiting for another run to finish ..."),
            )

    cache = not no_cache and (cache_dir or True)
    if watch:
        return _watch(convert_now, cache, quiet=quiet)
    run = convert_now(cache)
    files = [file for each in run.finished for file in each.files]
    if diff:
        print_differences(file.difference() for file in files)
    elif to_stdout:
        _print_files(files)
    _report(run, files, quiet=quiet, is_dry=diff or to_stdout)
    if run.failed or not (run.finished or run.unchanged):
        return FAILED
    is_written = any(file.state is not State.UNCHANGED for file in files)
    return CHANGED if is_written and fail_if_written else DONE


def _watch(convert_now: Callable[[bool | str], Run], cache: bool | str, *, quiet: bool) -> int:
    """Convert, and again whenever something is saved; Ctrl-C is how this ends."""
    import tempfile

    from unravel.outcomes import Unchanged

    try:
        from unravel.watching import saved
    except ImportError:
        say("`--watch` needs watchfiles: pip install 'unravel[watch]'")
        return FAILED
    gc.enable()
    # A run costs what has changed, if there is a cache: one of our own, where none is wanted.
    with tempfile.TemporaryDirectory(prefix="unravel-watch-") as folder:
        run = convert_now(cache or folder)
        files = [file for each in run.finished for file in each.files]
        _report(run, files, quiet=quiet, is_dry=False)
        if not os.path.isdir(run.root):
            return FAILED
        say(f"watching {run.root}; Ctrl-C ends this")
        written = {os.path.join(run.root, file.path): file.content for file in files}
        try:
            for _ in saved(run.root, written):
                failed, run = run.failed, convert_now(cache or folder)
                files = [file for each in run.finished for file in each.files]
                written.update((os.path.join(run.root, f.path), f.content) for f in files)
                if run.finished or run.failed or failed:
                    # What has not changed, and what is to be said of it, was shown before.
                    news = (each for each in run.outcomes if not isinstance(each, Unchanged))
                    _report(replace(run, outcomes=tuple(news)), files, quiet=quiet, is_dry=False)
        except KeyboardInterrupt:
            pass
    return DONE


commands.add_command(check)
commands.add_command(forward)
commands.add_command(graph)
commands.add_command(impact)
commands.add_command(copies)
commands.add_command(lint)
commands.add_command(new)
commands.add_command(rule)


@commands.group(short_help="What runs keep for later ones.")
def cache() -> None:
    """What runs keep for later ones."""


_CACHE = click.option("--cache-dir", metavar="DIR", help="Another folder than the user's own.")


@cache.command(short_help="Where it is, and how large.")
@_CACHE
def info(cache_dir: str | None) -> int:
    """Say where the cache is, and how large."""
    kept = _cache(cache_dir)
    entries, size = kept.usage()
    click.echo(f"{kept.folder}: {count(entries, 'file')}, {size / 2**20:.1f} MiB")
    return DONE


@cache.command(short_help="Remove all of it.")
@_CACHE
def clear(cache_dir: str | None) -> int:
    """Remove all that is in the cache."""
    kept = _cache(cache_dir)
    try:
        kept.clear()
    except OSError as error:
        say(f"{error.filename or kept.folder}: {error.strerror}")
        return FAILED
    return DONE


def _cache(folder: str | None) -> Cache:
    """The cache in `folder`, or in that of the settings of the project that we are in."""
    from pathlib import Path

    from unravel.config import find_root, read_settings
    from unravel.recall import open_cache
    from unravel.types import Failed, Settings

    root = find_root(Path.cwd())
    settings = read_settings(root)
    known = Settings() if isinstance(settings, Failed) else settings
    found = open_cache(known, root, folder or True)
    assert found is not None, "one was asked for"
    return found


# -- what a command has done ---------------------------------------------------------------------


def _report(run: Run, files: Sequence[FinishedFile], *, quiet: bool, is_dry: bool) -> None:
    """What was written, what went wrong, and all of it in one line."""
    from unravel.outcomes import State
    from unravel.types import Failed

    changed = [file for file in files if file.state is not State.UNCHANGED]
    if not is_dry:
        report_written(files, run.root, quiet=quiet)
    for outcome in run.outcomes:
        if not isinstance(outcome, Failed):
            complain(() if quiet else outcome.warnings, run.root)
    if not quiet:
        for path, source in run.orphans:
            say(f"{from_here(path, run.root)}: {source}, which has generated this, is gone")
    for diagnostics in once(sorted((each.diagnostics for each in run.failed), key=rank)):
        complain(diagnostics, run.root)
    if run.began and not quiet:
        done, lost = len(run.finished) + len(run.unchanged), len(run.failed)
        counts = f"converted {count(done, 'model')}" + (f", {lost} failed" if lost else "")
        verb = "would be written" if is_dry else "written"
        same = len(files) - len(changed) + sum(len(each.files) for each in run.unchanged)
        line = f"{counts}: {count(len(changed), 'file')} {verb}, {same} unchanged"
        click.echo(line, err=is_dry)


def _print_files(files: Sequence[FinishedFile]) -> None:
    """The generated files; a heading above each tells several apart."""
    for number, file in enumerate(files):
        if len(files) > 1:
            click.echo(("\n" if number else "") + f"==> {file.path} <==")
        click.echo(file.content, nl=False)
