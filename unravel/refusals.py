"""Classes that cannot be merged faithfully: what is wrong, where, and what to write instead."""

from __future__ import annotations

import ast
import re

from unravel.ancestry import members_of
from unravel.context import Context
from unravel.diagnostics import nearest, refuse
from unravel.members import NO_INHERITANCE, raises_only
from unravel.mixins import in_front, why_not_behind
from unravel.outline import class_outline, place
from unravel.scanning import identifiers
from unravel.special import check_special, makes_fields
from unravel.splicing import is_super, other_super, super_uses
from unravel.types import ClassOutline, DefinitionKind

_OF_ANY_CLASS = {*dir(object), "__dict__", "__annotations__", "__weakref__"}


_INERT = ("auto_docstring", "final", "runtime_checkable", "total_ordering", "unique")
"""Decorators that give a class nothing which its children would have from it."""


def check_child(context: Context) -> None:
    """Raise `Refused` where the child cannot be laid over its parent."""
    _check_bases(context)
    _check_decorators(context)
    _check_names(context)
    _check_super(context)
    _check_super_finds(context)
    _check_super_of_removed(context)
    _check_class_level(context)
    _check_private_names(context)
    check_special(context)


def _check_bases(context: Context) -> None:
    """A base in front of the parent overrides its methods; in one class they would override it."""
    if not in_front(context):
        return
    if reason := why_not_behind(context):
        first = context.child.node.bases[0]
        raise refuse(
            "UNR205",
            place(context.module, first),
            f"the methods of `{context.child.bases[0]}`, in front of `{context.base}`, would no "
            f"longer override those of its class: {reason}",
            hint=f"put it behind `{context.base}`, and redefine the methods that it overrides",
        )


def _check_decorators(context: Context) -> None:
    """What a decorator has done to the parent, its child has as well; here it is not called."""
    child, parent = context.child, context.parent
    if not child.node.decorator_list or NO_INHERITANCE in child.decorators:
        return
    mine = [context.own(ast.unparse(each)) for each in child.node.decorator_list]
    for decorator in parent.node.decorator_list:
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = ast.unparse(function).rpartition(".")[2]
        text = context.rename(ast.unparse(decorator))
        if text not in mine and name not in _INERT and not makes_fields(decorator):
            raise refuse(
                "UNR205",
                place(context.module, child.node),
                f"`@{text}` of `{parent.name}` would be left out: a class has its own decorators, "
                "or its parent's",
                hint=f"write `@{text}` below those of `{child.name}`, or `@{NO_INHERITANCE}` if it "
                "is not wanted",
            )


def _check_names(context: Context) -> None:
    """A member under the parent's old name would override nothing: it has a new one here."""
    theirs = {member.name for member in context.parent.members}
    for member in context.child.members:
        name = context.rename(member.name)
        if member.name in theirs and name != member.name:
            raise refuse(
                "UNR205",
                place(context.module, member.statement.node),
                f"`{member.name}` of `{context.base}` is called `{name}` in the generated class",
                hint=f"write `{name}`",
            )


def _check_super(context: Context) -> None:
    """`super()` must be followed by a name, in a method of this very class."""
    members = {context.rename(member.name) for member in context.parent.members}
    for member in context.child.members:
        node = member.statement.node
        found: ast.AST | None = other_super(node, members)
        if member.method is None:
            found = next((inner for inner in ast.walk(node) if is_super(inner)), None)
        if found is not None:
            raise refuse(
                "UNR203",
                place(context.module, found),
                "this `super()` cannot be converted: its class' own methods are the parent's, too",
                hint="call `super().<method>(...)` in a method of the class",
            )


def _check_super_finds(context: Context) -> None:
    """`super().m` needs an ancestor that has `m`, where all ancestors are known."""
    classes = (context.parent, *context.ancestry.classes)
    has_more = any(cls.decorators or cls.keywords for cls in classes)  # they may add members
    if context.ancestry.unknown or has_more or len(context.child.bases) > 1:
        return
    known = {context.rename(name) for cls in classes for name in members_of(cls)}
    if "__slots__" in known:
        return
    for member in context.child.members:
        for use in super_uses(member.statement.node):
            if use.attr not in known | _OF_ANY_CLASS:
                raise refuse(
                    "UNR202",
                    place(context.module, use),
                    f"neither `{context.base}` nor what it extends has `{use.attr}`",
                    hint=nearest(use.attr, known) or "leave the call out",
                )


def _check_super_of_removed(context: Context) -> None:
    """What `super().m` would find may be gone: the modular file redefines that ancestor, too."""
    for member in context.child.members:
        for use in super_uses(member.statement.node):
            above = (context.parent, *context.ancestry.classes)
            owner = next((cls for cls in above if use.attr in _names(cls, context)), context.parent)
            if owner is not context.parent and _removes(context, owner, use):
                raise refuse(
                    "UNR202",
                    place(context.module, use),
                    f"`{context.rename(owner.name)}` of this file has no `{use.attr}` any more",
                    hint="leave the call out, or the method in",
                )


def _names(cls: ClassOutline, context: Context) -> set[str]:
    return {context.rename(name) for name in members_of(cls)}


def _removes(context: Context, cls: ClassOutline, use: ast.Attribute) -> bool:
    """Does the modular file's own version of `cls` take that method away?"""
    definition = context.module.definitions.get(context.rename(cls.name))
    if definition is None or definition.kind is not DefinitionKind.CLASS:
        return False
    return any(
        member.method is not None and member.name == use.attr and raises_only(member.method)
        for member in class_outline(context.module, definition).members
    )


def _check_class_level(context: Context) -> None:
    """The parent's name means the class itself, which does not exist yet in its own body."""
    for member in context.child.members:
        roots: list[ast.AST] = [member.statement.node]
        if member.method is not None:
            roots = [*member.method.node.decorator_list, member.method.node.args]
        for root in roots:
            for inner in ast.walk(root):
                if isinstance(inner, ast.Name) and inner.id == context.base:
                    raise refuse(
                        "UNR205",
                        place(context.module, inner),
                        f"in the body of `{context.child.name}`, `{context.base}` would be the "
                        "class itself",
                        hint=f"write out what you need of `{context.base}`",
                    )


def _check_mangled_names(context: Context) -> None:
    """`_Old__x` is what Python makes of `__x` in the class `Old`, by whose name the class goes."""
    pattern = re.compile(rf"(?<!\w)_{context.parent.name.lstrip('_')}(__\w+)")
    for cls, module in ((context.child, context.module), (context.parent, context.ancestry.module)):
        for node in ast.walk(cls.node):
            text = getattr(node, "attr", "") or getattr(node, "value", "")
            found = pattern.fullmatch(text) if isinstance(text, str) else None
            if found is not None:
                name = f"_{context.child.name.lstrip('_')}{found[1]}"
                raise refuse(
                    "UNR205",
                    place(module, node),
                    f"`{text}` is called `{name}` in the generated class",
                    hint=f"call it `{found[1].lstrip('_')}` in `{context.ancestry.module.path}`, "
                    "or redefine what uses it",
                )


def _check_private_names(context: Context) -> None:
    """`__name` belongs to one class; merging two would make one name of two."""
    mine, theirs = (
        {n for n in identifiers(ast.unparse(c.node)) if n.startswith("__") and not n.endswith("__")}
        for c in (context.child, context.parent)
    )
    _check_mangled_names(context)
    for name in sorted(mine & theirs):
        raise refuse(
            "UNR205",
            place(context.module, context.child.node),
            f"`{name}` is private to `{context.child.name}` and to `{context.base}`, which become "
            "one class",
            hint="give one of them another name",
        )
