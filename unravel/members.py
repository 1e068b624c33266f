"""The members of a generated class: the parent's in their order, replaced by the child's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from unravel.context import Context, Rename, method_key
from unravel.diagnostics import refuse
from unravel.effects import bound_names, read_at_once
from unravel.helping import (
    attribute_helpers,
    attribute_text,
    calls_by_name,
    helper_text,
    through_helpers,
)
from unravel.outline import place
from unravel.parameters import SUPER_KWARGS, merged_parameters, takes_super_kwargs
from unravel.scanning import tokens
from unravel.splicing import obstacle, splice, super_uses
from unravel.types import ClassOutline, Member, MemberKind, Method

NO_INHERITANCE = "no_inherit_decorator"
CODE = re.compile(r"^\s*[^\s#]", re.MULTILINE)
"""Matches in a text that is more than comments."""


def merged_members(context: Context) -> str:
    """All members of the generated class, in the order in which Python is to run them."""
    attribute_helpers(context)
    own = _own_members(context)
    placed: set[int] = set()
    texts: list[str] = []
    last: list[str] = []
    attributes_end = 0
    for member in context.parent.members:
        text = _parents_member(member, own, placed, last, context)
        texts += [text] if text else []
        if member.kind is MemberKind.ATTRIBUTE and attributes_end == len(texts) - 1:
            attributes_end = len(texts)
    first: list[str] = []
    late = conditional_names(context) | _names_read(context.parent.members, context)
    late |= context.helpers.keys()
    for member in context.child.members:
        if id(member) in placed or _is_replaced(member, own, context):
            continue
        if is_filler(member) or removes_attribute(member):
            first.append(comments_of(member))
            continue
        is_early = (
            member.kind is MemberKind.ATTRIBUTE
            and member.name not in late
            and not _needs_members(member, context)
        )
        (first if is_early else last).append(_added(member, context))
    kept = [
        m for m in context.parent.members if m.method and context.rename(m.name) in context.helpers
    ]
    helpers = [helper_text(member, context) for member in kept]
    return "".join([*texts[:attributes_end], *first, *texts[attributes_end:], *last, *helpers])


def conditional_names(context: Context) -> set[str]:
    """The names that the parent binds by other statements than plain ones: under an `if`, say."""
    others = [m.statement.node for m in context.parent.members if m.kind is MemberKind.OTHER]
    return {context.rename(name) for name in bound_names(others)}


def _own_members(context: Context) -> dict[tuple[str, str], Member]:
    return {
        _key(member): member
        for member in context.child.members
        if member.name and not is_filler(member) and not _is_overload(member)
    }


def _key(member: Member) -> tuple[str, str]:
    return method_key(member.method) if member.method is not None else (member.name, "")


def _is_replaced(member: Member, own: dict[tuple[str, str], Member], context: Context) -> bool:
    """Does a further definition of that name in the child stand for this one, too?"""
    if member.method is None:
        return False
    if _is_overload(member):
        return _key(member) in own
    return not member.method.decorators and own[_key(member)] is not member


def _is_overload(member: Member) -> bool:
    """`@overload`: a signature for type checkers, above the method itself."""
    names = member.method.decorator_names if member.method is not None else ()
    return any(name.rpartition(".")[2] == "overload" for name in names)


def _parents_member(
    member: Member,
    own: dict[tuple[str, str], Member],
    placed: set[int],
    last: list[str],
    context: Context,
) -> str:
    """What stands in the place of a parent's member; nothing where the child removes it.

    A method that the child redefines stays where the class' body uses it (`alias = method`): the
    child's is added to `last`.
    """
    if is_filler(member):
        return ""
    name, accessor = _key(member)
    name = context.rename(name)
    if name == "__hash__" and ("__eq__", "") in own and (name, "") not in own:
        return ""  # a class that says what is equal has only a hash of its own
    override = own.get((name, accessor))
    if member.method is None and name in context.helpers:
        return attribute_text(member_text(member, context.rename), name, context)
    if override is None and accessor:
        # A child's property replaces the parent's whole, with its setter and deleter.
        return "" if (name, "") in own else member_text(member, context.rename)
    if override is None or not name:
        return member_text(member, context.rename)
    if name == "__slots__":
        placed.add(id(override))
        return context.rename(member.statement.lead) + _joined_slots(context)
    if override.method is None and member.method is None:
        return _overridden_attribute(override, member, placed, context)
    if override.method is None or member.method is None:
        return ""  # one kind of member replaces another: the child's is added
    if _is_overload(member):
        return ""
    placed.add(id(override))
    if _is_read_by_others(member, context):
        last.append(_overridden_method(override, member, context))
        return member_text(member, context.rename)
    if raises_only(override.method) and not context.inherits(name):
        return comments_of(override)
    return _overridden_method(override, member, context)


def _overridden_attribute(
    override: Member, member: Member, placed: set[int], context: Context
) -> str:
    """The child's value in the parent's place, if no other statement of either class can tell."""
    name = override.name
    if removes_attribute(override):
        placed.add(id(override))
        return comments_of(override)
    reads = _read_at_once(override) & {m.name for m in context.child.members} - {name}
    twice = sum(m.name == override.name for m in context.child.members) > 1
    if _is_read_by_others(member, context) or reads or twice:
        return member_text(member, context.rename)
    placed.add(id(override))
    lead = override.statement.lead
    if not lead.strip():
        lead = context.rename(member.statement.lead)
    return context.own(lead) + _with_value(override, member, context)


def _is_read_by_others(member: Member, context: Context) -> bool:
    """Does the parent's body use a member for another one, when the class is made?"""
    others = [
        other for other in context.parent.members if other.name != member.name or not other.name
    ]
    return context.rename(member.name) in _names_read(others, context)


def _names_read(members: Iterable[Member], context: Context) -> set[str]:
    """The names that the parent's `members` read when the class is made, as they are now."""
    return {context.rename(name) for member in members for name in _read_at_once(member)}


def _joined_slots(context: Context) -> str:
    """The slots of both classes: those of a child come on top of its parent's."""
    theirs, mine = slots_of(context.parent) or (), slots_of(context.child) or ()
    names = dict.fromkeys([*map(context.rename, theirs), *mine])
    return f"    __slots__ = {tuple(names)!r}\n"


def slots_of(cls: ClassOutline) -> tuple[str, ...] | None:
    """The names in `__slots__ = ("x", "y")`; None where there are none, or they are no literals."""
    member = next((m for m in cls.members if m.name == "__slots__"), None)
    value = getattr(member.statement.node, "value", None) if member is not None else None
    elements = value.elts if isinstance(value, (ast.Tuple, ast.List)) else [value]
    names = [e.value for e in elements if isinstance(e, ast.Constant) and isinstance(e.value, str)]
    return tuple(names) if len(names) == len(elements) else None


def _with_value(override: Member, member: Member, context: Context) -> str:
    """The child's attribute; a bare annotation keeps the value of the parent's."""
    node, theirs = override.statement.node, member.statement.node
    value = getattr(theirs, "value", None)
    if not isinstance(node, ast.AnnAssign) or node.value is not None or value is None:
        return context.own(override.statement.text)
    annotation = context.own(ast.unparse(node.annotation))
    return f"    {override.name}: {annotation} = {context.rename(ast.unparse(value))}\n"


def _read_at_once(member: Member) -> set[str]:
    """The names that a member reads when the class is made: not those in the bodies of methods."""
    return read_at_once([member.statement.node])


def _needs_members(member: Member, context: Context) -> bool:
    """Is an attribute made of other members, such as `alias = forward`?"""
    names = {m.name for m in (*context.child.members, *context.parent.members)}
    return bool(_read_at_once(member) & (names - {"", member.name}))


def _added(member: Member, context: Context) -> str:
    text = member.statement.text
    if member.method is not None:
        text = context.calls(through_helpers(text, member.method, context))
    return _stubs(member, context) + context.own(member.statement.lead + text)


def _stubs(member: Member, context: Context) -> str:
    """The child's `@overload` signatures of a method, which stand above it."""
    stubs = [m for m in context.child.members if m.name == member.name and _is_overload(m)]
    texts = (stub.statement.lead + stub.statement.text for stub in stubs)
    return "" if member in stubs else context.own("".join(texts))


def _overridden_method(override: Member, member: Member, context: Context) -> str:
    child, parent = override.method, member.method
    assert child is not None and parent is not None
    lead = override.statement.lead
    if not lead.strip():
        lead = context.rename(member.statement.lead)
    lead = _stubs(override, context) + lead
    uses = super_uses(child.node)
    reason = obstacle(child, parent, context.rename) if uses else ""
    if uses and not reason:
        lines = splice(
            child,
            parent,
            context.rename,
            lambda text: context.calls(calls_by_name(text, child, context)),
            context.all_methods,
            context.inherited_attributes,
        )
        body = "".join(line.lead + line.text for line in lines) + child.footer
        return lead + method_text(child, parent, body, context, inherits_decorators=True)
    if uses and takes_super_kwargs(child):
        raise refuse(
            "UNR203",
            place(context.module, uses[0]),
            f"`{SUPER_KWARGS}` stands for the parent's parameters, but {reason}",
            hint=f"write out the parameters of `{context.parent.name}.{parent.name}`",
        )
    own, calls = context.own, context.calls
    texts = [own(s.lead) + calls(through_helpers(s.text, child, context)) for s in child.body]
    body = "".join(texts) + child.footer
    return lead + method_text(child, parent, body, context, inherits_decorators=False)


def method_text(
    child: Method,
    parent: Method,
    body: str,
    context: Context,
    *,
    inherits_decorators: bool,
) -> str:
    """A redefined method: `body` below the child's signature.

    A return annotation and a docstring that the child does not have are the parent's.
    """
    parameters = context.own(child.parameters)
    if takes_super_kwargs(child):
        parameters = merged_parameters(child, parent, context.rename)
    returns = context.own(child.returns) or context.rename(parent.returns)
    types = context.own(child.type_parameters) or context.rename(parent.type_parameters)
    head = f"    {child.keyword} {child.name}{types}({parameters})"
    head += f" -> {returns}:" if returns else ":"
    doc = child.written().docstring or context.rename(parent.written().docstring)
    decorators = context.own(strip_marker(child.decorators))
    if not child.decorators and inherits_decorators:
        decorators = context.rename(parent.decorators)
    if not doc and not CODE.search(body):
        body += "        pass\n"
    return decorators + head + child.head_comment + "\n" + doc + body


def member_text(member: Member, rename: Rename) -> str:
    """A member with the comments above it."""
    return rename(member.statement.lead + member.statement.text)


def comments_of(member: Member) -> str:
    """The comments above a member that is not printed itself, and behind it."""
    lead, text = member.statement.lead, member.statement.text
    found = lead if "#" in lead else ""
    if member.method is None and "#" in text:
        behind = [text[start:end] for kind, start, end in tokens(text) if kind == "comment"]
        found += "".join(f"    {comment}\n" for comment in behind)
    return found


def is_filler(member: Member) -> bool:
    """`pass` or `...`"""
    node = member.statement.node
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and node.value.value is ...
    )


def removes_attribute(member: Member) -> bool:
    """`x = AttributeError()`"""
    value = getattr(member.statement.node, "value", None)
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id == "AttributeError"
    )


def raises_only(method: Method) -> bool:
    """Is the body nothing but a `raise`? It removes the parent's method."""
    return len(method.body) == 1 and isinstance(method.body[0].node, ast.Raise)


def strip_marker(decorators: str) -> str:
    """Decorators less the one that only says that none are inherited."""
    if NO_INHERITANCE not in decorators:
        return decorators
    lines = decorators.splitlines(keepends=True)
    return "".join(line for line in lines if NO_INHERITANCE not in line)
