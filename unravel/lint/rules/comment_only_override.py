"""An override that only adds a comment."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.modular import Modular
from unravel.lint.repetition import has_same_comments
from unravel.lint.rule import Example, Finding, Rule
from unravel.members import raises_only
from unravel.remarks import is_same
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for child in modular.children:
        for pair in child.pairs:
            member, theirs = pair.member, pair.theirs
            if theirs is None or theirs.method is None or member.method is None:
                continue
            if raises_only(member.method) or has_same_comments(child, member, theirs):
                continue
            if is_same(child.own(member), theirs, child.context):
                yield Finding(
                    member.statement.node,
                    f"`{child.cls.name}.{member.name}` does what `{child.theirs.name}."
                    f"{theirs.name}` does, and only its comments differ",
                    "put them into the parent's method, or above the class, and delete this",
                )


RULE = Rule(
    code="UNM118",
    name="comment-only-override",
    severity=Severity.WARNING,
    summary="A method repeats the parent's code to add or change a comment.",
    why="""\
The comment costs a copy of the method: readers look for a difference that is not there, and a
later fix of the parent's method does not reach the copy.""",
    examples=(
        Example(
            bad="""\
from models.old.modeling_old import OldAttention


class NewAttention(OldAttention):
    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        # No keys here: the query is all there is.
        return self.dropout(self.query(scaled(hidden_states, 0.5)))
""",
            good="""\
from models.old.modeling_old import OldAttention


# No keys here: the query is all there is.
class NewAttention(OldAttention):
    pass
""",
        ),
    ),
    check=check,
)
