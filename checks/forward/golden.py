"""What a model computed when it was last recorded: a small file of text for each model.

No outputs are hashed, for no two kinds of processor agree on their last bits. What is kept is the
program (a digest for each scenario, and one for each module), digests of buffers, and a sketch of
what each module gives back: a few projections, which are compared within a tolerance. Programs are
compared where torch and transformers are the recorded ones, to their minor version.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor, nn

from checks.forward import locating, numerics, refusals
from checks.forward.inputs import Request
from checks.forward.instances import Instance
from checks.forward.leaves import tensors
from checks.forward.pairs import Question
from checks.forward.program import Operation, Program, content
from checks.forward.scenarios import SCENARIOS, Scenario
from checks.forward.verdicts import Finding, Place, Verdict

FORMAT = 1
"""Of the file; and of how weights, inputs and sketches are made."""
PROJECTIONS = 8
_HEAD = "# What this model computed when it was recorded: `unravel forward --record`."


@dataclass(frozen=True, slots=True)
class Golden:
    """Values by name: `program tiny padded` -> `186 a1b2c3d4e5f60718`."""

    values: Mapping[str, str]

    def text(self) -> str:
        return "\n".join([_HEAD, *(f"{key}: {value}" for key, value in self.values.items()), ""])

    def of(self, kind: str) -> dict[str, str]:
        return {key: value for key, value in self.values.items() if key.startswith(kind + " ")}


def read(path: Path) -> Golden | None:
    """What was recorded; None if nothing was. Raises a ValueError where that cannot be read."""
    if not path.is_file():
        return None
    lines = path.read_text("utf-8").splitlines()
    pairs = [line.partition(": ") for line in lines if line and not line.startswith("#")]
    if any(not separator for _, separator, _ in pairs):
        raise ValueError(f"{path.name} is not a recording")
    return Golden({key: value for key, _, value in pairs})


def record(one: Instance, variant: str, request: Request, options: Mapping[str, Any]) -> Golden:
    """What `one` computes now."""
    values = {
        "format": str(FORMAT),
        "class": one.name,
        "torch": _minor(torch.__version__),
        "transformers": _minor(transformers.__version__),
        f"config {variant}": json.dumps(options, sort_keys=True, default=str),
    }
    # Frequencies and the like are computed: another processor may round their last bit otherwise.
    for name, buffer in sorted(one.model.named_buffers()):
        if buffer.is_floating_point():
            values[f"sketch {variant} {name}"] = _numbers(sketch(buffer))
        else:
            values[f"buffer {variant} {name}"] = content(buffer)
    sizes = torch.tensor([drawn.size for _, drawn in sorted(one.drawn.items())])
    values[f"sketch {variant} (initial weights)"] = _numbers(sketch(sizes))
    refused = refusals.calls(one, request) | refusals.builds(one)
    values[f"refused {variant}"] = "; ".join(f"{what}: {how}" for what, how in refused.items())
    asked = [each for each in SCENARIOS if not each.applies(request)]
    for scenario in asked:
        program = one.record(scenario, scenario.inputs(request)).program
        values[f"program {variant} {scenario.name}"] = _digest(
            program.text(), len(program.operations)
        )
    shown = next((each for each in asked if each.name == "padded"), SCENARIOS[0])
    for name, digest in _parts(one.located(shown, shown.inputs(request))):
        values[f"part {variant} {name}"] = digest
    for name, numbers in _sketches(one, shown, request):
        values[f"sketch {variant} {name}"] = _numbers(numbers)
    return Golden(values)


def merged(goldens: list[Golden]) -> Golden:
    return Golden({key: value for each in goldens for key, value in each.values.items()})


def compare(question: Question, one: Instance, now: Golden, then: Golden) -> Iterator[Finding]:
    """Programs where they can be compared, and always what each module gives back."""
    variant = question.variant
    if any(now.values[key] != then.values.get(key) for key in ("format", "class")):
        yield question.answer("recorded", Verdict.DIVERGED, "it was recorded of another class")
        return
    key = f"refused {variant}"
    if now.values[key] != then.values.get(key):
        note = f"refused was {then.values.get(key)}; it is now {now.values[key]}"
        yield question.answer("recorded refusals", Verdict.DIVERGED, note)
    key = f"config {variant}"
    if now.values[key] != then.values.get(key):
        note = "it was recorded in another configuration; `--record` does so anew"
        yield question.answer("recorded", Verdict.DIVERGED, note)
        return
    versions = [key for key in ("torch", "transformers") if now.values[key] != then.values.get(key)]
    yield _compared_programs(question, one, now, then, versions)
    yield _compared_sketches(question, one, now, then)


def _compared_programs(
    question: Question, one: Instance, now: Golden, then: Golden, versions: list[str]
) -> Finding:
    if versions:
        note = "; ".join(f"recorded with {key} {then.values.get(key)}" for key in versions)
        return question.answer("recorded program", Verdict.SKIPPED, note)
    for kind in ("buffer", "part", "program"):
        for key in _of_variant(now.of(kind) | then.of(kind), question.variant):
            if now.values.get(key) != then.values.get(key):
                name = key.split(" ", 2)[2]
                note = f"{kind} `{name}` is another than was recorded"
                return question.answer(
                    "recorded program", Verdict.DIVERGED, note, _place(one, name)
                )
    return question.answer("recorded program", Verdict.PROVED)


def _compared_sketches(question: Question, one: Instance, now: Golden, then: Golden) -> Finding:
    bound = numerics.bound_of(torch.float32, numerics.OTHER_MACHINE)
    worst = 0.0
    for key in _of_variant(now.of("sketch") | then.of("sketch"), question.variant):
        name = key.split(" ", 2)[2]
        if key not in now.values or key not in then.values:
            note = f"`{name}` is {'new' if key in now.values else 'gone'}"
            return question.answer("recorded values", Verdict.DIVERGED, note)
        mine, theirs = ([float(each) for each in of.values[key].split()] for of in (now, then))
        scale = max(abs(theirs[0]), abs(theirs[1])) or 1.0
        error = max((abs(a - b) / scale for a, b in zip(mine, theirs, strict=False)), default=0.0)
        if len(mine) != len(theirs) or not error <= bound:
            note = f"what `{name}` gives back is off by {error:.1e}"
            places = _place(one, name)
            return question.answer("recorded values", Verdict.DIVERGED, note, places, error, bound)
        worst = max(worst, error)
    verdict = Verdict.WITHIN_NOISE if worst else Verdict.EQUAL_BITS
    return question.answer("recorded values", verdict, "", (), worst, bound)


def _of_variant(values: Mapping[str, str], variant: str) -> list[str]:
    return [key for key in values if key.split(" ")[1] == variant]


def _place(one: Instance, name: str) -> tuple[Place, ...]:
    path = "" if name == "(model)" else name
    is_buffer = name in dict(one.model.named_buffers())
    try:
        module = one.model.get_submodule(path.rpartition(".")[0] if is_buffer else path)
    except AttributeError:
        return ()
    found = locating.definition(one, type(module))
    return (locating.place("generated", found[0], found[1].lineno),) if found else ()


# -- digests and sketches ------------------------------------------------------------------------


def _numbers(values: list[float]) -> str:
    return " ".join(f"{value:.6g}" for value in values)


def _minor(version: str) -> str:
    return ".".join(version.split("+")[0].split(".")[:2])


def _digest(lines: list[str], count: int) -> str:
    digest = hashlib.blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()
    return f"{count} {digest}"


def _parts(program: Program) -> Iterator[tuple[str, str]]:
    """A digest of each module's operations; what comes from other modules is all one."""
    of: dict[str, list[tuple[int, Operation]]] = {}
    for number, operation in enumerate(program.operations):
        of.setdefault(operation.module or "(model)", []).append((number, operation))
    for name, operations in of.items():
        places = {f"%{number}": f"own {place}" for place, (number, _) in enumerate(operations)}
        lines = [
            str(replace(each, arguments=_local(each.arguments, places))) for _, each in operations
        ]
        yield name, _digest(lines, len(lines))


def _local(arguments: Any, places: Mapping[str, str]) -> Any:
    if isinstance(arguments, tuple):
        return tuple(_local(each, places) for each in arguments)
    if isinstance(arguments, str) and arguments.startswith("%"):
        return places.get(arguments.partition(".")[0], "elsewhere")
    return arguments


def _sketches(
    one: Instance, scenario: Scenario, request: Request
) -> Iterator[tuple[str, list[float]]]:
    """Of each module that is the model's own: the first tensor that it gives back."""
    found: dict[str, list[float]] = {}

    def watch(name: str) -> Any:
        def hook(module: nn.Module, given: Any, result: Any) -> None:
            first = next(
                (each for each in tensors(result).values() if each.is_floating_point()), None
            )
            if first is not None and name not in found:
                found[name] = sketch(first)

        return hook

    hooks = [
        module.register_forward_hook(watch(name or "(model)"))
        for name, module in one.model.named_modules()
        if not type(module).__module__.startswith("torch.")
    ]
    try:
        one.run(scenario, scenario.inputs(request))
    finally:
        for each in hooks:
            each.remove()
    names = [name or "(model)" for name, _ in one.model.named_modules()]
    yield from ((name, found[name]) for name in names if name in found)


def sketch(tensor: Tensor) -> list[float]:
    """Root mean square, largest absolute value, and projections on fixed signs.

    Masked scores are as large as numbers get; they would drown all others, and count as zero.
    """
    values = tensor.detach().double().cpu().flatten().numpy()
    values = np.where(np.abs(values) < 1e30, values, 0.0)
    if not values.size:
        return [0.0, 0.0]
    generator = np.random.Generator(np.random.Philox(key=values.size))
    signs = generator.integers(0, 2, size=(PROJECTIONS, values.size)) * 2.0 - 1.0
    projected = signs @ values / math.sqrt(values.size)
    size = math.sqrt(float(np.mean(values**2)))
    return [size, float(np.abs(values).max()), *map(float, projected)]
