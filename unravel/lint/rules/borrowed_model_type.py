"""A configuration with its parent's `model_type`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for child in modular.children:
        for pair in child.pairs:
            if pair.member.name != "model_type" or pair.theirs is None:
                continue
            mine, theirs = _text(pair.member.statement.node), _text(pair.theirs.statement.node)
            if mine and mine == theirs:
                yield Finding(
                    pair.member.statement.node,
                    f"`{mine}` is the type of `{child.theirs.name}`",
                    "give this model a type of its own",
                )


def _text(node: ast.AST) -> str:
    value = getattr(node, "value", None)
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


RULE = Rule(
    code="UNM130",
    name="borrowed-model-type",
    severity=Severity.ERROR,
    summary="A configuration says that it is of its parent's `model_type`.",
    why="""\
The automatic classes look a model up by this name. Two configurations with one name are one model
for them: the checkpoints of the new model are loaded into the old one's classes.""",
    examples=(
        Example(
            bad="""\
from models.old.configuration_old import OldConfig


class NewConfig(OldConfig):
    model_type = "old"
""",
            good="""\
from models.old.configuration_old import OldConfig


class NewConfig(OldConfig):
    model_type = "new"
""",
        ),
    ),
    check=check,
)
