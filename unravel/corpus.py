"""Members of a class by the conventions of transformers' own generated files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from unravel.context import Context, Rename, method_key
from unravel.members import (
    is_filler,
    member_text,
    method_text,
    raises_only,
    removes_attribute,
)
from unravel.outline import is_docstring
from unravel.scanning import without_comments
from unravel.splicing import Line, around_call, deletions, pasted_lines, super_call
from unravel.types import ClassOutline, Member, MemberKind, Method


def corpus_members(context: Context) -> str:
    """Attributes, then methods; of each, the parent's in their order, then the child's new ones."""
    if all(map(is_filler, context.child.members)) and _is_in_order(context.parent.members):
        # To rename all at once is faster, and two classes of five are of this kind.
        return context.rename(
            "".join(m.statement.lead + m.statement.text for m in context.parent.members)
        )
    return "".join([*_attributes(context), *_methods(context)])


def _is_in_order(members: Sequence[Member]) -> bool:
    """Would all members be printed, where they stand?"""
    are_methods = [member.kind is MemberKind.METHOD for member in members]
    attributes = [member for member in members if member.kind is not MemberKind.METHOD]
    names = [member.name for member in attributes if member.name]
    is_each_once = len(names) == len(set(names))
    return (
        are_methods == sorted(are_methods) and is_each_once and not any(map(is_filler, attributes))
    )


def with_any_docstring(child: ClassOutline) -> ClassOutline:
    """A string below other statements is a docstring too, in the corpus; see pp_chart2table."""
    for member in child.members if child.docstring is None else ():
        if member.kind is MemberKind.OTHER and is_docstring(member.statement.node):
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
    if "super" in child.statement.text:
        lines = splice_as_corpus(child, parent, context.rename, context.calls, overrides)
        body = "".join(line.lead + line.text for line in lines) + child.footer
    else:
        body = context.calls(child.written().rest)
    lead = context.rename(member.statement.lead)
    return lead + method_text(child, parent, body, context, inherits_decorators=True)


def _is_removal(member: Member) -> bool:
    """A body that only raises removes a method without decorators, below another statement.

    See moonshine and pocket_tts_audio_tokenizer for those that stay.
    """
    method = member.method
    return (
        method is not None
        and "raise" in member.statement.text  # which takes no tree
        and bool(member.statement.lead)
        and not method.decorators
        and raises_only(method)
    )


@dataclass(slots=True)
class Overrides:
    """What a child assigns and deletes after a super call, by the target as it is written."""

    assigned: dict[str, Line]
    deleted: set[str]


def splice_as_corpus(
    child: Method, parent: Method, rename: Rename, own: Rename, overrides: Overrides
) -> tuple[Line, ...]:
    """Like `splice`, by the rules of transformers' own generated files.

    Every assignment of the child replaces the parent's, whatever it reads; what the child
    overrides is added to `overrides`, and holds for the class' later methods too.
    """
    if not any(super_call(statement.node, child.name) for statement in child.body):
        return tuple(Line(s.node, own(s.lead), own(s.text)) for s in child.body)
    before, _, after = around_call(child, own)
    pasted = pasted_lines(parent, rename)
    overrides.assigned.update((line.target, line) for line in after if line.target)
    overrides.deleted.update(target for line in after for target in deletions(line.node))
    merged = _replace_assignments(pasted, after, overrides)
    if before and pasted and super_call(pasted[0].node, "__init__"):
        # `super().__init__()` first: attributes can be set only behind it.
        merged, before = [pasted[0], *before, *merged[1:]], []
    return tuple(_post_init_last([*before, *merged]))


def _replace_assignments(
    pasted: Sequence[Line], after: Sequence[Line], overrides: Overrides
) -> list[Line]:
    """The parent's statements, overridden by and followed by the child's later ones."""
    used: set[str] = set()
    result = []
    for line in pasted:
        target = line.target
        if target and target in overrides.deleted:
            continue
        if target in overrides.assigned:
            result.append(overrides.assigned[target])
            used.add(target)
        else:
            result.append(line)
    present = {without_comments(line.text) for line in result}
    for line in after:
        if deletions(line.node) or (line.target and line.target in used):
            continue
        if without_comments(line.text) not in present:
            result.append(line)
    return result


def _post_init_last(lines: list[Line]) -> list[Line]:
    """`self.post_init()` looks at all that has been set, so it comes last, once."""
    last = [line for line in lines if "self.post_init(" in line.text]
    if not last:
        return lines
    return [line for line in lines if line not in last] + last[-1:]
