"""Workflow commands of GitHub: each finding is shown beside its line in a pull request."""

from __future__ import annotations

from unravel.reports.report import Report
from unravel.types import Diagnostic


def render(report: Report) -> str:
    return "".join(_command(each) + "\n" for each in report.diagnostics)


def _command(found: Diagnostic) -> str:
    fields = {"file": found.path}
    if found.line:
        fields |= {"line": str(found.line), "col": str(max(found.column, 1))}
    fields["title"] = found.code
    listed = ",".join(f"{key}={_property(value)}" for key, value in fields.items())
    message = f"{found.message}\n{found.hint}" if found.hint else found.message
    return f"::{found.severity.value} {listed}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
