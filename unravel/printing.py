"""Pieces -> text."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from unravel.types import Outline, Settings

_TOP = ("logger", "_CHECKPOINT_FOR_DOC", "_CONFIG_FOR_DOC")


def banner(settings: Settings, source: str, model: str, kind: str) -> str:
    """The comment that opens a generated file; ends in a newline."""
    text = _template(settings.banner).render(source=source, model=model, kind=kind)
    return str(text).rstrip("\n") + "\n"


@lru_cache(maxsize=8)
def _template(text: str) -> Any:
    import jinja2  # costs 30 ms, and only a run that writes needs it

    return jinja2.Template(text, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)


def exported(modular: Outline) -> list[str]:
    """The names in the modular file's `__all__`, as string literals in their order."""
    definition = modular.definitions.get("__all__")
    if definition is None:
        return []
    value = getattr(definition.statement.node, "value", None)
    if not isinstance(value, (ast.List, ast.Tuple)):
        return []
    return [element.value for element in value.elts if isinstance(element, ast.Constant)]


def module_getattr(modular: Outline, belongs: Callable[[str], bool]) -> str:
    """The module's `__getattr__ = ...`, for the file that holds the names it speaks of.

    `__getattr__ = deprecate_attr(__name__, rename={"LasrProcessorKwargs": ...})` concerns the file
    of the kind of `LasrProcessorKwargs`.
    """
    definition = modular.definitions.get("__getattr__")
    if definition is None:
        return ""
    names = [
        node.value
        for node in ast.walk(definition.statement.node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier()
    ]
    return definition.text if any(belongs(name) for name in names) else ""


def all_statement(names: Sequence[str]) -> str:
    """`__all__` of a generated file."""
    return "__all__ = [" + ", ".join(f'"{name}"' for name in names) + "]\n" if names else ""


def goes_on_top(name: str) -> bool:
    """Some assignments are printed before everything else."""
    return name in _TOP
