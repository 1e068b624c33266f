"""The removal of a member that the parent does not have."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.ancestry import members_of
from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.members import raises_only, removes_attribute
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for child in modular.children:
        if child.context.ancestry.unknown and not modular.settings.corpus_rules:
            continue  # what a base elsewhere has, this hides; and converting says what it cannot
        inherited = {child.context.rename(name) for name in members_of(child.theirs)}
        for cls in child.context.ancestry.classes:
            inherited.update(map(child.context.rename, members_of(cls)))
        for pair in child.pairs:
            member = pair.member
            removes = removes_attribute(member) or (
                member.method is not None
                and raises_only(member.method)
                and "AttributeError" in member.statement.text
            )
            if removes and member.name not in inherited:
                yield Finding(
                    member.statement.node,
                    f"`{child.theirs.name}` has no `{member.name}` that could be removed",
                    "delete this",
                )


RULE = Rule(
    code="UNM104",
    name="no-op-removal",
    severity=Severity.WARNING,
    summary="A modular file removes a method or an attribute that the parent class does not have.",
    why="""\
A method that only raises `AttributeError`, or an attribute that is `AttributeError()`, takes the
parent's out. Where the parent has none, it removes nothing: a method of that kind is printed as
it stands.""",
    examples=(
        Example(
            bad="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    def backward(self):
        raise AttributeError("not in this model")
""",
            good="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    pass
""",
            profile="transformers",
        ),
    ),
    check=check,
)
