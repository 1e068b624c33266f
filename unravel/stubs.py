"""A module's tree with stubs for its functions and methods, which need no parser to be told apart.

In code that is laid out with four blanks a level, what begins a line at the level of a block is a
statement of it, a closing bracket or a comment.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from unravel.parsing import parse
from unravel.scanning import mask_strings

# A pattern that begins with a sign of its own is found many times faster than one with `^`.
STATEMENT = {level: re.compile(rf"\n {{{level}}}[^\s)\]}}]") for level in (0, 4, 8)}
"""What begins a statement of a block in that column, in `masked` text."""
_HEAD = re.compile(r"(class|def|async def) \w+")


class Span(NamedTuple):
    """Where a class or function of a block at column `level` begins in a text, decorators aside,
    where its name ends, and where it ends itself."""

    level: int
    start: int
    name_end: int
    end: int


def masked(text: str) -> str:
    """`text` with signs in place of its strings, which may be statements, and no comments."""
    return mask_strings(text, sign='"')


def definitions(code: str) -> Iterator[Span]:
    """The functions and classes of a module, whose `masked` text this is, and what the body of each
    class defines; in order."""
    code = "\n" + code
    for span in _definitions(code, 0, 0, len(code)):
        yield span
        if _is_class(code, span.start + 1):
            yield from _definitions(code, 4, span.name_end, span.end + 1)


def _definitions(code: str, level: int, first: int, last: int) -> Iterator[Span]:
    """Those of one block; `code` has one sign more at its beginning than the text."""
    starts = [each.start() + level for each in STATEMENT[level].finditer(code, first, last)]
    for start, end in pairwise([*starts, last - 1]):
        head = _HEAD.match(code, start + 1)
        if head is not None:
            length = len(code[start + 1 : end + 1].rstrip())
            yield Span(level, start, head.end() - 1, start + length)


def _is_class(text: str, start: int) -> bool:
    return text.startswith("class", start)


def parse_with_stubs(
    path: str, text: str, found: Iterable[Span], *, whole_classes: bool
) -> ast.Module:
    """The tree of a module, with stubs for the functions and methods that were `found` in it.

    With `whole_classes`, there are stubs for classes in place of their methods. Raises `Refused`
    where the rest is not valid Python.
    """
    spans = [
        each
        for each in found
        if (not each.level if whole_classes else each.level or not _is_class(text, each.start))
    ]
    stubbed, ends = _with_stubs(text, spans)
    module = parse(path, stubbed)
    for node in module.body:
        if isinstance(node, ast.ClassDef) and not whole_classes:
            for member in node.body:
                _empty(member, ends)
            node.end_lineno = node.body[-1].end_lineno
        _empty(node, ends)
    return module


def _empty(node: ast.stmt, ends: Mapping[int, int]) -> None:
    if node.lineno in ends and isinstance(node, _DEFINITIONS):
        node.body, node.end_lineno = [], ends[node.lineno]


_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def is_stub(node: ast.stmt) -> bool:
    """Has the function no body, or a method of the class?"""
    if isinstance(node, ast.ClassDef):
        return not node.body or any(map(is_stub, node.body))
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.body


def _with_stubs(text: str, spans: Sequence[Span]) -> tuple[str, dict[int, int]]:
    """`text` with a head and empty lines in place of each span.

    Also the last line of each, by the line of its head.
    """
    parts, ends = [], {}
    position, line = 0, 1
    for _, start, name_end, end in spans:
        rest = ": ..." if _is_class(text, start) else "(): ..."
        height = text.count("\n", start, end)
        parts += [text[position:name_end], rest, "\n" * height]
        line += text.count("\n", position, start)
        ends[line] = line + height
        line += height
        position = end
    return "".join([*parts, text[position:]]), ends
