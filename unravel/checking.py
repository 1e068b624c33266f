"""Modular files that no generated file could stand for: refused, with what to write instead."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence

from unravel.diagnostics import refuse
from unravel.effects import bound_names, changed_names
from unravel.outline import Function, changed_elsewhere, place
from unravel.parents import Parent
from unravel.printing import not_exported
from unravel.renaming import Renaming
from unravel.state import check_filled
from unravel.tracing import Named
from unravel.types import Definition, Outline, Refused


def check_modular(modular: Outline, parents: Sequence[tuple[Parent, Renaming]]) -> None:
    """Raise `Refused` for statements that define nothing, and for names of two meanings."""
    if modular.others:
        raise _no_definition(modular, modular.others[0].node)
    if (computed := not_exported(modular)) is not None:
        raise refuse(
            "UNR205",
            place(modular, computed),
            "`__all__` is divided among the generated files by the names in it, and this is none",
            hint="write the names out, as strings",
        )
    taken = {
        bound: renaming.name(original)
        for parent, renaming in parents
        for bound, original in parent.imported.items()
        if original in parent.outline.definitions and bound not in modular.definitions
    }
    taken = {bound: final for bound, final in taken.items() if final in modular.definitions}
    for definition in modular.definitions.values():
        for name in _uses(definition.statement.node):
            if name.id in taken:
                raise refuse(
                    "UNR205",
                    place(modular, name),
                    f"`{name.id}` becomes `{taken[name.id]}`, which this file defines anew",
                    hint=f"write `{taken[name.id]}` if that is meant",
                )


def _no_definition(modular: Outline, node: ast.stmt) -> Refused:
    """Why no generated file would hold this statement of the module."""
    at = place(modular, node)
    names = sorted(bound_names([node]))
    again = [name for name in names if name in modular.definitions]
    if again and isinstance(node, (ast.ClassDef, *Function, ast.Assign, ast.AnnAssign)):
        line = modular.definitions[again[0]].statement.node.lineno
        message = f"`{again[0]}` is defined here and once more in line {line}"
        return refuse("UNR205", at, message, hint="keep one of the two")
    if names and not isinstance(node, (ast.Import, ast.ImportFrom)):
        message = f"`{names[0]}` is not defined by a plain statement of its own"
        hint = "define it once, at the top level: what this does is known only when it runs"
        return refuse("UNR205", at, message, hint=hint)
    hint = "keep to imports, classes, functions and assignments"
    return refuse(
        "UNR205", at, "this defines nothing, so no generated file would hold it", hint=hint
    )


def _uses(node: ast.AST, parent: str = "") -> Iterator[ast.Name]:
    """Names in code that is run: not bases, annotations and calls to a parent's method."""
    for name, value in ast.iter_fields(node):
        if name in ("bases", "annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.Name):
                yield child
            elif isinstance(child, ast.Call) and _is_parent_call(child):
                for argument in (*child.args, *child.keywords):
                    yield from _uses(argument)
            elif isinstance(child, ast.AST):
                yield from _uses(child)


def _is_parent_call(call: ast.Call) -> bool:
    """`Parent.method(self, ...)`"""
    function = call.func
    first = call.args[0] if call.args else None
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and isinstance(first, ast.Name)
        and first.id in ("self", "cls")
    )


def check_definitions(printed: Collection[Named], modular: Outline) -> None:
    """Raise `Refused` for definitions that are not whole without other statements."""
    check_filled(printed, modular)
    for named in printed:
        outline = named.parent.outline if named.parent is not None else modular
        definition = named.definition
        if definition.name in outline.blocks:
            _check_block(definition, outline)
        elif named.parent is not None:
            _check_globals(named, outline)
        if _is_changed(definition, outline):
            raise refuse(
                "UNR205",
                place(outline, definition.statement.node),
                f"`{definition.name}` is not made by this statement alone: others in its file set "
                "or change it",
                hint=f"define `{named.name}` in the modular file",
            )


def _is_changed(definition: Definition, outline: Outline) -> bool:
    if definition.name not in outline.blocks:
        return definition.name in changed_elsewhere(outline)
    others = [s.node for s in outline.others if s is not definition.statement]
    return definition.name in bound_names(others) | changed_names(others)


def _check_block(definition: Definition, outline: Outline) -> None:
    """A relative import means another module in another folder."""
    for inner in ast.walk(definition.statement.node):
        if isinstance(inner, ast.ImportFrom) and inner.level:
            raise refuse(
                "UNR205",
                place(outline, inner),
                f"this relative import stands in the statement that defines `{definition.name}`",
                hint="import by the whole name, or in a statement of its own",
            )


def _check_globals(named: Named, outline: Outline) -> None:
    """What `globals()` is asked for is known only when it runs."""
    for inner in ast.walk(named.definition.statement.node):
        if isinstance(inner, ast.Call) and ast.unparse(inner) == "globals()":
            raise refuse(
                "UNR205",
                place(outline, inner),
                f"what `{named.definition.name}` needs of `globals()` cannot be seen",
                hint=f"define `{named.name}` in the modular file",
            )
