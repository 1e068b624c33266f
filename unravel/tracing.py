"""What a generated file needs besides the child classes, in printing order."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from unravel.diagnostics import Place, refuse
from unravel.parents import Parent
from unravel.renaming import Renaming
from unravel.scanning import identifiers, quoted_identifiers
from unravel.scopes import annotation_strings
from unravel.types import Definition, DefinitionKind, Later, Origin, Outline, Piece

SHARED_WITH_PIL = "ImageProcessorKwargs"
"""What the name of a class ends in that both kinds of image processors hold, each its own copy."""


class Named(NamedTuple):
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
    corpus_rules: bool = False
    names: set[str] = field(default_factory=set)
    """All names that `resolve` knows."""
    brought: frozenset[str] = frozenset()
    """What the modular file imports from elsewhere: it wins over a parent's definition."""

    def resolve(self, name: str, parent: Parent | None, kind: str) -> Named | None:
        """What `name` means in code that came from `parent`, in the generated file of `kind`."""
        if kind == "image_processing_pil" and (shared := self._shared_with_pil(name)):
            return shared
        theirs = self.parents.get(id(parent), {}).get(name) if parent is not None else None
        own = self.own.get(name)
        if not self.corpus_rules and (own is not None or name in self.brought):
            return own
        if own is not None and not (_is_assignment(own) and _keeps_parents(name, theirs)):
            return own
        if theirs is not None and theirs.is_class:
            return theirs
        return self.imported.get(name) or theirs or own

    def first(self, named: Named) -> Named:
        """The definition of that name in the first parent module that has one."""
        found = (table.get(named.name) for table in self.parents.values())
        return next((n for n in found if n is not None), named)

    def _shared_with_pil(self, name: str) -> Named | None:
        """The class of that name for both kinds of image processors, where a parent has one.

        A PIL image processor's copy of `...ImageProcessorKwargs` is made from the other's.
        """
        if name in self.own or not name.endswith(SHARED_WITH_PIL):
            return None
        found = (table.get(name) for table in self.parents.values())
        kinds = ((named, named.parent.kind) for named in found if named and named.parent)
        return next((named for named, kind in kinds if kind == "image_processing"), None)


def _is_assignment(named: Named) -> bool:
    return named.definition.kind is DefinitionKind.ASSIGNMENT


_OWN_ASSIGNMENTS = (
    "_CHECKPOINT",
    "_EXPECTED",
    "_FOR_DOC",
    "_HIDDEN_STATES_START_POSITION",
    "_DOCSTRING",
)


def _keeps_parents(name: str, theirs: Named | None) -> bool:
    """An assignment of the parent module stays, but for those that exist to be replaced."""
    return theirs is not None and not any(part in name for part in _OWN_ASSIGNMENTS)


def universe(
    modular: Outline,
    parents: Iterable[tuple[Parent, Renaming]],
    own_names: Callable[[str], str],
    *,
    corpus_rules: bool = False,
) -> Universe:
    """Gather the definitions of the modular file and of its parent modules."""
    own = {
        name: Named(name, definition, (0, definition.order), None, _later(own_names, definition))
        for name, definition in _definitions(modular, corpus_rules)
        if name not in _NOT_TRACED
    }
    parents = list(parents)
    brought = {bound for statement in modular.imports for _, bound in statement.names}
    brought = brought.difference(*(parent.imported for parent, _ in parents))
    result = Universe(own, {}, {}, corpus_rules, set(own), frozenset(brought))
    for position, (parent, renaming) in enumerate(parents):
        table: dict[str, Named] = {}
        for name, definition in _definitions(parent.outline, corpus_rules):
            if name in _NOT_TRACED:
                continue
            final, order = renaming.name(name), (position, definition.order)
            text = _later(renaming.text, definition)
            table[final] = Named(final, definition, order, parent, text)
        result.parents[id(parent)] = table
        result.names |= table.keys()
        for original in parent.imported.values():
            final = renaming.name(original)
            if final in table:
                result.imported.setdefault(final, table[final])
    return result


@lru_cache(maxsize=1024)
def _annotated(text: str) -> frozenset[str]:
    """The identifiers in quoted annotations of some statements."""
    strings = annotation_strings(ast.parse(text))
    return frozenset(name for string in strings for name in identifiers(str(string.value)))


def _definitions(outline: Outline, corpus_rules: bool) -> Iterable[tuple[str, Definition]]:
    """What a module defines, also under `if` and `try`; the corpus leaves that behind."""
    return (outline.definitions if corpus_rules else outline.blocks | outline.definitions).items()


_NOT_TRACED = ("__all__", "__getattr__")


def _later(rename: Callable[[str], str], definition: Definition) -> Later[str]:
    return Later(lambda: rename(definition.text))


class Printer:
    """Prints each definition once, after everything that it needs."""

    def __init__(
        self,
        world: Universe,
        is_needed_elsewhere: Callable[[Named], bool],
        child_text: Callable[[Named], tuple[str, Parent | None]],
        kind: str,
        children: Collection[str],
        corpus_rules: bool = False,
    ) -> None:
        self._world = world
        self._elsewhere = is_needed_elsewhere
        self._child_text = child_text
        self._kind = kind
        self._children = children
        self._corpus_rules = corpus_rules
        self._begun: set[str] = set()
        self._meanings: dict[str, Named] = {}
        self._needed: dict[tuple[str, int], list[Named]] = {}
        self.printed: dict[str, tuple[Named, str]] = {}
        self.elsewhere: dict[str, Named] = {}
        self._merged: set[str] = set()

    @property
    def origins(self) -> set[str]:
        """The paths of the parent modules whose code was printed."""
        copied = {n.parent.outline.path for n, _ in self.printed.values() if n.parent is not None}
        return copied | self._merged

    def pieces(self, modular: str) -> dict[str, Piece]:
        """What was printed, by name, in order; `modular` is the path of the modular file.

        A statement that defines several names is printed under the first of them.
        """
        found: dict[str, Piece] = {}
        seen: set[int] = set()
        for name, (named, text) in self.printed.items():
            statement = named.definition.statement
            path = named.parent.outline.path if named.parent is not None else modular
            origin = Origin(path, statement.line)
            found[name] = Piece("" if id(statement) in seen else text, origin)
            seen.add(id(statement))
        return found

    def definition(self, named: Named) -> None:
        """Print a function or assignment of the modular file, preceded by what it needs."""
        self._with_needs(named, named.text(), named.parent)

    def child(self, named: Named, text: str, parent: Parent | None) -> None:
        """Print a class of the modular file, merged with one of `parent`, behind what it needs."""
        if parent is not None:
            self._merged.add(parent.outline.path)
        self._with_needs(named, text, parent)

    def _with_needs(self, named: Named, text: str, parent: Parent | None) -> None:
        if named.name in self._begun:
            return
        self._begun.add(named.name)
        needs = self._needs(text, parent)
        if self._kind == "image_processing_pil":
            # What is copied from the other kind stands below the constants on top; see yolos.
            self._print(takewhile(_is_assignment, self._functions(needs, parent)))
        for needed in self._class_closure(self._classes_of(needs), named.name):
            needed_text, origin = self._text(needed)
            self._print(self._functions(self._needs(needed_text, origin), origin))
            self._class_only(needed, needed_text, origin)
        self._print(self._functions(needs, parent))
        self.printed[named.name] = (named, text)

    def _functions(self, needs: list[Named], parent: Parent | None) -> list[Named]:
        """What a class from `parent` needs besides other classes, in printing order."""
        rest = self._closure(needs, parent)
        return sorted(rest, key=lambda n: self._position(n, parent))

    def _print(self, functions: Iterable[Named]) -> None:
        for named in functions:
            if named.name not in self.printed:
                self.printed[named.name] = (named, named.text())

    def _class_only(self, named: Named, text: str, parent: Parent | None) -> None:
        """Print a class of a parent module after the classes that it needs.

        The functions that those need follow later: `eager_attention_forward` in
        pp_ocrv5_mobile_rec stands behind the attention class that a block needs.
        """
        if named.name in self._begun:
            return
        self._begun.add(named.name)
        needs = self._classes_of(self._needs(text, parent))
        for needed in sorted(needs, key=lambda n: n.order):
            self._class_only(needed, *self._text(needed))
        self.printed[named.name] = (named, text)

    def _classes_of(self, needs: list[Named]) -> list[Named]:
        """The classes among `needs`, and those that the functions among them need."""
        rest = self._closure(needs)
        through = [c for n in rest for c in self._needs(n.text(), n.parent) if c.is_class]
        return [n for n in needs if n.is_class] + through

    def _text(self, named: Named) -> tuple[str, Parent | None]:
        """A class as it is printed: merged with its parent if the modular file defines it."""
        if named.is_class and named.parent is None:
            return self._child_text(named)
        return named.text(), named.parent

    def _position(self, named: Named, parent: Parent | None) -> tuple[int, ...]:
        """The place of a function among those printed before a class that came from `parent`.

        A function that is imported from another module stands where `parent` has its own of that
        name (`eager_attention_forward` in mlcd); then come those that `parent` does not have, last
        among them those that the modular file imports (`apply_rotary_pos_emb_vision` in step3p7);
        then the modular file's own.
        """
        if named.parent is None:
            return 3, *named.order
        if parent is None:
            # The first module that has such a function decides, but what it needs comes before it;
            # see modernbert and cohere_asr.
            closure = self._closure([named])
            latest = max(self._world.first(n).order for n in closure)
            return 1, *latest, len(closure), *named.order
        theirs = self._world.parents.get(id(parent), {}).get(named.name)
        if theirs is not None:
            return 0, *theirs.order
        return (2 if named.name in self._world.imported else 1), *self._world.first(named).order

    def _needs(self, text: str, parent: Parent | None) -> list[Named]:
        """The definitions that `text`, which came from `parent`, mentions; less child classes."""
        key = text, id(parent)
        if key not in self._needed:
            self._needed[key] = self._find_needs(text, parent)
        return self._needed[key]

    def _find_needs(self, text: str, parent: Parent | None) -> list[Named]:
        found: dict[str, Named] = {}
        for name in sorted(self._mentioned(text)):
            named = self._world.resolve(name, parent, self._kind)
            if named is None:
                continue
            if named.is_class and self._elsewhere(named):
                self.elsewhere[named.name] = named
                continue
            if named.is_class and named.name in self._children:
                continue
            if named.is_class and self._is_deferred(named, parent):
                continue
            self._check_meaning(named)
            found[named.name] = named
        return list(found.values())

    def _mentioned(self, text: str) -> frozenset[str]:
        """The names of definitions in the code of `text`, and in its quoted annotations."""
        names = identifiers(text) & self._world.names
        if self._corpus_rules:
            return names
        quoted = (quoted_identifiers(text) & self._world.names) - names
        return names | (quoted & _annotated(text)) if quoted else names

    def _check_meaning(self, named: Named) -> None:
        """In one file, a name means one thing."""
        other = self._meanings.setdefault(named.name, named)
        if other is named or self._corpus_rules or other.text() == named.text():
            return
        line = named.definition.statement.line
        at = Place(named.parent.outline.path, line, 1) if named.parent else Place("", line, 1)
        theirs = other.parent.outline.path if other.parent else "the modular file"
        raise refuse(
            "UNR302",
            at,
            f"this and the `{other.definition.name}` of `{theirs}` would both be `{named.name}`",
            hint=f"define `{named.name}` in the modular file",
        )

    def _is_deferred(self, named: Named, parent: Parent | None) -> bool:
        """Is `named` left to a later class, whose module it comes from?

        In the corpus a class from one module does not bring along what only another module of its
        kind has: `SinusoidsPositionEmbedding` in qwen3_asr, `repeat_kv` in evolla.
        """
        if not self._corpus_rules or parent is None or named.parent is None:
            return False
        has_its_own = named.name in self._world.parents.get(id(parent), {})
        return not has_its_own and named.parent.kind == parent.kind

    def _class_closure(self, classes: list[Named], child: str) -> list[Named]:
        """The classes of parent modules that `child` needs, in their order."""
        found: dict[str, Named] = {}
        queue = list(classes)
        while queue:
            named = queue.pop()
            if named.name == child or named.name in found or named.name in self.printed:
                continue
            found[named.name] = named
            queue += self._classes_of(self._needs(*self._text(named)))
        return sorted(found.values(), key=lambda n: n.order)

    def _closure(self, needs: list[Named], parent: Parent | None = None) -> list[Named]:
        """The functions and assignments among `needs`, and those that they need in turn."""
        found: dict[str, Named] = {}
        queue = [n for n in needs if not n.is_class]
        while queue:
            named = queue.pop()
            if named.name in found:
                continue
            found[named.name] = named
            further = [n for n in self._needs(named.text(), named.parent) if not n.is_class]
            if named.parent is None:
                further = [n for n in further if not self._is_deferred(n, parent)]
            queue += further
        return list(found.values())
