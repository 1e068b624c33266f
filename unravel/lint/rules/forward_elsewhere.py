"""A model whose forward pass is in another model's file."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.model import ModelFile
from unravel.lint.outside import imported_from_models
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    outside = imported_from_models(file)
    for name, node in file.classes.items():
        has_forward = any("forward" in file.methods[cls.name] for cls in file.lineage(name))
        theirs = [base for base in file.outer_bases(name) if base in outside]
        if theirs and not has_forward and not theirs[0].endswith(("Config", "Output")):
            yield Finding(
                node,
                f"`{name}` has its forward pass from `{theirs[0]}` of {outside[theirs[0]]}",
                "write it out here, or in a modular file and have it generated",
            )


RULE = Rule(
    code="UNS202",
    name="forward-elsewhere",
    severity=Severity.WARNING,
    summary="A class has no forward pass of its own and extends a class of another model.",
    why="""\
The file of a model holds its whole forward pass, so that it can be read, and changed for this
model alone. A change of the other model changes this one without anybody's noticing.""",
    examples=(
        Example(
            bad="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    scale = 2.0
""",
            good="""\
from torch import nn


class NewMLP(nn.Module):
    scale = 2.0

    def forward(self, hidden_states):
        return hidden_states * self.scale
""",
        ),
    ),
    check=check,
)
