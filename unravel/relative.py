"""Relative imports of a file that moves: code is copied from one folder into another."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from unravel.outline import read_outline
from unravel.types import Outline, remembered


def moved(module: str, level: int, source: str, target: str, roots: Sequence[str]) -> str:
    """What `from <level dots><module> import` in `source` is called in `target`.

    Paths are relative to the project's root, or absolute for what lies outside of it; `roots` are
    the folders from which absolute imports start. The import stays relative while both files lie
    in one package; it becomes absolute where it would climb out of the outermost one, as from
    `models/new/` to `modular/`, and in code of an installed package.
    """
    if level == 0:
        return module
    if _above(source, level) == _above(target, level):
        return "." * level + module
    return _named(meant(module, level, source), posixpath.dirname(target) or ".", roots)


@lru_cache(maxsize=4096)
def _named(meant: str, here: str, roots: Sequence[str]) -> str:
    """How code in the folder `here` imports the module at the path `meant`."""
    if posixpath.isabs(meant):
        return absolute_name(meant, roots)
    if _nearest(meant, roots) != _nearest(here, roots):
        return absolute_name(meant, roots)  # two parts of a namespace package
    tops = _tops(roots)
    shared = posixpath.commonpath([_parts(meant), _parts(here)]) or "."
    if shared not in tops or meant == here:
        way = posixpath.relpath(meant, here)
        steps = [step for step in way.split("/") if step not in (".", "..")]
        return "." * (way.count("..") + 1) + ".".join(steps)
    return absolute_name(meant, roots)


@lru_cache(maxsize=4096)
def absolute_name(path: str, roots: Sequence[str]) -> str:
    """The name by which the module at `path`, less its ending, is imported from a root."""
    nearest = _nearest(path, roots)
    rest = path.removeprefix(nearest.rstrip("/") + "/") if nearest else path
    return rest.lstrip("/").replace("/", ".")


def _nearest(path: str, roots: Sequence[str]) -> str:
    """The innermost root around `path`; empty for that of the project itself."""
    around = (top for top in _tops(roots) if path.startswith(top.rstrip("/") + "/"))
    return max(around, key=len, default="")


@lru_cache(maxsize=64)
def _tops(roots: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(posixpath.normpath, roots))


def relocated(
    module: Outline, target: str, roots: Sequence[str], keeps: Callable[[str, int], bool]
) -> Outline:
    """`module` with the relative imports in its functions and classes as they read in `target`.

    Those at the top level are left to whoever prints them, and so are those that `keeps` accepts.
    """
    if not _may_import_inside(module):
        return module
    lines = list(module.lines)
    for node in _inner_imports(module):
        old, level = node.module or "", node.level
        new = moved(old, level, module.path, target, roots)
        if keeps(old, level) or new == "." * level + old:
            continue
        line = lines[node.lineno - 1]
        column = len(line.encode()[: node.col_offset].decode())
        lines[node.lineno - 1] = line[:column] + _FROM.sub(f"from {new} import", line[column:], 1)
    return read_outline(module.path, "".join(lines).removesuffix("\n"))


_INNER = re.compile(r"^[ \t].*\bfrom[ \t]+\.", re.MULTILINE)
_FROM = re.compile(r"from\s*[.\s]+[\w.]*\s+import")


@remembered
def _may_import_inside(module: Outline) -> bool:
    return _INNER.search("".join(module.lines)) is not None


def _inner_imports(module: Outline) -> Iterator[ast.ImportFrom]:
    """The relative imports in definitions, and those in a `try` that is printed as a whole."""
    statements = [definition.statement for definition in module.definitions.values()]
    guards = [statement.guard for statement in module.imports if statement.guard is not None]
    statements += [guard for guard in guards if not is_plain_guard(guard.node)]
    for statement in {id(each): each for each in statements}.values():
        for node in ast.walk(statement.node):
            if isinstance(node, ast.ImportFrom) and node.level:
                yield node


def is_plain_guard(node: ast.stmt) -> bool:
    """Is this an `if` with nothing but imports in it, so that each of them can be printed alone?"""
    imports = (ast.Import, ast.ImportFrom)
    return (
        isinstance(node, ast.If)
        and not node.orelse
        and all(isinstance(inner, imports) for inner in node.body)
    )


@lru_cache(maxsize=4096)
def meant(module: str, level: int, path: str) -> str:
    """The path, less its ending, of the module that a relative import in the file `path` means."""
    folder, name = _above(path, level), module.replace(".", "/")
    return f"{folder}/{name}" if name and folder != "." else name or folder


@lru_cache(maxsize=4096)
def _above(path: str, level: int) -> str:
    """The folder in which an import of that many dots in the file `path` begins to look."""
    folder = posixpath.join(posixpath.dirname(path) or ".", "../" * (level - 1))
    return posixpath.normpath(folder)


def _parts(path: str) -> str:
    """`.` has nothing in common with anything; commonpath needs it empty."""
    return "" if path == "." else path
