"""The checks themselves on trial: how many mistakes in a generated file do they catch?

Each mutant of the file stands in for it once. What no check fails is asked again more widely: other
lengths, inputs and configurations. A mutant that changes any bit there, and was not caught, is a
survivor; one that changes nothing anywhere counts as no mistake.
"""

from __future__ import annotations

import enum
import signal
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from checks.forward import configs, numerics, pairs, scenarios, session, sides
from checks.forward.inputs import Inputs, Request, labels, make
from checks.forward.instances import Instance, instance
from checks.forward.leaves import leaves
from checks.forward.mutants import Mutant, mutants
from checks.forward.pairs import Question
from checks.forward.project import Project
from checks.forward.scenarios import Scenario
from checks.forward.session import Subject
from checks.forward.settings import ModelSettings
from checks.forward.sides import Side
from checks.forward.terminal import from_here
from checks.forward.verdicts import Verdict

ENOUGH = 0.99
"""Such a share of the mistakes is to be caught."""
SECONDS = 30
"""A mutant that computes for longer is caught: it never ends."""


class Fate(enum.Enum):
    """What became of a mutant."""

    MANIFEST = "caught before it was run"
    DIVERGED = "caught by what it computed"
    BROKEN = "caught, for it could not be run"
    SAME = "computes the same"
    SURVIVED = "survived"

    @property
    def is_caught(self) -> bool:
        return self in (Fate.MANIFEST, Fate.DIVERGED, Fate.BROKEN)


@dataclass(frozen=True, slots=True)
class Audit:
    """What became of each mutant of a model's generated file."""

    model: str
    against: str
    path: str
    fates: tuple[tuple[Mutant, Fate], ...]

    @property
    def counts(self) -> Counter[Fate]:
        return Counter(fate for _, fate in self.fates)

    @property
    def share(self) -> float:
        """Of the mutants that change what is computed, how many were caught."""
        caught = sum(1 for _, fate in self.fates if fate.is_caught)
        changed = caught + self.counts[Fate.SURVIVED]
        return caught / changed if changed else 0.0

    @property
    def survivors(self) -> tuple[Mutant, ...]:
        return tuple(mutant for mutant, fate in self.fates if fate is Fate.SURVIVED)


@dataclass(frozen=True, slots=True)
class _Case:
    """One class in one configuration, and what it is compared with."""

    question: Question
    options: configs.Options
    other: Instance
    request: Request
    scenarios: tuple[Scenario, ...]


def audit(
    project: Project,
    model: str,
    settings: ModelSettings,
    *,
    most: int = 0,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Audit:
    """Every mutant of the model's generated file, or about `most` of them, evenly spread.

    Raises what loading the model raises.
    """
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = sides.generated(project, model)
        trusted = own
        if project.path(project.modular, model).is_file():
            trusted = stack.enter_context(sides.live_side(project, model, own))
        subject = session.prepared(Subject(model, own, {trusted.role: trusted}, settings))
        cases = list(_cases(subject))
        wide = list(_wide_cases(subject, cases))
        path = project.path(project.modeling, model)
        chosen = _spread(mutants(path.read_text("utf-8")), most)
        fates = []
        for done, mutant in enumerate(chosen):
            on_progress(done, len(chosen))
            fates.append((mutant, _fate(own, mutant, cases, wide)))
    return Audit(model, trusted.role, str(path), tuple(fates))


def _spread(all_of_them: list[Mutant], most: int) -> list[Mutant]:
    step = max(1, -(-len(all_of_them) // most)) if most else 1
    return all_of_them[::step]


def _cases(subject: Subject) -> Iterator[_Case]:
    heads = session.in_order(subject.generated.classes)
    for head in heads:
        asked = scenarios.SCENARIOS if head == heads[0] else scenarios.BRIEF
        for variant, chosen in subject.options.items():
            options = session.for_head(head, chosen)
            other = instance(subject.trusted, head, options)
            question = Question(subject.model, "live", head, variant, exactly=True, locate=False)
            request = session.request_of(subject, other)
            fitting = tuple(each for each in asked if not each.applies(request))
            yield _Case(question, options, other, request, fitting)


def _fate(own: Side, mutant: Mutant, cases: list[_Case], wide: list[_Wide]) -> Fate:
    try:
        with sides.altered(own, mutant.apply) as side:
            with _limited(SECONDS):
                found = _caught(side, cases)
            if found is not None:
                return found
            return Fate.SURVIVED if any(_differs(side, each) for each in wide) else Fate.SAME
    except Exception:
        return Fate.BROKEN


def _caught(side: Side, cases: list[_Case]) -> Fate | None:
    for case in cases:
        one = instance(side, case.question.subject, case.options)
        if pairs.compare_manifests(case.question, one, case.other).verdict.is_failure:
            return Fate.MANIFEST
        for scenario in case.scenarios:
            given = scenario.inputs(case.request)
            found = pairs.compare_runs(case.question, one, case.other, scenario, given)
            if found.verdict.is_failure:
                return Fate.BROKEN if found.verdict is Verdict.BROKEN else Fate.DIVERGED
    return None


@contextmanager
def _limited(seconds: int) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"still running after {seconds} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


# -- asking more widely --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Wide:
    """One way to run a class that no check knows, and what should come out of it."""

    head: str
    options: configs.Options
    training: bool
    given: Inputs
    expected: Any


def _wide_cases(subject: Subject, cases: list[_Case]) -> Iterator[_Wide]:
    base = {case.question.subject: case.options for case in reversed(cases)}
    for head, options in base.items():
        for moves in ({"flags"}, {"sizes", "rotary"}, {"activations", "floats"}, set[str]()):
            moved = configs.moved(subject.generated.config, options, frozenset(moves))
            try:
                one = instance(subject.trusted, head, moved)
            except Exception:
                continue  # not every combination is a model
            for training, given in _ways(subject, one):
                try:
                    expected = _outputs(one, given, training=training)
                except Exception:
                    continue
                yield _Wide(head, moved, training, given, expected)


def _ways(subject: Subject, one: Instance) -> Iterator[tuple[bool, Inputs]]:
    """Inputs of other lengths and kinds, and every switch that `forward` has."""
    kind = type(one.model)
    request = Request(kind, one.config, subject.settings.inputs, length=11, batch=2)
    names = request.parameters
    plain = make(request)
    yield False, plain
    yield False, make(replace(request, batch=1))
    padded = make(request, padded=True)
    yield True, {**padded, **labels(request, padded)}
    ids = plain.get("input_ids")
    if ids is not None and "position_ids" in names and ids.ndim == 2:
        yield False, {**plain, "position_ids": torch.arange(11).flip(0)[None] + 2}
    if ids is not None and "inputs_embeds" in names:
        embedded = one.model.get_input_embeddings()(ids).detach()
        rest = {name: value for name, value in plain.items() if name != "input_ids"}
        yield False, {**rest, "inputs_embeds": embedded}
    if "logits_to_keep" in names:
        yield False, {**plain, "logits_to_keep": 3}
    if "use_cache" in names:
        yield False, {**plain, "use_cache": False}
        yield False, {**plain, "use_cache": True}
    yield False, {**plain, "return_dict": False}


def _outputs(one: Instance, given: Inputs, *, training: bool) -> Any:
    name = "learning" if training else "plain"
    scenario = next(each for each in scenarios.SCENARIOS if each.name == name)
    return dict(leaves(one.run(scenario, dict(given))))


def _differs(side: Side, wide: _Wide) -> bool:
    try:
        one = instance(side, wide.head, wide.options)
        outputs = _outputs(one, wide.given, training=wide.training)
    except Exception:
        return True
    return numerics.furthest(outputs, wide.expected) is not None


def lines(audit: Audit, root: Path) -> Iterator[str]:
    """The outcome as text."""
    counted = ", ".join(f"{audit.counts[fate]} {fate.value}" for fate in Fate if audit.counts[fate])
    yield f"{audit.model}: {len(audit.fates)} mutants against {audit.against}: {counted}"
    yield f"{audit.model}: {audit.share:.1%} of those that compute something else are caught"
    for mutant in audit.survivors:
        where = from_here(audit.path, root)
        yield f"    {where}:{mutant.line}: {mutant.kind}: {mutant}"
