"""What a reader of a report wants to see of a difference: both programs, and where errors begin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from torch import Tensor, nn

from checks.forward import numerics
from checks.forward.inputs import Inputs
from checks.forward.instances import Instance
from checks.forward.leaves import tensors
from checks.forward.program import Program, first_difference
from checks.forward.scenarios import Scenario
from checks.forward.verdicts import Layer, Step

BEFORE, AFTER = 3, 12
"""So many operations are shown before the first that differs, and from it on."""
LAYERS = 200


def beside(mine: Program, theirs: Program) -> tuple[Step, ...]:
    """Both programs about the first operation that differs, what corresponds in one row."""
    index = first_difference(mine, theirs)
    if index is None:
        return ()
    start = max(0, index - BEFORE)
    before, end = index - start, index + AFTER
    left, right = (
        [f"%{start + n} = {each}" for n, each in enumerate(program.operations[start:end])]
        for program in (mine, theirs)
    )
    one, other = (
        [each.name for each in program.operations[index:end]] for program in (mine, theirs)
    )
    rows = [(text, text) for text in left[:before]]
    for _, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        ours, others = left[before + a : before + b], right[before + c : before + d]
        rows += zip_longest(ours, others, fillvalue="")
    return tuple(Step(*row) for row in rows)


def by_layer(
    one: Instance, other: Instance, scenario: Scenario, given: Inputs
) -> tuple[Layer, ...]:
    """How far what each module gives back is off, in the order in which they are done.

    Compared are modules of one path and one shape of output, the first time that they are run.
    """
    with _outputs(one.model) as mine:
        one.run(scenario, given)
    with _outputs(other.model) as theirs:
        other.run(scenario, given)
    found = []
    for path, wanted in theirs.items():
        if path in mine and mine[path].shape == wanted.shape:
            difference = numerics.furthest({"": mine[path]}, {"": wanted})
            found.append(Layer(path, 0.0 if difference is None else difference.error))
    return tuple(found[:LAYERS])


@contextmanager
def _outputs(model: nn.Module) -> Iterator[dict[str, Tensor]]:
    """The first tensor of real numbers that each module gives back, while this lasts."""
    found: dict[str, Tensor] = {}

    def keep(path: str, output: Any) -> None:
        numbers = (each for each in tensors(output).values() if each.is_floating_point())
        first = next(numbers, None)
        if first is not None:
            found.setdefault(path, first.detach().clone())

    handles = [
        module.register_forward_hook(lambda module, given, output, path=path: keep(path, output))
        for path, module in model.named_modules()
    ]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
