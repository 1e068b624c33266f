"""Relative imports of a file that moves: code is copied from one folder into another."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from functools import cache


def moved(module: str, level: int, source: str, target: str, roots: Sequence[str]) -> str:
    """What `from <level dots><module> import` in `source` is called in `target`.

    Paths are relative to the project's root. The import stays relative while both files lie in one
    package; it becomes absolute where it would climb out of the outermost one, as from
    `models/new/` to `modular/`.
    """
    meant = _meant(module, level, source)
    if level == 0 or meant == _meant(module, level, target):
        return "." * level + module
    here = posixpath.dirname(target) or "."
    tops = {posixpath.normpath(root) for root in roots}
    shared = posixpath.commonpath([_parts(meant), _parts(here)]) or "."
    if shared not in tops or meant == here:
        way = posixpath.relpath(meant, here)
        steps = [step for step in way.split("/") if step not in (".", "..")]
        return "." * (way.count("..") + 1) + ".".join(steps)
    inside = [root for root in tops if root == "." or meant.startswith(root + "/")]
    nearest = max(inside, key=len, default=".")
    return posixpath.relpath(meant, nearest).replace("/", ".")


@cache
def _meant(module: str, level: int, path: str) -> str:
    """The path, less its ending, of the module that an import in the file `path` means."""
    folder = posixpath.join(posixpath.dirname(path) or ".", "../" * (level - 1))
    return posixpath.normpath(posixpath.join(folder, module.replace(".", "/")))


def _parts(path: str) -> str:
    """`.` has nothing in common with anything; commonpath needs it empty."""
    return "" if path == "." else path
