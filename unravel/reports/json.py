"""One JSON object; its `version` changes when its keys do."""

from __future__ import annotations

import json
from typing import Any

from unravel.reports.report import Report
from unravel.types import Diagnostic

VERSION = 1


def render(report: Report) -> str:
    document = {
        "version": VERSION,
        "command": report.command,
        "subjects": len(report.subjects),
        **report.numbers,
        **report.details,
        "diagnostics": [_entry(each) for each in report.diagnostics],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _entry(found: Diagnostic) -> dict[str, Any]:
    return {
        "path": found.path,
        "line": found.line,
        "column": found.column,
        "code": found.code,
        "severity": found.severity.value,
        "message": found.message,
        "hint": found.hint,
    }
