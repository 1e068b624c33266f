"""Attention implementations beside the one that is written out: flex attention, flash attention.

Flex attention is run as torch writes it out, uncompiled: what is asked is whether the model hands
it the right mask, scale and heads, not whether torch's compiler is right. Flash attention needs a
GPU, its package, and 16 bits: there it may be twice as far from float64 as eager attention is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from checks.forward import numerics, precision, scenarios
from checks.forward.inputs import Request, make
from checks.forward.instances import Instance
from checks.forward.itself import Comparison, NotAskedError, VacuousError, main_output, of_text
from checks.forward.pairs import Question, first_line
from checks.forward.precision import Models
from checks.forward.scenarios import Scenario
from checks.forward.verdicts import Finding, Verdict

_PLAIN = scenarios.SCENARIOS[0]
FLASH = ("flash_attention_2", "flash_attention_3", "flash_attention_4")


def _flex(one: Instance, request: Request) -> tuple[Any, Any]:
    if not getattr(one.model, "_supports_flex_attn", False):
        raise NotAskedError("it does not support flex attention")
    given = make(request, padded="input_ids" in request.parameters)
    asked = _with(one, "flex_attention")
    with _written_out(), _Asked() as seen:
        try:
            flex = main_output(one.run(asked, given))
        except ValueError as error:
            if "on CPU" in str(error):  # attention sinks, for one
                raise NotAskedError(first_line(error)) from None
            raise
    if not seen.times:
        raise VacuousError("flex attention was not called")
    eager = main_output(one.run(_with(one, "eager"), given))
    mask = given.get("attention_mask")
    return of_text(flex, mask), of_text(eager, mask)


COMPARISONS = (Comparison("eager ↔ flex", _flex),)
"""Beside those of a model with itself."""


def _with(one: Instance, attention: str) -> Scenario:
    """Raises a NotAskedError where the model cannot have that attention here."""
    try:
        one.model.set_attn_implementation(attention)
    except (ImportError, ValueError) as error:
        raise NotAskedError(first_line(error)) from None
    return replace(_PLAIN, name=f"plain, {attention}", attention=attention)


class _Asked(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts how often flex attention is called while it is entered."""

    supports_higher_order_operators = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.times = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        self.times += "flex_attention" in str(func)
        return func(*args, **(kwargs or {}))


@contextmanager
def _written_out() -> Iterator[None]:
    """Nothing is compiled: that takes seconds, and keeps what it compiled."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(torch, "compile", _as_it_is))
        try:
            from transformers.integrations import flex_attention
        except ImportError as error:
            raise NotAskedError(first_line(error)) from None
        says = mock.patch.object(flex_attention, "is_torchdynamo_compiling", lambda: True)
        stack.enter_context(says)
        yield


def _as_it_is(function: Any = None, **_: object) -> Any:
    return function


# -- flash ---------------------------------------------------------------------------------------


def check_flash(question: Question, models: Models, skip: Mapping[str, str]) -> Finding:
    """Flash attention beside eager attention, in bfloat16."""
    check = "eager ↔ flash"
    if check in skip:
        return question.answer(check, Verdict.SKIPPED, skip[check])
    if models.device.type != "cuda":
        return question.answer(check, Verdict.SKIPPED, "flash attention needs a GPU")
    one = models.build("generated", torch.bfloat16)
    if not getattr(one.model, "_supports_flash_attn", False):
        note = "it does not support flash attention"
        return question.answer(check, Verdict.SKIPPED, note)
    reasons = []
    for implementation in FLASH:
        try:
            asked = _with(one, implementation)
        except NotAskedError as reason:
            reasons.append(str(reason))
            continue
        return compare_flash(replace(question), models, one, replace(asked, name=check))
    return question.answer(check, Verdict.SKIPPED, reasons[0])


def compare_flash(question: Question, models: Models, one: Instance, asked: Scenario) -> Finding:
    """How far `asked` is from float64, beside how far eager attention is.

    Raises what running the model raises.
    """
    given = make(models.request, padded="input_ids" in models.request.parameters)
    mask = given.get("attention_mask")
    eager = replace(asked, attention="eager")
    expected, chosen = precision.exactly(models.exact(one), eager, given)
    runs = [precision.replayed(one, each, given, chosen) for each in (asked, eager)]
    exact = of_text(main_output(expected), mask)
    flash, written = (
        numerics.distances(of_text(main_output(outputs), mask), exact) for outputs, _ in runs
    )
    bounds = precision.bounds(written, torch.bfloat16)
    return precision.judged(question, asked, flash, bounds, runs[0][1])
