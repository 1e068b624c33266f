"""A model that has been built: one side's class, its configuration, its weights."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedModel

from checks.forward import configs, numerics, pretended, scenarios, weights
from checks.forward.devices import CPU
from checks.forward.inputs import Inputs
from checks.forward.leaves import tensors
from checks.forward.program import MODULE_PATH, Program, Recorder, content
from checks.forward.scenarios import Scenario
from checks.forward.sides import Side


@dataclass(frozen=True, slots=True)
class Recording:
    """One run: what was given and computed, and what came out of it."""

    given: Inputs
    program: Program
    outputs: Any


class Drawn(NamedTuple):
    """What a model initialises a parameter to: a hash of it, and its root mean square."""

    content: str
    size: float


@dataclass(eq=False)
class Instance:
    """A model of one side; built once, run in many ways.

    `buffers` are hashes of what its buffers held when it was built and when it was initialised, and
    `drawn` is what its parameters were initialised to.
    """

    side: Side
    name: str
    config: Any
    model: Any
    buffers: Mapping[str, str]
    drawn: Mapping[str, Drawn]
    _attention: str
    _attentions: tuple[tuple[Any, str | None], ...] = ()
    _experts: str = ""
    _recordings: dict[str, Recording] = field(default_factory=dict)

    def record(self, scenario: Scenario, given: Inputs) -> Recording:
        """The run of `scenario`; the same one however often it is asked for with these inputs."""
        before = self._recordings.get(scenario.name)
        if before is None or not _same(before.given, given):
            before = self._recordings[scenario.name] = self._record(scenario, given, locate=False)
        return before

    def afresh(self) -> Instance:
        """The same model, which remembers no run: its weights are other ones by now."""
        return replace(self, _recordings={})

    def located(self, scenario: Scenario, given: Inputs) -> Program:
        """The program of `scenario` with the lines and modules that its operations come from."""
        for path, module in self.model.named_modules():
            object.__setattr__(module, MODULE_PATH, path)
        return self._record(scenario, given, locate=True).program

    def run(self, scenario: Scenario, given: Inputs) -> Any:
        """Outputs alone, of a run of its own."""
        self._attend(scenario)
        with weights.loaded_as(self.model, scenario.dtype):
            return scenarios.run(scenario, self.model, given)

    def _record(self, scenario: Scenario, given: Inputs, *, locate: bool) -> Recording:
        self._attend(scenario)
        with weights.loaded_as(self.model, scenario.dtype):
            cast = scenarios.placed(given, self.model)
            with Recorder(self._names(cast), locate=locate) as recorder:
                outputs = scenarios.run(scenario, self.model, cast)
            return Recording(given, recorder.program(outputs), outputs)

    def _names(self, given: Inputs) -> dict[str, Tensor]:
        parameters = dict(self.model.named_parameters(remove_duplicate=False))
        buffers = dict(self.model.named_buffers(remove_duplicate=False))
        named = [*sorted(parameters.items()), *sorted(buffers.items())]
        return {**dict(named), **tensors(given, "input")}

    def _attend(self, scenario: Scenario) -> None:
        experts = scenario.experts or self._experts
        if self._experts and self.config._experts_implementation != experts:
            self.model.set_experts_implementation(experts)
        wanted = scenario.attention or self._attention
        has_choice = hasattr(self.model, "set_attn_implementation")  # any module may be asked
        if not has_choice or not wanted or self.config._attn_implementation == wanted:
            return
        if scenario.attention:
            self.model.set_attn_implementation(wanted)
        else:  # as it was: a part of the model may have had another one
            for config, attention in self._attentions:
                config._attn_implementation_internal = attention


def instance(
    side: Side,
    name: str,
    options: configs.Options,
    *,
    device: torch.device = CPU,
    dtype: torch.dtype | None = None,
) -> Instance:
    """The model `name` of `side`, on `device`. Raises what building it raises.

    With a `dtype` it is built as `from_pretrained` would load it in that dtype.
    """
    config = configs.build(side.config, options)
    kind = side.model_class(name)
    with torch.random.fork_rng(devices=[]):
        scenarios.seed()
        with _replaced("initialize_weights", lambda model: None):
            model = kind(config) if dtype is None else kind._from_config(config, dtype=dtype)
        before = {key: content(buffer) for key, buffer in model.named_buffers()}
        drawn = _drawn(model)
    after = {key: content(buffer) for key, buffer in model.named_buffers()}
    if dtype is not None:
        keep_float32(model, dtype)
    model.eval()
    weights.fill(model)
    place(model, device)
    attention = getattr(model.config, "_attn_implementation", None) or ""
    buffers = {key: f"{before.get(key)} {after[key]}" for key in after}
    can_choose = getattr(model, "_can_set_experts_implementation", lambda: False)()
    return Instance(
        side,
        name,
        model.config,
        model,
        buffers,
        drawn,
        attention,
        attentions(model),
        model.config._experts_implementation if can_choose else "",
    )


def _drawn(model: Any) -> dict[str, Drawn]:
    """The parameters that the model gives values to when it is initialised.

    Dice are thrown from the beginning for each module: how many were thrown for others, and when,
    is no part of what a model computes.
    """
    if not isinstance(model, PreTrainedModel):
        return {}

    def seeded(model: PreTrainedModel, *arguments: Any) -> None:
        scenarios.seed()
        initialise(model, *arguments)

    initialise = PreTrainedModel._initialize_weights
    before = {name: each._version for name, each in model.named_parameters()}
    with _replaced("_initialize_weights", seeded):
        model.initialize_weights()  # type: ignore[no-untyped-call]
    return {
        name: Drawn(content(each), float(each.detach().double().square().mean().sqrt()))
        for name, each in model.named_parameters()
        if each._version != before[name] and each.numel()
    }


@contextmanager
def _replaced(method: str, by: Callable[..., None]) -> Iterator[None]:
    """Models of transformers have this method while it lasts."""
    usual = getattr(PreTrainedModel, method)
    setattr(PreTrainedModel, method, by)
    try:
        yield
    finally:
        setattr(PreTrainedModel, method, usual)


def _same(one: Inputs, other: Inputs) -> bool:
    return one is other or numerics.furthest(one, other) is None


def place(model: Any, device: torch.device) -> None:
    """Put `model` on `device`."""
    if device == pretended.DEVICE:
        pretended.place(model)
    elif device != CPU:
        model.to(device)


def keep_float32(model: Any, dtype: torch.dtype) -> None:
    """What of its state the model's class wants in float32 stays so, whatever the rest is in."""
    wanted = kept_in_float32(model, dtype)
    if dtype.itemsize < torch.float32.itemsize:
        saved = model.state_dict().keys()
        for name, each in (*model.named_parameters(), *model.named_buffers()):
            if name in saved and wanted.search(name):
                each.data = each.data.float()


def kept_in_float32(model: Any, dtype: torch.dtype) -> re.Pattern[str]:
    """What is to be found in the names of such state: a star stands for anything."""
    kept = set(getattr(model, "_keep_in_fp32_modules_strict", None) or ())
    if dtype is torch.float16:
        kept |= set(getattr(model, "_keep_in_fp32_modules", None) or ())
    return re.compile("|".join(each.replace("*", ".*") for each in kept) or "$^")


def attentions(model: Any) -> tuple[tuple[Any, str | None], ...]:
    """The configuration of each part of a model, with its attention implementation."""
    found: dict[int, Any] = {
        id(module.config): module.config
        for module in model.modules()
        if hasattr(getattr(module, "config", None), "_attn_implementation_internal")
    }
    return tuple((each, each._attn_implementation_internal) for each in found.values())


def forget() -> None:
    """Let go of models that refer to themselves."""
    gc.collect()
