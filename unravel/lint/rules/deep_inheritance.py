"""More than two levels of inheritance in a model's file."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.model import ModelFile
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity

_MOST = 2


def check(file: ModelFile) -> Iterator[Finding]:
    if file.kind != "modeling":
        return
    for name, node in file.classes.items():
        chain = _longest(file, name)
        if len(chain) > _MOST + 1:
            yield Finding(
                node,
                f"`{' -> '.join(chain)}` is {len(chain) - 1} levels of inheritance",
                "write out what the one in the middle does",
            )


def _longest(file: ModelFile, name: str) -> list[str]:
    """The longest chain of classes of this file, from `name` upwards.

    A class that only the model's family shares (`NewPreTrainedModel`) counts for nothing: it holds
    settings, and every model has one.
    """
    node = file.classes.get(name)
    if node is None or name.endswith("PreTrainedModel"):
        return []
    above = [_longest(file, base.id) for base in node.bases if isinstance(base, ast.Name)]
    return [name, *max(above, key=len, default=[])]


RULE = Rule(
    code="UNS201",
    name="deep-inheritance",
    severity=Severity.WARNING,
    summary="A class has more than two levels of classes of the same file above it.",
    why="""\
A reader of a single-file model wants to see what a class does where it stands. With three classes
above it, any method may come from any of them.""",
    examples=(
        Example(
            bad="""\
from torch import nn


class NewBlock(nn.Module):
    pass


class NewWideBlock(NewBlock):
    pass


class NewWideShallowBlock(NewWideBlock):
    pass


class NewWideShallowFastBlock(NewWideShallowBlock):
    pass
""",
            good="""\
from torch import nn


class NewBlock(nn.Module):
    pass


class NewWideBlock(NewBlock):
    pass


class NewWideShallowBlock(NewWideBlock):
    pass


class NewFastBlock(NewBlock):
    pass
""",
        ),
    ),
    check=check,
)
