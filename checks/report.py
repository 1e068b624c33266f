"""One type for what any check has found, and how it reads on a terminal."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass

from unravel import Cause, Diagnostic


class Verdict(enum.Enum):
    """What a check says of its subject; the value is the word for it."""

    IN_SYNC = "in sync"
    STALE = "stale"
    EDITED = "edited by hand"
    MISSING = "missing"
    ORPHAN = "without modular file"
    ERROR = "unconvertible"


MENDABLE = frozenset({Verdict.STALE, Verdict.MISSING})
"""What a conversion puts right, with nothing lost."""


@dataclass(frozen=True, slots=True)
class Result:
    """What `check` (its name) says of `subject`, the path of a file relative to the root.

    `diagnostics` say why it is not in sync, and may warn where it is. `difference` is a unified
    diff from what is there to what should be, and `causes` is what the file does not have yet.
    `source` is the modular file.
    """

    check: str
    subject: str
    verdict: Verdict
    diagnostics: tuple[Diagnostic, ...] = ()
    difference: str = ""
    source: str = ""
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in the project at `root`. Where the check could not begin, nothing was."""

    root: str
    results: tuple[Result, ...]
    began: bool = True


def exit_code(report: Report) -> int:
    """0 where all is in sync, 1 where something is not, 2 where something was not checked."""
    verdicts = {result.verdict for result in report.results}
    if not verdicts or Verdict.ERROR in verdicts:
        return 2
    return 0 if verdicts == {Verdict.IN_SYNC} else 1


def summary(report: Report) -> str:
    """All results in one line: `checked 8 files: 6 in sync, 2 stale`."""
    counts = Counter(result.verdict for result in report.results)
    errors = counts.pop(Verdict.ERROR, 0)
    parts = [f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict]]
    line = f"checked {_count(sum(counts.values()), 'file')}: {', '.join(parts) or 'none in sync'}"
    return line + (f"; {_count(errors, 'model')} {Verdict.ERROR.value}" if errors else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
