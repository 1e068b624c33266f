"""A subclass of `nn.Sequential`."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.code import last_name
from unravel.lint.model import ModelFile
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    for name, node in file.classes.items():
        if any(last_name(base) == "Sequential" for base in node.bases):
            yield Finding(
                node,
                f"`{name}` extends `nn.Sequential`, so that its forward pass is nowhere to be seen",
                "extend `nn.Module` and write `forward`",
            )


RULE = Rule(
    code="UNS206",
    name="sequential-subclass",
    severity=Severity.WARNING,
    summary="A class extends `nn.Sequential`.",
    why="""\
There is no `forward` in which one could set a breakpoint or print a shape, and a step that needs
a second input cannot be added. The parameters are called `0.weight`, and a new layer in the
middle renames all that follow.""",
    examples=(
        Example(
            bad="""\
from torch import nn


class NewMLP(nn.Sequential):
    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(width, width), nn.GELU())
""",
            good="""\
from torch import nn


class NewMLP(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.activation = nn.GELU()

    def forward(self, hidden_states):
        return self.activation(self.linear(hidden_states))
""",
        ),
    ),
    check=check,
)
