"""A name that is imported and defined, or defined twice."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    outline = modular.outline
    imported = {
        bound: statement
        for statement in outline.imports
        if statement.guard is None
        for _, bound in statement.names
    }
    for name, definition in outline.definitions.items():
        if name in imported:
            yield Finding(
                definition.statement.node,
                f"`{name}` is imported in line {imported[name].line}, and defined here",
                "import it under no name that is defined, or give this another name",
            )
    for statement in outline.others:
        node = statement.node
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            later = outline.definitions.get(node.name)
            if later is not None and later.statement.line > statement.line:
                yield Finding(
                    node,
                    f"`{node.name}` is defined again in line {later.statement.line}",
                    "delete one of them",
                )


RULE = Rule(
    code="UNM106",
    name="shadowed-name",
    severity=Severity.WARNING,
    summary="A name is imported and defined in the same file, or defined twice.",
    why="""\
The later one hides the earlier, in the file and in all the code that is copied from parents. So
the import or the first definition does nothing, which whoever wrote it did not mean.""",
    examples=(
        Example(
            bad="""\
from models.old.modeling_old import OldMLP, scaled


def scaled(states, scale):
    return states * scale / 2


class NewMLP(OldMLP):
    def forward(self, hidden_states):
        return scaled(hidden_states, 2.0)
""",
            good="""\
from models.old.modeling_old import OldMLP


def scaled(states, scale):
    return states * scale / 2


class NewMLP(OldMLP):
    def forward(self, hidden_states):
        return scaled(hidden_states, 2.0)
""",
        ),
    ),
    check=check,
)
