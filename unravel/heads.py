"""Heads of classes and methods, read without a parser where they are plain.

All texts are statements of modules with four blanks a level; what is not plain is None here, and
the parser's business.
"""

from __future__ import annotations

import re

from unravel.stubs import STATEMENT, masked
from unravel.types import Signature, Written

_CLASS = re.compile(r"class \w+(?:\(([\w.,\s]*)\))?:")
_METHOD = re.compile(r" {4}(?:async )?def \w+\(")
_SIGN = re.compile(r"[()\[\]{}:]")
_DOCSTRING = re.compile(r"[rRuU]?[\"']")


def class_bases(text: str) -> tuple[str, ...] | None:
    """The names of the bases of a class."""
    start = 0 if text.startswith("class ") else text.find("\nclass ") + 1
    found = _CLASS.match(text, start)
    if found is None or '"""' in text[:start] or "'''" in text[:start]:
        return None
    names = (each.strip() for each in (found[1] or "").split(","))
    return tuple(name for name in names if name)


def read_method(text: str) -> tuple[Signature, Written] | None:
    """The head of a method, and what stands below it. `text` begins with the line of its `def`."""
    code = masked(text)
    head = _METHOD.match(code)
    if head is None or ";" in code:
        return None
    close = _closing(code, head.end(), ")")
    colon = _closing(code, close + 1, ":")
    if not 0 < close < colon:
        return None
    first = code.find("\n", colon) + 1
    before, _, returns = text[close + 1 : colon].partition("->")
    returns = returns.strip()
    is_plain = not (returns.startswith("(") or "#" in returns or "lambda" in returns)
    if before.strip() or code[colon + 1 : first].strip() or not is_plain:
        return None
    comment = text[colon + 1 : first - 1].lstrip()
    parameters, comment = text[head.end() : close], "  " + comment if comment else ""
    written = _written(text, code, first)
    return written and (Signature("", parameters, returns, comment), written)


def _closing(code: str, start: int, sign: str) -> int:
    """Where the first `sign` from `start` on stands that is in no brackets; -1 without one."""
    depth = 0
    for found in _SIGN.finditer(code, start):
        if found.group() == sign and not depth:
            return found.start()
        depth += {"(": 1, "[": 1, "{": 1, ":": 0}.get(found.group(), -1)
    return -1


def _written(text: str, code: str, first: int) -> Written | None:
    """The parts of a method's body, which begins at `first`."""
    starts = (found.end() - 1 for found in STATEMENT[8].finditer(code, first - 1))
    start = next(starts, None)
    if start is None:
        return None
    if code[start] != '"':
        return Written("", text[first:])
    string = code[start : next(starts, None)].rstrip()
    if string.strip('"') or not _DOCSTRING.match(text, start):
        return None
    end = text.find("\n", start + len(string)) + 1
    return Written(text[first:end], text[end:])
