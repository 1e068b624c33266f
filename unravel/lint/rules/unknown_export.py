"""A name in `__all__` that nothing defines."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.exports import exported, statement_of
from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    names = exported(modular.outline) or ()
    statement = statement_of(modular.outline)
    if statement is None or modular.model is None:
        return
    outline = modular.outline
    known = outline.definitions.keys() | {b for each in outline.imports for _, b in each.names}
    # What is copied from a parent under the new name may be exported, too.
    for parent, renaming in modular.parents:
        known = known | {renaming.name(name) for name in parent.outline.definitions}
    for name in names:
        if name not in known:
            node = next(
                each
                for each in ast.walk(statement.node)
                if isinstance(each, ast.Constant) and each.value == name
            )
            yield Finding(
                node,
                f"`__all__` names `{name}`, which is neither defined, nor imported, nor copied",
                "delete it, or define it",
            )


RULE = Rule(
    code="UNM131",
    name="unknown-export",
    severity=Severity.ERROR,
    summary="`__all__` names something that the file does not have.",
    why="""\
`from ... import *` fails with an `AttributeError`, and whoever reads the list looks for a class
that is not there. Most often it was renamed.""",
    examples=(
        Example(
            bad="""\
from models.old.modeling_old import OldModel


class NewModel(OldModel):
    pass


__all__ = ["NewModel", "NewModle"]
""",
            good="""\
from models.old.modeling_old import OldModel


class NewModel(OldModel):
    pass


__all__ = ["NewModel"]
""",
        ),
    ),
    check=check,
)
