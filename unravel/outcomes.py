"""What a run has done: one outcome a modular file."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TypeAlias

from unravel.types import Diagnostic, Failed, Piece


class State(enum.Enum):
    """How a generated file compares with what lies, or lay, on disk."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class FinishedFile:
    """A generated file, formatted and with its banner, as it belongs on disk.

    `path` is relative to the root. `before` is what the file held when it was compared, or None;
    `is_edited` tells whether somebody had edited that by hand, as far as its banner can tell.
    """

    path: str
    kind: str
    content: bytes
    before: bytes | None
    pieces: tuple[Piece, ...] = ()
    is_edited: bool = False

    @property
    def state(self) -> State:
        if self.before is None:
            return State.NEW
        return State.UNCHANGED if self.before == self.content else State.CHANGED

    def difference(self) -> str:
        """A unified diff from what is on disk to what should be; `patch -p1` understands it."""
        from difflib import unified_diff

        old = "/dev/null" if self.before is None else f"a/{self.path}"
        lines = unified_diff(
            _lines(self.before or b""), _lines(self.content), old, f"b/{self.path}"
        )
        ends = ("\n\\ No newline at end of file\n", "")
        return "".join(line + ends[line.endswith("\n")] for line in lines)


@dataclass(frozen=True, slots=True)
class Finished:
    """The modular file `source` of `model` has become `files`, in the order of their paths."""

    source: str
    model: str
    files: tuple[FinishedFile, ...]
    inputs: tuple[str, ...]
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The generated `files` of `source` are what they should be, which took no look into them."""

    source: str
    model: str
    files: tuple[str, ...]
    warnings: tuple[Diagnostic, ...] = ()


def _lines(content: bytes) -> list[str]:
    # Only `\n` ends a line here; `str.splitlines` would also split at form feeds and the like.
    return re.findall(r"[^\n]*\n|[^\n]+", content.decode("utf-8", "replace"))


Outcome: TypeAlias = Finished | Unchanged | Failed


@dataclass(frozen=True, slots=True)
class Run:
    """What a run has done: one outcome a modular file, in the order of their paths.

    A run that could not begin has failures that concern a setting, a folder or a name instead.
    A run over all models knows the `orphans`: generated files whose modular file is gone, each with
    the path of that file.
    """

    root: str
    outcomes: tuple[Outcome, ...]
    began: bool = True
    orphans: tuple[tuple[str, str], ...] = ()

    @property
    def finished(self) -> tuple[Finished, ...]:
        return tuple(each for each in self.outcomes if isinstance(each, Finished))

    @property
    def unchanged(self) -> tuple[Unchanged, ...]:
        return tuple(each for each in self.outcomes if isinstance(each, Unchanged))

    @property
    def failed(self) -> tuple[Failed, ...]:
        return tuple(each for each in self.outcomes if isinstance(each, Failed))

    @property
    def in_sync(self) -> bool:
        """Is every generated file on disk what it should be? Nothing looked at is not in sync."""
        files = [file for each in self.finished for file in each.files]
        is_same = all(file.state is State.UNCHANGED for file in files)
        is_wrong = self.failed or self.orphans
        return bool(files or self.unchanged) and is_same and not is_wrong
