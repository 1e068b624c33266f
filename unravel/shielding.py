"""Identifiers that keep their name in code whose text is renamed.

Code is cut, renamed and joined as text, in which `clip` of `torch.clip` looks like any other. A
word that must stay is therefore written in another alphabet on its way: Python takes such an
identifier for the same one (it compares names in their normal form, NFKC), and no pattern matches
it. In the end it is written as before.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase

from unravel.outline import outline_of
from unravel.parsing import parse
from unravel.scanning import mask_strings
from unravel.scopes import Occurrence
from unravel.types import Outline

_CAPITAL_A, _SMALL_A = 0x1D63C, 0x1D656  # sans-serif, bold, italic
_LETTERS = {ord(sign): _CAPITAL_A + i for i, sign in enumerate(ascii_uppercase)} | {
    ord(sign): _SMALL_A + i for i, sign in enumerate(ascii_lowercase)
}

Spot = tuple[int, int, str]
"""Line, column in bytes, and the word that stands there."""


def shield(outline: Outline, spots: Iterable[Spot]) -> Outline:
    """The module with the words at `spots` written so that nothing renames them."""
    lines = list(outline.lines)
    for number, column, word in sorted(set(spots), reverse=True):
        line = lines[number - 1]
        start = len(line.encode()[:column].decode(errors="ignore"))
        if line.startswith(word, start):
            lines[number - 1] = line[:start] + _written(word) + line[start + len(word) :]
    text = "".join(lines).removesuffix("\n")
    return outline_of(outline.path, text, parse(outline.path, text))


def unshield(text: str, words: Iterable[str]) -> str:
    """`text` with the shielded `words` as they were."""
    if text.isascii():
        return text
    pattern = _pattern(tuple(sorted(words)))
    return pattern.sub(lambda match: _plain(match.group()), text)


def _written(word: str) -> str:
    return word.translate(_LETTERS)


def _plain(word: str) -> str:
    return word.translate({other: sign for sign, other in _LETTERS.items()})


@lru_cache(maxsize=64)
def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    either = "|".join(re.escape(_written(word)) for word in words)
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)" if words else "(?!)")


def spots_of(occurrence: Occurrence, outline: Outline) -> Iterator[Spot]:
    """Where an identifier stands, if it is not shielded yet."""
    node, name = occurrence.node, occurrence.name
    if occurrence.in_string is not None:
        yield from _words(occurrence.in_string, name, outline)
        return
    if occurrence.keyword is not None:
        line, column = occurrence.keyword.lineno, occurrence.keyword.col_offset
    elif isinstance(node, (ast.Name, ast.arg)):
        line, column = node.lineno, node.col_offset
    elif isinstance(node, ast.Attribute) and node.end_lineno and node.end_col_offset:
        line, column = node.end_lineno, node.end_col_offset - len(name.encode())
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield from list(_words(_head(node), name, outline))[:1]
        return
    else:  # `import a as b`, `except A as b`, `case A() as b`, `global b`
        yield from list(_words(_head(node), name, outline))[-1:]
        return
    if outline.lines[line - 1].encode().startswith(name.encode(), column):
        yield line, column, name


def _head(node: ast.AST) -> ast.AST:
    """`except A as b:`, `def b():` without the body."""
    body = getattr(node, "body", None)
    if not isinstance(body, list):
        return node
    start = {"lineno": getattr(node, "lineno", 0), "col_offset": getattr(node, "col_offset", 0)}
    return ast.Pass(**start, end_lineno=body[0].lineno, end_col_offset=body[0].col_offset)


def is_shielded(occurrence: Occurrence, outline: Outline) -> bool:
    """Is this one of the identifiers that are shielded?"""
    return not any(True for _ in spots_of(occurrence, outline))


def string_spots(string: ast.Constant, words: Iterable[str], outline: Outline) -> Iterator[Spot]:
    """Where `words` stand in a string."""
    for word in words:
        yield from _words(string, word, outline, in_string=True)


def _words(
    node: ast.AST, word: str, outline: Outline, *, in_string: bool = False
) -> Iterator[Spot]:
    """Where `word` stands in the code, or the text, of `node`."""
    first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
    if not first or not last:
        return
    text = "".join(outline.lines[first - 1 : last])
    code = text if in_string else mask_strings(text)
    ends = [len(line) for line in outline.lines[first - 1 : last]]
    start = _characters(outline.lines[first - 1], getattr(node, "col_offset", 0))
    stop = sum(ends[:-1]) + _characters(outline.lines[last - 1], getattr(node, "end_col_offset", 0))
    for match in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", code):
        if start <= match.start() and match.end() <= stop:
            line = text.count("\n", 0, match.start())
            begin = sum(ends[:line])
            yield first + line, len(text[begin : match.start()].encode()), word


def _characters(line: str, offset: int) -> int:
    return len(line.encode()[:offset].decode(errors="ignore"))
