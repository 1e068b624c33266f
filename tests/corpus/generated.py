"""Generated files as text: their banner, what is left when they are blanked, where two differ."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Each line of the banner is centred by hand: far more blanks than a licence is indented by.
BANNER_LINE = re.compile(r"# {9,}\S")
SOURCE = re.compile(r"automatically generated from (src/transformers/\S*/modular_\w+\.py)\.")


def banner(text: str) -> str:
    """The comment lines that `text` opens with to say what it was generated from, or nothing."""
    lines = []
    for line in text.splitlines(keepends=True):
        if not BANNER_LINE.match(line):
            break
        lines.append(line)
    found = "".join(lines)
    return found if SOURCE.search(found) else ""


def source(text: str) -> str | None:
    """The modular file that `text` was generated from, as its banner names it."""
    found = SOURCE.search(banner(text))
    return found[1] if found else None


@dataclass(frozen=True)
class Difference:
    """The first line, counted from 1, in which two texts differ; None is past the end of one."""

    line: int
    expected: str | None
    got: str | None

    def __str__(self) -> str:
        return f"expected {_shown(self.expected)}\n     got {_shown(self.got)}"


def _shown(line: str | None) -> str:
    if line is None:
        return "(end of file)"
    # A line that differs in blanks alone, or in its line ending, must not look the same.
    return line if line == line.rstrip() else repr(line)


def first_difference(expected: str, got: str) -> Difference | None:
    """Where `got` leaves `expected`, or None if both are the same to the byte."""
    if expected == got:
        return None
    expected_lines, got_lines = expected.split("\n"), got.split("\n")
    pairs = zip(expected_lines, got_lines, strict=False)
    for number, (wanted, found) in enumerate(pairs, start=1):
        if wanted != found:
            return Difference(number, wanted, found)
    at = min(len(expected_lines), len(got_lines))
    return Difference(
        at + 1,
        expected_lines[at] if at < len(expected_lines) else None,
        got_lines[at] if at < len(got_lines) else None,
    )
