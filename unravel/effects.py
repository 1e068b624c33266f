"""What statements bind and read: the facts that decide whether code may be moved."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def bound_names(nodes: Iterable[ast.AST]) -> set[str]:
    """The local names that statements bind, without those that nested functions have."""
    found: set[str] = set()
    for node in _in_scope(nodes):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
        elif type(node).__name__ in ("MatchAs", "MatchStar") and getattr(node, "name", None):
            found.add(node.name)  # type: ignore[attr-defined]
    return found


def read_names(nodes: Iterable[ast.AST]) -> set[str]:
    """All names that statements read, in nested functions too."""
    return {
        inner.id
        for node in nodes
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load)
    }


def stored_attributes(nodes: Iterable[ast.AST], receiver: str) -> set[str]:
    """The attributes of `receiver` (`self`) that statements assign or delete."""
    return {
        node.attr
        for node in _attributes(nodes, receiver)
        if not isinstance(node.ctx, ast.Load)
    }


def read_attributes(
    nodes: Iterable[ast.AST], receiver: str, methods: Mapping[str, ast.AST]
) -> set[str]:
    """The attributes of `receiver` that statements read, also through the `methods` they call.

    A method that is not among `methods` comes from a library; it is taken not to know `receiver`'s
    own attributes.
    """
    found: set[str] = set()
    queue = list(nodes)
    while queue:
        node = queue.pop()
        for attribute in _attributes([node], receiver):
            if isinstance(attribute.ctx, ast.Load) and attribute.attr not in found:
                found.add(attribute.attr)
                if attribute.attr in methods:
                    queue.append(methods[attribute.attr])
        for inner in ast.walk(node):
            if isinstance(inner, ast.AugAssign) and isinstance(inner.target, ast.Attribute):
                found.add(inner.target.attr)
    return found


def returns(nodes: Iterable[ast.AST]) -> list[ast.Return]:
    """The `return` statements of a body, without those of nested functions."""
    return [node for node in _in_scope(nodes) if isinstance(node, ast.Return)]


def yields(nodes: Iterable[ast.AST]) -> bool:
    """Is this the body of a generator?"""
    return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in _in_scope(nodes))


def _attributes(nodes: Iterable[ast.AST], receiver: str) -> Iterator[ast.Attribute]:
    for node in nodes:
        for inner in ast.walk(node):
            if (
                isinstance(inner, ast.Attribute)
                and isinstance(inner.value, ast.Name)
                and inner.value.id == receiver
            ):
                yield inner


def _in_scope(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    queue = list(nodes)
    while queue:
        node = queue.pop()
        yield node
        if not isinstance(node, _SCOPES):
            queue.extend(ast.iter_child_nodes(node))
