"""What a rule is, and what it finds."""

from __future__ import annotations

import ast
import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from unravel.types import Severity


class Scope(enum.Enum):
    """What a rule looks at; the value is how its codes begin."""

    MODULAR = "UNM"
    MODEL = "UNS"
    COPY = "UNC"


class Promise(enum.Enum):
    """What a fix leaves as it was; a fix that breaks its promise is not made."""

    SAME = "the generated files stay what they are, to the byte"
    COMMENTS = "only comments of the generated files change"
    EXPORTS = "only `__all__` of the generated files changes"
    COPY = "only the copy changes, to what its source says"
    MARKER = "only the marker changes; it stands for the same code"
    REPAIR = "the file could not be converted before, and can be now"


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines `first` to `last`, counted from 1, become `text`; `last` before `first` inserts."""

    first: int
    last: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake at `node`. All `edits` together mend it, if there are any.

    Where another file of the project imports the name `unless_imported`, it is none.
    """

    node: ast.AST
    message: str
    hint: str = ""
    edits: tuple[Edit, ...] = ()
    unless_imported: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """Code in which the rule finds something, and code in which it does not.

    With a fix, `good` is what the fix makes of `bad`. `files` stand beside, or in place of, those
    of the small project that all examples are set in.
    """

    bad: str
    good: str
    files: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    """Where the code stands, if not where it would by the rule's scope."""
    profile: str = "default"


@dataclass(frozen=True, slots=True)
class Rule:
    """`summary` says what is found, `why` what harm it does; both are Markdown."""

    code: str
    name: str
    severity: Severity
    summary: str
    why: str
    examples: tuple[Example, ...]
    check: Callable[[Any], Iterable[Finding]]
    """From a `Modular` or a `ModelFile`, by the rule's scope, to what is wrong with it."""
    promise: Promise | None = None
    """Of the rule's fix, if it has one."""

    @property
    def scope(self) -> Scope:
        return Scope(self.code[:3])
