"""The parent's methods, kept beside those of the child: where pasting is not faithful."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from unravel.context import Context
from unravel.diagnostics import refuse
from unravel.effects import bound_names
from unravel.outline import place
from unravel.scanning import replace_code
from unravel.splicing import method_kind, super_uses
from unravel.types import Member, Method, Refused

_OBJECT = r"\w+(?:\.\w+)*|type\(\s*\w+\s*\)"
_SUPER = re.compile(rf"\bsuper\(\s*(?:(\w+)\s*,\s*({_OBJECT})\s*,?\s*)?\)\s*\.\s*(\w+)")
_IMPLICIT = {"__new__": "staticmethod", "__class_getitem__": "classmethod"}
"""Methods that Python makes static or class methods for their name's sake."""


def through_helpers(text: str, method: Method, context: Context) -> str:
    """The child's `text` with `super().m` of its parent class as a call to a helper method.

    In the generated class the parent's methods are the class' own: `super()` would pass them by.
    """
    receiver = _receiver(method)
    members = {context.rename(member.name): member for member in context.parent.members}
    for use in super_uses(method.node):
        if reason := _hindrance(use, members, method, context):
            raise _refused(use, reason, context)

    def through_super(match: re.Match[str]) -> str:
        owner, instance, name = match.groups()
        if name not in members or owner not in (None, "__class__", context.child.name):
            return match.group()
        return f"{instance or receiver}.{context.helper(name)}"

    return calls_by_name(replace_code(text, _SUPER, through_super), method, context)


def calls_by_name(text: str, method: Method, context: Context) -> str:
    """The child's `text` with `Parent.m(self, ...)` as a call to a helper method."""
    receiver = _receiver(method)
    members = {context.rename(member.name): member for member in context.parent.members}

    def through_name(match: re.Match[str]) -> str:
        member = members.get(match[1])
        if member is None:  # what the parent inherits, the generated class inherits, too
            return f"{_super_of(method, context)}.{match[1]}("
        if member.method is None:
            return match.group()
        is_static = method_kind(member.method) == "staticmethod" or match[1] == "__new__"
        return f"{receiver}.{context.helper(match[1])}({match[2] if is_static else ''}"

    if not receiver:
        return text
    by_name = re.compile(
        rf"(?<![\w.]){re.escape(context.base)}\.(\w+)\((\s*{receiver}\s*(?:,\s*|(?=\))))"
    )
    return replace_code(text, by_name, through_name)


def _super_of(method: Method, context: Context) -> str:
    """`super()`, with arguments where functions within the method may need them."""
    inner = any(isinstance(n, _INNER) for n in ast.walk(method.node) if n is not method.node)
    return f"super({context.child.name}, {_receiver(method)})" if inner else "super()"


_INNER = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


def _receiver(method: Method) -> str:
    arguments = [*method.node.args.posonlyargs, *method.node.args.args]
    is_static = method_kind(method) == "staticmethod"
    return arguments[0].arg if arguments and not is_static else ""


def _hindrance(
    use: ast.Attribute, members: dict[str, Member], method: Method, context: Context
) -> str:
    """Why this `super().name` cannot go to a helper; empty if it can, or need not."""
    others = bound_names(m.statement.node for m in context.parent.members if not m.name)
    if use.attr in others:
        return "it is bound by a statement that is no plain definition"
    if use.attr not in members:
        return ""
    call = use.value
    assert isinstance(call, ast.Call)
    if not isinstance(use.ctx, ast.Load):
        return "nothing can be set or deleted there"
    if use.attr == "__init_subclass__":
        return "in the generated class it is the class' own"
    if not call.args and use in _inside_functions(method.node):
        return "in a function of its own, `super()` does not know its object"
    if not call.args and not _receiver(method):
        return "without arguments, it needs a method that has an object"
    if call.args and not _SUPER.fullmatch(ast.unparse(use)):
        return "its arguments are not plain names"
    return ""


def _inside_functions(method: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """What stands in functions within a method that have no receiver of that name themselves."""
    first = [argument.arg for argument in method.args.args[:1]]
    for node in ast.walk(method):
        is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if is_function and node is not method:
            arguments = getattr(node, "args", None)
            if not arguments or [argument.arg for argument in arguments.args[:1]] != first:
                yield from ast.walk(node)


def _refused(use: ast.Attribute, reason: str, context: Context) -> Refused:
    return refuse(
        "UNR203",
        place(context.module, use),
        f"this `super().{use.attr}` of `{context.child.name}` cannot be converted: {reason}",
        hint=f"call `super({context.child.name}, self).{use.attr}`, or write what "
        f"`{context.parent.name}.{use.attr}` stands for",
    )


def attribute_helpers(context: Context) -> None:
    """See to it that `super().x` finds the parent's value of a class attribute."""
    named = {context.rename(m.name) for m in context.parent.members if m.method is None} - {""}
    for member in context.child.members:
        for use in super_uses(member.statement.node):
            if use.attr in named:
                context.helper(use.attr)


def attribute_text(text: str, name: str, context: Context) -> str:
    """The parent's statement that binds `name`, which is kept under a private name, too."""
    return f"{text}    {context.helpers[name]} = {name}\n"


def helper_text(member: Member, context: Context) -> str:
    """The parent's method under its private name."""
    name = context.rename(member.name)
    helper = context.helpers[name]
    text = context.rename(member.statement.text)
    text = re.sub(rf"(\bdef\s+){name}\b", rf"\g<1>{helper}", text, count=1)
    text = re.sub(rf"^(\s*@){name}(?=\.)", rf"\g<1>{helper}", text, count=1)
    kind = _IMPLICIT.get(name)
    return context.rename(member.statement.lead) + (f"    @{kind}\n" if kind else "") + text
