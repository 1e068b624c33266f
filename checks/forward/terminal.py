"""Reports as text, for 80 columns."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from checks.forward.verdicts import Finding, ModelReport, Verdict, counts, worst

PAIRS = ("live", "reference", "itself", "golden")
WIDTH = 80


def header() -> str:
    return f"{'model':<16}" + "".join(f"{pair:<15}" for pair in PAIRS) + "secs"


def table_lines(report: ModelReport, *, first: bool) -> list[str]:
    """The line of a model, below the header if it is the first."""
    return [*([header()] if first else []), row(report)]


def row(report: ModelReport) -> str:
    """One line: for each pair the verdict, and of how many checks."""
    cells = "".join(f"{_cell(report.of(pair)):<15}" for pair in PAIRS)
    seconds = "=" if report.since else f"{report.seconds:.1f}"
    return f"{_cut(report.model, 15):<16}{cells}{seconds}"


def _cell(findings: Sequence[Finding]) -> str:
    verdict = worst(finding.verdict for finding in findings)
    if verdict is None:
        return "-"
    if verdict is Verdict.SKIPPED:
        return "-"
    return verdict.label


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def details(report: ModelReport, *, root: Path, verbose: bool = False) -> Iterator[str]:
    """What failed first of each class and pair, and where; if `verbose`, all checks."""
    if verbose and report.since:
        yield f"{report.model}: unchanged since {report.since}"
    if verbose:
        for finding in report.findings:
            yield from finding_lines(finding, root)
        return
    failures = [finding for finding in report.findings if finding.verdict.is_failure]
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in failures:
        groups.setdefault((finding.verdict, finding.pair, finding.subject), []).append(finding)
    for first, *others in groups.values():
        yield from finding_lines(first, root)
        if others:
            names = ", ".join(f"{each.variant} {each.check}".strip() for each in others)
            yield from _wrapped(f"the same verdict: {names}")


def finding_lines(finding: Finding, root: Path) -> Iterator[str]:
    yield f"{finding.verdict.label}: {finding.model}: {finding.name}"
    if finding.note:
        yield from _wrapped(finding.note)
    for place in finding.places:
        yield f"    {place.role:<10} {from_here(place.path, root)}:{place.line}: {place.text}"
    if finding.script:
        yield f"    {'script':<10} {from_here(finding.script, root)}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent="    ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def from_here(path: str, root: Path) -> str:
    """As one would name it: from the root of the project, or from where packages are installed."""
    _, found, rest = path.rpartition("site-packages/")
    if found:
        return rest
    relative = os.path.relpath(path, root)
    return path if relative.startswith("..") else relative


def summary(reports: Sequence[ModelReport]) -> str:
    """All verdicts in one line."""
    found = counts(finding for report in reports for finding in report.findings)
    parts = [f"{found[verdict]} {verdict.label}" for verdict in Verdict if found[verdict]]
    seconds = sum(report.seconds for report in reports if not report.since)
    models = "1 model" if len(reports) == 1 else f"{len(reports)} models"
    same = sum(bool(report.since) for report in reports)
    unchanged = f", {same} of them unchanged" if same else ""
    return f"{models} in {seconds:.1f} s{unchanged}: {', '.join(parts) or 'nothing was compared'}"
