"""Generated files whose modular file is gone."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from glob import iglob
from typing import Protocol

from unravel.routing import KINDS, target
from unravel.selection import Selection
from unravel.writing import source_of


class Known(Protocol):
    """What somebody knows of files without looking at them once more."""

    def named_source(self, path: str) -> str:
        """The modular file that the banner of `path` names; empty where it has none."""

    def names(self, folder: str) -> Sequence[str]:
        """What there is in a folder; nothing where there is no folder."""


def find_orphans(selection: Selection, known: Known | None = None) -> tuple[tuple[str, str], ...]:
    """Each generated file that no modular file owns, with the modular file that it names."""
    root, line = selection.project.root, selection.project.settings.banner_line
    found: list[tuple[str, str]] = []
    for path in sorted(set(_places(selection, known))):
        file = os.path.join(root, path)
        source = known.named_source(path) if known else source_of(file, line=line)
        if source and not os.path.exists(root / source):
            found.append((path, source))
    return tuple(found)


def _places(selection: Selection, known: Known | None) -> Iterator[str]:
    """The files that lie where some modular file might have generated them, and none does."""
    root, settings = str(selection.project.root), selection.project.settings
    places = {target(settings, f"{each}/modular_*.py", "?") for each in _folders(selection)}
    for pattern in {posixpath.dirname(place) for place in places}:
        # A folder that does not depend on the model is there or not.
        folders = iglob(pattern, root_dir=root) if "*" in pattern else [pattern]
        for folder in folders:
            for name in known.names(folder) if known else _names(os.path.join(root, folder)):
                path = f"{folder}/{name}"
                if path not in selection.owners and _NAME.match(name):
                    yield path


def _names(folder: str) -> Sequence[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return ()


_NAME = re.compile(rf"(?:{'|'.join(sorted(KINDS, reverse=True))})_\w+\.py\Z")


def _folders(selection: Selection) -> set[str]:
    """The folders in which modular files are looked for."""
    root, found = selection.project.root, set()
    for pattern in selection.project.settings.sources:
        folder = posixpath.dirname(pattern)
        there = iglob(folder + "/", root_dir=root, recursive=True) if folder else [""]
        found |= {posixpath.normpath(path.replace(os.sep, "/") or ".") for path in there}
    return found
