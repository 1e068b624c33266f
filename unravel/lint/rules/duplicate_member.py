"""A member that stands twice in a class."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.context import method_key
from unravel.effects import read_at_once
from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for cls in modular.classes.values():
        for number, member in enumerate(cls.members):
            name, accessor = (member.name, "")
            if member.method is not None:
                name, accessor = method_key(member.method)
                if any("overload" in each for each in member.method.decorator_names):
                    continue
            later = cls.members[number + 1 :]
            same = [
                each
                for each in later
                if each.name == name
                and (method_key(each.method)[1] if each.method is not None else "") == accessor
            ]
            if not name or not same:
                continue
            between = later[: later.index(same[0]) + 1]
            if name not in read_at_once(each.statement.node for each in between):
                yield Finding(
                    member.statement.node,
                    f"`{cls.name}.{name}` is defined again in line {same[0].statement.line}",
                    "delete the one that is not meant",
                )


RULE = Rule(
    code="UNM125",
    name="duplicate-member",
    severity=Severity.ERROR,
    summary="A class defines a method or an attribute twice.",
    why="""\
Only the last definition counts. The first one looks as if it did something; most often it was
left behind by a merge.""",
    examples=(
        Example(
            bad="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    scale = 2.0
    width = 3
    scale = 4.0
""",
            good="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    width = 3
    scale = 4.0
""",
        ),
    ),
    check=check,
)
