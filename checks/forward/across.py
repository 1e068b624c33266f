"""CPU and GPU: does a model compute on a device what it computes on the CPU?

Where there is no GPU, it is asked of a pretended one whether all that a model makes lies where its
inputs do. That finds what would be left on the CPU, and says nothing of how a GPU rounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from checks.forward import numerics, pairs, pretended
from checks.forward.devices import CPU, device_of
from checks.forward.inputs import Inputs, Request
from checks.forward.instances import Instance
from checks.forward.leaves import tensors
from checks.forward.pairs import Question
from checks.forward.precision import Models
from checks.forward.routing import Choices
from checks.forward.scenarios import SCENARIOS, Scenario
from checks.forward.verdicts import Finding, Verdict

PLACED = ("decoding", "learning")
"""The scenarios that are asked of a pretended device: with a cache, and with a loss."""


def check_devices(question: Question, models: Models, skip: Mapping[str, str]) -> Iterator[Finding]:
    """The generated file on the CPU beside itself on a GPU, or on a pretended one."""
    if models.device.type == "cpu":
        yield question.answer("CPU ↔ GPU", Verdict.SKIPPED, "there is no GPU, or none was wanted")
        asked = [each for each in SCENARIOS if each.name in PLACED]
        models = replace(models, device=pretended.DEVICE)
        yield from _each(question, models, asked, skip)
    else:
        # What is asked in another dtype is not to be this exact.
        asked = [each for each in SCENARIOS if each.dtype is None]
        yield from _each(question, models, asked, skip)


def _each(
    question: Question,
    models: Models,
    asked: Sequence[Scenario],
    skip: Mapping[str, str],
) -> Iterator[Finding]:
    name = "placement" if models.device == pretended.DEVICE else "CPU ↔ GPU"
    if name in skip:
        yield question.answer(name, Verdict.SKIPPED, skip[name])
        return
    try:
        # Both new: what has been trained remembers it in its running means.
        here, there = (
            replace(models, device=device).build("generated", torch.float32)
            for device in (CPU, models.device)
        )
    except Exception as error:
        note, places = pairs.failed(models.sides["generated"], error)
        yield question.answer(name, Verdict.BROKEN, note, places)
        return
    for scenario in asked:
        check = f"{name}, {scenario.name}"
        reason = skip.get(scenario.name) or scenario.applies(models.request)
        if reason:
            yield question.answer(check, Verdict.SKIPPED, reason)
        else:
            # Dice fall otherwise on every device.
            calm = replace(scenario, name=check, training=False)
            try:
                yield _compared(question, here, there, calm, models.request)
            except Exception as error:
                note = f"when run again: {type(error).__name__}: {pairs.first_line(error)}"
                yield question.answer(check, Verdict.BROKEN, note)


def _compared(
    question: Question, here: Instance, there: Instance, scenario: Scenario, request: Request
) -> Finding:
    try:
        given = scenario.inputs(request)
        with Choices() as choices:
            expected = here.run(scenario, given)
        actual = _run(there, scenario, given)
    except Exception as error:
        note, places = pairs.failed(there.side, error)
        is_known = device_of(there.model) != pretended.DEVICE or pretended.MIXED in note
        verdict = Verdict.BROKEN if is_known else Verdict.SKIPPED  # not all can be pretended
        return question.answer(scenario.name, verdict, note, places)
    elsewhere = _elsewhere(actual, there)
    if elsewhere:
        return question.answer(scenario.name, Verdict.DIVERGED, elsewhere)
    found = numerics.furthest(actual, expected)
    if found is None:
        return question.answer(scenario.name, Verdict.EQUAL_BITS)
    bound = max(numerics.bound_of(torch.float32), question.tolerance)
    note = question.reason if question.tolerance else ""
    if found.error > bound and choices.made:
        with Choices(choices.made) as replayed:
            actual = _run(there, scenario, given)
        found = numerics.furthest(actual, expected) or replace(found, error=0.0)
        flips = f"a router flips {replayed.flipped} times: the CPU's choices were replayed"
        note = flips if replayed.flipped else note
    if bound < found.error < float("inf"):
        response = _response(here, scenario, given, expected, choices.made)
        bound = max(bound, numerics.RESPONSE * response)
        note = "; ".join(filter(None, (note, numerics.answers(response))))
    if bound > numerics.SENSELESS:
        return question.answer(scenario.name, Verdict.VACUOUS, note, (), found.error, bound)
    if found.error > bound and device_of(there.model) == pretended.DEVICE:
        note = f"not to be pretended: {found.message}"  # it is asked where data lies, and no more
        return question.answer(scenario.name, Verdict.SKIPPED, note, (), found.error, bound)
    verdict = Verdict.WITHIN_NOISE if found.error <= bound else Verdict.DIVERGED
    note = "; ".join(filter(None, (found.message if verdict.is_failure else "", note)))
    return question.answer(scenario.name, verdict, note, (), found.error, bound)


def _run(there: Instance, scenario: Scenario, given: Inputs) -> Any:
    if device_of(there.model) != pretended.DEVICE:
        return there.run(scenario, given)
    with pretended.second_device():
        return there.run(scenario, given)


def _response(
    here: Instance, scenario: Scenario, given: Inputs, expected: Any, chosen: list[Tensor]
) -> float:
    with numerics.nudged(here.model), Choices(chosen):
        moved = numerics.furthest(here.run(scenario, given), expected)
    return 0.0 if moved is None or moved.error == float("inf") else moved.error


def _elsewhere(outputs: Any, there: Instance) -> str:
    """An output that does not lie on the device; empty if all do. What counts may lie anywhere."""
    device = device_of(there.model)
    for path, tensor in tensors(outputs).items():
        if tensor.is_floating_point() and tensor.device != device:
            return f"`{path}` comes out on {tensor.device}"
    return ""
