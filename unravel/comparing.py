"""How one version of a generated file differs from another: in code, in names, or in comments."""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


class How(enum.Enum):
    """What has changed; the value is the word for it."""

    NOTHING = "unchanged"
    TEXT = "comments"
    NAMES = "renames"
    CODE = "code"
    NEW = "new"
    GONE = "gone"
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Change:
    """What has changed between two versions of a file.

    `definitions` names functions, methods (`Class.method`), classes (for their bases, decorators
    and attributes) and module-level names whose code is another; `renamed` pairs old and new names.
    """

    how: How
    definitions: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()


def compare(before: str, after: str) -> Change:
    """What has changed between two versions of a valid Python file."""
    if before == after:
        return Change(How.NOTHING)
    old, new = (ast.parse(text) for text in (before, after))
    for tree in (old, new):
        _drop_docstrings(tree)
    if ast.dump(old) == ast.dump(new):
        return Change(How.TEXT)
    renamed = _renamed(old, new)
    if renamed:
        return Change(How.NAMES, renamed=tuple(sorted(renamed.items())))
    return Change(How.CODE, tuple(_different(_definitions(old), _definitions(new))))


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _drop_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body[0] = ast.Pass()


# -- names ---------------------------------------------------------------------------------------

_NAMES: Mapping[type[ast.AST], str] = {
    ast.Name: "id",
    ast.Attribute: "attr",
    ast.arg: "arg",
    ast.keyword: "arg",
    ast.alias: "name",
    ast.FunctionDef: "name",
    ast.AsyncFunctionDef: "name",
    ast.ClassDef: "name",
}
"""The field of each kind of node that holds a name."""


def _renamed(old: ast.Module, new: ast.Module) -> dict[str, str]:
    """Which names have become which, if nothing else has changed; else empty.

    Two names never become one, and a name never becomes two.
    """
    forth: dict[str, str] = {}
    back: dict[str, str] = {}
    pairs: list[tuple[object, object]] = [(old, new)]
    while pairs:
        one, other = pairs.pop()
        if type(one) is not type(other):
            return {}
        if isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return {}
            pairs += zip(one, other, strict=True)
        elif isinstance(one, ast.AST) and isinstance(other, ast.AST):
            held = _NAMES.get(type(one), "")
            for field in one._fields:
                first, second = getattr(one, field, None), getattr(other, field, None)
                if field == held and isinstance(first, str) and isinstance(second, str):
                    if (
                        forth.setdefault(first, second) != second
                        or back.setdefault(second, first) != first
                    ):
                        return {}
                else:
                    pairs.append((first, second))
        elif one != other:
            return {}
    return {name: became for name, became in forth.items() if name != became}


# -- code ----------------------------------------------------------------------------------------


def _definitions(tree: ast.Module) -> dict[str, str]:
    """The code of each definition. A class stands for what is in it besides its methods."""
    found: dict[str, str] = {}
    for name, dump in _named(tree.body):
        found[name] = found.get(name, "") + dump
    return found


def _named(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            inner = [each for each in node.body if not isinstance(each, ast.Pass)]
            methods = [each for each in inner if _is_function(each)]
            for name, dump in _named(methods):
                yield f"{node.name}.{name}", dump
            rest = [each for each in inner if each not in methods]
            node.body = rest
            yield node.name, ast.dump(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, ast.dump(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield "imports", ast.dump(node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield ", ".join(map(ast.unparse, targets)), ast.dump(node)
        else:
            yield "other statements", ast.dump(node)


def _is_function(node: ast.stmt) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))


def _different(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name) and name != "imports":
            yield name
    if old.get("imports") != new.get("imports"):
        yield "imports"
