"""Who extends whom: the models of a project, and the classes that tie them together."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from unravel.naming import model_name
from unravel.parents import candidates, parent_imports
from unravel.reading import Loader
from unravel.routing import split_module
from unravel.selection import Selection
from unravel.types import Import, Outline, Refused


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the project, or one that is written by hand and extended by such.

    `key` tells it from all others: the path of its modular file, or the folder and name of the
    modules that were written by hand.
    """

    key: str
    name: str
    source: str = ""
    """The modular file; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Link:
    """`child` extends `parent` (both are keys); `classes` pairs each class with its base."""

    child: str
    parent: str
    modules: tuple[str, ...]
    """The paths of the parent's modules that the child imports from."""
    classes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Lineage:
    """All models by their keys, and all links. What could not be read has no parents."""

    models: Mapping[str, Model]
    links: tuple[Link, ...]
    unreadable: tuple[Refused, ...] = ()

    @cached_property
    def parents(self) -> Mapping[str, tuple[Link, ...]]:
        """The links to each model's parents, the one with most classes first."""
        found: dict[str, list[Link]] = {}
        for link in self.links:
            found.setdefault(link.child, []).append(link)
        return {
            key: tuple(sorted(links, key=lambda link: (-len(link.classes), link.parent)))
            for key, links in found.items()
        }

    @cached_property
    def children(self) -> Mapping[str, tuple[Link, ...]]:
        """The links to the models that extend each."""
        found: dict[str, list[Link]] = {}
        for link in self.links:
            found.setdefault(link.parent, []).append(link)
        return {key: tuple(sorted(links, key=self._by_name)) for key, links in found.items()}

    def _by_name(self, link: Link) -> tuple[str, str]:
        return self.models[link.child].name, link.child

    def descendants(self, keys: Iterable[str]) -> set[str]:
        """All models that extend one of `keys`, through any number of generations."""
        return _reached(keys, {key: [e.child for e in each] for key, each in self.children.items()})

    def ancestors(self, keys: Iterable[str]) -> set[str]:
        """All models that one of `keys` extends, through any number of generations."""
        return _reached(keys, {key: [e.parent for e in each] for key, each in self.parents.items()})

    def of_path(self, path: str) -> Model | None:
        """The model whose modular file, or whose hand-written module, lies at `path`."""
        return self.models.get(path) or self.models.get(_home(path)[0])

    def only(self, keys: set[str]) -> Lineage:
        """The lineage of `keys` alone."""
        models = {key: model for key, model in self.models.items() if key in keys}
        links = tuple(each for each in self.links if {each.child, each.parent} <= keys)
        return Lineage(models, links, self.unreadable)


def _reached(keys: Iterable[str], following: Mapping[str, Iterable[str]]) -> set[str]:
    seen: set[str] = set()
    ahead = [each for key in keys for each in following.get(key, ())]
    while ahead:
        key = ahead.pop()
        if key not in seen:
            seen.add(key)
            ahead += following.get(key, ())
    return seen


def read_lineage(selection: Selection, loader: Loader) -> Lineage:
    """The lineage of all modular files of a project."""
    models = {each: Model(each, model_name(each), each) for each in selection.sources}
    links: list[Link] = []
    unreadable: list[Refused] = []
    for source in selection.sources:
        try:
            modular = loader.load(source)
        except Refused as refused:
            unreadable.append(refused)
            continue
        if modular is None:
            continue
        for parent, found in _parents(modular, selection, loader).items():
            models.setdefault(parent.key, parent)
            modules = tuple(dict.fromkeys(path for path, _ in found))
            classes = _classes(modular, [statement for _, statement in found])
            links.append(Link(source, parent.key, modules, classes))
    return Lineage(models, tuple(links), tuple(unreadable))


def _parents(
    modular: Outline, selection: Selection, loader: Loader
) -> Mapping[Model, list[tuple[str, Import]]]:
    """The models that a modular file extends, each with paths and imports of its modules."""
    settings = selection.project.settings
    found: dict[Model, list[tuple[str, Import]]] = {}
    for statement in parent_imports(modular, settings, loader.exists):
        path = next((p for p in candidates(statement, modular, settings) if loader.exists(p)), "")
        if path:
            found.setdefault(_model(path, selection), []).append((path, statement))
    return found


def _model(path: str, selection: Selection) -> Model:
    source = selection.owners.get(path, "")
    return Model(source, model_name(source), source) if source else Model(*_home(path))


def _home(path: str) -> tuple[str, str]:
    """Key and name of a model without a modular file, one of whose modules lies at `path`."""
    folder, file = posixpath.split(path)
    if file == "__init__.py":
        folder, file = posixpath.split(folder)
    stem = file.removesuffix(".py")
    _, name = split_module(stem) or ("", stem)
    return posixpath.join(folder, name), name


def _classes(modular: Outline, statements: Iterable[Import]) -> tuple[tuple[str, str], ...]:
    imported = {bound: name for each in statements for name, bound in each.names}
    return tuple(
        (definition.name, imported[base])
        for definition in modular.definitions.values()
        for base in _bases(definition.statement.node)
        if base in imported
    )


def _bases(node: ast.stmt) -> Iterator[str]:
    for base in node.bases if isinstance(node, ast.ClassDef) else ():
        inner = base.value if isinstance(base, ast.Subscript) else base
        if isinstance(inner, ast.Name):
            yield inner.id


def primary(lineage: Lineage) -> Mapping[str, str]:
    """The one parent below which a tree shows each model: that of which it has most classes.

    Models that extend each other in a circle would never be shown: one of them has no parent here.
    """
    chosen: dict[str, str] = {}
    for key, links in lineage.parents.items():
        for link in links:
            if not _is_above(key, link.parent, chosen):
                chosen[key] = link.parent
                break
    return chosen


def _is_above(key: str, other: str, chosen: Mapping[str, str]) -> bool:
    """Does a tree already show `other` below `key`, or is it the same?"""
    while other != key and other in chosen:
        other = chosen[other]
    return other == key
