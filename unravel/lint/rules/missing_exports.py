"""No `__all__`, or a name in it that is not there."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.exports import exported, public_names
from unravel.lint.modular import Modular
from unravel.lint.rule import Edit, Example, Finding, Promise, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    names = exported(modular.outline)
    if names is None:
        wanted = public_names(modular)
        if wanted:
            end = len(modular.lines)
            listed = "".join(f'    "{name}",\n' for name in wanted)
            yield Finding(
                modular.classes[wanted[0]].node,
                f"there is no `__all__`, which should name {len(wanted)} public classes",
                "the generated files take theirs from it",
                (Edit(end, end - 1, f"\n\n__all__ = [\n{listed}]\n"),),
            )


RULE = Rule(
    code="UNM108",
    name="missing-exports",
    severity=Severity.WARNING,
    summary="A modular file that defines public classes has no `__all__`.",
    why="""\
Each generated file exports the names of its kind that stand in the modular file's `__all__`.
Without it they export nothing: `from models.new import *` brings none of the model's classes.""",
    examples=(
        Example(
            bad="""\
from models.old.modeling_old import OldModel


class NewModel(OldModel):
    pass
""",
            good="""\
from models.old.modeling_old import OldModel


class NewModel(OldModel):
    pass


__all__ = [
    "NewModel",
]
""",
        ),
    ),
    check=check,
    promise=Promise.EXPORTS,
)
