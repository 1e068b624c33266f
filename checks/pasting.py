"""`super().m(...)` as the converter of transformers reads it: the parent's lines, pasted.

They see the child's names, whatever the call hands over, and leave their decorators behind: those
of the child apply, or the parent's where it has none. What the child assigns to an attribute takes
the place of what the parent assigns to it. What the last line gives is given back, and
`Parent.m(...)` needs no instance. To Python all of that means something else, and modular files of
transformers count on it.
"""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Callable, Mapping
from types import MethodType
from typing import Any

PASTED, BARE, MADE, BASES = "__pasted__", "__bare__", "__made__", "__bases_of__"
THERE = "__there__"
"""What the code calls: the functions below, and one that evaluates what the parent's module says.

That is given the number of an expression.
"""
LATER = "__later__"
"""What a method assigns to attributes behind `super()`: functions that make it, by name."""

SUPER_KWARGS = "super_kwargs"
"""Stands for all of the parent's parameters."""

Making = Callable[[], Any]
_running: list[tuple[object, dict[str, Making]]] = []
"""The objects whose parents' lines are being run, each with what takes the place of theirs."""


def pasted(
    method: Callable[..., Any],
    names: Mapping[str, Any],
    later: dict[str, Making],
    *arguments: Any,
    **keywords: Any,
) -> Any:
    """What the lines of a parent's method give where the child's `names` have these values."""
    parameters = inspect.signature(method).parameters.values()
    taken = [each.name for each in parameters if each.kind is not each.VAR_KEYWORD]
    handed = {**dict(zip(taken, arguments, strict=False)), **keywords}
    given: dict[str, Any] = {}
    for each in parameters:
        if each.kind is each.VAR_KEYWORD:
            others = {name: value for name, value in handed.items() if name not in taken}
            given |= names.get(each.name, others)
        elif each.name in names or each.name in handed or each.default is each.empty:
            # What is nowhere is asked for by lines alone in whose place the child has others.
            given[each.name] = names.get(each.name, handed.get(each.name))
    _running.append((getattr(method, "__self__", None), later))
    try:
        return method(**given)
    finally:
        _running.pop()


def bare(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method without its decorators."""
    function: Callable[..., Any] = inspect.unwrap(getattr(method, "__func__", method))
    return MethodType(function, method.__self__) if isinstance(method, MethodType) else function


def made(owner: object, name: str, make: Making) -> Any:
    """The child's value of an attribute in the place of the parent's, which `make` gives."""
    for other, later in reversed(_running):
        if other is owner and name in later:
            try:
                found = later[name]()
            except NameError:  # by names that have no value before their own lines
                break
            later[name] = lambda: getattr(owner, name)
            return found
    return make()


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


NAMES = {PASTED: pasted, BARE: bare, MADE: made, BASES: bases}
"""What a module needs beside `THERE`."""


def paste(
    child: ast.FunctionDef, parent: ast.FunctionDef | None, number: Callable[[ast.expr], int]
) -> None:
    """Let a method of a modular file mean what it means where `parent` is pasted, if there is one.

    `number` gives an expression of the parent's module a number, by which it is asked for.
    """
    if parent is not None and child.args.kwarg and child.args.kwarg.arg == SUPER_KWARGS:
        child.args = _signature(child.args, parent.args, number)
    last = child.body[-1]
    calls = _Calls(child, parent)
    child.body = [calls.visit(node) for node in child.body]
    if isinstance(last, ast.Expr) and last.value in calls.pasted:
        child.body[-1] = ast.copy_location(ast.Return(last.value), last)
    if parent is not None and calls.pasted:
        later = _replace(child, calls.pasted[0])
        for node in parent.body:
            _let_replace(node, later)
        ast.fix_missing_locations(parent)
    if parent is not None and not child.decorator_list:
        child.decorator_list = [_there(each, number) for each in parent.decorator_list]
    ast.fix_missing_locations(child)


def paste_class(
    child: ast.ClassDef, parent: ast.ClassDef, number: Callable[[ast.expr], int]
) -> None:
    """Let fields that a class without decorators adds to a dataclass be fields.

    Other decorators of a class have done their work on what it inherits.
    """
    if not child.decorator_list:
        made = [each for each in parent.decorator_list if "dataclass" in ast.unparse(each)]
        child.decorator_list = [_there(each, number) for each in made]
        ast.fix_missing_locations(child)


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


def _replace(child: ast.FunctionDef, call: ast.expr) -> set[str]:
    """Keep what a method assigns to attributes behind the call as functions; their names."""
    places = [n for n, node in enumerate(child.body) if call in ast.walk(node)]
    behind = child.body[places[0] + 1 :] if places else []
    assigned = [(node, _attribute(node)) for node in behind if isinstance(node, ast.Assign)]
    names = [name for _, name in assigned if name]
    kept: dict[str, ast.expr] = {}
    for node, name in assigned:
        if name and names.count(name) == 1:
            kept[name] = _function(node.value)
            making = ast.Subscript(ast.Name(LATER, ast.Load()), ast.Constant(name), ast.Load())
            node.value = ast.copy_location(ast.Call(making, [], []), node)
    keys: list[ast.expr | None] = [ast.Constant(name) for name in kept]
    later = ast.Assign([ast.Name(LATER, ast.Store())], ast.Dict(keys, list(kept.values())))
    child.body.insert(_start(child), ast.copy_location(later, child.body[0]))
    return set(kept)


def _start(function: ast.FunctionDef) -> int:
    """Behind the docstring."""
    first = function.body[0]
    return int(isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant))


def _let_replace(node: ast.stmt, names: set[str]) -> None:
    """`self.x = value`: the child's value, if the lines are pasted into one that has it."""
    if isinstance(node, ast.Try):
        for inner in node.body:
            _let_replace(inner, names)
    name = _attribute(node) if isinstance(node, ast.Assign) else ""
    if isinstance(node, ast.Assign) and name in names and not _is_call_of(node.value, MADE):
        making = _call(
            MADE, ast.Name("self", ast.Load()), ast.Constant(name), _function(node.value)
        )
        node.value = ast.copy_location(making, node)


def _attribute(node: ast.Assign) -> str:
    """`x` of `self.x = value`"""
    target = node.targets[0] if len(node.targets) == 1 else None
    is_own = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)
    return target.attr if is_own and target.value.id == "self" else ""  # type: ignore[union-attr]


def _function(value: ast.expr) -> ast.Lambda:
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.copy_location(ast.Lambda(nothing, value), value)


def _is_call_of(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def keep_last(node: ast.ClassDef) -> None:
    """Let the bases of a class be those that `bases` gives of them."""
    node.bases = [ast.Starred(_call(BASES, *node.bases), ast.Load())]
    ast.fix_missing_locations(node)


class _Calls(ast.NodeTransformer):
    """Replaces calls of the method of that name: the parent's, or a class' own."""

    def __init__(self, child: ast.FunctionDef, parent: ast.FunctionDef | None) -> None:
        self._method, self._is_pasted = child.name, parent is not None
        decorators = [ast.unparse(each) for each in parent.decorator_list] if parent else []
        self._is_static = "staticmethod" in decorators
        self._is_decorated = bool(decorators)
        self.pasted: list[ast.expr] = []

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        function = node.func
        if not isinstance(function, ast.Attribute) or function.attr != self._method:
            return node
        source = function.value
        if isinstance(source, ast.Call) and isinstance(source.func, ast.Name):
            if self._is_pasted and source.func.id == "super" and not source.args:
                if self._is_static:
                    source.args = [ast.Name("__class__", ast.Load()) for _ in range(2)]
                method = _call(BARE, function) if self._is_decorated else function
                node.args = [method, _call("locals"), ast.Name(LATER, ast.Load()), *node.args]
                node.func = ast.Name(PASTED, ast.Load())
                self.pasted.append(node)
        elif isinstance(source, (ast.Name, ast.Attribute)) and _is_class(source):
            first = node.args[0] if node.args else None
            if not (isinstance(first, ast.Name) and first.id == "self"):
                node.args.insert(0, ast.Name("self", ast.Load()))
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.keyword | None:
        """`**super_kwargs` are names that the parent's lines see."""
        is_all = node.arg is None and isinstance(node.value, ast.Name)
        if self._is_pasted and is_all and node.value.id == SUPER_KWARGS:  # type: ignore[attr-defined]
            return None
        self.generic_visit(node)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        return node  # it has other names

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        return node


def _is_class(node: ast.Name | ast.Attribute) -> bool:
    return (node.id if isinstance(node, ast.Name) else node.attr)[:1].isupper()


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])
