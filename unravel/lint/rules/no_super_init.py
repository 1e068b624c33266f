"""A module whose `__init__` does not initialise it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.code import self_targets
from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.splicing import super_uses
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for child in modular.children:
        if not any(each in ("nn.Module", "Module") for each in child.context.ancestry.unknown):
            continue
        for member, mine, _ in child.method_pairs():
            assigns = any(self_targets(node) for node in ast.walk(mine.node))
            if member.name == "__init__" and assigns and not _initialises(mine.node):
                yield Finding(
                    member.statement.node,
                    f"`{child.cls.name}.__init__` assigns modules, and never calls "
                    "`super().__init__()`",
                    "call it first, or `nn.Module.__init__(self)` for an empty module",
                )


def _initialises(node: ast.AST) -> bool:
    calls = [inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call)]
    named = any(isinstance(each, ast.Attribute) and each.attr == "__init__" for each in calls)
    return named or bool(super_uses(node))


RULE = Rule(
    code="UNM128",
    name="no-super-init",
    severity=Severity.ERROR,
    summary="A class redefines `__init__` and never calls that of a base class.",
    why="""\
`nn.Module` refuses modules before its own `__init__` has run: "cannot assign module before
Module.__init__() call". In a modular file the parent's class seems to see to that; it does not.""",
    examples=(
        Example(
            bad="""\
from torch import nn

from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    def __init__(self, config):
        self.up_proj = nn.Linear(2, 2)
""",
            good="""\
from torch import nn

from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    def __init__(self, config):
        nn.Module.__init__(self)
        self.up_proj = nn.Linear(2, 2)
""",
        ),
    ),
    check=check,
)
