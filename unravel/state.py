"""Objects that code changes while it runs: copied, they may miss something, or be two."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache

from unravel.diagnostics import refuse
from unravel.effects import executed, read_names
from unravel.outline import place
from unravel.tracing import Named
from unravel.types import Definition, DefinitionKind, Outline, Refused, Statement

_CONTAINERS = ("dict", "list", "set", "defaultdict", "OrderedDict", "Counter", "deque")
_DISPLAYS = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)
_MUTATORS = (
    *("add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem"),
    *("popleft", "register", "remove", "setdefault", "update"),
)


def check_filled(printed: Collection[Named], modular: Outline) -> None:
    """Raise `Refused` where a definition that does not come along fills one that does.

    `@register("a")` above a class that nothing else needs, and `REGISTRY`.
    """
    outlines = {id(o): o for o in (_outline(named, modular) for named in printed)}
    for outline in outlines.values():
        here = {n.definition.name: n for n in printed if _outline(n, modular) is outline}
        statements = {id(named.definition.statement) for named in here.values()}
        for name, statement in _statements(outline):
            if id(statement) in statements:
                continue
            for filled in sorted(_changed_by(statement, outline) & here.keys()):
                raise refuse(
                    "UNR205",
                    place(outline, statement.node),
                    f"`{name}` changes `{filled}` when it is defined, and does not come along",
                    hint=f"define `{here[filled].name}` in the modular file",
                )


def check_shared(files: Mapping[str, Iterable[Named]], modular: Outline) -> None:
    """Raise `Refused` where two files would each hold an object of their own that is changed."""
    seen: dict[tuple[int, str], str] = {}
    for path, printed in files.items():
        for named in printed:
            outline, name = _outline(named, modular), named.definition.name
            other = seen.setdefault((id(outline), name), path)
            if other != path and (why := _identity_of(named.definition, outline)):
                raise _two(named, outline, why, sorted((other, path)))


def _two(named: Named, outline: Outline, why: str, paths: Sequence[str]) -> Refused:
    return refuse(
        "UNR205",
        place(outline, named.definition.statement.node),
        f"{why}, and `{paths[0]}` and `{paths[1]}` would each have their own `{named.name}`",
        hint="put it into a module of its own, and import it from there",
    )


def _identity_of(definition: Definition, outline: Outline) -> str:
    """Why it matters which object a name stands for; empty if it does not."""
    if definition.kind is not DefinitionKind.ASSIGNMENT:
        return ""
    value = getattr(definition.statement.node, "value", None)
    if isinstance(value, ast.Call) and ast.unparse(value) == "object()":
        return f"`{definition.name}` is told from other objects by what it is"
    changing = [name for name, names in _changers(outline).items() if definition.name in names]
    return f"`{min(changing)}` changes `{definition.name}`" if changing else ""


def _outline(named: Named, modular: Outline) -> Outline:
    return named.parent.outline if named.parent is not None else modular


def _statements(outline: Outline) -> Iterator[tuple[str, Statement]]:
    for name, definition in outline.definitions.items():
        yield name, definition.statement
    for statement in outline.others:
        yield ast.unparse(statement.node).partition("\n")[0], statement


def _changed_by(statement: Statement, outline: Outline) -> set[str]:
    """The objects that a statement changes when it is executed, by what it calls."""
    called: set[str] = set()
    decorators = getattr(statement.node, "decorator_list", [])
    for inner in executed([statement.node]):
        if isinstance(inner, ast.Call):
            called |= read_names([inner.func])
    called |= read_names(decorators)
    changers = _changers(outline)
    found = {name for function in called & changers.keys() for name in changers[function]}
    return found | {name for each in decorators if (name := _registers_with(each, outline))}


def _registers_with(decorator: ast.expr, outline: Outline) -> str:
    """`REGISTRY` of `@REGISTRY.register("a")`; nothing of other decorators."""
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
        return ""
    definition = outline.definitions.get(function.value.id)
    if definition is None:
        return ""
    is_class = definition.kind is DefinitionKind.CLASS
    return definition.name if not is_class or function.attr in _MUTATORS else ""


@cache
def _changers(outline: Outline) -> dict[str, frozenset[str]]:
    """The functions and classes of a module that change its objects, directly or by their calls."""
    containers = {
        name
        for name, definition in outline.definitions.items()
        if _is_container(getattr(definition.statement.node, "value", None))
    }
    code = {
        name: definition.statement.node
        for name, definition in outline.definitions.items()
        if definition.kind is not DefinitionKind.ASSIGNMENT
    }
    found = {name: frozenset(_changes(node, containers)) for name, node in code.items()}
    reads = {name: read_names([node]) & code.keys() for name, node in code.items()}
    while True:
        further = {
            name: names.union(*(found[called] for called in reads[name]))
            for name, names in found.items()
        }
        if further == found:
            return {name: names for name, names in found.items() if names}
        found = further


def _is_container(value: ast.expr | None) -> bool:
    function = value.func if isinstance(value, ast.Call) else None
    name = ast.unparse(function).rpartition(".")[2] if function is not None else ""
    return isinstance(value, _DISPLAYS) or name in _CONTAINERS


def _changes(node: ast.AST, containers: Collection[str]) -> Iterator[str]:
    """The containers that code changes in place, and the names that it declares `global`."""
    for inner in ast.walk(node):
        target: ast.AST | None = None
        if isinstance(inner, ast.Global):
            yield from inner.names
        elif isinstance(inner, ast.Subscript) and not isinstance(inner.ctx, ast.Load):
            target = inner.value
        elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
            target = inner.func.value if inner.func.attr in _MUTATORS else None
        if isinstance(target, ast.Name) and target.id in containers:
            yield target.id
