"""The outline of a module that the formatter has just written, with little of it parsed.

Most classes of a parent module are not extended by a given child. In formatted code they can be
told apart without a parser: what begins a line is a statement, a closing bracket or a comment.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from unravel.outline import outline_of
from unravel.parsing import parse
from unravel.scanning import mask_strings
from unravel.types import Outline

# A pattern that begins with a sign of its own is found many times faster than one with `^`.
_START = re.compile(r"\n[^\s)\]}]")
_HEAD = re.compile(r"(class|def|async def) (\w+)")
_KINDS = {"class": ast.ClassDef, "def": ast.FunctionDef, "async def": ast.AsyncFunctionDef}
_FIRST_LEVEL = re.compile(r"\n {4}\S")
_ODD = re.compile(r"\n(?:    )*(?: {1,3}[^ \n]|\t)")
"""An indentation that is not made of four blanks a level."""


def skim(path: str, text: str) -> Outline | None:
    """The outline of a formatted module, which equals that of `read_outline`.

    The trees of its classes and functions are made when they are asked for. None where the text is
    not laid out as the formatter does with four blanks a level.
    """
    if "fmt:" in text or "yapf:" in text:
        return None
    code = mask_strings(text, sign='"')  # a string may be a statement, too
    if _ODD.search(code):
        return None
    found = list(_definitions(text, code))
    if any("\n " in code[a:b] and not _FIRST_LEVEL.search(code, a, b) for _, a, b in found):
        return None
    module = parse(path, _without(text, found))
    module.body += [_stub(text, *each) for each in found]
    module.body.sort(key=lambda node: node.lineno)
    return outline_of(path, text, module)


def _definitions(text: str, code: str) -> Iterator[tuple[re.Match[str], int, int]]:
    """The head of each class and function, with where it begins, decorators too, and ends."""
    starts = [found.start() for found in _START.finditer("\n" + code)]
    decorated = -1
    for start, end in pairwise([*starts, len(code)]):
        if code[start] == "@":
            decorated = start if decorated < 0 else decorated
            continue
        head = _HEAD.match(text, start)
        if head is not None:
            first = start if decorated < 0 else decorated
            yield head, first, first + len(code[first:end].rstrip())
        decorated = -1


def _without(text: str, found: list[tuple[re.Match[str], int, int]]) -> str:
    """`text` with empty lines in place of what was found."""
    parts, position = [], 0
    for _, start, end in found:
        parts += [text[position:start], "\n" * text.count("\n", start, end)]
        position = end
    return "".join(parts) + text[position:]


def _stub(text: str, head: re.Match[str], start: int, end: int) -> ast.stmt:
    """Stands for a class or function: its name and its lines."""
    first = text.count("\n", 0, start) + 1
    stub: ast.stmt = _KINDS[head[1]](name=head[2], body=[], decorator_list=[])
    stub.lineno, stub.col_offset = first, 0
    stub.end_lineno = first + text.count("\n", start, end)
    return stub
