"""An attribute that says what the parent's does."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.modular import Modular
from unravel.lint.repetition import nothing_new, repeated
from unravel.lint.rule import Example, Finding, Promise, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for child in modular.children:
        for member in repeated(child) if not nothing_new(child) else ():
            yield Finding(
                member.statement.node,
                f"`{child.cls.name}` has this `{member.name}` from `{child.theirs.name}`",
                "delete it",
                modular.removal(child.cls, [member]),
            )


RULE = Rule(
    code="UNM120",
    name="repeated-value",
    severity=Severity.WARNING,
    summary="A class attribute, such as a configuration's default, repeats the parent's.",
    why="""\
The class would have it anyway. Who reads the file takes it for a difference, and who changes the
parent's default does not change this one.""",
    examples=(
        Example(
            bad="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    scale = 1.0
    width = 2
""",
            good="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    width = 2
""",
        ),
    ),
    check=check,
    promise=Promise.SAME,
)
