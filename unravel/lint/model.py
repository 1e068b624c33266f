"""A single-file model as the rules see it, and where its lines were written."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from unravel.diagnostics import Place
from unravel.lint.units import Unit, kind_and_model
from unravel.outline import place, statements
from unravel.reading import Loader
from unravel.types import Outline
from unravel.writing import is_generated

N = TypeVar("N", bound=ast.AST)

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, eq=False)
class Function:
    """A function of a module, or a method of `cls`, with all nodes in it by their type."""

    node: AnyFunction
    cls: ast.ClassDef | None
    nodes: Mapping[type[ast.AST], Sequence[ast.AST]]

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def full_name(self) -> str:
        return f"{self.cls.name}.{self.name}" if self.cls is not None else self.name

    def all(self, kind: type[N]) -> Sequence[N]:
        return self.nodes.get(kind, ())  # type: ignore[return-value]

    @property
    def parameters(self) -> list[ast.arg]:
        """All parameters but `self`."""
        arguments = self.node.args
        found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        is_static = any(_name(each) == "staticmethod" for each in self.node.decorator_list)
        return found[1:] if self.cls is not None and not is_static else found


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


@dataclass(eq=False)
class ModelFile:
    """A file of a model. `modular` is the modular file that it was generated from, if any.

    `beside` are the model's files by kind, this one among them.
    """

    outline: Outline
    kind: str
    model: str
    modular: Outline | None
    loader: Loader
    beside: dict[str, ModelFile] = field(default_factory=dict)

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes at the top level, in order."""
        found = (d.statement.node for d in self.outline.definitions.values())
        return {node.name: node for node in found if isinstance(node, ast.ClassDef)}

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """All functions at the top level and all methods; what is nested belongs to them."""
        return tuple(self._functions())

    def _functions(self) -> Iterator[Function]:
        for statement in statements(self.outline):
            if isinstance(statement, _FUNCTIONS):
                yield Function(statement, None, _by_type(statement))
            elif isinstance(statement, ast.ClassDef):
                for item in statement.body:
                    if isinstance(item, _FUNCTIONS):
                        yield Function(item, statement, _by_type(item))

    @cached_property
    def methods(self) -> dict[str, dict[str, Function]]:
        """By class and name."""
        found: dict[str, dict[str, Function]] = {name: {} for name in self.classes}
        for function in self.functions:
            if function.cls is not None:
                found.setdefault(function.cls.name, {})[function.name] = function
        return found

    def lineage(self, name: str) -> list[ast.ClassDef]:
        """A class of this file and those of its ancestors that stand here, nearest first."""
        found: dict[str, ast.ClassDef] = {}
        queue = [name]
        while queue:
            node = self.classes.get(queue.pop(0))
            if node is not None and node.name not in found:
                found[node.name] = node
                queue += [base.id for base in node.bases if isinstance(base, ast.Name)]
        return list(found.values())

    def outer_bases(self, name: str) -> list[str]:
        """The ancestors of a class that are not defined here, as they are written."""
        return [
            text
            for node in self.lineage(name)
            for base in node.bases
            if (text := ast.unparse(base)) not in self.classes
        ]

    def place_in_modular(self, node: ast.AST) -> Place | None:
        """Where the author of this generated file wrote the line of `node`.

        None where it comes from a parent, whose own file is looked at.
        """
        assert self.modular is not None
        here = _definition_at(self.outline, node)
        name = getattr(here, "name", "")
        if not name or here is None or name not in self.modular.definitions:
            return None
        there = self.modular.definitions[name].statement.node
        member = _member_at(here, node)
        if member is not None:
            matches = [m for m in _members(there) if m.name == member.name]
            if not matches:
                return None
            there, here = matches[-1], member
        if getattr(node, "lineno", 0) == here.lineno:
            return place(self.modular, there)
        return _line_within(self.modular, there, self.outline.lines[_line(node) - 1])


def _line(node: ast.AST) -> int:
    line: int = getattr(node, "lineno", 0)
    return line


def _by_type(function: AnyFunction) -> dict[type[ast.AST], list[ast.AST]]:
    found: dict[type[ast.AST], list[ast.AST]] = {}
    waiting: list[ast.AST] = [function]
    while waiting:
        node = waiting.pop()
        found.setdefault(type(node), []).append(node)
        waiting.extend(ast.iter_child_nodes(node))
    for nodes in found.values():
        nodes.sort(key=lambda node: (_line(node), getattr(node, "col_offset", 0)))
    return found


def _definition_at(outline: Outline, node: ast.AST) -> ast.stmt | None:
    line = _line(node)
    for definition in outline.definitions.values():
        if definition.statement.line <= line <= definition.statement.end:
            return definition.statement.node
    return None


def _members(node: ast.AST) -> list[AnyFunction]:
    if not isinstance(node, ast.ClassDef):
        return []
    return [item for item in node.body if isinstance(item, _FUNCTIONS)]


def _member_at(definition: ast.stmt, node: ast.AST) -> AnyFunction | None:
    line = _line(node)
    for item in _members(definition):
        first = min([item.lineno, *(each.lineno for each in item.decorator_list)])
        if first <= line <= (item.end_lineno or first):
            return item
    return None


def _line_within(outline: Outline, node: ast.AST, wanted: str) -> Place | None:
    """The line between the first and the last of `node` that reads as `wanted`."""
    for number in range(_line(node), (getattr(node, "end_lineno", 0) or 0) + 1):
        text = outline.lines[number - 1]
        if text.strip() == wanted.strip():
            column = len(text) - len(text.lstrip()) + 1
            return Place(outline.path, number, column, text.rstrip("\n"))
    return None


def read_model_files(
    unit: Unit, outlines: Mapping[str, Outline], loader: Loader
) -> tuple[ModelFile, ...]:
    """The files of a unit that are there."""
    source = outlines.get(unit.modular)
    files: dict[str, ModelFile] = {}
    for kind, path in unit.files:
        if path not in outlines:
            continue
        outline = outlines[path]
        line = loader.settings.banner_line
        is_ours = bool(unit.modular) and is_generated(
            outline.header, source=unit.modular, line=line
        )
        written = source if is_ours else None
        files[kind] = ModelFile(outline, kind, kind_and_model(path)[1], written, loader, files)
    return tuple(files.values())
