"""Classes that Python makes in a way of its own: what a child adds would change what they are.

Dataclasses, named tuples, typed dictionaries and protocols read the body of the very class that
they are given; two bodies in one are not what two classes are.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from unravel.context import Context
from unravel.diagnostics import refuse
from unravel.effects import stored_attributes
from unravel.members import NO_INHERITANCE, removes_attribute, slots_of
from unravel.outline import place
from unravel.splicing import super_uses
from unravel.types import ClassOutline, Member, Refused

_GENERIC = ("Generic", "Protocol")

_DATACLASS = ("dataclass", "attrs", "define", "frozen", "mutable", "s")
"""What makes fields of annotations: `dataclasses.dataclass`, `attrs.define`, `attr.s`."""


def check_special(context: Context) -> None:
    """Raise `Refused` where the generated class would be made of both bodies, unlike the child."""
    _check_type_arguments(context)
    _check_dataclass(context)
    _check_configuration(context)
    _check_named_tuple(context)
    _check_protocol(context)
    _check_keywords(context)
    _check_slots(context)
    _check_hook(context)
    _check_metaclass(context)


def _refused(context: Context, node: ast.AST, message: str, hint: str) -> Refused:
    return refuse("UNR205", place(context.module, node), message, hint=hint)


def _check_type_arguments(context: Context) -> None:
    """`Parent[T]` is the parent as it stands only if `T` is its own parameter."""
    child, parent = context.child, context.parent
    is_other = child.type_parameters not in ("", context.rename(parent.type_parameters))
    if is_other and _type_variables(parent):
        raise _refused(
            context,
            child.node,
            f"`{parent.name}` has type parameters of its own, which those of `{child.name}` would "
            "replace",
            f"leave them out: those of `{context.base}` are taken over",
        )
    base = child.node.bases[child.base_names.index(context.base)]
    if not isinstance(base, ast.Subscript):
        return
    theirs = tuple(map(context.rename, _type_variables(parent)))
    given = base.slice.elts if isinstance(base.slice, ast.Tuple) else [base.slice]
    mine = tuple(context.own(ast.unparse(each)) for each in given)
    if mine != theirs:
        raise _refused(
            context,
            base,
            f"in the generated class, `{', '.join(theirs) or context.base}` would not be "
            f"`{', '.join(mine)}`: its code is that of `{parent.name}`, annotations and all",
            f"write `{context.base}`, and redefine what is to be annotated otherwise",
        )


def _type_variables(cls: ClassOutline) -> tuple[str, ...]:
    """The parameters of a generic class: of `class A[T, *Ts]`, or `class A(Generic[T])`."""
    if cls.type_parameters:
        names = (getattr(each, "name", "") for each in getattr(cls.node, "type_params", ()))
        kinds = (type(each).__name__ for each in getattr(cls.node, "type_params", ()))
        pairs = zip(names, kinds, strict=True)
        return tuple("*" * (kind == "TypeVarTuple") + name for name, kind in pairs)
    for base in cls.node.bases:
        if isinstance(base, ast.Subscript) and ast.unparse(base.value).endswith(_GENERIC):
            variables = base.slice.elts if isinstance(base.slice, ast.Tuple) else [base.slice]
            return tuple(map(ast.unparse, variables))
    return ()


def _check_dataclass(context: Context) -> None:
    child, parent = context.child, context.parent
    mine, theirs = _dataclass(child), _dataclass(parent)
    if mine is None and theirs is None:
        return
    fields = {context.rename(m.name): m for m in parent.members if _is_annotated(m)}
    if theirs is None:
        if fields:
            raise _refused(
                context,
                child.node,
                f"`{parent.name}` is no dataclass, and its `{min(fields)}` no field, which it "
                f"would be in `{child.name}`",
                f"write `{child.name}` out without `{context.base}`",
            )
        return
    changed = [m for m in child.members if _is_annotated(m) or m.name in fields]
    if mine is None and changed and NO_INHERITANCE not in child.decorators:
        raise _refused(
            context,
            changed[0].statement.node,
            f"`{parent.name}` is a dataclass, and `{child.name}` is not: `{changed[0].name}` "
            "would become a field",
            f"write `@{theirs}` above `{child.name}`",
        )
    if mine is not None and mine != theirs:
        raise _refused(
            context,
            child.node,
            f"`{parent.name}` is made by `@{theirs}`, and its fields would be made by `@{mine}`",
            f"write `@{theirs}`",
        )
    _check_fields(context, fields)


def _check_configuration(context: Context) -> None:
    """Configurations are dataclasses: `@strict` asks for that, and their base class sees to it."""
    parent = context.parent
    names = (ast.unparse(each).rpartition(".")[2] for each in parent.node.decorator_list)
    if "strict" in names or any(_extends(parent, each) for each in _CONFIGURATIONS):
        annotated = (m for m in parent.members if _is_annotated(m))
        _check_fields(context, {context.rename(m.name): m for m in annotated})


_CONFIGURATIONS = ("PreTrainedConfig", "PretrainedConfig")


def _check_fields(context: Context, fields: Iterable[str]) -> None:
    """Without an annotation, Python takes a default for no field's; in one body it would be."""
    for member in context.child.members:
        is_bare = member.method is None and isinstance(member.statement.node, ast.Assign)
        if is_bare and member.name in fields and not removes_attribute(member):
            raise _refused(
                context,
                member.statement.node,
                f"`{member.name}` is a field, whose default stays the parent's without an "
                "annotation here",
                f"write `{member.name}: ... = ...`",
            )


def _dataclass(cls: ClassOutline) -> str | None:
    """The decorator that makes a dataclass of a class, as it is written."""
    made = (each for each in cls.node.decorator_list if makes_fields(each))
    return next((ast.unparse(each).removesuffix("()") for each in made), None)


def makes_fields(decorator: ast.expr) -> bool:
    """Does a decorator make a dataclass, or the like?"""
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(function).rpartition(".")[2] in _DATACLASS


def _is_annotated(member: Member) -> bool:
    node = member.statement.node
    return isinstance(node, ast.AnnAssign) and "ClassVar" not in ast.unparse(node.annotation)


def _extends(cls: ClassOutline, base: str) -> bool:
    return any(each.partition("[")[0].rpartition(".")[2] == base for each in cls.bases)


_FIXED = ("__new__", "__init__", "__slots__", "__getnewargs__", "_make", "_replace", "_asdict")


def _check_named_tuple(context: Context) -> None:
    if not _extends(context.parent, "NamedTuple"):
        return
    for member in context.child.members:
        uses = super_uses(member.statement.node) if member.method is not None else []
        if (member.method is None and member.name) or member.name in _FIXED or uses:
            raise _refused(
                context,
                member.statement.node,
                f"`{context.parent.name}` is a named tuple, and in its own body this would be "
                "a field or an error",
                f"only add methods, or write `{context.child.name}` out as a named tuple",
            )


def _check_protocol(context: Context) -> None:
    child, parent = context.child, context.parent
    if _extends(parent, "Protocol") and not _extends(child, "Protocol"):
        raise _refused(
            context,
            child.node,
            f"`{parent.name}` is a protocol, and `{child.name}` is none",
            f"write `class {child.name}({context.base}, Protocol)`, or `{child.name}` without "
            f"`{context.base}`",
        )


def _check_keywords(context: Context) -> None:
    """`total=False` and what `__init_subclass__` takes hold for one class, not for its children."""
    child, parent = context.child, context.parent
    theirs, mine = _keywords(parent.keywords), _keywords(child.keywords)
    if not theirs or theirs == mine:
        return
    if _extends(parent, "TypedDict") and not any(m.name for m in child.members):
        return  # no key is added that they could be for
    if mine and not _extends(parent, "TypedDict"):
        return
    raise _refused(
        context,
        child.node,
        f"`{', '.join(theirs)}` is for `{parent.name}`, and not for `{child.name}`",
        f"write `class {child.name}({', '.join((*child.bases, *theirs))})`",
    )


def _keywords(keywords: Iterable[str]) -> tuple[str, ...]:
    return tuple(keyword for keyword in keywords if not keyword.startswith("metaclass="))


def _check_slots(context: Context) -> None:
    """Without `__slots__` of its own, a child of a class that has them takes any attribute."""
    child, parent = context.child, context.parent
    both = [any(m.name == "__slots__" for m in cls.members) for cls in (child, parent)]
    mine, theirs = slots_of(child), slots_of(parent)
    if all(both) and (mine is None or theirs is None):
        raise _refused(
            context,
            child.node,
            f"`{context.base}` has `__slots__` of its own, and the two cannot be joined",
            "write both as tuples of strings",
        )
    if both == [True, False] and not parent.bases:
        raise _refused(
            context,
            child.node,
            f"`{context.base}` has no `__slots__`, so that `{child.name}` takes any attribute, "
            "which it would no longer",
            "leave `__slots__` out",
        )
    stored = stored_attributes([child.node], "self") - set(theirs or ())
    if both == [False, True] and stored:
        raise _refused(
            context,
            child.node,
            f"`{parent.name}` has `__slots__`, and `{min(stored)}` is none of them",
            f"write `__slots__ = {_tuple(sorted(stored))}` in `{child.name}`",
        )


def _tuple(names: Sequence[str]) -> str:
    return "(" + ", ".join(f'"{name}"' for name in names) + ("," if len(names) == 1 else "") + ")"


def _check_hook(context: Context) -> None:
    """`__init_subclass__` is for the children of its class: here, the child itself."""
    if any(member.name == "__init_subclass__" for member in context.parent.members):
        raise _refused(
            context,
            context.child.node,
            f"`{context.parent.name}.__init_subclass__` is called for `{context.child.name}`; "
            "in the generated class it would be for the children of that alone",
            f"write `{context.child.name}` out without `{context.base}`",
        )


def _check_metaclass(context: Context) -> None:
    """A metaclass that looks into the body of a class would see both bodies as one."""
    outline = context.ancestry.module
    classes = (context.parent, *context.ancestry.classes)
    keywords = (k for cls in classes for k in cls.node.keywords if k.arg == "metaclass")
    for keyword in keywords:
        definition = outline.definitions.get(ast.unparse(keyword.value))
        if definition is None or not isinstance(definition.statement.node, ast.ClassDef):
            continue
        for method in definition.statement.node.body:
            if _reads_body(method):
                raise _refused(
                    context,
                    context.child.node,
                    f"the metaclass `{definition.name}` looks into the bodies of "
                    f"`{context.parent.name}` and `{context.child.name}`, which become one",
                    f"write `{context.child.name}` out without `{context.base}`",
                )


def _reads_body(method: ast.stmt) -> bool:
    """Does `__new__(mcs, name, bases, body)` more than hand the body on?"""
    if not isinstance(method, ast.FunctionDef) or method.name not in ("__new__", "__init__"):
        return False
    names = [argument.arg for argument in (*method.args.posonlyargs, *method.args.args)][3:4]
    calls = [node for node in ast.walk(method) if isinstance(node, ast.Call)]
    handed = {
        id(argument)
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == method.name
        for argument in call.args
    }
    return any(
        isinstance(node, ast.Name) and node.id in names and id(node) not in handed
        for node in ast.walk(method)
    )
