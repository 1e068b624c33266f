"""The value that all formats are made from."""

from __future__ import annotations

from dataclasses import dataclass, field

from unravel.types import Diagnostic


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """What a format may say of a code, beside the findings that bear it."""

    code: str
    name: str
    summary: str
    help: str = ""
    """Markdown."""


@dataclass(frozen=True, slots=True)
class Report:
    """What `command` (`lint`, `check`) has found in the `subjects` that it looked at.

    `subjects` are the paths of all files that were looked at, also of those without a finding, so
    that a format can say what is in order. Paths are relative to the root, with forward slashes.
    """

    command: str
    subjects: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]
    rules: tuple[RuleInfo, ...] = ()
    version: str = ""
    numbers: dict[str, int] = field(default_factory=dict)
    """Figures of the run that are worth keeping: how many findings were hidden, say."""
    summary: str = ""
    """All of it in one line."""
    details: dict[str, object] = field(default_factory=dict)
    """What only this command tells, for JSON."""
