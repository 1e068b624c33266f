"""Small questions about syntax trees, which several rules ask."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from unravel.splicing import super_call
from unravel.types import Method, Statement


def self_targets(node: ast.AST) -> list[str]:
    """`x` of the plain statements `self.x = ...` and `self.x: T = ...`."""
    targets: Sequence[ast.AST] = ()
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        targets = [node.target]
    return [target.attr for target in targets if is_self_attribute(target)]  # type: ignore[attr-defined]


def is_self_attribute(node: ast.AST) -> bool:
    """`self.x`"""
    return isinstance(node, ast.Attribute) and name_of(node.value) == "self"


def name_of(node: ast.AST | None) -> str:
    """The name, if the node is one; else nothing."""
    return node.id if isinstance(node, ast.Name) else ""


def last_name(node: ast.AST) -> str:
    """`c` of `a.b.c` and of `c`."""
    return node.attr if isinstance(node, ast.Attribute) else name_of(node)


def around_super(method: Method) -> tuple[list[Statement], ast.Call, list[Statement]] | None:
    """The statements before and after the method's one plain `super().method(...)`."""
    found = [
        (number, call)
        for number, statement in enumerate(method.body)
        if (call := super_call(statement.node, method.name)) is not None
    ]
    if len(found) != 1:
        return None
    ((number, call),) = found
    return list(method.body[:number]), call, list(method.body[number + 1 :])


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    """The named parameters, `self` among them."""
    return [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]


def takes_any_keyword(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return node.args.kwarg is not None


def read_attributes(nodes: Iterable[ast.AST], receiver: str = "self") -> Iterator[ast.Attribute]:
    """Every `self.x` that is read."""
    for node in nodes:
        for inner in ast.walk(node):
            if (
                isinstance(inner, ast.Attribute)
                and isinstance(inner.ctx, ast.Load)
                and name_of(inner.value) == receiver
            ):
                yield inner


def strings(node: ast.AST) -> list[str]:
    """The texts of all string constants."""
    return [
        inner.value
        for inner in ast.walk(node)
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
    ]


def unlike(call: ast.Call, theirs: Method) -> Iterator[tuple[ast.expr, str]]:
    """The arguments that are not the variable that the parent's parameter is called."""
    names = [each.arg for each in parameters(theirs.node)]
    if "staticmethod" not in theirs.decorator_names:
        names = names[1:]
    for argument, name in zip(call.args, names, strict=False):
        if isinstance(argument, ast.Starred):
            return
        if name_of(argument) != name:
            yield argument, name
    for keyword in call.keywords:
        if keyword.arg in names and name_of(keyword.value) != keyword.arg:
            yield keyword.value, keyword.arg


def passes_all(call: ast.Call, theirs: Method) -> bool:
    """Is each parameter of the parent's method given the variable of its name?"""
    arguments = theirs.node.args
    wanted = {each.arg for each in parameters(theirs.node)} - {"self", "cls"}
    wanted |= {each.arg for each in (arguments.vararg, arguments.kwarg) if each is not None}
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    names = {name_of(each.value if isinstance(each, ast.Starred) else each) for each in given}
    return names == wanted and not any(unlike(call, theirs))
