"""What statements bind, read and change: the facts that decide whether code may be moved."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.ClassDef, ast.Lambda)

_HARMLESS = {
    "add_module",
    "init_weights",
    "post_init",
    "register_buffer",
    "register_module",
    "register_parameter",
    "requires_grad_",
    "tie_weights",
}
"""Methods of `nn.Module` and `PreTrainedModel` that do not know an author's own attributes."""

_QUIET = re.compile(
    "abs|all|any|bool|bytes|complex|dict|divmod|enumerate|filter|float|frozenset|getattr|hasattr|"
    "hash|id|int|isinstance|issubclass|len|list|map|max|min|object|pow|property|range|repr|"
    "reversed|round|set|slice|sorted|str|sum|super|tuple|type|zip"
)
"""Built-in functions that do nothing but give a value."""

_QUIET_MODULES = re.compile("F|copy|functools|itertools|jnp|math|nn|np|numpy|operator|torch")
"""Modules, under their customary names, whose functions are called for their value."""

_FRAME = frozenset(("locals", "vars", "eval", "exec", "dir", "globals"))


def bound_names(nodes: Iterable[ast.AST]) -> set[str]:
    """The local names that statements bind, without those that nested functions have."""
    found: set[str] = set()
    for node in _in_scope(nodes):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            found.add(node.name)
            found.update(*(n.names for n in ast.walk(node) if isinstance(n, ast.Nonlocal)))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
        elif type(node).__name__ in ("MatchAs", "MatchStar") and getattr(node, "name", None):
            found.add(node.name)  # type: ignore[attr-defined]
        elif type(node).__name__ == "MatchMapping" and getattr(node, "rest", None):
            found.add(node.rest)  # type: ignore[attr-defined]
    return found


def read_names(nodes: Iterable[ast.AST]) -> set[str]:
    """All names that statements read, in nested functions too."""
    found: set[str] = set()
    for inner in (inner for node in nodes for inner in ast.walk(node)):
        read = inner.target if isinstance(inner, ast.AugAssign) else inner
        if isinstance(read, ast.Name) and (read is not inner or isinstance(read.ctx, ast.Load)):
            found.add(read.id)
    return found


def read_at_once(nodes: Iterable[ast.AST], *, lazy_annotations: bool = False) -> set[str]:
    """The names that statements read when they are executed: not in the bodies of functions."""
    found: set[str] = set()
    for inner in executed(nodes, lazy_annotations=lazy_annotations):
        read = inner.target if isinstance(inner, ast.AugAssign) else inner
        if isinstance(read, ast.Name) and (read is not inner or isinstance(read.ctx, ast.Load)):
            found.add(read.id)
    return found


def executed(nodes: Iterable[ast.AST], *, lazy_annotations: bool = False) -> Iterator[ast.AST]:
    """All that Python evaluates when it executes `nodes`: not the bodies of functions.

    `lazy_annotations` says that no annotation is, either: `from __future__ import annotations`.
    """
    queue = list(nodes)
    while queue:
        node = queue.pop()
        yield node
        for name, value in ast.iter_fields(node):
            if name == "body" and isinstance(node, (*_FUNCTIONS, ast.Lambda)):
                continue
            if name in ("annotation", "returns") and lazy_annotations:
                continue
            inner = value if isinstance(value, list) else [value]
            queue += [each for each in inner if isinstance(each, ast.AST)]


def changed_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Names whose objects statements may change: `x.y = ...`, `x[0] = ...`, `x.append(...)`."""
    found: set[str] = set()
    for target in _changed(nodes):
        while isinstance(target, (ast.Attribute, ast.Subscript)):
            target = target.value
        if isinstance(target, ast.Name):
            found.add(target.id)
    return found


@dataclass(slots=True)
class Reach:
    """The attributes of `self` that statements read and change, through the methods they call.

    `is_open` where that cannot be told: `self` is handed on, or an unknown method is called.
    `is_loud` where calls may do more than give a value: it matters when, and whether, they happen.
    """

    reads: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    is_open: bool = False
    is_loud: bool = False


def reach(nodes: Iterable[ast.AST], receiver: str, methods: Mapping[str, ast.AST]) -> Reach:
    """What statements do with `receiver` (`self`), whose class has these `methods`."""
    found = Reach()
    queue, seen = list(nodes), set[str]()
    while queue:
        node = queue.pop()
        plain = {id(inner.value) for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}
        augmented = {id(i.target) for i in ast.walk(node) if isinstance(i, ast.AugAssign)}
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and inner.id == receiver and id(inner) not in plain:
                found.is_open = True
            if isinstance(inner, ast.Call) and _is_super(inner):
                found.is_open = True
            if isinstance(inner, ast.Call) and (name := _attribute_of(inner.func, receiver)):
                found.is_open |= name not in methods and name not in _HARMLESS
            elif isinstance(inner, (ast.Await, ast.Yield, ast.YieldFrom)):
                found.is_loud = True
            elif isinstance(inner, ast.Call):
                found.is_loud |= not _is_quiet(inner.func)
            if not (name := _attribute_of(inner, receiver)):
                continue
            if isinstance(getattr(inner, "ctx", None), ast.Load) or id(inner) in augmented:
                found.reads.add(name)
            if not isinstance(getattr(inner, "ctx", None), ast.Load):
                found.changes.add(name)
            if name in methods and name not in seen:
                seen.add(name)
                queue.append(methods[name])
        for target in _changed([node]):
            while isinstance(target, (ast.Attribute, ast.Subscript)):
                if name := _attribute_of(target, receiver):
                    found.changes.add(name)
                target = target.value
    return found


def stored_attributes(nodes: Iterable[ast.AST], receiver: str) -> set[str]:
    """The attributes of `receiver` (`self`) that statements assign or delete."""
    return {
        name
        for node in nodes
        for inner in ast.walk(node)
        if (name := _attribute_of(inner, receiver))
        and not isinstance(getattr(inner, "ctx", None), ast.Load)
    }


def returns(nodes: Iterable[ast.AST]) -> list[ast.Return]:
    """The `return` statements of a body, without those of nested functions."""
    return [node for node in _in_scope(nodes) if isinstance(node, ast.Return)]


def yields(nodes: Iterable[ast.AST]) -> bool:
    """Is this the body of a generator?"""
    return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in _in_scope(nodes))


def has_closures(nodes: Iterable[ast.AST]) -> bool:
    """Are functions defined, which see later values of the names around them?"""
    kinds = (*_SCOPES, ast.GeneratorExp)
    return any(isinstance(inner, kinds) for node in nodes for inner in ast.walk(node))


def sees_frame(nodes: Iterable[ast.AST]) -> bool:
    """Does `locals()`, `eval()` or the like look at all local names?"""
    return not _FRAME.isdisjoint(read_names(nodes))


def _is_quiet(function: ast.expr) -> bool:
    """Is this called for its value alone: a class, or a function that is known to be so?

    To make an object is taken to change nothing else: `nn.Linear(...)` may be left out.
    """
    if isinstance(function, ast.Name):
        return bool(_QUIET.fullmatch(function.id)) or _is_class(function.id)
    if not isinstance(function, ast.Attribute):
        return False
    root: ast.expr = function
    while isinstance(root, ast.Attribute):
        root = root.value
    is_module = isinstance(root, ast.Name) and bool(_QUIET_MODULES.fullmatch(root.id))
    return is_module or _is_class(function.attr)


def _is_class(name: str) -> bool:
    return name.lstrip("_")[:1].isupper()


def _is_super(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id == "super"


def _attribute_of(node: ast.AST, receiver: str) -> str:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr if node.value.id == receiver else ""
    return ""


def _changed(nodes: Iterable[ast.AST]) -> Iterator[ast.expr]:
    """What stands left of `.y = ...`, `[0] = ...`, `+= ...` and `.append(...)`."""
    for inner in (inner for node in nodes for inner in ast.walk(node)):
        if isinstance(inner, (ast.Attribute, ast.Subscript)):
            if not isinstance(inner.ctx, ast.Load):
                yield inner.value
        elif isinstance(inner, ast.AugAssign):
            yield inner.target
        elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
            yield inner.func.value


def _in_scope(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    queue = list(nodes)
    while queue:
        node = queue.pop()
        yield node
        if not isinstance(node, _SCOPES):
            queue.extend(ast.iter_child_nodes(node))
