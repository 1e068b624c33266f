"""What a forward check finds: one verdict for each thing that was asked, never a bare "passed"."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

RUNS = "it was built, and does not run: "
"""How a reason begins where a model could be built."""


class Verdict(enum.Enum):
    """The value says what it means. From the best to the worst."""

    PROVED = "the same operations on the same data"
    EQUAL_BITS = "the same bits"
    REFACTOR = "other operations, the same bits"
    WITHIN_NOISE = "no further apart than rounding explains"
    SKIPPED = "not asked, for the reason given"
    UNREACHED = "code that no check has run"
    VACUOUS = "the check could not have failed"
    DIVERGED = "they compute different things"
    BROKEN = "one of them could not be run"

    @property
    def label(self) -> str:
        return self.name.replace("_", " ")

    @property
    def is_failure(self) -> bool:
        return self in (Verdict.DIVERGED, Verdict.BROKEN)

    @property
    def is_agreement(self) -> bool:
        """Something was compared, and it agrees."""
        return self in AGREEMENTS


AGREEMENTS = (Verdict.PROVED, Verdict.EQUAL_BITS, Verdict.REFACTOR, Verdict.WITHIN_NOISE)
_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of source. `role` says whose: generated, modular, parent, reference."""

    role: str
    path: str
    line: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Step:
    """An operation of ours and the one beside it; empty where one side has none."""

    mine: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Layer:
    """How far off is what a module gives back, relative to its largest value."""

    path: str
    error: float


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question about one model.

    `pair` is what was compared: `live`, `reference`, `golden`, or `itself`. `error` and `bound` are
    relative to the largest absolute value of what was compared with.
    """

    model: str
    pair: str
    subject: str
    """The class that was run, or the part of it."""
    variant: str
    """Which configuration: `tiny` or `perturbed`."""
    check: str
    """`manifest`, or the scenario."""
    verdict: Verdict
    note: str = ""
    places: tuple[Place, ...] = ()
    error: float | None = None
    bound: float | None = None
    script: str = ""
    """A program that shows a failure: its text, and its path once it is written down."""
    trace: tuple[Step, ...] = ()
    """Both programs, about the first operation that differs."""
    layers: tuple[Layer, ...] = ()
    """In the order in which they are done."""

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.pair, self.subject, self.variant, self.check)))


@dataclass(frozen=True, slots=True)
class ModelReport:
    """All findings of one model, and how long they took in seconds.

    `since` is when they were found, if that was in an earlier run and nothing has changed.
    """

    model: str
    findings: tuple[Finding, ...]
    seconds: float
    since: str = ""

    def of(self, pair: str) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.pair == pair)


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The worst of them: a failure, else the weakest agreement, else why there is none."""
    found = sorted(verdicts, key=_RANK.__getitem__)
    failures = [verdict for verdict in found if verdict.is_failure]
    agreements = [verdict for verdict in found if verdict.is_agreement]
    return next((group[-1] for group in (failures, agreements, found) if group), None)


def counts(findings: Iterable[Finding]) -> Counter[Verdict]:
    return Counter(finding.verdict for finding in findings)


def exit_code(reports: Sequence[ModelReport]) -> int:
    """0: all agree. 1: something diverged. 2: something could not be run, or nothing compared.

    A model of which nothing was compared counts as broken.
    """
    verdicts = [{finding.verdict for finding in report.findings} for report in reports]
    if not verdicts or any(
        Verdict.BROKEN in found or found.isdisjoint({*AGREEMENTS, Verdict.DIVERGED})
        for found in verdicts
    ):
        return 2
    return int(any(Verdict.DIVERGED in found for found in verdicts))
