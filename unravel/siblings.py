"""What the files of one model import from each other.

`from .configuration_old import OldConfig` in a parent module becomes `from .configuration_new
import NewConfig` in the copy. Not every such name is there: a part of a model, whose classes begin
with `NewText`, often has no configuration of its own but uses the model's.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from unravel.diagnostics import Place, refuse
from unravel.foreign import sibling_kind
from unravel.outline import changed_elsewhere, place
from unravel.parents import Parent
from unravel.renaming import Renaming
from unravel.routing import KINDS, target
from unravel.types import GeneratedFile, Load, Outline, Refused, Settings

_IMPORT = re.compile(r"^from \.(\w+) import (?:\(([^)]+)\)|([^(\n]+))$", re.MULTILINE)

Parents = tuple[tuple[Parent, Renaming], ...]


@dataclass(frozen=True, slots=True)
class Link:
    """The generated file `path` imports `name` from the model's file of `kind`, `sibling`."""

    path: str
    sibling: str
    kind: str
    name: str


class Siblings:
    """The model's files: those that were generated just now, and those on disk."""

    def __init__(
        self, files: Sequence[GeneratedFile], modular: Outline, settings: Settings, load: Load
    ) -> None:
        self.settings = settings
        self._files = files
        self._load = load
        self._texts = {file.path: file.text for file in files}
        self._kinds = {target(settings, modular.path, kind): kind for kind in KINDS}
        self._paths = {kind: path for path, kind in self._kinds.items()}

    def links(self) -> Iterator[Link]:
        """What they import from each other when they are imported themselves."""
        for file in self._files:
            for module, several, names in _IMPORT.findall(file.text):
                path = posixpath.join(posixpath.dirname(file.path), module + ".py")
                if kind := self._kinds.get(path):
                    for words in map(str.split, (several or names).split(",")):
                        yield from (Link(file.path, path, kind, name) for name in words[:1])

    def gaps(self) -> Iterator[Link]:
        """What they import in vain: their sibling does not define it, or is not there at all."""
        return (link for link in self.links() if not self.defines(link.kind, link.name))

    def has_file(self, kind: str) -> bool:
        """Is there a file of this kind?"""
        path = self._paths[kind]
        return path in self._texts or self._load(path) is not None

    def defines(self, kind: str, name: str) -> bool:
        """Can `name` be imported from the file of this kind?"""
        path = self._paths[kind]
        if path in self._texts:
            return _binds(self._texts[path], name)
        outline = self._load(path)
        return outline is not None and _has(outline, name)


def _binds(text: str, name: str) -> bool:
    """Does generated code define or import `name` at its top level?"""
    word = re.escape(name)
    imports = rf"(?:from|import) (?:.*|.*\([^)]*)\b{word}\b"
    statement = rf"(?:class|def|async def) {word}\b|{word}\b[^\n(]*=|{imports}"
    return re.search(rf"^(?:{statement})", text, re.MULTILINE) is not None


def _has(outline: Outline, name: str) -> bool:
    imported = {bound for each in outline.imports for _, bound in each.names}
    anything = "*" in imported or "__getattr__" in outline.definitions
    return anything or name in {*outline.definitions, *imported, *changed_elsewhere(outline)}


def settled(parents: Parents, siblings: Siblings, model: str, cased: str) -> Parents:
    """The parent modules and their renamings, such that what the `siblings` import is there.

    A name that the model's file does not have is the whole model's, where that has one: `NewConfig`
    for `NewTextConfig`. If not, it stays the parent's, unless the model has no such file at all:
    then that was forgotten.
    """
    gaps = {(gap.kind, gap.name): gap for gap in siblings.gaps()}
    return tuple(_settled(*each, gaps, siblings, model, cased) for each in parents)


def _settled(
    parent: Parent,
    renaming: Renaming,
    gaps: Mapping[tuple[str, str], Link],
    siblings: Siblings,
    model: str,
    cased: str,
) -> tuple[Parent, Renaming]:
    whole = replace(renaming, new=model, new_cased=cased, prose=None)
    instead: dict[str, str] = {}
    kept: set[str] = set()
    for statement in parent.outline.imports:
        kind = sibling_kind(statement.module, statement.level, parent, siblings.settings)
        for name, _ in statement.names if kind else ():
            final, wider = renaming.name(name), whole.name(name)
            gap = gaps.get((kind, final))
            if gap is None:
                continue
            if siblings.defines(kind, wider):
                instead[final] = wider
            elif siblings.has_file(kind) or final == name:
                instead[final] = name
                kept.add(name)
    if not instead:
        return parent, renaming
    pairs = tuple(instead.items())
    return replace(parent, kept=frozenset(kept)), replace(renaming, instead=pairs)


def check_siblings(siblings: Siblings, modular: Outline) -> None:
    """Raise `Refused` where a file imports what no other file of the model has, or has not yet."""
    for gap in siblings.gaps():
        lacks = "does not define it" if siblings.has_file(gap.kind) else "nothing generates"
        raise refuse(
            "UNR205",
            Place(modular.path, 0, 0),
            f"`{gap.path}` needs `{gap.name}` from `{gap.sibling}`, which {lacks}",
            hint=f"define `{gap.name}` in the modular file",
        )
    links = {(link.path, link.sibling): link for link in siblings.links()}
    needs: dict[str, list[str]] = {}
    for path, sibling in links:
        needs.setdefault(path, []).append(sibling)
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        circle = error.args[1][::-1]
        raise _circular([links[pair] for pair in pairwise(circle)], modular) from None


def _circular(links: Sequence[Link], modular: Outline) -> Refused:
    """The refusal of files that could not be imported: each needs the next, the last the first."""
    needs = [f"`{link.name}` from `{link.sibling}`" for link in links]
    named = (modular.definitions.get(link.name) for link in links)
    first = next((each for each in named if each is not None), None)
    return refuse(
        "UNR205",
        place(modular, first.statement.node) if first else Place(modular.path, 0, 0),
        f"`{links[0].path}` needs " + ", which needs ".join(needs),
        hint="put what one of them needs into a module of its own, and import it from there",
    )
