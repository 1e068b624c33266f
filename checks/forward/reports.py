"""Reports for machines and for a browser: JSON, JUnit, and one page of HTML that needs no other."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from xml.etree import ElementTree

from checks.forward.terminal import from_here, summary
from checks.forward.verdicts import Finding, ModelReport, Verdict, exit_code, worst

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
    suites = ElementTree.Element("testsuites", name="unravel forward")
    for report in reports:
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name=report.model,
            tests=str(len(report.findings)),
            failures=_count(report, Verdict.DIVERGED),
            errors=_count(report, Verdict.BROKEN),
            skipped=_count(report, Verdict.SKIPPED),
            time=f"{0.0 if report.since else report.seconds:.3f}",
        )
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


def _count(report: ModelReport, verdict: Verdict) -> str:
    return str(sum(finding.verdict is verdict for finding in report.findings))


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


# -- a page --------------------------------------------------------------------------------------

_COLORS = {
    Verdict.PROVED: "#1a7f37",
    Verdict.EQUAL_BITS: "#2da44e",
    Verdict.REFACTOR: "#0969da",
    Verdict.WITHIN_NOISE: "#8250df",
    Verdict.SKIPPED: "#6e7781",
    Verdict.UNREACHED: "#9a6700",
    Verdict.VACUOUS: "#bc4c00",
    Verdict.DIVERGED: "#cf222e",
    Verdict.BROKEN: "#82071e",
}
_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884 }
td { vertical-align: top }
.verdict { color: #fff; border-radius: .25rem; padding: .05rem .4rem; white-space: nowrap;
  font-size: .85em }
details { margin: .5rem 0 } summary { cursor: pointer; font-weight: 600 }
pre { white-space: pre-wrap; margin: .2rem 0; font-size: .85em }
svg text { fill: currentColor; font: 12px system-ui, sans-serif }
"""


def as_html(reports: Sequence[ModelReport], root: Path) -> str:
    """One page: all models in a table, errors as a plot, and every finding."""
    pairs = list(dict.fromkeys(each.pair for report in reports for each in report.findings))
    head = "".join(f"<th>{escape(pair)}</th>" for pair in pairs)
    rows = "".join(_row(report, pairs) for report in reports)
    details = "".join(_details(report, root) for report in reports)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Forward passes in sync</title><style>{_STYLE}</style></head><body>"
        f"<h1>Forward passes in sync</h1><p>{escape(summary(reports))}</p>"
        f"<table><thead><tr><th>model</th>{head}<th>seconds</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>{_plot(reports)}<h2>Findings</h2>{details}</body></html>\n"
    )


def _row(report: ModelReport, pairs: Sequence[str]) -> str:
    cells = "".join(
        f"<td>{_badge(worst(each.verdict for each in report.of(pair)))}</td>" for pair in pairs
    )
    name = escape(report.model)
    return f'<tr><td><a href="#{name}">{name}</a></td>{cells}<td>{_seconds(report)}</td></tr>'


def _seconds(report: ModelReport) -> str:
    return f"unchanged since {report.since}" if report.since else f"{report.seconds:.1f}"


def _badge(verdict: Verdict | None) -> str:
    if verdict is None:
        return "-"
    title, color = escape(verdict.value), _COLORS[verdict]
    return (
        f'<span class="verdict" style="background:{color}" title="{title}">{verdict.label}</span>'
    )


def _details(report: ModelReport, root: Path) -> str:
    opened = " open" if any(each.verdict.is_failure for each in report.findings) else ""
    rows = "".join(_finding(finding, root) for finding in report.findings)
    name = escape(report.model)
    return f'<details id="{name}"{opened}><summary>{name}</summary><table>{rows}</table></details>'


def _finding(finding: Finding, root: Path) -> str:
    places = "".join(
        f"<pre>{escape(place.role)} {escape(from_here(place.path, root))}:{place.line}: "
        f"{escape(place.text)}</pre>"
        for place in finding.places
    )
    if finding.script:
        places += f"<pre>script {escape(finding.script)}</pre>"
    error = "" if not finding.error else f"{finding.error:.1e}"
    return (
        f"<tr><td>{_badge(finding.verdict)}</td><td>{escape(finding.name)}</td>"
        f"<td>{error}</td><td>{escape(finding.note)}{places}</td></tr>"
    )


_WIDTH, _LEFT, _STEP = 900, 170, 18
_DECADES = range(-9, 1)


def _plot(reports: Sequence[ModelReport]) -> str:
    """The errors of each model as dots on a logarithmic scale; what may be is a line."""
    shown = [(report, list(_errors(report))) for report in reports]
    shown = [(report, errors) for report, errors in shown if errors]
    if not shown:
        return ""
    height = _STEP * len(shown) + 40
    grid = "".join(
        f'<line x1="{_x(10.0**n):.0f}" x2="{_x(10.0**n):.0f}" y1="0" y2="{height - 30}" '
        f'stroke="#8884"/><text x="{_x(10.0**n):.0f}" y="{height - 12}" '
        f'text-anchor="middle">1e{n}</text>'
        for n in _DECADES
    )
    marks = "".join(
        f'<text x="{_LEFT - 10}" y="{_STEP * row + 16}" text-anchor="end">{escape(report.model)}'
        "</text>"
        + "".join(
            f'<circle cx="{_x(each.error or 0.0):.1f}" cy="{_STEP * row + 12}" r="4" '
            f'fill="{_COLORS[each.verdict]}"><title>{escape(each.name)}: {each.error:.1e}</title>'
            "</circle>"
            for each in errors
        )
        for row, (report, errors) in enumerate(shown)
    )
    return (
        "<h2>Errors, relative to the largest value</h2>"
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img">{grid}{marks}</svg>'
    )


def _errors(report: ModelReport) -> Iterator[Finding]:
    return (each for each in report.findings if each.error)


def _x(error: float) -> float:
    low, high = _DECADES[0], _DECADES[-1]
    exponent = min(max(math.log10(error) if 0 < error < math.inf else high, low), high)
    return _LEFT + (exponent - low) / (high - low) * (_WIDTH - _LEFT - 30)
