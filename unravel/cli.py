"""The commands: arguments, progress, printing and exit codes. Nothing else prints."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from unravel.cli_check import check
from unravel.cli_forward import forward
from unravel.cli_lineage import graph, impact
from unravel.cli_lint import copies, lint, rule
from unravel.cli_new import new
from unravel.completing import models as complete

if TYPE_CHECKING:
    from unravel.cache import Cache
    from unravel.outcomes import FinishedFile, Run
    from unravel.types import Diagnostic

DONE, CHANGED, FAILED, INTERRUPTED = 0, 1, 2, 130


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    # As with Ctrl-C, what was begun is put in order on the way out.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    # Syntax trees are many objects without cycles: looking for some takes a fifth of a run.
    gc.disable()
    code = run(sys.argv[1:])
    # Nor does the interpreter need to look once more before it ends.
    gc.freeze()
    sys.exit(code)


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
        _say("interrupted")
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


_SELECTION = (
    click.argument("models", nargs=-1, metavar="[MODEL|FILE]...", shell_complete=complete),
    click.option("--diff", is_flag=True, help="Print what changes, as a unified diff."),
    click.option("--jobs", type=click.IntRange(min=0), help="Worker processes; 0: one a core."),
    click.option("--profile", metavar="NAME", help="Layout and rules: default or transformers."),
    click.option("--root", metavar="DIR", help="The project's folder, if not found from here."),
    click.option("--ruff", metavar="PATH", default="", help="Another ruff than the installed one."),
    click.option("--no-cache", is_flag=True, help="Use nothing that earlier runs have kept."),
    click.option("--cache-dir", metavar="DIR", help="Where runs keep what later ones can use."),
    click.option("-q", "--quiet", is_flag=True, help="Print errors and findings only."),
)


def _selection(command: Callable[..., int]) -> Callable[..., int]:
    """The arguments that all commands over modular files share."""
    for decorate in reversed(_SELECTION):
        command = decorate(command)
    return command


@commands.command(short_help="Generate the files of models.")
@_selection
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
        with _progress() as on_progress:
            return convert_project(
                root=root,
                models=models,
                profile=profile,
                jobs=jobs,
                ruff=_executable(ruff),
                force=force,
                write=not (diff or to_stdout),
                cache=cache,
                skip=not to_stdout,
                on_progress=on_progress,
                on_wait=lambda: _say("waiting for another run to finish ..."),
            )

    cache = not no_cache and (cache_dir or True)
    if watch:
        return _watch(convert_now, cache, quiet=quiet)
    run = convert_now(cache)
    files = [file for each in run.finished for file in each.files]
    if diff:
        _print_differences(file.difference() for file in files)
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
        _say("`--watch` needs watchfiles: pip install 'unravel[watch]'")
        return FAILED
    gc.enable()
    # A run costs what has changed, if there is a cache: one of our own, where none is wanted.
    with tempfile.TemporaryDirectory(prefix="unravel-watch-") as folder:
        run = convert_now(cache or folder)
        files = [file for each in run.finished for file in each.files]
        _report(run, files, quiet=quiet, is_dry=False)
        if not os.path.isdir(run.root):
            return FAILED
        _say(f"watching {run.root}; Ctrl-C ends this")
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
    click.echo(f"{kept.folder}: {_count(entries, 'file')}, {size / 2**20:.1f} MiB")
    return DONE


@cache.command(short_help="Remove all of it.")
@_CACHE
def clear(cache_dir: str | None) -> int:
    """Remove all that is in the cache."""
    kept = _cache(cache_dir)
    try:
        kept.clear()
    except OSError as error:
        _say(f"{error.filename or kept.folder}: {error.strerror}")
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


def _executable(ruff: str) -> str:
    """A path is relative to the current folder; a bare name is left for the search path."""
    return os.path.abspath(ruff) if os.path.dirname(ruff) else ruff


# -- what a command has done ---------------------------------------------------------------------


def _report(run: Run, files: Sequence[FinishedFile], *, quiet: bool, is_dry: bool) -> None:
    """What was written, what went wrong, and all of it in one line."""
    from unravel.outcomes import State
    from unravel.types import Failed

    changed = [file for file in files if file.state is not State.UNCHANGED]
    if not is_dry:
        _report_written(files, run.root, quiet=quiet)
    for outcome in run.outcomes:
        if not isinstance(outcome, Failed):
            _complain(() if quiet else outcome.warnings, run.root)
    if not quiet:
        for path, source in run.orphans:
            _say(f"{_from_here(path, run.root)}: {source}, which has generated this, is gone")
    for diagnostics in _once(sorted((each.diagnostics for each in run.failed), key=_rank)):
        _complain(diagnostics, run.root)
    if run.began and not quiet:
        done, lost = len(run.finished) + len(run.unchanged), len(run.failed)
        counts = f"converted {_count(done, 'model')}" + (f", {lost} failed" if lost else "")
        verb = "would be written" if is_dry else "written"
        same = len(files) - len(changed) + sum(len(each.files) for each in run.unchanged)
        line = f"{counts}: {_count(len(changed), 'file')} {verb}, {same} unchanged"
        click.echo(line, err=is_dry)


def _report_written(files: Iterable[FinishedFile], root: str, *, quiet: bool) -> None:
    from unravel.outcomes import State

    for file in files:
        if file.state is not State.UNCHANGED and not quiet:
            lost = ", which had been edited by hand" if file.is_edited else ""
            click.echo(f"wrote {_from_here(file.path, root)}{lost}")


def _rank(diagnostics: Sequence[Diagnostic]) -> int:
    """What failed on its own account is shown last, next to the prompt."""
    return int(any(each.code != "UNR104" for each in diagnostics))


def _once(groups: Iterable[Sequence[Diagnostic]]) -> Iterator[tuple[Diagnostic, ...]]:
    """Each of `groups`, less what was in an earlier one: one broken parent fails many models."""
    seen: set[Diagnostic] = set()
    for group in groups:
        yield tuple(each for each in group if each not in seen)
        seen.update(group)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _print_files(files: Sequence[FinishedFile]) -> None:
    """The generated files; a heading above each tells several apart."""
    for number, file in enumerate(files):
        if len(files) > 1:
            click.echo(("\n" if number else "") + f"==> {file.path} <==")
        click.echo(file.content, nl=False)


_COLORS = {"+++": "bold", "---": "bold", "@@": "cyan", "+": "green", "-": "red"}


def _print_differences(differences: Iterable[str]) -> None:
    color = _is_colored(sys.stdout)
    for difference in differences:
        lines = difference.split("\n")[:-1]
        painted = (_painted(line) if color else line for line in lines)
        for line in painted:
            click.echo(line, color=color)


def _painted(line: str) -> str:
    for start, color in _COLORS.items():
        if line.startswith(start):
            return click.style(line, bold=True) if color == "bold" else click.style(line, fg=color)
    return line


# -- diagnostics ---------------------------------------------------------------------------------


def _say(message: str) -> None:
    click.echo(f"unravel: {message}", err=True)


def _complain(diagnostics: Iterable[Diagnostic], root: str, stream: TextIO | None = None) -> None:
    stream = stream or sys.stderr
    color = _is_colored(stream)
    width = shutil.get_terminal_size().columns if stream.isatty() else 0
    for diagnostic in diagnostics:
        shown = replace(diagnostic, path=_from_here(diagnostic.path, root))
        text = "\n".join(diagnostic_lines(shown, width=width, color=color))
        click.echo(text, file=stream, color=color)


_LONGEST = 160
"""As much of a line is shown where no terminal says how wide it is."""


def diagnostic_lines(diagnostic: Diagnostic, *, width: int = 0, color: bool = False) -> list[str]:
    """`path:line:col: CODE message`, the line of source with a caret below it, and the hint.

    Lines are wrapped, and the excerpt is cut, to `width` columns; 0 is for no terminal.
    """
    from unravel.types import Severity

    def paint(text: str, **style: Any) -> str:
        return click.style(text, **style) if color else text

    is_warning = diagnostic.severity is Severity.WARNING
    place = _plain(diagnostic.path)
    if diagnostic.line:
        place += f":{diagnostic.line}:{max(diagnostic.column, 1)}"
    kind = "warning: " if is_warning else ""
    summary = f"{place}: {diagnostic.code} {kind}{_plain(diagnostic.message)}"
    first, *rest = _wrapped(summary, width)
    code = paint(diagnostic.code, fg="yellow" if is_warning else "red", bold=True)
    painted = {place: paint(place, bold=True), diagnostic.code: code}
    for plain, bright in painted.items():
        first = first.replace(plain, bright, 1)
    lines = [first, *rest]
    if diagnostic.excerpt.strip():
        room = max(width - 4, 1) if width else _LONGEST
        lines += [f"    {each}" for each in _excerpt(diagnostic, room)]
    if diagnostic.hint:
        hints = [f"    {each}" for each in f"hint: {diagnostic.hint}".split("\n")]
        first, *rest = [line for hint in hints for line in _wrapped(hint, width)]
        lines += [first.replace("hint:", paint("hint:", fg="cyan"), 1), *rest]
    return lines


def _wrapped(line: str, width: int) -> list[str]:
    """`line` in lines of at most `width` columns, as far as its words allow."""
    if not width or _columns(line) <= width:
        return [line]
    indent = " " * (10 if line.startswith("    hint: ") else 4)
    return textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _excerpt(diagnostic: Diagnostic, width: int) -> Iterator[str]:
    text = _plain(diagnostic.excerpt.expandtabs(1).rstrip())
    column = min(max(diagnostic.column - 1, 0), len(text))
    indent = len(text) - len(text.lstrip())
    start = min(indent, column)
    if width and column - start > width * 2 // 3:
        start = column - width // 3
    shown = text[start:]
    if width and _columns(shown) > width:
        shown = shown[: max(width - 3, 1)] + "..."
    yield shown
    yield " " * _columns(text[start:column]) + "^"


def _columns(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def _plain(text: str) -> str:
    """`text` without anything by which a file could control the terminal."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def _from_here(path: str, root: str) -> str:
    """`path`, which is relative to `root`, as one would name it in the current folder."""
    file = os.path.join(root, path)
    if os.path.isabs(path) or not os.path.lexists(root) or not _is_in_tree(path, root):
        return path
    return os.path.relpath(file)


def _is_in_tree(path: str, root: str) -> bool:
    # A name that was given on the command line and does not exist stays as it was given.
    return os.path.lexists(os.path.join(root, path)) or not os.path.lexists(path)


# -- the terminal --------------------------------------------------------------------------------


def _is_colored(stream: TextIO) -> bool:
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and stream.isatty()


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Something to call with the numbers of models that are done and of all models."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    # Without a thread that redraws it: worker processes are forked while it is shown.
    bar = Progress(console=Console(stderr=True), transient=True, auto_refresh=False)
    task = bar.add_task("converting", total=None)

    def on_progress(done: int, total: int) -> None:
        if total > 1:
            bar.start()
            bar.update(task, completed=done, total=total)
            bar.refresh()

    try:
        yield on_progress
    finally:
        bar.stop()
