"""`del self.x` of what the parent does not assign."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.effects import stored_attributes
from unravel.lint.code import around_super, is_self_attribute
from unravel.lint.modular import Child, Modular
from unravel.lint.rule import Edit, Example, Finding, Promise, Rule
from unravel.types import Severity, Statement


def check(modular: Modular) -> Iterator[Finding]:
    for child in modular.children:
        for _, mine, theirs in child.method_pairs():
            around = around_super(mine)
            if around is None:
                continue
            body = [statement.node for statement in theirs.body]
            there = stored_attributes(body, "self") | _of_ancestors(child)
            there = {child.context.rename(name) for name in there}
            for statement in around[2]:
                name = _deleted(statement)
                if name and name not in there:
                    yield Finding(
                        statement.node,
                        f"`{child.theirs.name}.{theirs.name}` does not assign `self.{name}`",
                        "delete this line",
                        (Edit(statement.line, statement.end),),
                    )


def _deleted(statement: Statement) -> str:
    """`x` of `del self.x`"""
    node = statement.node
    if isinstance(node, ast.Delete) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Attribute) and is_self_attribute(target):
            return target.attr
    return ""


def _of_ancestors(child: Child) -> set[str]:
    """What the classes that the parent extends in turn assign, as far as they can be seen."""
    bodies = [cls.node for cls in child.context.ancestry.classes]
    return stored_attributes(bodies, "self")


RULE = Rule(
    code="UNM103",
    name="no-op-deletion",
    severity=Severity.WARNING,
    summary="A modular file deletes an attribute that the parent's method does not assign.",
    why="""\
`del self.x` after `super().__init__()` takes the parent's assignment out. Where there is none, it
says something about the parent that is not true (any more), or the name is misspelled and what
was meant stays.""",
    examples=(
        Example(
            bad="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    def __init__(self, config):
        super().__init__(config)
        del self.gate_proj
        self.scale = 2.0
""",
            good="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    def __init__(self, config):
        super().__init__(config)
        self.scale = 2.0
""",
            profile="transformers",
        ),
    ),
    check=check,
    promise=Promise.SAME,
)
