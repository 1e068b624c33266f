"""Weights that are tied and not declared."""

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
        if function.cls is None:
            continue
        for node in function.all(ast.Assign):
            if not _ties(node):
                continue
            if not any(_declares(cls) for cls in _users(file, function.cls)):
                yield Finding(
                    node,
                    f"`{ast.unparse(node)[:70]}` ties weights, and no model declares them",
                    "name the key in `_tied_weights_keys`",
                )


def _ties(node: ast.Assign) -> bool:
    """`self.a.weight = self.b.weight`"""
    target = node.targets[0]
    return (
        isinstance(target, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and target.attr in ("weight", "bias")
        and node.value.attr == target.attr
        and ast.unparse(target).startswith("self.")
        and ast.unparse(node.value).startswith("self.")
    )


def _users(file: ModelFile, cls: ast.ClassDef) -> list[ast.ClassDef]:
    """The models of the file: any of them may hold the class."""
    return [cls, *file.classes.values()]


def _declares(cls: ast.ClassDef) -> bool:
    return any("_tied_weights_keys" in ast.unparse(item) for item in cls.body[:12])


RULE = Rule(
    code="UNS215",
    name="undeclared-tie",
    severity=Severity.WARNING,
    summary="Two modules share a weight, and the model does not name it in `_tied_weights_keys`.",
    why="""\
Saving refuses tensors that share memory unless the model says that they are meant to. Loading on
the meta device makes two weights of them, of which one is never filled.""",
    examples=(
        Example(
            bad="""\
from torch import nn
from transformers import PreTrainedModel


class NewForCausalLM(PreTrainedModel):
    def __init__(self, config) -> None:
        super().__init__(config)
        self.embeddings = nn.Embedding(8, 4)
        self.lm_head = nn.Linear(4, 8)
        self.lm_head.weight = self.embeddings.weight
        self.post_init()
""",
            good="""\
from torch import nn
from transformers import PreTrainedModel


class NewForCausalLM(PreTrainedModel):
    _tied_weights_keys = {"lm_head.weight": "embeddings.weight"}

    def __init__(self, config) -> None:
        super().__init__(config)
        self.embeddings = nn.Embedding(8, 4)
        self.lm_head = nn.Linear(4, 8)
        self.post_init()
""",
        ),
    ),
    check=check,
)
