"""What is wrong with a generated file, told where it was written: in a file that its author has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from symtable import SymbolTable, symtable

from unravel.diagnostics import Place, diagnose
from unravel.outline import all_statements, changed_elsewhere, deepest_place, place
from unravel.parsing import check_compiles, too_deep
from unravel.types import Diagnostic, Outline

_NAMED = re.compile(r"`(\w+)`")


def at_source(found: Diagnostic, modules: Sequence[Outline]) -> Diagnostic:
    """`found`, of a file that was generated from `modules`, at its cause in those.

    The modular file is the first of them. Where the cause is in none, `found` comes back.
    """
    if found.code == "UNR402":
        reasons = (check_compiles(each.path, "".join(each.lines)) for each in modules)
        return next(filter(None, reasons), found)
    if found.code == "UNR005":
        return too_deep(deepest_place(modules)).diagnostic
    named = _NAMED.search(found.message)
    if found.code != "UNR408" or named is None:
        return found
    name = named[1]
    for outline in modules:
        at = None if name in outline.definitions else _free_use(outline, name)
        if at is not None:
            return _undefined(name, at, outline, outline is modules[0])
    at = _free_use(modules[0], name)
    if at is not None:
        message = f"`{name}` is not defined where it is used"
        return diagnose("UNR408", at, message, hint="define it above this, or import it")
    return found


def _free_use(outline: Outline, name: str) -> Place | None:
    """Where a module uses `name` as a global one, or exports it."""
    text = "".join(outline.lines)
    try:
        lines = sorted(_free_scopes(symtable(text, outline.path, "exec"), name))
    except SyntaxError:
        return None
    nodes = sorted(all_statements(outline), key=lambda statement: statement.line)
    for inner in (inner for statement in nodes for inner in ast.walk(statement.node)):
        if isinstance(inner, ast.Name) and inner.id == name and lines and inner.lineno >= lines[0]:
            return place(outline, inner)
        if isinstance(inner, (ast.Assign, ast.AnnAssign)) and "__all__" in ast.dump(inner):
            for item in ast.walk(inner):
                if isinstance(item, ast.Constant) and item.value == name:
                    return place(outline, item)
    return None


def _free_scopes(table: SymbolTable, name: str) -> Iterator[int]:
    """The first lines of the scopes that use `name` as a global one."""
    if name in table.get_identifiers():
        symbol = table.lookup(name)
        if symbol.is_referenced() and symbol.is_global():
            yield table.get_lineno()
    for inner in table.get_children():
        yield from _free_scopes(inner, name)


def _undefined(name: str, at: Place, outline: Outline, is_modular: bool) -> Diagnostic:
    for statement in outline.imports:
        if ("*", "*") in statement.names:
            star = f"from {'.' * statement.level}{statement.module} import *"
            message = f"`{star}` does not say whether it brings `{name}`"
            hint = "import the names that are used"
            return diagnose("UNR106", place(outline, statement.node), message, hint=hint)
    if name in changed_elsewhere(outline):
        message = f"`{name}` is not defined by a plain statement of its own"
    else:
        message = f"`{name}` is not defined"
    where = "" if is_modular else " in the modular file"
    return diagnose("UNR408", at, message, hint=f"import or define it{where}")
