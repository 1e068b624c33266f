"""What all commands print with: messages, diagnostics, differences and the progress bar."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from rich.progress import Progress

    from unravel.outcomes import FinishedFile
    from unravel.types import Diagnostic


def report_written(files: Iterable[FinishedFile], root: str, *, quiet: bool) -> None:
    from unravel.outcomes import State

    for file in files:
        if file.state is not State.UNCHANGED and not quiet:
            lost = ", which had been edited by hand" if file.is_edited else ""
            click.echo(f"wrote {from_here(file.path, root)}{lost}")


def rank(diagnostics: Sequence[Diagnostic]) -> int:
    """What failed on its own account is shown last, next to the prompt."""
    return int(any(each.code != "UNR104" for each in diagnostics))


def once(groups: Iterable[Sequence[Diagnostic]]) -> Iterator[tuple[Diagnostic, ...]]:
    """Each of `groups`, less what was in an earlier one: one broken parent fails many models."""
    seen: set[Diagnostic] = set()
    for group in groups:
        yield tuple(each for each in group if each not in seen)
        seen.update(group)


def count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


_COLORS = {"+++": "bold", "---": "bold", "@@": "cyan", "+": "green", "-": "red"}


def print_differences(differences: Iterable[str]) -> None:
    color = is_colored(sys.stdout)
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


def say(message: str) -> None:
    click.echo(f"unravel: {message}", err=True)


def complain(diagnostics: Iterable[Diagnostic], root: str, stream: TextIO | None = None) -> None:
    stream = stream or sys.stderr
    color = is_colored(stream)
    width = shutil.get_terminal_size().columns if stream.isatty() else 0
    for diagnostic in diagnostics:
        shown = replace(diagnostic, path=from_here(diagnostic.path, root))
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


def from_here(path: str, root: str) -> str:
    """`path`, which is relative to `root`, as one would name it in the current folder."""
    file = os.path.join(root, path)
    if os.path.isabs(path) or not os.path.lexists(root) or not _is_in_tree(path, root):
        return path
    return os.path.relpath(file)


def _is_in_tree(path: str, root: str) -> bool:
    # A name that was given on the command line and does not exist stays as it was given.
    return os.path.lexists(os.path.join(root, path)) or not os.path.lexists(path)


def put(text: str, output: str | None) -> bool:
    """Print `text`, or write it to the file `output`; False where that cannot be."""
    if output is None:
        click.echo(text, nl=False)
        return True
    try:
        Path(output).write_text(text, "utf-8")
    except OSError as error:
        say(f"{output}: {error.strerror}")
        return False
    return True


# -- the terminal --------------------------------------------------------------------------------


def is_colored(stream: TextIO) -> bool:
    """Is it a terminal whose user has nothing against colors?"""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and stream.isatty()


class Bar:
    """To be called with the numbers of models that are done and of all models."""

    def __init__(self, what: str) -> None:
        self._bar: Progress | None = None
        if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            return
        from rich.console import Console
        from rich.progress import Progress

        # Without a thread that redraws it: worker processes are forked while it is shown. Nor is
        # what is printed meanwhile its own: that may go to a file.
        self._bar = Progress(
            console=Console(stderr=True),
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task(what, total=None)

    def __call__(self, done: int, total: int, what: str = "") -> None:
        if self._bar is not None and total > 1:
            self._bar.start()
            if what:
                self._bar.update(self._task, description=what)
            self._bar.update(self._task, completed=done, total=total)
            self._bar.refresh()

    def hide(self) -> None:
        """Until it is called again: something is about to be printed."""
        if self._bar is not None:
            self._bar.stop()


@contextmanager
def progress(what: str = "converting") -> Iterator[Bar]:
    bar = Bar(what)
    try:
        yield bar
    finally:
        bar.hide()
