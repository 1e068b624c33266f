"""What is saved below a folder, each time that something is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from watchfiles import Change, DefaultFilter, watch

_SETTINGS = ("pyproject.toml", "ruff.toml", ".ruff.toml")
_PATIENCE = 1000
"""Milliseconds after which nothing seems to be saved."""


def saved(folder: str, known: Mapping[str, bytes]) -> Iterator[frozenset[str]]:
    """The paths of what is saved below `folder`, each time that some modules or settings are.

    Where `known` has the very bytes, it was us who wrote them. The first yield may name nothing:
    from then on nothing is missed, and what was saved before has to be looked for. Raises
    `KeyboardInterrupt` at Ctrl-C.
    """
    passed_over = frozenset(DefaultFilter.ignore_dirs)

    def matters(change: Change, path: str) -> bool:
        *folders, name = os.path.relpath(path, folder).split(os.sep)
        # A folder may be renamed, or removed as a whole.
        is_ours = name.endswith(".py") or name in _SETTINGS or "." not in name
        return is_ours and not passed_over.intersection(folders)

    is_first = True
    for changes in watch(
        folder, watch_filter=matters, rust_timeout=_PATIENCE, yield_on_timeout=True
    ):
        paths = {path for _, path in changes}
        own = {path for path in paths & known.keys() if _content(path) == known[path]}
        if paths != own or is_first:
            is_first = False
            yield frozenset(paths - own)


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return None
