"""The checks themselves on trial: how many mistakes in a generated file do they catch?

Each mutant of the file stands in for it once, in a process of its own, and is asked what `unravel
forward` asks of the model, until something fails. What comes through is asked by probes, which are
many more than the checks and other ones. A mutant that answers any of them otherwise, by a single
bit, is a survivor; of one that does not, nothing shows that it is a mistake.

Nothing is asked that does not run the line of the mutant: it could not answer otherwise.
"""

from __future__ import annotations

import enum
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from checks.forward import (
    configs,
    golden,
    itself,
    pairs,
    probes,
    refusals,
    scenarios,
    session,
    sides,
)
from checks.forward.forking import Limits, Lost, run_each
from checks.forward.inputs import Request
from checks.forward.instances import Instance, instance
from checks.forward.mutants import Mutant, mutants
from checks.forward.pairs import Question
from checks.forward.probes import Answer
from checks.forward.project import Project
from checks.forward.reach import lines_run
from checks.forward.scenarios import Scenario
from checks.forward.session import Subject
from checks.forward.settings import ModelSettings
from checks.forward.sides import Side
from checks.forward.terminal import from_here
from checks.forward.verdicts import Finding, Verdict

ENOUGH = 0.99
"""Such a share of the mistakes is to be caught."""
LIMITS = Limits(seconds=120)
"""A mutant that computes for longer, or wants more memory, is caught."""


class Fate(enum.Enum):
    """What became of a mutant."""

    CAUGHT = "caught by what it computed"
    BROKEN = "caught, for it could not be run"
    SAME = "the same"
    UNREACHED = "never run"
    SURVIVED = "survived"

    @property
    def is_caught(self) -> bool:
        return self in (Fate.CAUGHT, Fate.BROKEN)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`by` is the check that caught the mutant, or the probe that shows what no check caught."""

    mutant: Mutant
    fate: Fate
    by: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    """What became of each mutant of a model's generated file."""

    model: str
    path: str
    pairs: tuple[str, ...]
    probes: int
    outcomes: tuple[Outcome, ...]
    seconds: float

    def of(self, *fates: Fate) -> tuple[Outcome, ...]:
        return tuple(each for each in self.outcomes if each.fate in fates)

    def share(self, *, runnable: bool = False) -> float:
        """Of the mutants that change what is computed, how many were caught.

        `runnable`: those that cannot be run at all, which anybody would notice, do not count.
        """
        caught = len(self.of(Fate.CAUGHT) if runnable else self.of(Fate.CAUGHT, Fate.BROKEN))
        changed = caught + len(self.of(Fate.SURVIVED))
        return caught / changed if changed else 1.0

    @property
    def is_passed(self) -> bool:
        """Something was tried, and enough of it caught."""
        shares = self.share(), self.share(runnable=True)
        return bool(self.of(Fate.CAUGHT, Fate.BROKEN)) and min(shares) >= ENOUGH


def audit(
    project: Project,
    model: str,
    settings: ModelSettings,
    *,
    most: int = 0,
    jobs: int = 1,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Audit:
    """Every mutant of the model's generated file, or about `most` of them, evenly spread.

    Raises what loading the model raises, and a ValueError where the file as it stands is caught.
    """
    began = time.perf_counter()
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        subject, _ = session.subject_of(project, model, settings, stack)
        subject = session.prepared(subject)
        trial = _Trial(subject, project)
        path = project.path(project.modeling, model)
        chosen = {str(n): each for n, each in enumerate(_spread(mutants(path.read_text()), most))}
        outcomes: dict[str, Outcome] = {}
        work = partial(_fate_of, trial, chosen)
        for name, found in run_each(list(chosen), work, jobs=jobs, limits=LIMITS):
            lost = (
                Outcome(chosen[name], Fate.BROKEN, found.reason)
                if isinstance(found, Lost)
                else found
            )
            outcomes[name] = lost
            on_progress(len(outcomes), len(chosen))
    kinds = (*subject.others, *(["golden"] if trial.has_recording else []), "itself")
    in_order = tuple(outcomes[name] for name in chosen)
    seconds = time.perf_counter() - began
    return Audit(model, str(path), kinds, len(trial.probes), in_order, seconds)


def _fate_of(trial: _Trial, chosen: dict[str, Mutant], name: str) -> Outcome:
    return trial.outcome(chosen[name])


def _spread(all_of_them: list[Mutant], most: int) -> list[Mutant]:
    step = max(1, -(-len(all_of_them) // most)) if most else 1
    return all_of_them[::step]


# -- what is asked -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Step:
    """One thing that is asked of the class `head`, built from `options`.

    Steps of the same class and `variant` ask one model. `lines` are those of the file that it runs.
    """

    name: str
    head: str
    variant: str
    options: configs.Options
    ask: Callable[[Instance], Any]
    expected: Any = None
    """What is answered by the file as it stands: findings, or the leaves of outputs."""
    lines: frozenset[int] = frozenset()
    seconds: float = 0.0

    def reaches(self, mutant: Mutant) -> bool:
        return any(line in self.lines for line in range(mutant.first, mutant.last + 1))


class _Trial:
    """All that can be asked of a model, with the lines that it runs, the cheapest first."""

    def __init__(self, subject: Subject, project: Project) -> None:
        self._own = subject.generated
        self._file = next(path for path, role in self._own.files.items() if role == "generated")
        then = golden.read(project.golden(subject.model))
        self.has_recording = then is not None
        self.checks = self._measured(_checks(subject, then))
        self.probes = self._measured(
            _Step(each.name, each.head, each.variant, each.options, partial(_answer, each))
            for each in probes.probes(subject)
        )
        self._expect_agreement()

    def outcome(self, mutant: Mutant) -> Outcome:
        asked = [each for each in self.checks if each.reaches(mutant)]
        probed = [each for each in self.probes if each.reaches(mutant)]
        if not asked and not probed:
            return Outcome(mutant, Fate.UNREACHED)
        try:
            with sides.altered(self._own, mutant.apply) as side:
                models = _Models(side)
                for step in asked:
                    for finding in _found(models, step):
                        if finding.verdict.is_failure:
                            is_broken = finding.verdict is Verdict.BROKEN
                            fate = Fate.BROKEN if is_broken else Fate.CAUGHT
                            return Outcome(mutant, fate, finding.name)
                models = _Models(side)
                for step in probed:
                    if probes.differ(_answered(models, step), step.expected):
                        return Outcome(
                            mutant, Fate.SURVIVED, f"{step.head} {step.variant} {step.name}"
                        )
        except Exception as error:
            return Outcome(mutant, Fate.BROKEN, f"{type(error).__name__}: {error}")
        return Outcome(mutant, Fate.SAME)

    def _measured(self, steps: Iterable[_Step]) -> list[_Step]:
        models = _Models(self._own, self._file)
        found = []
        for step in steps:
            built, lines = models.get(step), models.lines(step)
            began = time.perf_counter()
            if isinstance(built, Exception):
                answer, ran = probes.refusal(built), frozenset[int]()
            else:
                answer, ran = lines_run(self._file, partial(step.ask, built))
            seconds = time.perf_counter() - began
            found.append(replace(step, expected=answer, lines=lines | ran, seconds=seconds))
        return sorted(found, key=lambda each: each.seconds)

    def _expect_agreement(self) -> None:
        for step in self.checks:
            for finding in step.expected:
                if finding.verdict.is_failure:
                    raise ValueError(f"as it stands it is caught: {finding.name}: {finding.note}")


class _Models:
    """Models of one side, each built once, and the lines that building it runs."""

    def __init__(self, side: Side, file: str = "") -> None:
        self._side, self._file = side, file
        self._built: dict[tuple[str, str], tuple[Instance | Exception, frozenset[int]]] = {}

    def get(self, step: _Step) -> Instance | Exception:
        return self._entry(step)[0]

    def lines(self, step: _Step) -> frozenset[int]:
        return self._entry(step)[1]

    def _entry(self, step: _Step) -> tuple[Instance | Exception, frozenset[int]]:
        key = step.head, step.variant
        if key not in self._built:
            build = partial(self._build, step)
            self._built[key] = (
                lines_run(self._file, build) if self._file else (build(), frozenset())
            )
        return self._built[key]

    def _build(self, step: _Step) -> Instance | Exception:
        try:
            return instance(self._side, step.head, step.options)
        except Exception as error:
            return error


def _found(models: _Models, step: _Step) -> Iterator[Finding]:
    one = models.get(step)
    if isinstance(one, Exception):
        raise one
    yield from step.ask(one)


def _answered(models: _Models, step: _Step) -> Answer:
    one = models.get(step)
    return probes.refusal(one) if isinstance(one, Exception) else step.ask(one)


def _answer(probe: probes.Probe, one: Instance) -> Answer:
    return probes.answer(probe, one)


# -- the checks, one by one ----------------------------------------------------------------------


def _checks(subject: Subject, then: golden.Golden | None) -> Iterator[_Step]:
    """What a run of `unravel forward` asks of the model."""
    heads = session.in_order(subject.generated.classes)
    for head in heads:
        asked = scenarios.SCENARIOS if head == heads[0] else scenarios.BRIEF
        for variant, chosen in subject.options.items():
            options = session.for_head(head, chosen)
            step = partial(_Step, head=head, variant=variant, options=options)
            for name, ask in _asked(subject, head, variant, options, asked):
                yield step(name, ask=ask)
            if head == heads[0] and then is not None:
                ask = partial(
                    _recorded,
                    subject,
                    Question(subject.model, "golden", head, variant),
                    then,
                    options,
                )
                yield step("recorded", ask=ask)


def _asked(
    subject: Subject,
    head: str,
    variant: str,
    options: configs.Options,
    asked: tuple[Scenario, ...],
) -> Iterator[tuple[str, Callable[[Instance], Any]]]:
    settings = subject.settings
    question = Question(
        subject.model,
        "itself",
        head,
        variant,
        tolerance=settings.tolerance,
        reason=settings.reason,
        locate=False,
    )
    for pair, side in subject.others.items():
        if side.names.get(head, head) not in side.classes:
            continue
        other = instance(side, head, options)
        request = session.request_of(subject, other)
        own = replace(question, pair=pair, exactly=pair == "live")
        yield "manifest", partial(_manifest, own, other)
        if variant == session.VARIANTS[0]:
            yield "refusals", partial(_refused, own, other, request)
        for scenario in asked:
            if scenario.name not in settings.skip and not scenario.applies(request):
                given = scenario.inputs(request)
                yield scenario.name, partial(_run, own, other, scenario, given)
    if asked is scenarios.SCENARIOS and variant == "tiny":
        for comparison in itself.COMPARISONS:
            if comparison.name not in settings.skip:
                yield comparison.name, partial(_itself, subject, question, comparison)


def _manifest(question: Question, other: Instance, one: Instance) -> list[Finding]:
    return [pairs.compare_manifests(question, one, other)]


def _refused(question: Question, other: Instance, request: Request, one: Instance) -> list[Finding]:
    return [refusals.compare(question, one, other, request)]


def _run(
    question: Question, other: Instance, scenario: Scenario, given: Any, one: Instance
) -> list[Finding]:
    return [pairs.compare_runs(question, one, other, scenario, given)]


def _itself(
    subject: Subject, question: Question, comparison: itself.Comparison, one: Instance
) -> list[Finding]:
    request = session.request_of(subject, one)
    return [itself.answer(question, comparison, one, request)]


def _recorded(
    subject: Subject,
    question: Question,
    then: golden.Golden,
    options: configs.Options,
    one: Instance,
) -> list[Finding]:
    now = golden.record(one, question.variant, session.request_of(subject, one), options)
    return list(golden.compare(question, one, now, then))


# -- what is said of it --------------------------------------------------------------------------


def lines(audit: Audit, root: Path, *, verbose: bool = False) -> Iterator[str]:
    """The outcome as text; if `verbose`, what was not shown to be a mistake is listed too."""
    counts = {fate: len(audit.of(fate)) for fate in Fate}
    caught = counts[Fate.CAUGHT] + counts[Fate.BROKEN]
    changed = caught + counts[Fate.SURVIVED]
    runnable = changed - counts[Fate.BROKEN]
    yield (
        f"{audit.model}: {len(audit.outcomes)} mutants beside {', '.join(audit.pairs)} "
        f"in {audit.seconds:.0f} s"
    )
    yield (
        f"    {changed} compute something else, {caught} of them are caught: {audit.share():.1%}"
    )
    yield (
        f"    {runnable} of them can be run, {counts[Fate.CAUGHT]} of these are caught: "
        f"{audit.share(runnable=True):.1%}"
    )
    yield f"    {counts[Fate.SAME]} compute the same, as far as {audit.probes} probes tell"
    yield f"    {counts[Fate.UNREACHED]} are where neither checks nor probes come"
    first = Counter(_kind(each.by) for each in audit.of(Fate.CAUGHT, Fate.BROKEN))
    yield f"    first caught by: {', '.join(f'{n} {name}' for name, n in first.most_common())}"
    shown = (Fate.SURVIVED, Fate.UNREACHED, *([Fate.SAME] if verbose else []))
    for each in audit.of(*shown):
        where = f"{from_here(audit.path, root)}:{each.mutant.line}"
        yield f"{where}: {each.fate.value}: {each.mutant.kind}: {each.mutant}"
        if each.by:
            yield f"    shown by {each.by}"


def _kind(by: str) -> str:
    """The name of the check alone: without class and configuration."""
    for variant in (" tiny ", " perturbed "):
        if variant in by:
            return by.split(variant, 1)[1]
    return "error while building"
