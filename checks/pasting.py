"""A class that extends a parent's as the converter of transformers reads it: text that is pasted.

Where `super().m(...)` is a statement of `m` itself, or is returned, the parent's lines stand in its
place, whatever the call hands over. They see the child's names, and the child sees theirs. What the
child assigns behind the call takes the place of what the parent assigns to the same target. Any
other `super()` is that of the class into which both have become one: it goes on behind the parent.
A method without decorators has the parent's, and `Parent.m(...)` needs no instance. To Python
all of that means something else, and modular files of transformers count on it.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

BASES = "__bases_of__"
THERE, ORIGINAL = "__there__", "__original__"
"""What the code calls: one function below, and two that evaluate what the parent's module says.

Those are given the number of an expression. The second gives what the module itself has defined,
whatever stands in its place now.
"""

SUPER_KWARGS = "super_kwargs"
"""Stands for all of the parent's parameters."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A class that is extended, and the names that its module binds.

    `number` gives an expression of that module a number, by which it is asked for.
    """

    node: ast.ClassDef
    names: Collection[str]
    number: Callable[[ast.expr], int]

    def method(self, like: ast.FunctionDef) -> ast.FunctionDef | None:
        """The method of that name; a property and its setter are two."""
        own = (each for each in self.node.body if isinstance(each, ast.FunctionDef))
        same = (each for each in own if each.name == like.name)
        return next((each for each in same if _is_setter(each) == _is_setter(like)), None)

    def has(self, name: str) -> bool:
        return any(getattr(each, "name", "") == name for each in self.node.body)


@dataclass(frozen=True, slots=True)
class _Overrides:
    """What a class assigns and deletes behind its super calls, by the target as it is written.

    It holds for its later methods, too.
    """

    assigned: dict[str, ast.stmt] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)


def bases(*given: type) -> list[type]:
    """Those that no later one extends: `class NewModel(NewBase, OldModel)`.

    The copy of OldModel extends NewBase, too, and comes before it.
    """
    return [
        base
        for index, base in enumerate(given)
        if not any(issubclass(other, base) for other in given[index + 1 :])
    ]


def undocumented(documented: Any = None, **_: object) -> Any:
    """A decorator that does nothing, with arguments or without: documentation is not run."""
    return (lambda documented: documented) if documented is None else documented


NAMES = {BASES: bases}
"""What a module needs beside `THERE` and `ORIGINAL`."""


def paste(child: ast.ClassDef, parents: Sequence[Parent], own: Collection[str]) -> None:
    """Let the methods of a class mean what they mean where its parents are pasted.

    `own` are the names that the child's module binds. Without decorators it has the first parent's.
    """
    for each in parents[:1] if not child.decorator_list else ():
        child.decorator_list = [_there(made, each.number) for made in each.node.decorator_list]
        ast.fix_missing_locations(child)
    overrides = _Overrides()
    methods = [each for each in child.body if isinstance(each, ast.FunctionDef)]
    order = [each.name for parent in parents for each in _functions(parent.node)]
    methods.sort(key=lambda each: order.index(each.name) if each.name in order else len(order))
    for method in methods:
        pairs = ((parent, parent.method(method)) for parent in parents)
        parent, theirs = next((pair for pair in pairs if pair[1]), (None, None))
        if parent is None or theirs is None:
            names = _Names(method.name, _first(method), parents, set())
            method.body = [names.visit(node) for node in method.body]
        else:
            _paste_method(method, parent, theirs, parents, own, overrides)
        ast.fix_missing_locations(method)


def _paste_method(
    child: ast.FunctionDef,
    parent: Parent,
    theirs: ast.FunctionDef,
    parents: Sequence[Parent],
    own: Collection[str],
    overrides: _Overrides,
) -> None:
    if child.args.kwarg and child.args.kwarg.arg == SUPER_KWARGS:
        child.args = _signature(child.args, theirs.args, parent.number)
    is_static = "staticmethod" in map(ast.unparse, child.decorator_list or theirs.decorator_list)
    if not child.decorator_list:
        child.decorator_list = [_there(each, parent.number) for each in theirs.decorator_list]
    first = "" if is_static else _first(child)
    lines = [(node, False) for node in child.body]
    calls = [n for n, node in enumerate(child.body) if _is_super_call(node, child.name)]
    if calls:
        lines = _merged(child.body, calls[0], theirs.body, overrides)
    child.body = [node for node, _ in lines]
    bound = _bound(child)
    unknown = set(parent.names) - bound
    others = unknown - set(own) if calls else set()
    mine = _Names(child.name, first, parents, others, parent)
    pasted = _Names(child.name, first, [parent], unknown, parent, is_pasted=True)
    child.body = [(pasted if is_theirs else mine).visit(node) for node, is_theirs in lines]


def _merged(
    body: Sequence[ast.stmt], at: int, parents: Sequence[ast.stmt], overrides: _Overrides
) -> list[tuple[ast.stmt, bool]]:
    """The lines of a method with the parent's where they are called, and whether they are those."""
    before, call, after = [(node, False) for node in body[:at]], body[at], body[at + 1 :]
    overrides.assigned.update((_target(node), node) for node in after if _target(node))
    overrides.deleted.update(target for node in after for target in _deleted(node))
    found: list[tuple[ast.stmt, bool]] = []
    used: set[str] = set()
    for node in parents[_start(parents) :]:
        target = _target(node)
        if target in overrides.deleted:
            continue
        if target in overrides.assigned:
            found.append((copy.deepcopy(overrides.assigned[target]), False))
            used.add(target)
        else:
            found.append((_at(call, copy.deepcopy(node)), True))
    if before and found and _is_super_call(found[0][0], "__init__"):
        # Attributes can be set only behind it.
        start = _start(body)
        found, before = [*before[:start], found[0], *before[start:], *found[1:]], []
    present = {ast.dump(node) for node, _ in found}
    for node in after:
        is_there = _deleted(node) or _target(node) in used or ast.dump(node) in present
        found += [] if is_there else [(node, False)]
    lines = [*before, *found]
    last = [line for line in lines if "self.post_init(" in ast.unparse(line[0])][-1:]
    return [line for line in lines if "self.post_init(" not in ast.unparse(line[0])] + last


def _signature(
    own: ast.arguments, parent: ast.arguments, number: Callable[[ast.expr], int]
) -> ast.arguments:
    """The parent's parameters, with the defaults that the child gives to some of them."""
    mine = dict(zip([each.arg for each in own.args[::-1]], own.defaults[::-1], strict=False))
    mine |= {each.arg: d for each, d in zip(own.kwonlyargs, own.kw_defaults, strict=True) if d}
    found = copy.deepcopy(parent)
    optional = [*found.posonlyargs, *found.args][::-1][: len(found.defaults)][::-1]
    found.defaults = [
        mine.get(each.arg) or _there(default, number)
        for each, default in zip(optional, found.defaults, strict=True)
    ]
    found.kw_defaults = [
        mine.get(each.arg) or (default and _there(default, number))
        for each, default in zip(found.kwonlyargs, found.kw_defaults, strict=True)
    ]
    for each in ast.walk(found):
        if isinstance(each, ast.arg):
            each.annotation = None
    return found


def _there(value: ast.expr, number: Callable[[ast.expr], int]) -> ast.expr:
    """An expression of the parent's module: its names mean something there."""
    return _call(THERE, ast.Constant(number(value)))


def _start(body: Sequence[ast.stmt]) -> int:
    """Behind the docstring."""
    first = body[0]
    return int(isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant))


def _target(node: ast.stmt) -> str:
    """What a statement assigns to, as it is written; nothing for other statements."""
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return ast.unparse(node.target)
    is_one = isinstance(node, ast.Assign) and len(node.targets) == 1
    return ast.unparse(node.targets[0]) if is_one else ""  # type: ignore[attr-defined]


def _deleted(node: ast.stmt) -> list[str]:
    return [ast.unparse(each) for each in node.targets] if isinstance(node, ast.Delete) else []


def _at(call: ast.stmt, node: ast.stmt) -> ast.stmt:
    """A line of a parent's is where it is called from: its file is another one."""
    for part in ast.walk(node):
        if hasattr(part, "lineno"):
            ast.copy_location(part, call)
    return node


def _is_super_call(node: ast.stmt, method: str) -> bool:
    """Is it `super().method(...)` or `return super().method(...)`?"""
    call = node.value if isinstance(node, (ast.Expr, ast.Return)) else None
    function = call.func if isinstance(call, ast.Call) else None
    is_it = isinstance(function, ast.Attribute) and function.attr == method
    return is_it and _is_super(function.value)  # type: ignore[union-attr]


def _is_super(node: ast.AST) -> bool:
    function = node.func if isinstance(node, ast.Call) else None
    return isinstance(function, ast.Name) and function.id == "super"


def _is_setter(method: ast.FunctionDef) -> bool:
    return any(ast.unparse(each).endswith(".setter") for each in method.decorator_list)


def _functions(node: ast.ClassDef) -> Iterator[ast.FunctionDef]:
    return (each for each in node.body if isinstance(each, ast.FunctionDef))


def _first(method: ast.FunctionDef) -> str:
    """`self`, or what else the first parameter is called; nothing for a static method."""
    arguments = [*method.args.posonlyargs, *method.args.args]
    is_static = "staticmethod" in map(ast.unparse, method.decorator_list)
    return arguments[0].arg if arguments and not is_static else ""


def _bound(function: ast.FunctionDef) -> set[str]:
    """The names that a function binds, and those inside it."""
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, (ast.FunctionDef, ast.ExceptHandler)) and node is not function:
            found.add(node.name or "")
    return found


def replace_bases(
    parent: ast.ClassDef, extras: Sequence[ast.expr], number: Callable[[ast.expr], int]
) -> None:
    """Let a further base of a child stand in the place of the parent's base that it resembles.

    Two do if they end in the same word: `NewPreTrainedModel` and `NewTextPreTrainedModel`.
    """
    names = [ast.unparse(each) for each in parent.bases]
    for extra in extras:
        name = ast.unparse(extra)
        alike = [n for n, theirs in enumerate(names) if _ending(name, theirs)]
        if name not in names and alike:
            parent.bases[alike[0]] = _there(extra, number)
            ast.fix_missing_locations(parent)


def _ending(one: str, other: str) -> str:
    """What two names end in alike, from a capital on."""
    pairs = zip(one[::-1], other[::-1], strict=False)
    same = "".join(mine for mine, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))[::-1]
    return same[next((n for n, letter in enumerate(same) if letter.isupper()), len(same)) :]


def keep_last(node: ast.ClassDef) -> None:
    """Let the bases of a class be those that `bases` gives of them."""
    node.bases = [ast.Starred(_call(BASES, *node.bases), ast.Load())]
    ast.fix_missing_locations(node)


class _Names(ast.NodeTransformer):
    """Lets names in a method be found, and `super()` go on behind the parent.

    `theirs` are the names that the parent's module is asked for.
    """

    def __init__(
        self,
        method: str,
        first: str,
        parents: Sequence[Parent],
        theirs: Collection[str],
        home: Parent | None = None,
        *,
        is_pasted: bool = False,
    ) -> None:
        self._method, self._first = method, first
        self._parents, self._theirs = parents, theirs
        self._home, self._is_pasted = home, is_pasted

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if self._home is None or not isinstance(node.ctx, ast.Load):
            return node
        if node.id == "__class__" and self._is_pasted:
            return _original(self._home)
        is_theirs = node.id in self._theirs
        return ast.copy_location(_there(node, self._home.number), node) if is_theirs else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        call = node.value
        if isinstance(call, ast.Call) and _is_super(call) and not call.args:
            behind = [each for each in self._parents if self._is_pasted or each.has(node.attr)]
            for parent in behind[:1]:
                owner = ast.Name(self._first, ast.Load()) if self._first else _original(parent)
                call.args = [_original(parent), owner]
        self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr == self._method:
            source = function.value
            if isinstance(source, (ast.Name, ast.Attribute)) and _is_class(source):
                first = node.args[0] if node.args else None
                if not (isinstance(first, ast.Name) and first.id == "self"):
                    node.args.insert(0, ast.Name("self", ast.Load()))
        return node


def _original(parent: Parent) -> ast.expr:
    """The parent class itself, whatever stands in its place."""
    return _call(ORIGINAL, ast.Constant(parent.number(ast.Name(parent.node.name, ast.Load()))))


def _is_class(node: ast.Name | ast.Attribute) -> bool:
    return (node.id if isinstance(node, ast.Name) else node.attr)[:1].isupper()


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])
