"""Reports for machines: JSON and JUnit."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from checks.forward.terminal import from_here
from checks.forward.verdicts import Finding, ModelReport, Verdict, counts, exit_code

VERSION = 1
"""Of the JSON; fields are only ever added to it."""


def as_json(reports: Sequence[ModelReport], root: Path) -> str:
    """Every finding of every model."""
    document = {
        "version": VERSION,
        "exit_code": exit_code(reports),
        "models": [
            {
                "model": report.model,
                "seconds": round(report.seconds, 3),
                "unchanged_since": report.since or None,
                "findings": [_fields(finding, root) for finding in report.findings],
            }
            for report in reports
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _fields(finding: Finding, root: Path) -> dict[str, object]:
    return {
        "pair": finding.pair,
        "class": finding.subject,
        "configuration": finding.variant,
        "check": finding.check,
        "verdict": finding.verdict.name,
        "note": finding.note,
        "error": _number(finding.error),
        "bound": _number(finding.bound),
        "script": finding.script or None,
        "trace": [[step.mine, step.theirs] for step in finding.trace],
        "layers": [[layer.path, _number(layer.error)] for layer in finding.layers],
        "places": [
            {
                "role": place.role,
                "path": from_here(place.path, root),
                "line": place.line,
                "text": place.text,
            }
            for place in finding.places
        ],
    }


def _number(value: float | None) -> float | str | None:
    """JSON has no infinity."""
    return value if value is None or math.isfinite(value) else str(value)


def as_junit(reports: Sequence[ModelReport], root: Path) -> str:
    """A suite for each model, and a case for each check."""
    findings = [finding for report in reports for finding in report.findings]
    seconds = sum(report.seconds for report in reports if not report.since)
    suites = ElementTree.Element("testsuites", _totals("unravel forward", findings, seconds))
    for report in reports:
        seconds = 0.0 if report.since else report.seconds
        totals = _totals(report.model, report.findings, seconds)
        suite = ElementTree.SubElement(suites, "testsuite", totals)
        if report.since:
            properties = ElementTree.SubElement(suite, "properties")
            said = {"name": "unchanged since", "value": report.since}
            ElementTree.SubElement(properties, "property", said)
        for finding in report.findings:
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"forward.{report.model}", name=finding.name
            )
            _outcome(case, finding, root)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _totals(name: str, findings: Sequence[Finding], seconds: float) -> dict[str, str]:
    found = counts(findings)
    return {
        "name": name,
        "tests": str(len(findings)),
        "failures": str(found[Verdict.DIVERGED]),
        "errors": str(found[Verdict.BROKEN]),
        "skipped": str(found[Verdict.SKIPPED]),
        "time": f"{seconds:.3f}",
    }


_TAGS = {Verdict.DIVERGED: "failure", Verdict.BROKEN: "error", Verdict.SKIPPED: "skipped"}


def _outcome(case: ElementTree.Element, finding: Finding, root: Path) -> None:
    tag = _TAGS.get(finding.verdict)
    places = [
        f"{place.role}: {from_here(place.path, root)}:{place.line}: {place.text}"
        for place in finding.places
    ]
    text = "\n".join([*places, *([f"script: {finding.script}"] if finding.script else [])])
    if tag is not None:
        outcome = ElementTree.SubElement(case, tag, message=_printable(finding.note))
        outcome.text = _printable(text)
    else:
        output = ElementTree.SubElement(case, "system-out")
        output.text = _printable(f"{finding.verdict.label} {finding.note}".strip())


def _printable(text: str) -> str:
    """XML can hold no control characters."""
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)
