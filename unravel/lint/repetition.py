"""What a child class says that its parent class says, too."""

from __future__ import annotations

import ast

from unravel.lint.code import around_super, passes_all
from unravel.lint.modular import Child
from unravel.members import raises_only, removes_attribute
from unravel.parameters import takes_super_kwargs
from unravel.remarks import is_same
from unravel.types import Member, MemberKind, Method


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
        and has_same_comments(child, pair.member, pair.theirs)
    ]


def has_same_comments(child: Child, member: Member, theirs: Member) -> bool:
    """Are both commented alike? Where the child has nothing above it, the parent's counts.

    By the rules of transformers, that goes for methods alone.
    """
    mine, others = member.statement, theirs.statement
    above = mine.lead.strip() == child.context.rename(others.lead).strip()
    if not mine.lead.strip() and (member.method is not None or not child.context.corpus_rules):
        above = True
    return above and _comments(mine.text) == _comments(child.context.rename(others.text))


def _comments(text: str) -> list[str]:
    return [line.partition("#")[2].strip() for line in text.splitlines() if "#" in line]


def repeated(child: Child) -> list[Member]:
    """The class attributes that have the very annotation and value of the parent's.

    A model's type is none of them: it is what the model is known by.
    """
    return [
        pair.member
        for pair in child.pairs
        if pair.theirs is not None
        and pair.member.kind is pair.theirs.kind is MemberKind.ATTRIBUTE
        and pair.member.name != "model_type"
        and not removes_attribute(pair.member)
        and _code(child.context.own(pair.member.statement.text))
        == _code(child.context.rename(pair.theirs.statement.text))
        and has_same_comments(child, pair.member, pair.theirs)
    ]


def _code(text: str) -> str:
    return ast.dump(ast.parse("if True:\n" + text))


def needless(child: Child) -> list[Member]:
    """The methods that do nothing but call the parent's, with the same parameters."""
    return [
        member
        for member, mine, theirs in child.method_pairs()
        if not mine.decorators
        and mine.docstring is None
        and _only_calls(mine, theirs)
        and _is_called_alike(child, mine, theirs)
        and "#" not in member.statement.lead + member.statement.text
    ]


def _only_calls(mine: Method, theirs: Method) -> bool:
    around = around_super(mine)
    if around is None or around[0] or around[2]:
        return False
    return takes_super_kwargs(mine) or passes_all(around[1], theirs)


def _is_called_alike(child: Child, mine: Method, theirs: Method) -> bool:
    if takes_super_kwargs(mine):
        names = {each.arg for each in mine.node.args.args}
        return names == {"self"} and not mine.node.args.kwonlyargs and not mine.returns
    renamed = ast.parse(f"def f({child.context.rename(theirs.parameters)}): pass").body[0]
    assert isinstance(renamed, ast.FunctionDef)
    return ast.dump(mine.node.args) == ast.dump(renamed.args)


def nothing_new(child: Child) -> bool:
    """Is all that a class of several members says a repetition?"""
    again = {*identical(child), *repeated(child), *needless(child)}
    return len(child.cls.members) > 1 and again.issuperset(child.cls.members)
