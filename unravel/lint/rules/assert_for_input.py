"""`assert` where an error is meant."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.model import ModelFile
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    for function in file.functions:
        for node in function.all(ast.Assert):
            yield Finding(
                node,
                f"`{function.full_name}` checks with `assert`, which `python -O` leaves out",
                "raise a ValueError that names the values",
            )


RULE = Rule(
    code="UNS213",
    name="assert-for-input",
    severity=Severity.WARNING,
    summary="A model checks its input or its configuration with `assert`.",
    why="""\
`python -O` leaves assertions out, and their message seldom says more than that something is
wrong. A `ValueError` that names both numbers tells a user what to change.""",
    examples=(
        Example(
            bad="""\
from torch import nn


class NewMLP(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        assert width % heads == 0
        self.heads = heads
""",
            good="""\
from torch import nn


class NewMLP(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is no multiple of the {heads} heads")
        self.heads = heads
""",
        ),
    ),
    check=check,
)
