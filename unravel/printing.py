"""Pieces -> text."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from unravel.outline import cut
from unravel.types import Outline, Piece, Settings

_TOP = ("logger", "_CHECKPOINT_FOR_DOC", "_CONFIG_FOR_DOC")


def banner(
    settings: Settings,
    source: str,
    model: str,
    kind: str,
    packages: Sequence[object] = (),
    digest: str = "",
) -> str:
    """The comment that opens a generated file; ends in a newline.

    `packages` are those whose code the file contains, and `digest` is that of what follows.
    """
    values: dict[str, object] = {"source": source, "model": model, "kind": kind}
    values |= {"packages": packages, "digest": digest}
    text = _template(settings.banner).render(values)
    return str(text).rstrip("\n") + "\n"


@lru_cache(maxsize=8)
def _template(text: str) -> Any:
    import jinja2  # costs 30 ms, and only a run that writes needs it

    return jinja2.Template(text, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)


def exported(module: Outline) -> list[str]:
    """The names that are written out in the module's `__all__`, in their order."""
    found = [each.value for each in _exports(module) if isinstance(each, ast.Constant)]
    return [name for name in found if isinstance(name, str)]


def not_exported(module: Outline) -> ast.expr | None:
    """What `__all__` holds besides names that are written out."""
    for each in _exports(module):
        if not (isinstance(each, ast.Constant) and isinstance(each.value, str)):
            return each
    return None


def _exports(module: Outline) -> Iterator[ast.expr]:
    """What `__all__` is made of: elements of lists, or whatever else stands for them."""
    definition = module.definitions.get("__all__")
    for part in (definition.statement, *definition.extras) if definition else ():
        value: ast.expr | None = getattr(part.node, "value", None)
        if isinstance(value, (ast.List, ast.Tuple)):
            yield from value.elts
        elif value is not None:
            yield value


def module_getattr(modular: Outline, belongs: Callable[[str], bool]) -> str:
    """The module's `__getattr__ = ...`, for the file that holds the names it speaks of.

    `__getattr__ = deprecate_attr(__name__, rename={"LasrProcessorKwargs": ...})` concerns the file
    of the kind of `LasrProcessorKwargs`.
    """
    definition = modular.definitions.get("__getattr__")
    if definition is None:
        return ""
    node, lines = definition.statement.node, modular.lines
    value = getattr(node, "value", None)
    if not isinstance(node, ast.Assign) or not isinstance(value, ast.Call):
        return definition.text
    arguments = [cut(lines, argument) for argument in value.args]
    found = False
    for keyword in value.keywords:
        if not isinstance(keyword.value, ast.Dict):
            arguments.append(f"{keyword.arg}={cut(lines, keyword.value)}")
            continue
        entries = [
            f"{cut(lines, key)}: {cut(lines, entry)}"
            for key, entry in zip(keyword.value.keys, keyword.value.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and belongs(key.value)
        ]
        if entries:
            found = True
            arguments.append(f"{keyword.arg}={{{', '.join(entries)}}}")
    if not found:
        return ""
    called = f"{cut(lines, value.func)}({', '.join(arguments)})"
    return f"{definition.statement.lead}__getattr__ = {called}\n"


def all_statement(modular: Outline, names: Sequence[str]) -> str:
    """`__all__` of a generated file, as far below the rest as in the modular file."""
    if not names:
        return ""
    lead = modular.definitions["__all__"].statement.lead
    return f"{lead}__all__ = [{', '.join(map(_quoted, names))}]\n"


def _quoted(name: str) -> str:
    return f'"{name}"'


def goes_on_top(name: str) -> bool:
    """Some assignments are printed before everything else."""
    return name in _TOP


def top_first(pieces: Mapping[str, Piece]) -> dict[str, Piece]:
    """The pieces in printing order, those first that go to the top."""
    return {name: pieces[name] for name in sorted(pieces, key=lambda name: not goes_on_top(name))}
