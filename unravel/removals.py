"""What a child removes, by `del self.x` or a method that only raises: is it there, and unused?"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from unravel.context import Context
from unravel.diagnostics import nearest, refuse
from unravel.effects import bound_names, stored_attributes
from unravel.members import raises_only, removes_attribute
from unravel.outline import place
from unravel.splicing import deletions, super_uses
from unravel.types import Member, Refused

_RECEIVERS = ("self", "cls")


def check_removals(context: Context, text: str) -> None:
    """Raise `Refused` for removals of nothing, and of what the generated class' `text` still uses.

    A method that a base of the class has, too, is not removed but goes on raising. An attribute
    would not be gone, either: the base's would be seen.
    """
    removed = [m for m in context.child.members if m.method and raises_only(m.method)]
    for member in removed:
        if member.name in context.parent_methods and not context.inherits(member.name):
            _check_removed_method(member, context, text)
    for member in context.child.members:
        if removes_attribute(member):
            _check_removed_attribute(member, context, text)
    for member in context.child.members:
        if member.method is None or member in removed or not super_uses(member.method.node):
            continue
        for statement in member.method.body:
            for target in deletions(statement.node):
                name = target.removeprefix("self.")
                if name != target and name.isidentifier():
                    _check_deletion(name, statement.node, context, text)


def _check_removed_method(member: Member, context: Context, text: str) -> None:
    if member.name in {name for _, name in _reads(ast.parse(text), context.child.name)}:
        raise _still_used(f"`{member.name}` is removed", member.name, member, context)


def _check_removed_attribute(member: Member, context: Context, text: str) -> None:
    if context.inherits(member.name):
        raise refuse(
            "UNR205",
            place(context.module, member.statement.node),
            f"`{member.name}` is removed, but a base of `{context.parent.name}` has one, too",
            hint="write the value that it is to have",
        )
    tree = ast.parse(text)
    is_read = member.name in {name for _, name in _reads(tree, context.child.name)}
    if is_read and member.name not in _set_by(tree) | _bound_in(tree):
        raise _still_used(f"`{member.name}` is removed", member.name, member, context)


def _bound_in(tree: ast.Module) -> set[str]:
    """The members of a module's classes."""
    return bound_names(inner for cls in tree.body for inner in ast.iter_child_nodes(cls))


def _check_deletion(name: str, node: ast.stmt, context: Context, text: str) -> None:
    classes = [context.parent, *context.ancestry.classes]
    stored = [set(map(context.rename, _set_by(cls.node))) for cls in classes]
    if not any(name in names or "*" in names for names in stored):
        raise refuse(
            "UNR201",
            place(context.module, node),
            f"`{context.parent.name}` never sets `self.{name}`",
            hint=nearest(name, stored[0]) or _hint_of_bases(name, context),
        )
    tree = ast.parse(text)
    if name in _set_by(tree):
        return  # it is set all the same, and deleted as the modular file says
    members = (member for cls in tree.body for member in ast.iter_child_nodes(cls))
    others = [member for member in members if f"self.{name}" not in _deleted_by(member)]
    if any(name == read for member in others for _, read in _reads(member)):
        raise _still_used(f"`self.{name}` is deleted", name, node, context)


def _hint_of_bases(name: str, context: Context) -> str:
    unknown = [base for base in context.ancestry.unknown if base != "nn.Module"]
    if not unknown:
        return ""
    return f'if its base `{unknown[0]}` does, write `delattr(self, "{name}")`'


def _still_used(what: str, name: str, at: Member | ast.stmt, context: Context) -> Refused:
    """The diagnostic that names each place of the sources that is left and uses `name`."""
    child, parent = context.child, context.parent
    replaced = {m.name for m in child.members if m.method and not _keeps_parents(m)}
    theirs, mine = (parent.name, child.name) if isinstance(at, Member) else ("", "")
    uses = [
        (context.ancestry.module.path, line, member.name)
        for member in parent.members
        if context.rename(member.name) not in replaced
        for line, read in _reads(member.statement.node, theirs)
        if context.rename(read) == name
    ]
    uses += [
        (context.module.path, line, member.name)
        for member in child.members
        for line, read in _reads(member.statement.node, mine)
        if read == name
    ]
    places = [f"{path}:{line} (`{method}`)" for path, line, method in dict.fromkeys(uses)]
    methods = sorted({f"`{context.rename(method)}`" for _, _, method in uses})
    node = at.statement.node if isinstance(at, Member) else at
    return refuse(
        "UNR204",
        place(context.module, node),
        f"{what}, but still used: {', '.join(places)}",
        hint=f"redefine {' and '.join(methods)} without it",
    )


def _keeps_parents(member: Member) -> bool:
    """Does a child's method hold the parent's code, too?"""
    uses = super_uses(member.method.node) if member.method is not None else []
    return any(use.attr == member.name for use in uses)


def _reads(node: ast.AST, owner: str = "") -> Iterator[tuple[int, str]]:
    """Each `self.name` and `getattr(self, "name")` that is read, with its line.

    With the name of a class, `owner`, also what is read of that.
    """
    classes = (owner, "__class__", "type(self)", "self.__class__") if owner else ()
    owners = (*_RECEIVERS, *classes)
    written = {id(inner.target) for inner in ast.walk(node) if isinstance(inner, ast.AugAssign)}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and (name := _asked_for(inner, owners)):
            yield inner.lineno, name
        if not isinstance(inner, ast.Attribute) or ast.unparse(inner.value) not in owners:
            continue
        if isinstance(inner.ctx, ast.Load) or id(inner) in written:
            yield inner.lineno, inner.attr


def _asked_for(call: ast.Call, owners: Sequence[str]) -> str:
    """`x` of `getattr(self, "x")`, where nothing is given for the case that there is no `x`."""
    found = re.fullmatch(r"getattr\((.+), '(\w+)'\)", ast.unparse(call))
    return found[2] if found and found[1] in owners else ""


def _deleted_by(node: ast.AST) -> set[str]:
    found = (inner for inner in ast.walk(node) if isinstance(inner, ast.stmt))
    return {target for inner in found for target in deletions(inner)}


def _set_by(node: ast.AST) -> set[str]:
    """The attributes of `self` that code sets, also by `register_buffer("x", ...)` and `setattr`.

    `*` stands for names that are known only when the code runs.
    """
    found = stored_attributes(_stores(node), "self")
    for inner in ast.walk(node):
        if not isinstance(inner, ast.Call):
            continue
        arguments = inner.args
        if isinstance(inner.func, ast.Name) and inner.func.id == "setattr":
            arguments = arguments[1:]
        elif not (
            isinstance(inner.func, ast.Attribute)
            and isinstance(inner.func.value, ast.Name)
            and inner.func.value.id == "self"
            and inner.func.attr.startswith(("register_", "add_", "__setattr__"))
        ):
            continue
        name = arguments[0] if arguments else None
        found.add(str(name.value) if isinstance(name, ast.Constant) else "*")
    return found


def _stores(node: ast.AST) -> Iterator[ast.AST]:
    """The attributes that are set whether they are there or not: no `+=`, no `del`."""
    changed = {id(inner.target) for inner in ast.walk(node) if isinstance(inner, ast.AugAssign)}
    for inner in ast.walk(node):
        is_store = isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store)
        if is_store and id(inner) not in changed:
            yield inner
