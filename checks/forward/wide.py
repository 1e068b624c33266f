"""Two definitions with published widths, by numbers: for those whose operations are not the same.

All sizes are the published ones, but the number of layers, one of each kind, and that of tokens;
where the experts of a layer are too many, they are fewer, too. A large weight is there only while
it is read: what is needed is memory for the largest of them, not for the model.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from checks.forward import configs, scenarios, weights
from checks.forward.fullsize import PROGRAM, VARIANT, Published, scenario_of, weightless
from checks.forward.inputs import Inputs
from checks.forward.instances import Instance
from checks.forward.itself import NotAskedError, caught, judge
from checks.forward.leaves import tensors
from checks.forward.pairs import Question, first_line
from checks.forward.scenarios import Scenario
from checks.forward.verdicts import Finding, Verdict

SMALLER = ("tokens", "vocabulary", "layers", "kinds")
"""The fields that are not as published, by the rules for tiny configurations."""
LARGEST = 2**29
"""So many numbers may a weight have: 2 GiB."""
PERIOD = 1_048_573
"""After so many the numbers of a weight repeat themselves. A prime: no two rows are alike."""


def compare_widely(sizes: Published, question: Question) -> Finding:
    """How far apart the outputs of both sides are."""
    asked = replace(question, variant=VARIANT)
    return caught(asked, PROGRAM, lambda: _compared(sizes, asked))


def _compared(sizes: Published, question: Question) -> Finding:
    try:
        options = _options(sizes)
        theirs = weightless(sizes.other, sizes.name, options)
        request = replace(sizes.request, model_class=type(theirs.model), config=theirs.config)
        scenario = scenario_of(request)
        given = scenario.inputs(request)
        expected = outputs(theirs, scenario, given)
    except NotAskedError:
        raise
    except Exception as error:
        note = f"{sizes.other.role}: {type(error).__name__}: {first_line(error)}"
        raise NotAskedError(note) from error
    found = outputs(weightless(sizes.one, sizes.name, options), scenario, given)
    actual = {path: found[path] for path in expected if path in found}

    def again() -> dict[str, Tensor]:
        return outputs(theirs, scenario, given, nudged=True)

    finding = judge(question, PROGRAM, theirs, actual, expected, again)
    is_equal = finding.verdict is Verdict.EQUAL_BITS
    return replace(finding, verdict=Verdict.REFACTOR) if is_equal else finding


def _options(sizes: Published) -> configs.Options:
    """Those of the other side. Raises a NotAskedError where a weight is too large all the same."""
    for groups in (SMALLER, (*SMALLER, "experts")):
        options = configs.shrunk(sizes.other.config, sizes.overrides, frozenset(groups))
        model = weightless(sizes.other, sizes.name, options).model
        largest = max(each.numel() for each in model.parameters())
        if largest <= LARGEST:
            return options
    raise NotAskedError(f"it has a weight of {largest:,} numbers")


def outputs(
    one: Instance, scenario: Scenario, given: Inputs, *, nudged: bool = False
) -> dict[str, Tensor]:
    """The tensors among what the model computes, by their paths.

    `nudged`: each weight is a unit in the last place off, up or down or not, by turns.
    """
    with _Weights(one.model, nudged=nudged):
        return tensors(scenarios.run(scenario, one.model, given))


class _Weights(TorchFunctionMode):
    """While this lasts, a weight that is read has numbers, the same for the same name."""

    def __init__(self, model: nn.Module, *, nudged: bool) -> None:
        super().__init__()
        self._nudged = nudged
        self._names: dict[int, str] = {}
        for name, parameter in sorted(model.named_parameters(remove_duplicate=False)):
            self._names.setdefault(id(parameter), name)

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        kwargs = kwargs or {}
        if func == _DEVICE:
            return torch.device("cpu")
        if getattr(func, "__name__", "") == "__get__":
            return func(*args)
        return func(*map(self._read, args), **{key: self._read(kwargs[key]) for key in kwargs})

    def _read(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(map(self._read, value))
        name = self._names.get(id(value))
        return value if name is None else _numbers(name, value, nudged=self._nudged)


_DEVICE = Tensor.device.__get__


def _numbers(name: str, like: Tensor, *, nudged: bool) -> Tensor:
    """Values of the shape of `like`: a row of numbers, over and over, begun where `name` says."""
    if like.ndim < 2:
        return weights.drawn(name, like)
    fan = like.shape[-1] if like.ndim < 4 else like.numel() // like.shape[0]
    begin = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big") % PERIOD
    row = _row(nudged=nudged).roll(begin) * weights.scale(fan)
    times, rest = divmod(like.numel(), PERIOD)
    found = torch.empty(like.numel())
    found[: times * PERIOD].view(times, PERIOD).copy_(row)
    found[times * PERIOD :].copy_(row[:rest])
    return found.view(like.shape)


@cache
def _row(*, nudged: bool) -> Tensor:
    row = weights.drawn("row", torch.empty(1, PERIOD), fan=3)[0]
    towards = row + (torch.arange(PERIOD) % 3 - 1)
    return torch.nextafter(row, towards) if nudged else row
