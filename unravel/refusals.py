"""Classes that cannot be merged faithfully: what is wrong, where, and what to write instead."""

from __future__ import annotations

import ast
import re

from unravel.context import Context
from unravel.diagnostics import nearest, refuse
from unravel.effects import stored_attributes
from unravel.members import raises_only
from unravel.outline import place
from unravel.scanning import identifiers, mask_strings
from unravel.special import check_special
from unravel.splicing import deletions, is_super, other_super, super_uses


def check_child(context: Context) -> None:
    """Raise `Refused` where the child cannot be laid over its parent."""
    _check_bases(context)
    _check_names(context)
    _check_super(context)
    _check_class_level(context)
    _check_private_names(context)
    check_special(context)


def _check_bases(context: Context) -> None:
    """A base in front of the parent overrides its methods; in one class they would override it."""
    first = context.child.node.bases[0]
    if context.child.bases[0] != context.base:
        raise refuse(
            "UNR205",
            place(context.module, first),
            f"the methods of `{context.child.bases[0]}`, in front of `{context.base}`, would no "
            "longer override those of its class",
            hint=f"put it behind `{context.base}`, and redefine the methods that it overrides",
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


def _check_private_names(context: Context) -> None:
    """`__name` belongs to one class; merging two would make one name of two."""
    mine, theirs = (
        {n for n in identifiers(ast.unparse(c.node)) if n.startswith("__") and not n.endswith("__")}
        for c in (context.child, context.parent)
    )
    for name in sorted(mine & theirs):
        raise refuse(
            "UNR205",
            place(context.module, context.child.node),
            f"`{name}` is private to `{context.child.name}` and to `{context.base}`, which become "
            "one class",
            hint="give one of them another name",
        )


def check_removals(context: Context, text: str) -> None:
    """Refuse a `del self.x` that deletes nothing, and removals of what is still used."""
    code = mask_strings(text)
    for member in context.child.members:
        method = member.method
        if method is None:
            continue
        if raises_only(method):
            used = re.search(rf"\bself\.{member.name}\b", code)
            if used and member.name in context.parent_methods:
                raise refuse(
                    "UNR204",
                    place(context.module, method.node),
                    f"`{member.name}` is removed, but `{context.child.name}` still uses it",
                    hint="redefine the methods that call it",
                )
        elif super_uses(method.node):
            for statement in method.body:
                _check_deletion(statement.node, context, code)


def _check_deletion(node: ast.stmt, context: Context, code: str) -> None:
    for target in deletions(node):
        name = target.removeprefix("self.")
        if name == target or not name.isidentifier():
            continue
        stored = {
            context.rename(attribute)
            for attribute in stored_attributes([context.parent.node], "self")
        }
        if name not in stored:
            raise refuse(
                "UNR201",
                place(context.module, node),
                f"`{context.parent.name}` never sets `self.{name}`",
                hint=nearest(name, stored),
            )
        if re.search(rf"\bself\.{name}\s*(?::[^=\n]+)?=(?!=)", code):
            continue
        if re.search(rf"(?<!del )\bself\.{name}\b", code):
            raise refuse(
                "UNR204",
                place(context.module, node),
                f"`self.{name}` is deleted, but `{context.child.name}` still reads it",
                hint="redefine the methods that read it",
            )
