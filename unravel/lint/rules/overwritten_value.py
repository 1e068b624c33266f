"""A value that the parent's code, pasted below it, replaces."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.effects import stored_attributes
from unravel.lint.code import around_super, self_targets
from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for child in modular.children:
        for _, mine, theirs in child.method_pairs():
            around = around_super(mine)
            if around is None:
                continue
            theirs_assigned = {
                child.context.rename(name)
                for statement in theirs.body
                for name in self_targets(statement.node)
            }
            again = stored_attributes((each.node for each in around[2]), "self")
            for statement in around[0]:
                for name in self_targets(statement.node):
                    if name in theirs_assigned - again:
                        yield Finding(
                            statement.node,
                            f"`{child.theirs.name}.{theirs.name}` assigns `self.{name}` again, "
                            "below this",
                            "assign it after the call of `super()`",
                        )


RULE = Rule(
    code="UNM105",
    name="overwritten-value",
    severity=Severity.ERROR,
    summary="A value is assigned before `super()`, and the parent's code assigns it again.",
    why="""\
The parent's body goes where `super().method()` stands, so what it assigns wins over what stands
above it. After the call, the child's assignment would take the place of the parent's.""",
    examples=(
        Example(
            bad="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    def __init__(self, config):
        self.activation = abs
        super().__init__(config)
""",
            good="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    def __init__(self, config):
        super().__init__(config)
        self.activation = abs
""",
        ),
    ),
    check=check,
)
