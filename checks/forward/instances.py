"""A model that has been built: one side's class, its configuration, its weights."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from checks.forward import configs, scenarios, weights
from checks.forward.inputs import Inputs
from checks.forward.leaves import tensors
from checks.forward.program import MODULE_PATH, Program, Recorder, content
from checks.forward.scenarios import Scenario
from checks.forward.sides import Side


@dataclass(frozen=True, slots=True)
class Recording:
    """One run: what was computed, and what came out of it."""

    program: Program
    outputs: Any


@dataclass(eq=False)
class Instance:
    """A model of one side; built once, run in many ways.

    `buffers` are the hashes of what its buffers held before weights were put in.
    """

    side: Side
    name: str
    config: Any
    model: Any
    buffers: Mapping[str, str]
    _attention: str
    _recordings: dict[str, Recording] = field(default_factory=dict)

    def record(self, scenario: Scenario, given: Inputs) -> Recording:
        """The run of `scenario`; the same for the same scenario however often it is asked for."""
        if scenario.name not in self._recordings:
            self._recordings[scenario.name] = self._record(scenario, given, locate=False)
        return self._recordings[scenario.name]

    def located(self, scenario: Scenario, given: Inputs) -> Program:
        """The program of `scenario` with the lines and modules that its operations come from."""
        for path, module in self.model.named_modules():
            object.__setattr__(module, MODULE_PATH, path)
        return self._record(scenario, given, locate=True).program

    def run(self, scenario: Scenario, given: Inputs) -> Any:
        """Outputs alone, of a run of its own."""
        self._attend(scenario)
        return scenarios.run(scenario, self.model, given)

    def _record(self, scenario: Scenario, given: Inputs, *, locate: bool) -> Recording:
        self._attend(scenario)
        with Recorder(self._names(given), locate=locate) as recorder:
            outputs = scenarios.run(scenario, self.model, given)
        return Recording(recorder.program(outputs), outputs)

    def _names(self, given: Inputs) -> dict[str, Tensor]:
        parameters = dict(self.model.named_parameters(remove_duplicate=False))
        buffers = dict(self.model.named_buffers(remove_duplicate=False))
        named = [*sorted(parameters.items()), *sorted(buffers.items())]
        return {**dict(named), **tensors(given, "input")}

    def _attend(self, scenario: Scenario) -> None:
        wanted = scenario.attention or self._attention
        if wanted and self.config._attn_implementation != wanted:
            self.model.set_attn_implementation(wanted)


def instance(side: Side, name: str, options: configs.Options) -> Instance:
    """The model `name` of `side`. Raises what building it raises."""
    config = configs.build(side.config, options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(scenarios.SEED)
        model = side.model_class(name)(config)
    model.eval()
    buffers = {key: content(buffer) for key, buffer in model.named_buffers()}
    weights.fill(model)
    attention = getattr(model.config, "_attn_implementation", None) or ""
    return Instance(side, name, model.config, model, buffers, attention)


def forget() -> None:
    """Let go of models that refer to themselves."""
    gc.collect()
