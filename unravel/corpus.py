"""Members of a class by the conventions of transformers' own generated files."""

from __future__ import annotations

from dataclasses import replace

from unravel.context import Context
from unravel.members import (
    is_filler,
    member_text,
    method_key,
    method_text,
    raises_only,
    removes_attribute,
)
from unravel.outline import is_docstring
from unravel.splicing import Overrides, splice_as_corpus
from unravel.types import ClassOutline, Member, MemberKind


def corpus_members(context: Context) -> str:
    """Attributes, then methods; of each, the parent's in their order, then the child's new ones."""
    return "".join([*_attributes(context), *_methods(context)])


def with_any_docstring(child: ClassOutline) -> ClassOutline:
    """A string below other statements is a docstring too, in the corpus; see pp_chart2table."""
    for member in child.members:
        if child.docstring is None and is_docstring(member.statement.node):
            rest = tuple(other for other in child.members if other is not member)
            return replace(child, docstring=member.statement, members=rest)
    return child


def _attributes(context: Context) -> list[str]:
    """The parent's attributes, overridden in their place by the child's; then the child's own."""
    own = {
        member.name: member
        for member in context.child.members
        if member.kind is not MemberKind.METHOD and member.name
    }
    texts: dict[str, str] = {}
    for position, member in enumerate(context.parent.members):
        if member.kind is MemberKind.METHOD or is_filler(member):
            continue
        name = context.rename(member.name)
        # An attribute that stands twice is printed once; see instructblipvideo.
        key = name or f"{position}"
        if name not in own:
            texts[key] = member_text(member, context.rename)
        elif not removes_attribute(own[name]):
            texts[key] = member_text(own[name], context.own)
    used = {
        context.rename(member.name)
        for member in context.parent.members
        if member.kind is not MemberKind.METHOD
    }
    for position, member in enumerate(context.child.members):
        if member.kind is MemberKind.METHOD or is_filler(member):
            continue
        is_placed = member.name in own and member.name in used
        if not is_placed and not removes_attribute(member):
            texts[f"own {position}"] = member_text(member, context.own)
    return list(texts.values())


def _methods(context: Context) -> list[str]:
    own = {method_key(member.method): member for member in context.child.members if member.method}
    replaced = {
        member.name for member in context.child.members if member.kind is MemberKind.ATTRIBUTE
    }
    overrides = Overrides({}, set())
    result, used = [], set()
    for member in context.parent.members:
        if member.method is None or context.rename(member.name) in replaced:
            continue
        name, accessor = method_key(member.method)
        key = (context.rename(name), accessor)
        override = own.get(key)
        if override is None or override.method is None:
            result.append(member_text(member, context.rename))
            continue
        used.add(key)
        if not _is_removal(override):
            result.append(_overridden(override, member, context, overrides))
    result += [
        member.statement.lead + context.calls(member.statement.text)
        for member in context.child.members
        if member.method is not None and method_key(member.method) not in used
    ]
    return result


def _overridden(override: Member, member: Member, context: Context, overrides: Overrides) -> str:
    child, parent = override.method, member.method
    assert child is not None and parent is not None
    lines = splice_as_corpus(child, parent, context.rename, context.calls, overrides)
    lead = context.rename(member.statement.lead)
    return lead + method_text(child, parent, lines, context, inherits_decorators=True)


def _is_removal(member: Member) -> bool:
    """A body that only raises removes a method without decorators, below another statement.

    See moonshine and pocket_tts_audio_tokenizer for those that stay.
    """
    method = member.method
    return (
        method is not None
        and raises_only(method)
        and bool(member.statement.lead)
        and not method.decorators
    )
