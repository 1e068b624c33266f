"""A decorator that comes with the parent's method and names a parameter that is gone."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.code import around_super, parameters, strings, takes_any_keyword
from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for child in modular.children:
        for member, mine, theirs in child.method_pairs():
            if mine.decorators or around_super(mine) is None or takes_any_keyword(mine.node):
                continue
            gone = {each.arg for each in parameters(theirs.node)} - {
                each.arg for each in parameters(mine.node)
            }
            for decorator in theirs.node.decorator_list:
                named = sorted(gone.intersection(strings(decorator)))
                if named and isinstance(decorator, ast.Call):
                    yield Finding(
                        member.statement.node,
                        f"the parent's `@{ast.unparse(decorator.func)}` comes along and names "
                        f"`{named[0]}`, which this method does not take",
                        "give the method decorators of its own, such as `@no_inherit_decorator`",
                    )


RULE = Rule(
    code="UNM112",
    name="inherited-decorator",
    severity=Severity.WARNING,
    summary="A method inherits a decorator that names a parameter which the method does not take.",
    why="""\
A method that calls `super()` and has no decorators gets the parent's. One that is told the name
of a parameter fails, or does nothing, where that parameter is gone.""",
    examples=(
        Example(
            bad="""\
from models.base.modeling_base import BaseMLP


class NewMLP(BaseMLP):
    def forward(self, hidden_states):
        return super().forward(hidden_states)
""",
            good="""\
from models.base.modeling_base import BaseMLP, no_inherit_decorator


class NewMLP(BaseMLP):
    @no_inherit_decorator
    def forward(self, hidden_states):
        return super().forward(hidden_states)
""",
            files={
                "models/base/modeling_base.py": """\
from torch import nn


def deprecated(name):
    return lambda function: function


def no_inherit_decorator(function):
    return function


class BaseMLP(nn.Module):
    @deprecated("past")
    def forward(self, hidden_states, past=None):
        return hidden_states
""",
            },
        ),
    ),
    check=check,
)
