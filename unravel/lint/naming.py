"""The names that a function gives to its parameters and variables."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.code import name_of
from unravel.lint.model import Function


def bindings(function: Function) -> Iterator[tuple[str, ast.AST]]:
    """Each parameter and each variable that is assigned, but for indices of loops.

    Neither do those of comprehensions and lambdas count, which end where they begin, nor what the
    shape of a tensor is unpacked into.
    """
    for argument in function.parameters:
        yield argument.arg, argument
    small = _in_small_scopes(function)
    for node in function.all(ast.Assign):
        if _is_shape(node.value):
            continue
        for target in node.targets:
            for inner in ast.walk(target):
                is_stored = isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
                if is_stored and id(inner) not in small:
                    yield name_of(inner), inner


def _is_shape(node: ast.expr) -> bool:
    """`x.shape`, `x.shape[:2]`, `x.size()`"""
    if isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Call):
        node = node.func
    return isinstance(node, ast.Attribute) and node.attr in ("shape", "size")


def _in_small_scopes(function: Function) -> set[int]:
    kinds = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    return {id(inner) for kind in kinds for node in function.all(kind) for inner in ast.walk(node)}
