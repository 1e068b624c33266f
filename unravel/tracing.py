"""What a generated file needs besides the child classes, in printing order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from unravel.parents import Parent
from unravel.renaming import Renaming
from unravel.scanning import identifiers
from unravel.types import Definition, DefinitionKind, Outline


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """A definition under the name that it has in the generated file. `parent` is None for the
    modular file's own."""

    name: str
    definition: Definition
    order: tuple[int, int]
    parent: Parent | None
    text: Callable[[], str]

    @property
    def is_class(self) -> bool:
        return self.definition.kind is DefinitionKind.CLASS


@dataclass(slots=True)
class Universe:
    """All definitions that a generated file may need, by final name and by module."""

    own: dict[str, Named]
    imported: dict[str, Named] = field(default_factory=dict)
    parents: dict[int, dict[str, Named]] = field(default_factory=dict)

    def resolve(self, name: str, parent: Parent | None, kind: str) -> Named | None:
        """What `name` means in code that came from `parent`, in the generated file of `kind`."""
        if kind == "image_processing_pil" and (shared := self._shared_with_pil(name)):
            return shared
        theirs = self.parents.get(id(parent), {}).get(name) if parent is not None else None
        own = self.own.get(name)
        if own is not None and not (_is_assignment(own) and _keeps_parents(name, theirs)):
            return own
        if theirs is not None and theirs.is_class:
            return theirs
        return self.imported.get(name) or theirs or own


    def _shared_with_pil(self, name: str) -> Named | None:
        """The class of that name for both kinds of image processors, where a parent has one.

        A PIL image processor's copy of `...ImageProcessorKwargs` is made from the other's.
        """
        if name in self.own or not name.endswith("ImageProcessorKwargs"):
            return None
        found = (table.get(name) for table in self.parents.values())
        return next((n for n in found if n and n.parent and n.parent.kind == "image_processing"), None)


def _is_assignment(named: Named) -> bool:
    return named.definition.kind is DefinitionKind.ASSIGNMENT


_OWN_ASSIGNMENTS = ("_CHECKPOINT", "_EXPECTED", "_FOR_DOC", "_HIDDEN_STATES_START_POSITION", "_DOCSTRING")


def _keeps_parents(name: str, theirs: Named | None) -> bool:
    """An assignment of the parent module stays, but for those that exist to be replaced."""
    return theirs is not None and not any(part in name for part in _OWN_ASSIGNMENTS)


def universe(
    modular: Outline,
    parents: Iterable[tuple[Parent, Renaming]],
    own_names: Callable[[str], str],
) -> Universe:
    """Gather the definitions of the modular file and of its parent modules."""
    own = {
        name: Named(
            name, definition, (0, definition.order), None, _later(own_names, definition)
        )
        for name, definition in modular.definitions.items()
        if name not in _NOT_TRACED
    }
    result = Universe(own)
    for position, (parent, renaming) in enumerate(parents):
        table: dict[str, Named] = {}
        for name, definition in parent.outline.definitions.items():
            if name in _NOT_TRACED:
                continue
            final = renaming.name(name)
            order = (position, definition.order)
            table[final] = Named(final, definition, order, parent, _later(renaming.text, definition))
        result.parents[id(parent)] = table
        for original in parent.imported.values():
            final = renaming.name(original)
            if final in table:
                result.imported.setdefault(final, table[final])
    return result


_NOT_TRACED = ("__all__", "__getattr__")


def _later(rename: Callable[[str], str], definition: Definition) -> Callable[[], str]:
    return lambda: rename(definition.text)


class Printer:
    """Prints each definition once, after everything that it needs."""

    def __init__(
        self,
        world: Universe,
        is_needed_elsewhere: Callable[[Named], bool],
        child_text: Callable[[Named], tuple[str, Parent | None]],
        kind: str,
        children: Collection[str],
    ) -> None:
        self._world = world
        self._elsewhere = is_needed_elsewhere
        self._child_text = child_text
        self._kind = kind
        self._children = children
        self._begun: set[str] = set()
        self.printed: dict[str, tuple[Named, str]] = {}
        self.elsewhere: dict[str, Named] = {}

    def texts(self) -> dict[str, str]:
        """What was printed, by name, in order."""
        return {name: text for name, (_, text) in self.printed.items()}

    def definition(self, named: Named) -> None:
        """Print a function or assignment of the modular file, preceded by what it needs."""
        self._with_needs(named, named.text(), named.parent)

    def child(self, named: Named, text: str, parent: Parent | None) -> None:
        """Print a class of the modular file, preceded by what it needs."""
        self._with_needs(named, text, parent)

    def _with_needs(self, named: Named, text: str, parent: Parent | None) -> None:
        if named.name in self._begun:
            return
        self._begun.add(named.name)
        needs = self._needs(text, parent)
        rest = self._closure([n for n in needs if not n.is_class])
        needs += [c for n in rest for c in self._needs(n.text(), n.parent) if c.is_class]
        classes = self._class_closure([n for n in needs if n.is_class], named.name)
        for needed in sorted(classes, key=lambda n: n.order):
            if needed.name not in self.printed:
                self._with_needs(needed, *self._text(needed))
        for needed in sorted(rest, key=lambda n: self._position(n, parent)):
            if needed.name not in self.printed:
                self.printed[needed.name] = (needed, needed.text())
        self.printed[named.name] = (named, text)

    def _text(self, named: Named) -> tuple[str, Parent | None]:
        """A class as it is printed: merged with its parent if the modular file defines it."""
        if named.is_class and named.parent is None:
            return self._child_text(named)
        return named.text(), named.parent

    def _position(self, named: Named, parent: Parent | None) -> tuple[int, int, int]:
        """The place of a function among those printed before a class that came from `parent`.

        A function that is imported from another module stands where `parent` has its own of that
        name (`eager_attention_forward` in mlcd), the modular file's own come last.
        """
        if named.parent is None:
            return 2, *named.order
        theirs = self._world.parents.get(id(parent), {}).get(named.name)
        return (0, *theirs.order) if theirs is not None else (1, named.definition.statement.line, 0)

    def _needs(self, text: str, parent: Parent | None) -> list[Named]:
        """The definitions that `text`, which came from `parent`, mentions; less child classes."""
        found: dict[str, Named] = {}
        for name in identifiers(text):
            named = self._world.resolve(name, parent, self._kind)
            if named is None:
                continue
            if named.is_class and self._elsewhere(named):
                self.elsewhere[named.name] = named
                continue
            if named.is_class and named.name in self._children:
                continue
            found[named.name] = named
        return list(found.values())

    def _class_closure(self, classes: list[Named], child: str) -> list[Named]:
        found: dict[str, Named] = {}
        queue = list(classes)
        while queue:
            named = queue.pop()
            if named.name == child or named.name in found or named.name in self.printed:
                continue
            found[named.name] = named
            queue += [n for n in self._needs(*self._text(named)) if n.is_class]
        return list(found.values())

    def _closure(self, needs: list[Named]) -> list[Named]:
        found: dict[str, Named] = {}
        queue = list(needs)
        while queue:
            named = queue.pop()
            if named.name in found:
                continue
            found[named.name] = named
            queue += [n for n in self._needs(named.text(), named.parent) if not n.is_class]
        return list(found.values())
