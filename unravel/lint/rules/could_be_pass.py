"""A class of which nothing is left when repetitions are taken out."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.modular import Modular
from unravel.lint.repetition import nothing_new
from unravel.lint.rule import Example, Finding, Promise, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for child in modular.children:
        if nothing_new(child):
            yield Finding(
                child.cls.node,
                f"all that `{child.cls.name}` says, `{child.theirs.name}` says too",
                "its body could be `pass`",
                modular.removal(child.cls, child.cls.members),
            )


RULE = Rule(
    code="UNM122",
    name="could-be-pass",
    severity=Severity.WARNING,
    summary="All members of a class repeat those of the parent class.",
    why="""\
`pass` would say it all: that the new model's class is the parent's under another name. As it is,
readers compare the members one by one to find that out.""",
    examples=(
        Example(
            bad="""\
from transformers import PreTrainedConfig

from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    scale = 1.0

    def __init__(self, config: PreTrainedConfig):
        super().__init__(config)
""",
            good="""\
from transformers import PreTrainedConfig

from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    pass
""",
        ),
    ),
    check=check,
    promise=Promise.SAME,
)
