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
_INDENTED = re.compile(r"\n +[^ \n]")


def skim(path: str, text: str) -> Outline | None:
    """The outline of a module, which equals that of `read_outline` if it is valid Python.

    The trees of its classes and functions are made when they are asked for, and whether they are
    valid shows only then. None where the text is not laid out with four blanks a level.
    """
    code = masked(text)
    if "\t" in code or "\f" in code or (not code.isascii() and normalized(text) != text):
        return None
    if any((len(each) - 2) % 4 for each in set(_INDENTED.findall(code))):
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
