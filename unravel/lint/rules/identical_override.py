"""A method that does what the parent's does."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.modular import Child, Modular
from unravel.lint.rule import Example, Finding, Promise, Rule
from unravel.members import raises_only
from unravel.remarks import is_same
from unravel.types import Member, Severity


def identical(child: Child) -> list[Member]:
    """The methods of a class that say, in other words at most, what the parent's say."""
    return [
        pair.member
        for pair in child.pairs
        if pair.theirs is not None
        and pair.theirs.method is not None
        and pair.member.method is not None
        and not raises_only(pair.member.method)
        and is_same(child.own(pair.member), pair.theirs, child.context)
        and not adds_comment(child, pair.member, pair.theirs)
    ]


def adds_comment(child: Child, member: Member, theirs: Member) -> bool:
    """Has the child's method a comment that the parent's has not?"""
    return bool(comments(member) - {child.context.rename(each) for each in comments(theirs)})


def comments(member: Member) -> set[str]:
    lines = (member.statement.lead + member.statement.text).splitlines()
    return {line.partition("#")[2].strip() for line in lines if "#" in line}


def check(modular: Modular) -> Iterator[Finding]:
    for child in modular.children:
        for member in identical(child):
            yield Finding(
                member.statement.node,
                f"`{child.cls.name}.{member.name}` does what `{child.theirs.name}.{member.name}` "
                "does under the new names",
                "delete it",
                modular.removal(child.cls, [member]),
            )


RULE = Rule(
    code="UNM101",
    name="identical-override",
    severity=Severity.WARNING,
    summary="A method says what the parent's method says under the new names.",
    why="""\
A modular file shows what is different in a model, and this is not. Readers compare the two
methods to find the difference, and a later fix of the parent's method does not reach the copy.""",
    examples=(
        Example(
            bad="""\
import torch

from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    scale = 2.0

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return self.down_proj(self.activation(self.up_proj(hidden_states)))
""",
            good="""\
import torch

from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    scale = 2.0
""",
        ),
    ),
    check=check,
    promise=Promise.SAME,
)
