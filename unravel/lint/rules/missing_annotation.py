"""Parameters of a forward pass without annotations."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.model import ModelFile
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    if file.kind != "modeling":
        return
    for function in file.functions:
        if function.cls is None or function.name not in ("forward", "__init__"):
            continue
        bare = [each.arg for each in function.parameters if each.annotation is None]
        if bare:
            listed = ", ".join(f"`{name}`" for name in bare[:4]) + (
                ", ..." if len(bare) > 4 else ""
            )
            yield Finding(
                function.node,
                f"`{function.full_name}` does not say what {listed} may be",
                "annotate the parameters",
            )


RULE = Rule(
    code="UNS207",
    name="missing-annotation",
    severity=Severity.WARNING,
    summary="A parameter of `__init__` or `forward` has no annotation.",
    why="""\
The signature is what users of a module read first. Whether a mask is a tensor or may be None, and
which configuration a part takes, is said nowhere else.""",
    examples=(
        Example(
            bad="""\
import torch
from torch import nn


class NewMLP(nn.Module):
    def forward(self, hidden_states, scale=None):
        return hidden_states
""",
            good="""\
import torch
from torch import nn


class NewMLP(nn.Module):
    def forward(self, hidden_states: torch.Tensor, scale: float | None = None) -> torch.Tensor:
        return hidden_states
""",
        ),
    ),
    check=check,
)
