"""What became of all the models of a package: how many could be run, and which differ, by cause."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from checks.forward.verdicts import RUNS, ModelReport, Verdict

_CAUSES = (
    (r"requires the (\w+) library|No module named '(\w+)'", "needs {}"),
    (r"no rule makes the input `(\w+)`", "wants `{}`, which no rule makes"),
    (r"is missing the required \"forward\"", "has no forward"),
    (r"it was still (computing|there) after|it wants more than", "takes too much time or memory"),
)


def lines(reports: Sequence[ModelReport]) -> Iterator[str]:
    """How far the models came, then the names of those that did not or that differ."""
    built, ran, traced, differ = (
        sum(map(reached, reports)) for reached in (is_built, is_run, is_traced, is_differing)
    )
    count = len(reports)
    yield f"of {count} model types: built {built}, ran {ran}, traced {traced}; {differ} differ"
    for cause, names in _grouped((cause_of(each), each) for each in reports if not is_run(each)):
        yield f"    not run: {cause}: {names}"
    differing = (
        (f"{finding.pair}, {finding.check}: {finding.verdict.label}", report)
        for report in reports
        if is_run(report)
        for finding in report.findings
        if finding.verdict.is_failure
    )
    for check, names in _grouped(differing):
        yield f"    {check}: {names}"


def is_built(report: ModelReport) -> bool:
    return is_run(report) or any(RUNS in finding.note for finding in report.findings)


def is_run(report: ModelReport) -> bool:
    return any(
        finding.check == "plain" and finding.verdict is not Verdict.BROKEN
        for finding in report.findings
    )


def is_traced(report: ModelReport) -> bool:
    """Does it run the same program every time?"""
    return any(
        (finding.pair, finding.check, finding.verdict) == ("itself", "plain", Verdict.PROVED)
        for finding in report.findings
    )


def is_differing(report: ModelReport) -> bool:
    return is_run(report) and any(finding.verdict.is_failure for finding in report.findings)


def cause_of(report: ModelReport) -> str:
    """Why a model was not run."""
    note = next((each.note for each in report.findings if each.verdict.is_failure), "no reason")
    for pattern, cause in _CAUSES:
        found = re.search(pattern, note)
        if found:
            return cause.format(*filter(None, found.groups()))
    return "built" if is_built(report) else "not built"


def _grouped(found: Iterator[tuple[str, ModelReport]]) -> list[tuple[str, str]]:
    groups = defaultdict[str, set[str]](set)
    for cause, report in found:
        groups[cause].add(report.model)
    largest = sorted(groups.items(), key=lambda each: (-len(each[1]), each[0]))
    return [(f"{cause} ({len(names)})", " ".join(sorted(names))) for cause, names in largest]
