"""All checks of one model: which classes, configurations and scenarios, in which order."""

from __future__ import annotations

import importlib
import itertools
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from checks.forward import (
    across,
    attention,
    catalogue,
    configs,
    design,
    golden,
    itself,
    pairs,
    refusals,
    scripts,
    sides,
)
from checks.forward.conditions import ON_CPU, Conditions
from checks.forward.inputs import Request, make, of_images
from checks.forward.instances import Instance, instance
from checks.forward.media import IMAGES
from checks.forward.pairs import Question
from checks.forward.precision import Models, check_precision
from checks.forward.project import Project
from checks.forward.scenarios import BRIEF, SCENARIOS, Scenario, run
from checks.forward.settings import ModelSettings, Slow
from checks.forward.sides import Side
from checks.forward.verdicts import RUNS, Finding, ModelReport, Verdict

FIRST = (
    "ForCausalLM",
    "ForConditionalGeneration",
    "ForMaskedLM",
    "ForImageClassification",
    "Model",
)
"""The class of a model whose name ends in one of these is asked everything; others less."""

VARIANTS = ("tiny", "perturbed")


@dataclass(frozen=True, slots=True)
class Subject:
    """A model, and what it is to be compared with. The first of `others` is trusted most."""

    model: str
    generated: Side
    others: Mapping[str, Side]
    settings: ModelSettings
    options: Mapping[str, configs.Options] = field(default_factory=dict)
    """By the name of the configuration; empty before it is prepared."""
    without: tuple[str, ...] = ()
    layout: int = 0
    conditions: Conditions = ON_CPU

    @property
    def trusted(self) -> Side:
        return next(iter(self.others.values()), self.generated)


def check_model(
    project: Project,
    model: str,
    settings: ModelSettings,
    *,
    record: bool = False,
    slow: Slow | None = None,
    conditions: Conditions = ON_CPU,
) -> ModelReport:
    """Everything that is found out about one model. Nothing is raised.

    `record`: what it computes is written down, in the place of what was before. `slow`: the slow
    tier, too.
    """
    return _reported(model, _of_project(project, model, settings, record, slow, conditions))


def _of_project(
    project: Project,
    model: str,
    settings: ModelSettings,
    record: bool,
    slow: Slow | None,
    conditions: Conditions,
) -> Iterator[Finding]:
    with ExitStack() as stack:
        subject, notes = subject_of(project, model, settings, stack)
        yield from notes
        subject = prepared(replace(subject, conditions=conditions))
        built: dict[str, Instance] = {}
        yield from check_subject(subject, built)
        yield from _check_golden(subject, built, project.golden(model), record=record)
        if slow:
            yield from check_slowly(subject, slow)


def check_pair(
    name: str,
    own: Side,
    other: Side,
    settings: ModelSettings,
    slow: Slow | None = None,
    conditions: Conditions = ON_CPU,
) -> ModelReport:
    """Two definitions that were named, held against each other. Nothing is raised."""
    subject = Subject(name, own, {other.role: other}, settings, conditions=conditions)
    return _reported(name, _of_pair(subject, slow))


def _of_pair(subject: Subject, slow: Slow | None) -> Iterator[Finding]:
    subject = prepared(subject)
    yield from check_subject(subject)
    if slow:
        yield from check_slowly(subject, slow)


def check_class(
    name: str,
    package: str,
    class_name: str,
    settings: ModelSettings,
    slow: Slow | None = None,
    conditions: Conditions = ON_CPU,
) -> ModelReport:
    """One class of an installed package: beside itself, and its modular file if it has one.

    Nothing is raised.
    """
    return _reported(name, _of_class(name, package, class_name, settings, slow, conditions))


def _of_class(
    name: str,
    package: str,
    class_name: str,
    settings: ModelSettings,
    slow: Slow | None,
    conditions: Conditions,
) -> Iterator[Finding]:
    model_class = catalogue.class_of(package, class_name)
    config_class = model_class.config_class  # or why it cannot be had: it needs a package
    file = str(sys.modules[model_class.__module__].__file__)
    own = Side("generated", {class_name: model_class}, config_class, {file: "generated"})
    bare = prepared(Subject(name, own, {}, settings, conditions=conditions), VARIANTS[:1])
    with ExitStack() as stack:
        others: dict[str, Side] = {"itself": replace(own, role="itself")}
        try:
            others["live"] = stack.enter_context(catalogue.live_class(model_class))
            instance(others["live"], class_name, for_head(class_name, bare.options["tiny"]))
        except LookupError as reason:
            yield _skipped(name, "live", str(reason))
        except Exception as error:
            # It was written for another converter, to which it may say what Python does not mean.
            others.pop("live", None)
            said = f"{type(error).__name__}: {pairs.first_line(error)}"
            yield _skipped(name, "live", f"not to be executed as ordinary Python: {said}")
        subject = replace(bare, others=others)
        for variant, chosen in subject.options.items():
            options = for_head(class_name, chosen)
            yield from _check_class(subject, class_name, variant, options, SCENARIOS, set())
        if slow:
            live = {role: side for role, side in others.items() if role == "live"}
            yield from check_slowly(replace(subject, others=live), slow)


def _reported(model: str, findings: Iterator[Finding]) -> ModelReport:
    """All that is found, however it ends, and how long that took."""
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = tuple(_caught(model, findings))
    return ModelReport(model, found, time.perf_counter() - began)


def _caught(model: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """`findings`, and one more if finding them fails."""
    try:
        yield from findings
    except Exception as error:
        note = f"{type(error).__name__}: {pairs.first_line(error)}"
        yield Finding(model, "itself", "", "", "loading", Verdict.BROKEN, note)


def subject_of(
    project: Project, model: str, settings: ModelSettings, stack: ExitStack
) -> tuple[Subject, list[Finding]]:
    """The model with all that it can be compared with, and what it cannot be compared with."""
    own = sides.generated(project, model)
    others: dict[str, Side] = {}
    notes: list[Finding] = []
    if project.path(project.modular, model).is_file():
        others["live"] = stack.enter_context(sides.live_side(project, model, own))
    else:
        notes.append(_skipped(model, "live", "it is written by hand"))
    reference = _reference(own, settings)
    if reference is not None:
        others["reference"] = reference
    else:
        reason = settings.skip.get("reference", "transformers has no classes of these names")
        notes.append(_skipped(model, "reference", reason))
    return Subject(model, own, others, settings), notes


def _reference(own: Side, settings: ModelSettings) -> Side | None:
    name = settings.reference
    if name == "none":
        return None
    if not name:
        found = sides.reference(own)
    else:
        package, _, model = name.partition(":")
        path = f"{package}.models.{model}.modeling_{model}" if model else package
        wanted = replace(own, classes={settings.names.get(n, n): c for n, c in own.classes.items()})
        found = sides.reference(wanted, importlib.import_module(path))
        if found is None:
            raise LookupError(f"{path} has none of {', '.join(wanted.classes)}")
    return None if found is None else replace(found, names=dict(settings.names))


def _skipped(model: str, pair: str, reason: str) -> Finding:
    return Finding(model, pair, "", "", "", Verdict.SKIPPED, reason)


def check_subject(subject: Subject, built: dict[str, Instance] | None = None) -> Iterator[Finding]:
    """Every class of the model, in both configurations, against each of the other sides.

    The generated models of the first class are put into `built`, by their configuration.
    """
    heads = in_order(subject.generated.classes)
    reached: set[str] = set()
    yield from _missing_classes(subject, heads)
    subject = subject if subject.options else prepared(subject)
    for head in heads:
        scenarios = SCENARIOS if head == heads[0] else BRIEF
        for variant, options in subject.options.items():
            own = for_head(head, options)
            kept = built if head == heads[0] else None
            yield from _check_class(subject, head, variant, own, scenarios, reached, kept)
    yield from _unreached(subject, reached)


def check_slowly(subject: Subject, chosen: Slow) -> Iterator[Finding]:
    """The slow tier, of the class that is asked everything. `subject` is a prepared one."""
    from checks.forward import slow  # its imports take a second

    head = in_order(subject.generated.classes)[0]
    options = for_head(head, subject.options["tiny"])
    question = _question(subject, head, "tiny")
    one = instance(subject.generated, head, options)
    others = [
        instance(side, head, options)
        for side in subject.others.values()
        if side.names.get(head, head) in side.classes
    ]
    request = request_of(subject, next(iter(others), one))
    yield from slow.check(question, one, others, request, subject.settings, chosen)


def _question(subject: Subject, head: str, variant: str) -> Question:
    settings = subject.settings
    tolerance, reason = settings.tolerance, settings.reason
    return Question(subject.model, "itself", head, variant, tolerance=tolerance, reason=reason)


def in_order(classes: Mapping[str, Any]) -> list[str]:
    """The names of the classes, that which is asked everything first."""

    def rank(name: str) -> int:
        return next((n for n, ending in enumerate(FIRST) if name.endswith(ending)), len(FIRST))

    return sorted(classes, key=lambda name: (rank(name), name))


def for_head(head: str, options: configs.Options) -> configs.Options:
    """Options with a number of labels that is told from other sizes, where it is not fixed."""
    return {**options, "num_labels": 2 if head.endswith("QuestionAnswering") else 5}


def prepared(subject: Subject, variants: Sequence[str] = VARIANTS) -> Subject:
    """`subject` with its configurations, and what it can do without.

    Raises a ValueError where no configuration works, a LookupError where no rule makes an input.
    """
    head = in_order(subject.generated.classes)[0]
    settings, config = subject.settings, subject.generated.config
    # The fields are the generated file's: what others have besides, the manifest shows.
    trial = _Trial(subject, head)
    options = {"tiny": configs.tiny(config, settings.config, trial)}
    if "perturbed" in variants:
        overrides = configs.merged(settings.config, settings.perturbed)
        options["perturbed"] = configs.perturbed(config, options["tiny"], overrides, trial)
    return replace(subject, options=options, without=trial.without, layout=trial.layout)


class _Trial:
    """Why can the model that is trusted most not be built from options, or not run?"""

    def __init__(self, subject: Subject, head: str) -> None:
        self._subject, self._head = subject, head
        self._unbuildable = configs.unbuildable(
            subject.trusted.model_class(head), subject.trusted.config
        )
        self.without: tuple[str, ...] = ()
        self.layout = 0

    def __call__(self, options: configs.Options) -> str:
        options = for_head(self._head, options)
        reason = self._unbuildable(options)
        if reason:
            return reason
        try:
            model = instance(self._subject.trusted, self._head, options)
        except Exception as error:
            return configs.said(error)
        reasons = []
        seen = set()
        for without, layout in itertools.product(WITHOUT, range(LAYOUTS)):
            subject = replace(self._subject, without=without, layout=layout)
            try:
                given = make(request_of(subject, model))
                shapes = repr({name: getattr(each, "shape", 0) for name, each in given.items()})
                if shapes in seen:
                    continue
                seen.add(shapes)
                run(SCENARIOS[0], model.model, given)
            except Exception as error:
                reasons.append(RUNS + configs.said(error))
            else:
                self.without, self.layout = without, layout
                return ""
        return reasons[0]


WITHOUT = ((), IMAGES, ("token_type_ids",))
"""Optional inputs that a model can be run without, if it cannot be run with them."""
LAYOUTS = 3
"""So many are tried, where it cannot be known how an input is laid out."""


def request_of(subject: Subject, model: Instance) -> Request:
    """What is wanted of the inputs of `model`."""
    request = Request(
        type(model.model),
        model.config,
        subject.settings.inputs,
        without=subject.without,
        layout=subject.layout,
    )
    return of_images(request, model.model)


def _check_class(
    subject: Subject,
    head: str,
    variant: str,
    options: configs.Options,
    scenarios: tuple[Scenario, ...],
    reached: set[str],
    kept: dict[str, Instance] | None = None,
) -> Iterator[Finding]:
    question = _question(subject, head, variant)
    built: dict[str, Instance] = {}
    sides_of = {"generated": subject.generated, **subject.others}
    for role, side in sides_of.items():
        if side.names.get(head, head) not in side.classes:
            continue
        try:
            device = torch.device(subject.conditions.device)
            built[role] = instance(side, head, options, device=device)
        except Exception as error:
            asked = question if role == "generated" else replace(question, pair=role)
            note = f"{role}: {type(error).__name__}: {pairs.first_line(error)}"
            found = asked.answer("building", Verdict.BROKEN, note)
            yield _with_script(found, subject.generated, side, options)
    one = built.pop("generated", None)
    if one is None:
        return
    if kept is not None and subject.conditions.device == "cpu":  # where recordings are made
        kept[variant] = one
    reached.update(type(module).__name__ for module in one.model.modules())
    # What the models are given is what the side that is trusted most asks for.
    request = request_of(subject, next(iter(built.values()), one))
    for pair, other in built.items():
        asked = replace(question, pair=pair, exactly=pair in ("live", "itself"))
        found = pairs.compare_manifests(asked, one, other)
        yield _with_script(found, one.side, other.side, options)
        if variant == VARIANTS[0]:
            yield refusals.compare(asked, one, other, request)
        for scenario in scenarios:
            found = _compare(subject, asked, one, other, scenario, request)
            if pair == "itself":
                found = design.explained(found, one, request)
            yield _with_script(found, one.side, other.side, options, scenario, request)
    if variant != "tiny":
        return
    if scenarios is SCENARIOS:
        own = replace(request, model_class=type(one.model), config=one.config)
        one = instance(one.side, head, options, device=device)  # earlier runs may leave a trace
        more = attention.COMPARISONS
        for answer in itself.check_itself(question, one, own, subject.settings.skip, more):
            found = design.explained(answer, one, own)
            is_shown = found.verdict.is_failure
            script = scripts.of_itself(found, one.side, options, own) if is_shown else ""
            yield replace(found, script=script)
    if scenarios is SCENARIOS or subject.conditions.thorough:
        yield from _check_conditions(subject, question, one, options, request)


def _check_conditions(
    subject: Subject,
    question: Question,
    one: Instance,
    options: configs.Options,
    request: Request,
) -> Iterator[Finding]:
    """In other precisions, on another device, and with attention that needs either."""
    conditions, skip = subject.conditions, subject.settings.skip
    others = {role: side for role, side in subject.others.items() if role != "itself"}
    sides = {
        role: side
        for role, side in {"generated": subject.generated, **others}.items()
        if side.names.get(one.name, one.name) in side.classes
    }
    models = Models(sides, one.name, options, request, torch.device(conditions.device))
    for dtype in conditions.dtypes:
        yield from check_precision(question, models, getattr(torch, dtype), skip)
    yield from across.check_devices(question, models, skip)
    yield attention.check_flash(question, models, skip)


def _with_script(
    finding: Finding,
    one: Side,
    other: Side,
    options: configs.Options,
    scenario: Scenario | None = None,
    request: Request | None = None,
) -> Finding:
    """`finding`, and a program that shows it if it is a failure."""
    if not finding.verdict.is_failure:
        return finding
    try:
        given = scenario.inputs(request) if scenario and request else None
    except LookupError:  # which is what the finding says
        return finding
    return replace(finding, script=scripts.of_pair(finding, one, other, options, scenario, given))


def _compare(
    subject: Subject,
    question: Question,
    one: Instance,
    other: Instance,
    scenario: Scenario,
    request: Request,
) -> Finding:
    reason = subject.settings.skip.get(scenario.name) or scenario.applies(request)
    if reason:
        return question.answer(scenario.name, Verdict.SKIPPED, reason)
    try:
        given = scenario.inputs(request)
        other.record(scenario, given)
    except NotImplementedError as error:
        note = f"it says that it is not implemented: {pairs.first_line(error)}"
        return question.answer(scenario.name, Verdict.SKIPPED, note)
    except Exception as error:
        if scenario.dtype is not None and "type" in str(error):
            note = f"it does not run in {scenario.dtype}: {pairs.first_line(error)}"
            return question.answer(scenario.name, Verdict.SKIPPED, note)
        note = f"{other.side.role}: {type(error).__name__}: {pairs.first_line(error)}"
        is_said = question.pair == "live" and "itself" in subject.others
        if is_said and _fails(one, scenario, request):
            note = f"neither can be run, as is said of the model itself: {note}"
            return question.answer(scenario.name, Verdict.SKIPPED, note)
        return question.answer(scenario.name, Verdict.BROKEN, note)
    try:
        return pairs.compare_runs(question, one, other, scenario, given)
    except Exception as error:  # of a run that went well before: models keep what they should not
        note = f"when run again: {type(error).__name__}: {pairs.first_line(error)}"
        return question.answer(scenario.name, Verdict.BROKEN, note)


def _fails(one: Instance, scenario: Scenario, request: Request) -> bool:
    try:
        one.record(scenario, scenario.inputs(request))
    except Exception:
        return True
    return False


def _check_golden(
    subject: Subject, built: Mapping[str, Instance], path: Path, *, record: bool
) -> Iterator[Finding]:
    """What the model computes now beside what was recorded; or a new recording."""
    head = in_order(subject.generated.classes)[0]
    then = None if record else golden.read(path)
    if then is None and not record:
        note = "nothing was recorded: `unravel forward --record`"
        yield _skipped(subject.model, "golden", note)
        return
    found = []
    for variant, chosen in subject.options.items():
        options = for_head(head, chosen)
        one = built.get(variant) or instance(subject.generated, head, options)
        now = golden.record(one, variant, request_of(subject, one), options)
        found.append(now)
        if then is not None:
            question = Question(subject.model, "golden", head, variant)
            yield from golden.compare(question, one, now, then)
    if record:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(golden.merged(found).text(), "utf-8")
        yield _skipped(subject.model, "golden", "recorded")


def _missing_classes(subject: Subject, heads: list[str]) -> Iterator[Finding]:
    for pair, side in subject.others.items():
        for head in heads:
            if side.names.get(head, head) not in side.classes:
                verdict = Verdict.DIVERGED if pair == "live" else Verdict.SKIPPED
                note = f"{pair} has no class of that name"
                yield Finding(subject.model, pair, head, "", "", verdict, note)


def _unreached(subject: Subject, reached: set[str]) -> Iterator[Finding]:
    """Modules that the file defines and no model that was run has had."""
    modules = {
        importlib.import_module(each.__module__) for each in subject.generated.classes.values()
    }
    for module in sorted(modules, key=lambda each: each.__name__):
        for name, value in sorted(vars(module).items()):
            is_own = isinstance(value, type) and value.__module__ == module.__name__
            if (
                is_own
                and issubclass(value, nn.Module)
                and sides.runs(value)
                and name not in reached
            ):
                extended = any(
                    isinstance(other, type) and other is not value and issubclass(other, value)
                    for other in vars(module).values()
                )
                if not extended:
                    note = "no model that was run contains it"
                    yield Finding(
                        subject.model, "itself", name, "", "reach", Verdict.UNREACHED, note
                    )
