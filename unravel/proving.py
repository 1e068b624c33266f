"""Proof on our own output: whatever was copied from a parent is needed by something else.

It reads what was printed, and knows nothing of the rules by which that was chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from unravel.diagnostics import DEFECT, Place, refuse
from unravel.scanning import identifiers, quoted_identifiers
from unravel.types import Origin, Piece


def check_needed(
    pieces: Mapping[str, Piece], further: Iterable[str], modular: str, path: str
) -> None:
    """Raise `Refused` for a copied definition that the generated file `path` has no use for.

    `pieces` are its definitions by name, `modular` the path of the modular file, and `further` the
    names that are used besides.
    """
    texts: dict[Origin, str] = {}
    for piece in pieces.values():  # a statement that defines several names has one text
        texts[piece.origin] = texts.get(piece.origin, "") + piece.text
    needed = {origin for origin in texts if origin.path == modular}
    needed.update(pieces[name].origin for name in further if name in pieces)
    queue = list(needed)
    while queue:
        text = texts[queue.pop()]
        words = identifiers(text) | set(quoted_identifiers(text))
        found = {pieces[name].origin for name in pieces.keys() & words} - needed
        needed |= found
        queue += found
    unneeded = [name for name, piece in pieces.items() if piece.origin not in needed]
    if unneeded:
        name, origin = unneeded[0], pieces[unneeded[0]].origin
        message = f"`{path}` would hold `{name}`, which nothing in it needs"
        raise refuse("UNR409", Place(origin.path, origin.line, 1), message, hint=DEFECT)
