"""From what differs to the lines that are to blame: generated, modular, parent, reference."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from checks.forward.inputs import Inputs
from checks.forward.instances import Instance
from checks.forward.manifest import Mismatch
from checks.forward.program import Operation, Program, first_difference
from checks.forward.scenarios import Scenario
from checks.forward.verdicts import Place


def first_divergence(
    one: Instance, other: Instance, scenario: Scenario, given: Inputs
) -> tuple[str, tuple[Place, ...]]:
    """The first operation that differs, in words, and the lines that asked for it."""
    a, b = one.located(scenario, given), other.located(scenario, given)
    index = first_difference(a, b)
    if index is None:
        return "", ()
    mine, theirs = _operation(a, index), _operation(b, index)
    if mine is None and theirs is None:
        both = zip(a.outputs, b.outputs, strict=False)
        other_data = (f"the output `{x[0]}` is other data" for x, y in both if x != y)
        message = next(other_data, "the outputs are other ones")
        mine, theirs = (_last_forward(each) for each in (a, b))
    else:
        message = f"operation {index}: {_told(one, mine)}; {_told(other, theirs)}"
    places = [*_places(one, mine), *_places(other, theirs)]
    module = (theirs.module if theirs else "") or (mine.module if mine else "")
    return message, _with_class(one, other, module, places)


def manifest_places(one: Instance, other: Instance, found: Mismatch) -> tuple[Place, ...]:
    """The lines that set, or that should have set, what differs before anything is run."""
    if found.kind in ("parameter", "buffer"):
        path, _, name = found.subject.rpartition(".")
        places = [place for each in (one, other) for place in _setting(each, path, name)]
        return _with_class(one, other, path, places)
    if found.kind == "field":
        return _unique(
            place
            for each in (one, other)
            for place in _field(each, type(each.config), found.subject)
        )
    return _unique(
        place for each in (one, other) for place in _method(each, type(each.model), "forward")
    )


# -- operations ----------------------------------------------------------------------------------


def _operation(program: Program, index: int) -> Operation | None:
    return program.operations[index] if index < len(program.operations) else None


def _last_forward(program: Program) -> Operation | None:
    return next((each for each in reversed(program.operations) if each.frames), None)


def _told(instance: Instance, operation: Operation | None) -> str:
    if operation is None:
        return f"{instance.side.role} has none"
    text = str(operation)
    text = text if len(text) <= 100 else text[:97] + "..."
    where = f" in {operation.module}" if operation.module else ""
    return f"{instance.side.role} {text}{where}"


def _places(instance: Instance, operation: Operation | None) -> Iterator[Place]:
    """The innermost line of the side's own code; code of libraries is somebody else's."""
    for frame in operation.frames if operation else ():
        role = instance.side.files.get(frame.path)
        if role is not None:
            yield place(role, frame.path, frame.line)
            return


# -- definitions ---------------------------------------------------------------------------------


def _setting(instance: Instance, path: str, name: str) -> Iterator[Place]:
    """Where the module at `path` sets its attribute `name`."""
    module = _module(instance, path)
    for kind in type(module).__mro__ if module is not None else ():
        found = definition(instance, kind)
        if found is None:
            continue
        file, node = found
        for inner in ast.walk(node):
            if isinstance(inner, ast.Assign | ast.Call) and _sets(inner, name):
                yield place(_role(instance, file), file, inner.lineno)
                return


def _sets(node: ast.Assign | ast.Call, name: str) -> bool:
    if isinstance(node, ast.Assign):
        targets = [each for target in node.targets for each in ast.walk(target)]
        return any(isinstance(each, ast.Attribute) and each.attr == name for each in targets)
    return (
        isinstance(node.func, ast.Attribute)
        and node.func.attr in ("register_buffer", "register_parameter")
        and bool(node.args)
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value == name
    )


def _field(instance: Instance, kind: type, name: str) -> Iterator[Place]:
    for each in kind.__mro__:
        found = definition(instance, each)
        if found is None:
            continue
        file, node = found
        for inner in node.body:
            targets = inner.targets if isinstance(inner, ast.Assign) else []
            target = inner.target if isinstance(inner, ast.AnnAssign) else next(iter(targets), None)
            if isinstance(target, ast.Name) and target.id == name:
                yield place(_role(instance, file), file, inner.lineno)
                return
    found = definition(instance, kind)
    if found is not None:
        yield place(_role(instance, found[0]), found[0], found[1].lineno)


def _method(instance: Instance, kind: type, name: str) -> Iterator[Place]:
    for each in kind.__mro__:
        found = definition(instance, each)
        for inner in found[1].body if found else ():
            if isinstance(inner, ast.FunctionDef) and inner.name == name and found is not None:
                yield place(_role(instance, found[0]), found[0], inner.lineno)
                return


def _module(instance: Instance, path: str) -> Any:
    try:
        return instance.model.get_submodule(path)
    except AttributeError:
        return None


def _role(instance: Instance, file: str) -> str:
    return instance.side.files.get(file, instance.side.role)


def definition(instance: Instance, kind: type) -> tuple[str, ast.ClassDef] | None:
    """File and syntax of a class of the side's own code."""
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    if file is None or "/torch/" in file or file.endswith(("modeling_utils.py",)):
        return None
    # A copy bears the new name; the file that it was made from, the old one: it is found by place.
    classes = _classes(file)
    if kind.__name__ in classes:
        return file, classes[kind.__name__]
    line = _first_line(kind)
    for node in classes.values() if line else ():
        if node.lineno <= line <= (node.end_lineno or 0):
            return file, node
    return None


def _first_line(kind: type) -> int:
    """Where any function of the class begins."""
    for value in vars(kind).values():
        function = getattr(value, "__wrapped__", None) or getattr(value, "__func__", value)
        code = getattr(function, "__code__", None)
        if code is not None:
            return int(code.co_firstlineno)
    return 0


@lru_cache(maxsize=256)
def _classes(file: str) -> dict[str, ast.ClassDef]:
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError):
        return {}
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


# -- the modular file ----------------------------------------------------------------------------


def _with_class(
    one: Instance, other: Instance, module: str, places: list[Place]
) -> tuple[Place, ...]:
    """`places`, and the line of the modular file through which the code came, if not among them."""
    if all(each.role != "modular" for each in places):
        places += _modular_class(one, other, module)
    return _unique(places)


def _modular_class(one: Instance, other: Instance, module: str) -> Iterator[Place]:
    """The class of the modular file that holds the module at that path, or the one around it."""
    files = {**one.side.files, **other.side.files}
    modular = next((file for file, role in files.items() if role == "modular"), None)
    if modular is None:
        return
    classes = _classes(modular)
    while True:
        owner = _module(other, module) or _module(one, module)
        name = type(owner).__name__ if owner is not None else ""
        if name in classes:
            yield place("modular", modular, classes[name].lineno)
            return
        if not module:
            break
        module = module.rpartition(".")[0]
    yield place("modular", modular, 1)


def place(role: str, path: str, line: int) -> Place:
    return Place(role, path, line, linecache.getline(path, line).strip())


def _unique(places: Iterator[Place] | list[Place]) -> tuple[Place, ...]:
    return tuple(dict.fromkeys(places))
