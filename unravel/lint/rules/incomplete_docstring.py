"""The docstring of a model's forward pass that leaves parameters out, or has ones that are gone."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.code import last_name, takes_any_keyword
from unravel.lint.model import Function, ModelFile
from unravel.lint.rule import Example, Finding, Rule
from unravel.remarks import documented_in
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    if file.kind != "modeling":
        return
    for function in file.functions:
        is_public = function.cls is not None and function.name == "forward"
        if not is_public or not _is_model(file, function):
            continue
        text = ast.get_docstring(function.node, clean=False)
        known = documented_in(text) if text else set()
        if not known:
            continue
        taken = [each.arg for each in function.parameters]
        gone = sorted(known - set(taken))
        if gone and not takes_any_keyword(function.node):
            yield Finding(
                function.node,
                f"`{function.full_name}` documents `{gone[0]}` and does not take it",
                "delete the entry, or correct the name",
            )
        # `auto_docstring` and its like add what is common to all models.
        missing = [name for name in taken if name not in known]
        if missing and not any("docstring" in _name(d) for d in function.node.decorator_list):
            yield Finding(
                function.node,
                f"`{function.full_name}` documents some parameters, and not `{missing[0]}`",
                "document all of them",
            )


def _name(decorator: ast.expr) -> str:
    return last_name(decorator.func if isinstance(decorator, ast.Call) else decorator)


def _is_model(file: ModelFile, function: Function) -> bool:
    assert function.cls is not None
    return any("PreTrainedModel" in base for base in file.outer_bases(function.cls.name))


RULE = Rule(
    code="UNS217",
    name="incomplete-docstring",
    severity=Severity.WARNING,
    summary="The docstring of a model's `forward` does not fit its parameters.",
    why="""\
It is the documentation that users see of a model. A parameter that is missing there is not found,
one that is not taken is passed all the same.""",
    examples=(
        Example(
            bad='''\
import torch
from transformers import PreTrainedModel


class NewModel(PreTrainedModel):
    def forward(self, hidden_states: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
        """
        Args:
            hidden_states (`torch.Tensor`): What comes in.
        """
        return hidden_states * scale
''',
            good='''\
import torch
from transformers import PreTrainedModel


class NewModel(PreTrainedModel):
    def forward(self, hidden_states: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
        """
        Args:
            hidden_states (`torch.Tensor`): What comes in.
            scale (`float`): What it is multiplied by.
        """
        return hidden_states * scale
''',
        ),
    ),
    check=check,
)
