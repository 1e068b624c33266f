"""Two definitions at the published size: what only shows there, without a single weight.

The default configuration of the class is built with buffers that are real and weights that are
none, and run on fake tensors: they have a shape, a dtype and a place, and no numbers. What is
recorded is a program like any other. It runs in bfloat16, as published weights do, so that a cast
which has been lost shows; in float32 where it cannot.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.overrides import TorchFunctionMode

from checks.forward import configs, locating
from checks.forward.inputs import Inputs, Request
from checks.forward.instances import Instance
from checks.forward.itself import NotAskedError, caught
from checks.forward.leaves import leaves
from checks.forward.pairs import Question, compare_manifests, failure, first_line
from checks.forward.program import content, same_program
from checks.forward.scenarios import SCENARIOS, Scenario
from checks.forward.sides import Side
from checks.forward.verdicts import Finding, Verdict

VARIANT = "published"
MANIFEST = "manifest"
PROGRAM = "program"
DTYPES = (torch.bfloat16, torch.float32)
"""The first of them in which the side that is trusted more can be run."""
REAL = 2**16
"""What is made with more numbers than this is a weight, or a mask, and gets none."""


@dataclass
class Published:
    """Two sides with the published configuration; built when they are first asked for.

    `request` is that of the small models; `overrides` are options for classes that have no
    defaults of their own.
    """

    one: Side
    other: Side
    name: str
    request: Request
    overrides: configs.Options

    @cached_property
    def built(self) -> tuple[Instance, Instance]:
        """The model of either side. Raises a NotAskedError if the other side's cannot be built."""
        try:
            theirs = published(self.other, self.name, self.overrides)
        except Exception as error:
            note = f"{self.other.role}: {type(error).__name__}: {first_line(error)}"
            raise NotAskedError(note) from error
        return published(self.one, self.name, self.overrides), theirs

    def compare_manifests(self, question: Question) -> Finding:
        """All that is seen without running: shapes above all."""
        asked = replace(question, variant=VARIANT)
        return caught(asked, MANIFEST, lambda: compare_manifests(asked, *self.built))

    def compare_programs(self, question: Question) -> Finding:
        """What either computes, on fake tensors."""
        asked = replace(question, variant=VARIANT)
        return caught(asked, PROGRAM, lambda: self._compared(asked, *self.built))

    def _compared(self, question: Question, mine: Instance, theirs: Instance) -> Finding:
        request = _long(self.request, theirs)
        scenario = scenario_of(request)
        reason = ""
        for dtype in DTYPES:
            with _fake() as mode:
                for each in (theirs, mine):
                    _make_fake(each.model, dtype)
                given = _given(scenario, request, mode, dtype)
                try:
                    theirs.record(scenario, given)
                except Exception as error:
                    reason = reason or f"{type(error).__name__}: {first_line(error)}"
                    continue
                return _compared(question, mine, theirs, scenario, given)
        raise NotAskedError(f"{theirs.side.role} cannot be run without numbers: {reason}")


def published(side: Side, name: str, overrides: configs.Options) -> Instance:
    """The model `name` with the defaults of its configuration, and no weights.

    Raises what building it raises.
    """
    options = configs.shrunk(side.config, overrides, frozenset())
    return weightless(side, name, options)


def weightless(side: Side, name: str, options: configs.Options) -> Instance:
    """The model `name` with these options. Its buffers have values, its large weights none.

    Raises what building it raises.
    """
    config = configs.build(side.config, options)
    with _Weightless():
        model = side.model_class(name)(config)
    model.eval()
    buffers = {
        key: "no values" if buffer.is_meta else content(buffer)
        for key, buffer in model.named_buffers()
    }
    attention = getattr(model.config, "_attn_implementation", None) or ""
    return Instance(side, name, model.config, model, buffers, {}, attention)


class _Weightless(TorchFunctionMode):
    """While this lasts, large tensors are made without memory; buffers are small, and real."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        kwargs = kwargs or {}
        if func in _FACTORIES:
            empty = func(*args, **{**kwargs, "device": "meta"})
            if empty.numel() > REAL:
                return empty
        return func(*args, **kwargs)


_FACTORIES = frozenset(
    {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.normal}
)


def _long(request: Request, model: Instance) -> Request:
    """A text that is longer than the window of the model, if it has one."""
    wanted = replace(request, model_class=type(model.model), config=model.config)
    text = wanted.text
    window = getattr(text, "sliding_window", None)
    positions = getattr(text, "max_position_embeddings", None) or 0
    if isinstance(window, int) and window + request.length <= positions:
        return replace(wanted, length=window + request.length)
    return wanted


def _compared(
    question: Question, mine: Instance, theirs: Instance, scenario: Scenario, given: Inputs
) -> Finding:
    """The same program, or where it begins to be another. No number is ever compared."""
    expected = theirs.record(scenario, given)
    try:
        actual = mine.record(scenario, given)
    except Exception as error:
        return question.answer(PROGRAM, Verdict.BROKEN, *failure(mine, error))
    if not expected.program:
        return question.answer(PROGRAM, Verdict.VACUOUS, "nothing is computed")
    if same_program(actual.program, expected.program):
        return question.answer(PROGRAM, Verdict.PROVED)
    if question.exactly:
        message, places = locating.first_divergence(mine, theirs, scenario, given)
        return question.answer(PROGRAM, Verdict.DIVERGED, message, places)
    for path, (a, b) in _shapes(actual.outputs, expected.outputs).items():
        if b and a != b:
            note = f"`{path}` is {a or 'missing'}, {theirs.side.role} {b}"
            return question.answer(PROGRAM, Verdict.DIVERGED, note)
    note = "other operations, with results of the same shapes"
    return question.answer(PROGRAM, Verdict.SKIPPED, note)


def _shapes(one: Any, other: Any) -> dict[str, tuple[str, str]]:
    """What the outputs of either are, by their path."""
    a, b = (
        {
            path: f"{leaf.dtype}{list(leaf.shape)}"
            for path, leaf in leaves(outputs)
            if isinstance(leaf, Tensor)
        }
        for outputs in (one, other)
    )
    return {path: (a.get(path, ""), b.get(path, "")) for path in [*b, *a]}


def scenario_of(request: Request) -> Scenario:
    """With padding, if that can be asked for."""
    padded = next(each for each in SCENARIOS if each.name == "padded")
    return SCENARIOS[0] if padded.applies(request) else padded


# -- fake tensors --------------------------------------------------------------------------------


@contextmanager
def _fake() -> Iterator[FakeTensorMode]:
    """Where an operation cannot be run without numbers, it says so once, not for each try."""
    log = logging.getLogger("torch._subclasses.fake_tensor")
    level = log.level
    log.setLevel(logging.CRITICAL)
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    try:
        with mode:
            yield mode
    finally:
        log.setLevel(level)


def _make_fake(model: nn.Module, dtype: torch.dtype) -> None:
    """Every tensor of `model` becomes one without numbers; what is saved has `dtype`."""
    saved = {id(each) for each in model.state_dict(keep_vars=True).values()}
    made: dict[int, Tensor] = {}
    for module in model.modules():
        tables: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
        for held in tables:
            for key, tensor in held.items():
                if tensor is not None:
                    if id(tensor) not in made:
                        made[id(tensor)] = _hollow(tensor, dtype if id(tensor) in saved else None)
                    held[key] = made[id(tensor)]


def _hollow(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    kind = dtype if dtype and tensor.is_floating_point() else tensor.dtype
    empty = torch.empty_strided(tensor.shape, tensor.stride(), dtype=kind, device="cpu")
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(empty, requires_grad=tensor.requires_grad)
    return empty


def _given(
    scenario: Scenario, request: Request, mode: FakeTensorMode, dtype: torch.dtype
) -> Inputs:
    found = {}
    with torch._subclasses.fake_tensor.unset_fake_temporarily():
        real = scenario.inputs(request)
    for name, value in real.items():
        if isinstance(value, Tensor):
            fake: FakeTensor = mode.from_tensor(value)
            found[name] = fake.to(dtype) if fake.is_floating_point() else fake
        else:
            found[name] = value
    return found
