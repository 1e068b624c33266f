"""JUnit's XML: a test case for each file, which fails by what was found in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from unravel.reports.report import Report
from unravel.types import Diagnostic, Severity

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> str:
    found: dict[str, list[Diagnostic]] = {path: [] for path in report.subjects}
    for each in report.diagnostics:
        found.setdefault(each.path, []).append(each)
    failures = sum(bool(each) for each in found.values())
    suite = f"name={quoteattr(f'unravel {report.command}')}"
    counts = f'tests="{len(found)}" failures="{failures}" errors="0" skipped="0"'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {suite} {counts}>"]
    lines.append(f"  <testsuite {suite} {counts}>")
    for path, diagnostics in sorted(found.items()):
        lines += _case(report.command, path, diagnostics)
    return "\n".join([*lines, "  </testsuite>", "</testsuites>"]) + "\n"


def _case(command: str, path: str, diagnostics: Sequence[Diagnostic]) -> list[str]:
    head = f"    <testcase classname={_attribute(command)} name={_attribute(path)}"
    if not diagnostics:
        return [head + "/>"]
    worst = next((d for d in diagnostics if d.severity is Severity.ERROR), diagnostics[0])
    message = f"{len(diagnostics)} found: {worst.code} {worst.message}"
    body = "\n".join(_line(each) for each in diagnostics)
    return [
        head + ">",
        f"      <failure type={_attribute(worst.severity.value)} message={_attribute(message)}>"
        f"{escape(_plain(body))}</failure>",
        "    </testcase>",
    ]


def _line(found: Diagnostic) -> str:
    hint = f" ({found.hint})" if found.hint else ""
    return f"{found.path}:{found.line}:{found.column}: {found.code} {found.message}{hint}"


def _attribute(text: str) -> str:
    return quoteattr(_plain(text))


def _plain(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
