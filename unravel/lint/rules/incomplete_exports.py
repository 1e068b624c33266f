"""`__all__` that lacks a public class."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.exports import exported, public_names, with_exports
from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Promise, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    names = exported(modular.outline)
    if names is None:
        return
    for name in public_names(modular):
        if name not in names:
            yield Finding(
                modular.classes[name].node,
                f"`{name}` does not stand in `__all__`, where its parent's counterpart does",
                "add it",
                with_exports(modular.outline, name),
            )


RULE = Rule(
    code="UNM109",
    name="incomplete-exports",
    severity=Severity.WARNING,
    summary="A class is not in `__all__`, although its parent class is in its own file's.",
    why="""\
The parent's module says that this class is for others to use. In the new model it is generated
and cannot be imported from the package.""",
    examples=(
        Example(
            bad="""\
from models.old.modeling_old import OldModel, OldPreTrainedModel


class NewPreTrainedModel(OldPreTrainedModel):
    pass


class NewModel(OldModel):
    pass


__all__ = ["NewModel"]
""",
            good="""\
from models.old.modeling_old import OldModel, OldPreTrainedModel


class NewPreTrainedModel(OldPreTrainedModel):
    pass


class NewModel(OldModel):
    pass


__all__ = ["NewModel", "NewPreTrainedModel"]
""",
        ),
    ),
    check=check,
    promise=Promise.EXPORTS,
)
