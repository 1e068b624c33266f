"""A model that prints."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.code import name_of
from unravel.lint.model import ModelFile
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    for function in file.functions:
        for node in function.all(ast.Call):
            if name_of(node.func) == "print":
                yield Finding(
                    node, f"`{function.full_name}` prints", "delete it, or use the module's logger"
                )


RULE = Rule(
    code="UNS212",
    name="print-in-model",
    severity=Severity.WARNING,
    summary="A model prints to the terminal.",
    why="""\
It is what is left of a search for a mistake. In a forward pass it is printed for each layer and
step, breaks compiled graphs, and waits for the GPU where it shows a tensor.""",
    examples=(
        Example(
            bad="""\
from torch import nn


class NewMLP(nn.Module):
    def forward(self, hidden_states):
        print(hidden_states.shape)
        return hidden_states
""",
            good="""\
from torch import nn


class NewMLP(nn.Module):
    def forward(self, hidden_states):
        return hidden_states
""",
        ),
    ),
    check=check,
)
