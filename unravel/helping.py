"""The parent's methods, kept beside those of the child: where pasting is not faithful."""

from __future__ import annotations

import re

from unravel.context import Context
from unravel.diagnostics import refuse
from unravel.effects import bound_names
from unravel.outline import place
from unravel.scanning import replace_code
from unravel.splicing import method_kind, super_uses
from unravel.types import Member, Method

_SUPER = re.compile(r"\bsuper\(\s*(?:\w+\s*,\s*\w+\s*)?\)\s*\.\s*(\w+)")
_IMPLICIT = ("__new__", "__init_subclass__", "__class_getitem__")


def through_helpers(text: str, method: Method, context: Context) -> str:
    """The child's `text` with `super().m` of its parent class as a call to a helper method.

    In the generated class the parent's methods are the class' own: `super()` would pass them by.
    """
    arguments = [*method.node.args.posonlyargs, *method.node.args.args]
    receiver = arguments[0].arg if arguments else ""
    if method_kind(method) == "staticmethod":
        receiver = context.child.name
    members = {context.rename(member.name): member for member in context.parent.members}
    others = bound_names(m.statement.node for m in context.parent.members if m.method is None)

    def call(match: re.Match[str]) -> str:
        member = members.get(match[1])
        if member is None and match[1] not in others:
            return match.group()
        if member is None or member.method is None or match[1] in _IMPLICIT or not receiver:
            raise refuse(
                "UNR203",
                place(context.module, next(iter(super_uses(method.node)), method.node)),
                f"`super().{match[1]}` cannot be converted: in the generated class "
                f"`{context.child.name}` it is the class' own",
                hint=f"write what `{context.parent.name}.{match[1]}` stands for",
            )
        return f"{receiver}.{context.helper(match[1])}"

    text = replace_code(text, _SUPER, call)
    by_name = re.compile(rf"(?<![\w.]){re.escape(context.base)}\.(\w+)(?=\(\s*{receiver}\b)")
    if not receiver or not by_name.search(text):
        return text
    text = replace_code(text, by_name, call)
    return re.sub(rf"(\b{receiver}\.__parent_\w+\()\s*{receiver}\s*(?:,\s*|(?=\)))", r"\1", text)


def helper_text(member: Member, context: Context) -> str:
    """The parent's method under its private name."""
    name = context.rename(member.name)
    text = context.rename(member.statement.lead + member.statement.text)
    return re.sub(rf"(\bdef\s+){name}\b", rf"\g<1>{context.helpers[name]}", text, count=1)
