"""Imports in the order in which the formatter would put them.

It sorts them anyhow, as its settings say. But it looks at a file twice when it had to change
something, and this is what nearly every generated file would need.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache

_LONGEST = 119
_SECTIONS = _FUTURE, _STANDARD, _THIRD_PARTY, _FIRST_PARTY, _LOCAL = range(5)

Pairs = Sequence[tuple[str, str]]
"""Names, and what they are bound to."""


def sorted_imports(
    imports: Iterable[tuple[str, Pairs]], *, first_party: str, indent: str = ""
) -> str:
    """The statements for `imports`: a module and names of it, or no module and whole modules.

    `first_party` is the package of the file that they are for.
    """
    found: dict[tuple[str, bool, str], set[tuple[str, str]]] = {}
    for module, pairs in imports:
        for name, bound in pairs:
            # `import a`, `import b` and `from c import d as e` have a line of their own each.
            is_alone = not module or name != bound
            own = f"{name} {bound}" if is_alone else ""
            found.setdefault((module, is_alone, own), set()).add((name, bound))
    statements = [(module, sorted(pairs, key=_member)) for (module, *_), pairs in found.items()]
    statements.sort(key=lambda each: _position(each[0], each[1], first_party))
    lines, before = [], None
    for module, pairs in statements:
        section = _section(module or pairs[0][0], first_party)
        if before not in (None, section):
            lines.append("\n")
        lines.append(_statement(module, pairs, indent))
        before = section
    return "".join(lines)


def _position(module: str, pairs: Pairs, first_party: str) -> tuple[object, ...]:
    shown = module or pairs[0][0]
    name = shown.lstrip(".")
    dots = len(shown) - len(name)
    section = _section(shown, first_party)
    return section, bool(module), -dots, *_natural(name), _member(pairs[0])


@lru_cache(maxsize=4096)
def _section(module: str, first_party: str) -> int:
    if module.startswith("."):
        return _LOCAL
    package = module.partition(".")[0]
    if package == "__future__":
        return _FUTURE
    if package in sys.stdlib_module_names:
        return _STANDARD
    return _FIRST_PARTY if package == first_party else _THIRD_PARTY


def _member(pair: tuple[str, str]) -> tuple[object, ...]:
    """Constants, classes, then all else."""
    name, bound = pair
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[:1].isupper() else 2
    return kind, *_natural(name), name != bound, bound


@lru_cache(maxsize=8192)  # the same few hundred names in each model
def _natural(name: str) -> tuple[object, ...]:
    """`a2` before `a10`, and capitals beside small letters."""
    parts = re.split(r"(\d+)", name.lower())
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts], name


def _statement(module: str, pairs: Pairs, indent: str) -> str:
    listed = [name if name == bound else f"{name} as {bound}" for name, bound in pairs]
    if not module:
        return f"{indent}import {listed[0]}\n"
    line = f"{indent}from {module} import {', '.join(listed)}\n"
    if len(line) <= _LONGEST + 1:
        return line
    inner = "".join(f"{indent}    {each},\n" for each in listed)
    return f"{indent}from {module} import (\n{inner}{indent})\n"
