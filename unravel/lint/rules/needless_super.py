"""A method that only calls the parent's."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.modular import Modular
from unravel.lint.repetition import identical, needless, nothing_new
from unravel.lint.rule import Example, Finding, Promise, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for child in modular.children:
        again = identical(child)
        for member in needless(child) if not nothing_new(child) else ():
            if member not in again:
                yield Finding(
                    member.statement.node,
                    f"`{child.cls.name}.{member.name}` only calls the parent's",
                    "delete it",
                    modular.removal(child.cls, [member]),
                )


RULE = Rule(
    code="UNM123",
    name="needless-super",
    severity=Severity.WARNING,
    summary="A method only calls `super()` with its own parameters.",
    why="""\
Without it, the class has the parent's method, which is what it does. It is four lines that
readers must check to be sure that they say nothing.""",
    examples=(
        Example(
            bad="""\
from transformers import PreTrainedConfig

from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    scale = 2.0

    def __init__(self, config: PreTrainedConfig):
        super().__init__(config)
""",
            good="""\
from transformers import PreTrainedConfig

from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    scale = 2.0
""",
        ),
    ),
    check=check,
    promise=Promise.SAME,
)
