"""The outline of a module, with little of it parsed.

Most classes of a parent module are not extended by a given child, and of one that is, most methods
are copied as they are.
"""

from __future__ import annotations

import re

from unravel.outline import outline_of
from unravel.parsing import normalized
from unravel.stubs import STATEMENT, definitions, masked, parse_with_stubs
from unravel.types import Outline, Refused

_INDENTED = re.compile(r"\n +[^ \n]")


def skim(path: str, text: str, *, whole_classes: bool = False) -> Outline | None:
    """The outline of a module, which equals that of `read_outline` if it is valid Python.

    The trees of its classes and functions are made when they are asked for, and whether they are
    valid shows only then; with `whole_classes`, those of all methods of a class at once. None where
    the text is not laid out with four blanks a level.
    """
    code = masked(text)
    if "\t" in code or "\f" in code or (not code.isascii() and normalized(text) != text):
        return None
    if any((len(each) - 2) % 4 for each in set(_INDENTED.findall(code))):
        return None
    found = list(definitions(code))
    for level, start, _, end in found:
        # A block that is indented twice, and a statement that goes on in a line of no indentation.
        is_deep = code.find("\n" + " " * (level + 4), start, end) > 0
        if (is_deep and not STATEMENT[level + 4].search(code, start, end)) or code[end - 1] == "\\":
            return None
    try:
        module = parse_with_stubs(path, text, found, whole_classes=whole_classes)
        return outline_of(path, text, module)
    except Refused:
        return None
