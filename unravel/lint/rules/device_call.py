"""Code that moves tensors to a device by its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.model import ModelFile
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    if file.kind != "modeling":
        return
    for function in file.functions:
        if function.name != "forward":
            continue  # what a model does once with its results is another matter
        for node in function.all(ast.Call):
            target = node.func
            if not isinstance(target, ast.Attribute):
                continue
            is_cuda = target.attr == "cuda" and not node.args
            values = [*node.args, *(keyword.value for keyword in node.keywords)]
            named = [
                each.value
                for each in values
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            ]
            is_moved = target.attr == "to" and any(
                name.partition(":")[0] in ("cuda", "cpu", "mps", "xpu") for name in named
            )
            if is_cuda or is_moved:
                yield Finding(
                    node,
                    f"`{ast.unparse(node)[:60]}` names a device",
                    "use the device of a tensor that is there: `hidden_states.device`",
                )


RULE = Rule(
    code="UNS211",
    name="device-call",
    severity=Severity.WARNING,
    summary="A model moves something to a device that it names.",
    why="""\
Where a model runs is its user's choice, and its parts may be on several devices. A named one
fails on all machines that do not have it, and `.cpu()` in a forward pass waits for the GPU.""",
    examples=(
        Example(
            bad="""\
from torch import nn


class NewMLP(nn.Module):
    def forward(self, hidden_states, mask):
        return hidden_states * mask.to("cuda")
""",
            good="""\
from torch import nn


class NewMLP(nn.Module):
    def forward(self, hidden_states, mask):
        return hidden_states * mask.to(hidden_states.device)
""",
        ),
    ),
    check=check,
)
