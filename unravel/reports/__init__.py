"""What a command has found, written for people's tools: JSON, GitHub, SARIF, JUnit.

A format is one function in a module of its own: `Report -> str`. Text for the terminal is the
command line's own business.
"""

from __future__ import annotations

from importlib import import_module

from unravel.reports.report import Report, RuleInfo

FORMATS = ("text", "json", "github", "sarif", "junit", "markdown")
"""The names of all formats; `text` is printed by the command line."""

__all__ = ["FORMATS", "Report", "RuleInfo", "render"]


def render(name: str, report: Report) -> str:
    """The whole report in the format `name`, ending in a newline unless it is empty."""
    if name not in FORMATS[1:]:
        raise KeyError(name)
    text: str = import_module(f"unravel.reports.{name}").render(report)
    return text
