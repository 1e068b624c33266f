"""Generated files whose modular file is gone."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from glob import iglob

from unravel.routing import KINDS, target
from unravel.selection import Selection
from unravel.writing import source_of


def find_orphans(
    selection: Selection, named: Callable[[str], str] | None = None
) -> tuple[tuple[str, str], ...]:
    """Each generated file that no modular file owns, with the modular file that it names.

    `named` says which one that is, for those who know without reading the file.
    """
    root, line = selection.project.root, selection.project.settings.banner_line
    found: list[tuple[str, str]] = []
    for path in sorted(set(_places(selection))):
        source = named(path) if named else source_of(os.path.join(root, path), line=line)
        if source and not os.path.exists(root / source):
            found.append((path, source))
    return tuple(found)


def _places(selection: Selection) -> Iterator[str]:
    """The files that lie where some modular file might have generated them, and none does."""
    root, settings = str(selection.project.root), selection.project.settings
    places = {target(settings, f"{each}/modular_*.py", "?") for each in _folders(selection)}
    for pattern in {posixpath.dirname(place) for place in places}:
        # A folder that does not depend on the model is there or not.
        folders = iglob(pattern, root_dir=root) if "*" in pattern else [pattern]
        for folder in folders:
            with suppress(OSError), os.scandir(os.path.join(root, folder)) as entries:
                for entry in entries:
                    path = f"{folder}/{entry.name}"
                    if path not in selection.owners and _NAME.match(entry.name):
                        yield path


_NAME = re.compile(rf"(?:{'|'.join(sorted(KINDS, reverse=True))})_\w+\.py\Z")


def _folders(selection: Selection) -> set[str]:
    """The folders in which modular files are looked for."""
    root, found = selection.project.root, set()
    for pattern in selection.project.settings.sources:
        folder = posixpath.dirname(pattern)
        there = iglob(folder + "/", root_dir=root, recursive=True) if folder else [""]
        found |= {posixpath.normpath(path.replace(os.sep, "/") or ".") for path in there}
    return found
