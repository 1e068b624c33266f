"""A method that does what the parent's does."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.modular import Modular
from unravel.lint.repetition import identical, nothing_new
from unravel.lint.rule import Example, Finding, Promise, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for child in modular.children:
        for member in identical(child) if not nothing_new(child) else ():
            yield Finding(
                member.statement.node,
                f"`{child.cls.name}.{member.name}` does what `{child.theirs.name}.{member.name}` "
                "does under the new names",
                "delete it",
                modular.removal(child.cls, [member]),
            )


RULE = Rule(
    code="UNM101",
    name="identical-override",
    severity=Severity.WARNING,
    summary="A method says what the parent's method says under the new names.",
    why="""\
A modular file shows what is different in a model, and this is not. Readers compare the two
methods to find the difference, and a later fix of the parent's method does not reach the copy.""",
    examples=(
        Example(
            bad="""\
import torch

from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    scale = 2.0

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return self.down_proj(self.activation(self.up_proj(hidden_states)))
""",
            good="""\
import torch

from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    scale = 2.0
""",
        ),
    ),
    check=check,
    promise=Promise.SAME,
)
