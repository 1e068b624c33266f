"""Markdown: the summary of a job in CI, or a comment on a pull request."""

from __future__ import annotations

import re

from unravel.reports.report import Report
from unravel.types import Diagnostic

_SHOWN = 200
"""So many findings are listed; GitHub cuts a summary at one MiB."""


def render(report: Report) -> str:
    counts = f"{len(report.subjects)} files, {len(report.diagnostics)} findings"
    lines = [f"### unravel {report.command}", "", report.summary or counts, ""]
    if report.diagnostics:
        lines += ["| where | what |", "|---|---|"]
        lines += [_row(each) for each in report.diagnostics[:_SHOWN]]
        hidden = len(report.diagnostics) - _SHOWN
        lines += ["", f"... and {hidden} more"] if hidden > 0 else []
    return "\n".join(lines).rstrip("\n") + "\n"


def _row(found: Diagnostic) -> str:
    place = f"{found.path}:{found.line}" if found.line else found.path
    hint = "".join(f"<br>{_cell(line)}" for line in found.hint.split("\n") if line)
    return f"| `{place}` | {found.code} {_cell(found.message)}{hint} |"


def _cell(text: str) -> str:
    """`text` without what would end the cell, or begin a tag, outside of code."""
    parts = re.split(r"(`[^`]*`)", text.replace("|", r"\|"))
    return "".join(
        part if part.startswith("`") else part.replace("<", "&lt;").replace("*", r"\*")
        for part in parts
    )
