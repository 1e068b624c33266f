"""The outline of a module that the formatter has just written, with little of it parsed.

Most classes of a parent module are not extended by a given child, and of one that is, most methods
are copied as they are.
"""

from __future__ import annotations

import re

from unravel.outline import outline_of
from unravel.parsing import normalized
from unravel.stubs import definitions, masked, parse_with_stubs
from unravel.types import Outline, Refused

_FIRST_LEVEL = re.compile(r"\n {4}\S")
_ODD = re.compile(r"\n(?:    )*(?: {1,3}[^ \n]|\t)")
"""An indentation that is not made of four blanks a level."""


def skim(path: str, text: str) -> Outline | None:
    """The outline of a module, which equals that of `read_outline` if it is valid Python.

    The trees of its classes and functions are made when they are asked for. None where the text is
    not laid out with four blanks a level.
    """
    if "\f" in text or normalized(text) != text:
        return None
    code = masked(text)
    if _ODD.search(code):
        return None
    found = list(definitions(code))
    if any("\n " in code[a:b] and not _FIRST_LEVEL.search(code, a, b) for a, _, b in found):
        return None
    if any(code[end - 1] == "\\" for _, _, end in found):
        return None
    try:
        return outline_of(path, text, parse_with_stubs(path, text, code, found))
    except Refused:
        return None
