"""What the modular file's own code calls the definitions that it imports from parent modules.

`LlamaRMSNorm`, imported, is `NewRMSNorm` in the generated file, whatever the modular file calls it.
Only the module's own name means it: not a parameter, a keyword or a local of that name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from unravel.diagnostics import refuse
from unravel.outline import place, statements
from unravel.parents import Parent
from unravel.renaming import Renaming
from unravel.scanning import replace_code
from unravel.scopes import Occurrence, Role, annotation_strings, occurrences
from unravel.shielding import Spot, shield, spots_of, string_spots
from unravel.types import Outline

_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")
"""A name that is no attribute."""


@dataclass(frozen=True, slots=True, eq=False)
class OwnCode:
    """The modular file, in which `words` are shielded where they mean something else, and what
    its text needs to say the generated names."""

    modular: Outline
    rename: Callable[[str], str]
    words: frozenset[str] = frozenset()


def own_code(
    modular: Outline, parents: Sequence[tuple[Parent, Renaming]], *, by_scope: bool
) -> OwnCode:
    """The modular file, ready to be renamed; `by_scope` tells names of different scopes apart."""
    renamed = {
        bound: renaming.name(original)
        for parent, renaming in parents
        for bound, original in parent.imported.items()
        if original in parent.outline.definitions and bound not in modular.definitions
    }
    changed = {bound: name for bound, name in renamed.items() if name != bound}
    if not changed:
        return OwnCode(modular, lambda text: text)
    rename = _renaming(changed, in_annotations=by_scope)
    spots = list(_other_meanings(modular, changed)) if by_scope else []
    if not spots:
        return OwnCode(modular, rename)
    return OwnCode(shield(modular, spots), rename, frozenset(word for _, _, word in spots))


def _renaming(changed: Mapping[str, str], *, in_annotations: bool) -> Callable[[str], str]:
    # Mostly all of them begin with the names of one or two models, and texts without are many.
    starts = {name[:4] for name in changed}

    def rename(text: str) -> str:
        if not (any(map(text.__contains__, starts)) and any(map(text.__contains__, changed))):
            return text
        return replace_code(
            text,
            _NAME,
            lambda found: changed.get(found.group(), found.group()),
            in_annotations=in_annotations,
        )

    return rename


def _other_meanings(modular: Outline, changed: Mapping[str, str]) -> Iterator[Spot]:
    """Where names that change mean something else than what is imported.

    Raises `Refused` where a new name would mean something else.
    """
    nodes = statements(modular)
    for found in occurrences(nodes):
        if found.name not in changed:
            continue
        if found.role is not Role.VARIABLE or found.scope.ways(found.name)[-1].outer is not None:
            yield from spots_of(found, modular)
        else:
            _check_free(found, changed[found.name], modular)
    annotations = {id(string) for node in nodes for string in annotation_strings(node)}
    for node in (inner for each in nodes for inner in ast.walk(each)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from string_spots(node, () if id(node) in annotations else changed, modular)


def _check_free(found: Occurrence, name: str, modular: Outline) -> None:
    """The new `name` must not be that of a local where the imported one is used."""
    *inner, _ = found.scope.ways(found.name)
    if any(name in scope.bound for scope in inner):
        raise refuse(
            "UNR302",
            place(modular, found.node),
            f"`{found.name}` becomes `{name}`, which is another name around here",
            hint=f"give the local `{name}` another name",
        )
