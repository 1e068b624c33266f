"""An import that leads nowhere gets a hint: the module on disk that is nearest in name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches

from unravel.parents import candidates
from unravel.types import Diagnostic, Failed, Import, Outline, Settings


def with_nearest_module(failed: Failed, modular: Outline, settings: Settings, root: str) -> Failed:
    """`failed`, where it says that a parent module does not exist, with what was meant."""
    found = tuple(
        replace(each, hint=hint)
        if each.code == "UNR101" and (hint := _hint(each, modular, settings, root))
        else each
        for each in failed.diagnostics
    )
    return Failed(failed.source, found)


def _hint(found: Diagnostic, modular: Outline, settings: Settings, root: str) -> str:
    for statement in modular.imports:
        if statement.node.lineno == found.line:
            for path in candidates(statement, modular, settings):
                if near := _nearest_path(root, path):
                    return f"did you mean `{_module_name(statement, path, near)}`?"
    return ""


def _nearest_path(root: str, path: str) -> str:
    """The file that is there and called most like `path`, part by part; empty for none."""
    parts: list[str] = []
    for wanted in path.split("/"):
        there = sorted(_entries(os.path.join(root, *parts)))
        close = [wanted] if wanted in there else get_close_matches(wanted, there, n=1)
        if wanted == "..":
            close = [".."]
        if not close:
            return ""
        parts += close
    return "/".join(parts)


def _entries(folder: str) -> Iterator[str]:
    try:
        yield from os.listdir(folder)
    except OSError:
        return


def _module_name(statement: Import, path: str, near: str) -> str:
    """What to write for the module in `near`, where `statement` led to `path`."""
    count = statement.module.count(".") + 1
    module = ".".join(near.removesuffix(".py").split("/")[-count:])
    return "." * statement.level + module
