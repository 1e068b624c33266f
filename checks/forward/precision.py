"""Below float32: is a model as exact in bfloat16 or float16 as those that it is held against?

A float32 run says nothing of that: there, `x.float()` is no operation. So the generated file is run
in the dtype beside its modular file, whose operations it must have, and beside the reference: it
may be twice as far from float64, and one unit in the last place. Where there is no reference, what
float64 answers to weights that are one unit of the dtype off stands in for its error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from checks.forward import configs, locating, numerics, pairs, scenarios
from checks.forward.devices import CPU, moved, name_of
from checks.forward.inputs import Inputs, Request, make, mask_shape
from checks.forward.instances import Instance, instance, kept_in_float32
from checks.forward.leaves import tensors
from checks.forward.pairs import Question, first_line
from checks.forward.program import Operation, Program, same_program
from checks.forward.routing import Choices
from checks.forward.scenarios import Scenario
from checks.forward.sides import Side
from checks.forward.verdicts import Finding, Place, Verdict

TIMES = 2
"""So many times the reference's own error may a model have, and one unit in the last place."""


@dataclass(frozen=True, slots=True)
class Models:
    """What can be run: one class of a model, as each side defines it."""

    sides: Mapping[str, Side]
    name: str
    options: configs.Options
    request: Request
    device: torch.device = CPU

    def build(self, role: str, dtype: torch.dtype) -> Instance:
        return instance(self.sides[role], self.name, self.options, device=self.device, dtype=dtype)

    def exact(self, like: Instance) -> Instance:
        """The side of `like` in float64, on the CPU, with the very weights of `like`."""
        role = next(role for role, side in self.sides.items() if side is like.side)
        options = self.options
        found = instance(self.sides[role], self.name, options, dtype=torch.float64)
        if hasattr(found.config, "_experts_implementation"):
            found.config._experts_implementation = "eager"  # the grouped kernel has no float64
        found.model.load_state_dict(like.model.state_dict())
        return found


def check_precision(
    question: Question, models: Models, dtype: torch.dtype, skip: Mapping[str, str]
) -> Iterator[Finding]:
    """A finding for each side that the generated file is held against; one where there is none."""
    wanted = "plain" if "eager" in skip else "eager"  # what is fused tells nothing of its inside
    scenario = next(each for each in scenarios.SCENARIOS if each.name == wanted)
    scenario = replace(scenario, name=f"{wanted}, {name_of(dtype)}")
    if name_of(dtype) in skip:
        yield question.answer(scenario.name, Verdict.SKIPPED, skip[name_of(dtype)])
        return
    given = moved(_inputs(models.request), CPU, dtype)
    built: dict[str, Instance] = {}
    failed: dict[str, tuple[str, tuple[Place, ...]]] = {}
    for role, side in models.sides.items():
        try:
            built[role] = models.build(role, dtype)
            built[role].record(scenario, given)
        except Exception as error:
            failed[role] = pairs.failed(side, error)
    if "generated" in failed:
        yield _not_run(question, scenario, failed)
        return
    one = built.pop("generated")
    idle = _without(one.record(scenario, given).program, dtype)
    if idle:
        yield question.answer(scenario.name, Verdict.VACUOUS, idle)
        return
    for role, (note, places) in failed.items():
        verdict = Verdict.BROKEN if role == "live" else Verdict.SKIPPED
        yield replace(question, pair=role).answer(scenario.name, verdict, note, places)
        built.pop(role, None)
    for role, other in built.items():
        asked = replace(question, pair=role, exactly=role == "live")
        yield _beside(asked, models, one, other, scenario, given, dtype)
    if "reference" not in built:
        yield _beside_float64(question, models, one, scenario, given, dtype)


def _inputs(request: Request) -> Inputs:
    """With so little padding, behind the text, that each token sees another.

    One that sees none has no answer in float64: masks are lower there than float32 goes, in which
    softmax is asked for.
    """
    given = make(request)
    if "input_ids" not in given or "attention_mask" not in request.parameters:
        return given
    mask = torch.ones(mask_shape(request, given["input_ids"]), dtype=torch.long)
    mask[0, ..., -2:] = 0
    mask[1:2, ..., -1:] = 0
    return {**given, "attention_mask": mask}


def _not_run(
    question: Question, scenario: Scenario, failed: Mapping[str, tuple[str, tuple[Place, ...]]]
) -> Finding:
    note, places = failed["generated"]
    if "reference" in failed:
        note = f"not even the {failed['reference'][0]}"
        return question.answer(scenario.name, Verdict.SKIPPED, note)
    if "not implemented for" in note or "Unsupported dtype" in note:
        return question.answer(scenario.name, Verdict.SKIPPED, note)
    return question.answer(scenario.name, Verdict.BROKEN, note, places)


# -- two sides -----------------------------------------------------------------------------------


def _beside(
    question: Question,
    models: Models,
    one: Instance,
    other: Instance,
    scenario: Scenario,
    given: Inputs,
    dtype: torch.dtype,
) -> Finding:
    """`one` against `other`: programs, then where each is in float32, then how exact they are."""
    mine, theirs = one.record(scenario, given), other.record(scenario, given)
    difference = numerics.furthest(mine.outputs, theirs.outputs, may_add=not question.exactly)
    if difference is None and same_program(mine.program, theirs.program):
        return question.answer(scenario.name, Verdict.PROVED)
    lowered = _lowered(mine.program, theirs.program)
    if lowered is not None:
        place = _place(one, one.located(scenario, given).operations[lowered])
        name = mine.program.operations[lowered].name.partition(".")[0]
        note = f"`{name}` is computed in {name_of(dtype)}, {question.pair} does so in float32"
        return question.answer(scenario.name, Verdict.DIVERGED, note, place)
    if question.exactly:
        return pairs.compare_runs(question, one, other, scenario, given)
    if difference is None:
        return question.answer(scenario.name, Verdict.REFACTOR)
    if difference.error == float("inf"):
        return question.answer(scenario.name, Verdict.DIVERGED, difference.message)
    try:
        expected, chosen = exactly(models.exact(other), scenario, given)
    except Exception as error:
        return question.answer(scenario.name, Verdict.SKIPPED, _no_float64(error))
    outputs, note = replayed(one, scenario, given, chosen)
    own, _ = replayed(other, scenario, given, chosen)
    allowed = bounds(numerics.distances(own, expected), dtype)
    return judged(question, scenario, numerics.distances(outputs, expected), allowed, note)


_KEPT = ("_softmax", "_safe_softmax", "_log_softmax", "logsumexp", "rsqrt", "cos", "sin", "exp")
"""Operations that models do in float32 on purpose, whatever the rest is in."""


def _lowered(mine: Program, theirs: Program) -> int | None:
    """The first operation that one program does below float32 and the other in float32."""
    for name in _KEPT:
        ours, wanted = _kept(mine, name), _kept(theirs, name)
        here, there = list(ours.values()), list(wanted.values())
        if here.count(True) < there.count(True) and here.count(False) > there.count(False):
            return next(number for number, is_kept in ours.items() if not is_kept)
    return None


def _kept(program: Program, name: str) -> dict[int, bool]:
    """Of each operation of that name: is it computed in float32?"""
    return {
        number: _in_float32(operation)
        for number, operation in enumerate(program.operations)
        if operation.name.partition(".")[0] == name
    }


def _in_float32(operation: Operation) -> bool:
    # `_softmax(x, dim, half_to_float)`: what a GPU does in float32 without a conversion
    return "float32" in dtypes_of(operation) or operation.arguments[-1] is True


def dtypes_of(operation: Operation) -> list[str]:
    """The dtypes of the tensors that an operation is given, real numbers only."""
    return [
        str(each[2])
        for each in operation.arguments
        if isinstance(each, tuple) and len(each) == 6 and "float" in str(each[2])
    ]


def _place(one: Instance, operation: Operation) -> tuple[Place, ...]:
    """The innermost line of the side's own code."""
    for frame in operation.frames:
        role = one.side.files.get(frame.path)
        if role is not None:
            return (locating.place(role, frame.path, frame.line),)
    return ()


# -- one side ------------------------------------------------------------------------------------


def _beside_float64(
    question: Question,
    models: Models,
    one: Instance,
    scenario: Scenario,
    given: Inputs,
    dtype: torch.dtype,
) -> Finding:
    """How exact `one` is, as far as it can be known without a reference."""
    if any(each.draws for each in one.record(scenario, given).program.operations):
        note = "it draws random numbers, which are other ones in float64"
        return question.answer(scenario.name, Verdict.SKIPPED, note)
    raised = _raised(one, scenario, given, dtype)
    if raised is not None:
        note, place = raised
        return question.answer(scenario.name, Verdict.DIVERGED, note, place)
    try:
        exact = models.exact(one)
        expected, chosen = exactly(exact, scenario, given)
        with numerics.nudged(exact.model, dtype):
            moved_by, _ = replayed(exact, scenario, given, chosen)
    except Exception as error:
        return question.answer(scenario.name, Verdict.SKIPPED, _no_float64(error))
    outputs, note = replayed(one, scenario, given, chosen)
    if _lost(expected, outputs):
        note = "float64 gives what float32 cannot: its masks are lower than float32 goes"
        return question.answer(scenario.name, Verdict.SKIPPED, note)
    # A single number may happen not to answer at all, and is rounded all the same.
    unit = float(torch.finfo(dtype).eps)
    answered = numerics.distances(moved_by, expected)
    allowed = bounds({path: max(error, unit) for path, error in answered.items()}, dtype)
    return judged(question, scenario, numerics.distances(outputs, expected), allowed, note)


def _lost(exact: Any, outputs: Any) -> bool:
    """Is an output in float64 alone not a number, or one that float32 does not have?"""
    found = tensors(outputs)
    lowest = torch.finfo(torch.float32).min
    return any(
        bool((each.isnan() & ~found[path].isnan() | (each < lowest)).any())
        for path, each in tensors(exact).items()
        if path in found and each.shape == found[path].shape
    )


def _raised(
    one: Instance, scenario: Scenario, given: Inputs, dtype: torch.dtype
) -> tuple[str, tuple[Place, ...]] | None:
    """Does an output come out in float32 because a constant was, and not on purpose?"""
    recording = one.record(scenario, given)
    wide = [
        path
        for path, each in tensors(recording.outputs).items()
        if each.is_floating_point() and each.dtype is not dtype
    ]
    low, on_purpose = name_of(dtype), kept_in_float32(one.model, dtype)
    if not wide:
        return None
    for number, operation in enumerate(recording.program.operations):
        found = [each for each in operation.arguments if isinstance(each, tuple) and len(each) == 6]
        culprits = [
            str(each[1])
            for each in found
            if str(each[2]) == "float32" and each[3] and not str(each[1]).startswith("%")
            if not on_purpose.search(str(each[1]))
        ]
        if culprits and low in dtypes_of(operation):
            place = _place(one, one.located(scenario, given).operations[number])
            name = culprits[0]
            return f"`{wide[0]}` comes out in float32: `{name}` is, and raises it", place
    return None


def _without(program: Program, dtype: torch.dtype) -> str:
    """Why a run says nothing about the dtype; empty if it does."""
    products = [
        dtypes_of(each)
        for each in program.operations
        if each.name.partition(".")[0].strip("_") in _PRODUCTS
    ]
    products = [each for each in products if each]
    if not products:
        return "there is no product of matrices"
    if not any(name_of(dtype) in each for each in products):
        return f"not one of its {len(products)} products of matrices is in {name_of(dtype)}"
    return ""


_PRODUCTS = frozenset({"mm", "addmm", "bmm", "baddbmm", "convolution", "grouped_mm", "linear"})


# -- float64 -------------------------------------------------------------------------------------


def exactly(exact: Instance, scenario: Scenario, given: Inputs) -> tuple[Any, list[torch.Tensor]]:
    """What comes out in float64, and what is chosen there."""
    with Choices() as choices:
        outputs = exact.run(scenario, given)
    return outputs, choices.made


def replayed(
    one: Instance, scenario: Scenario, given: Inputs, chosen: list[torch.Tensor]
) -> tuple[Any, str]:
    """What comes out where what is chosen is what float64 chooses, and how often that was other."""
    with Choices(chosen) as choices:
        outputs = one.run(scenario, given)
    flipped = f"a router flips {choices.flipped} times: float64's choices were replayed"
    return outputs, flipped if choices.flipped else ""


def bounds(errors: Mapping[str, float], dtype: torch.dtype) -> dict[str, float]:
    """What the outputs may be off, where something as good is off by `errors`."""
    unit = float(torch.finfo(dtype).eps)
    return {path: TIMES * error + unit for path, error in errors.items()}


def judged(
    question: Question,
    scenario: Scenario,
    errors: Mapping[str, float],
    allowed: Mapping[str, float],
    note: str,
) -> Finding:
    """By the output that is furthest beyond its bound, or next to it."""
    shared = [path for path in errors if path in allowed]
    sound = [path for path in shared if allowed[path] <= MEANINGLESS]
    if not sound:
        note = "float64 differs from the dtype by as much as there is"
        return question.answer(scenario.name, Verdict.VACUOUS, note)
    worst = max(sound, key=lambda path: errors[path] / allowed[path])
    error, bound = errors[worst], allowed[worst]
    if error <= bound:
        return question.answer(scenario.name, Verdict.WITHIN_NOISE, note, (), error, bound)
    said = f"`{worst}` is off by {error:.1e} of its largest value from float64"
    note = "; ".join(filter(None, (said, note)))
    return question.answer(scenario.name, Verdict.DIVERGED, note, (), error, bound)


MEANINGLESS = 0.5
"""A bound on an error that is larger says nothing."""


def _no_float64(error: Exception) -> str:
    return f"not to be run in float64: {type(error).__name__}: {first_line(error)}"
