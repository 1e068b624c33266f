"""A module's text -> its syntax tree, or a located diagnostic that says why there is none."""

from __future__ import annotations

import ast
import re
import sys
import unicodedata
import warnings
from collections.abc import Iterable

from unravel.diagnostics import Place, refuse
from unravel.scanning import replace_code
from unravel.types import Diagnostic, Refused

PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"
"""The language that modules are read as: that of the interpreter."""

# Syntax that is younger than the oldest Python that unravel runs with.
_YOUNGER = (
    (re.compile(r"\s*type\s+\w+\s*[\[=]"), (3, 12)),
    (re.compile(r"\s*(?:class|def|async\s+def)\s+\w+\s*\["), (3, 12)),
    (re.compile(r".*\bf['\"].*\{.*['\"]"), (3, 12)),
    (re.compile(r"\s*except\s*\*"), (3, 11)),
    (re.compile(r"\s*except\s+\w+\s*,\s*\w+\s*:"), (3, 14)),
    (re.compile(r".*\bt['\"]"), (3, 14)),
)

# Whatever is not ASCII and stands in code is part of an identifier.
_FOREIGN = re.compile(r"\w*[^\x00-\x7f](?:\w|[^\x00-\x7f])*")
_BLOCK = re.compile(r"^(?=[^\s#)\]}])", re.MULTILINE)


def parse(path: str, text: str) -> ast.Module:
    """The tree of a module. Raises `Refused` where the text is not valid Python."""
    try:
        return _parse(text)
    except SyntaxError as error:
        raise Refused(not_python(path, text, error)) from None
    except (RecursionError, MemoryError):
        raise too_deep(_deepest_line(path, text)) from None
    except ValueError as error:
        raise refuse("UNR003", Place(path, 0, 0), f"not valid {PYTHON}: {error}") from None


def _parse(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in somebody's file is not our news
        return ast.parse(text)


def check_compiles(path: str, text: str) -> Diagnostic | None:
    """What the compiler has against a module that the parser accepts: `break` without a loop."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        return not_python(path, text, error)
    except (RecursionError, MemoryError):
        return too_deep(_deepest_line(path, text)).diagnostic
    return None


def not_python(path: str, text: str, error: SyntaxError) -> Diagnostic:
    """The finding for a syntax error in `text`."""
    line, column = error.lineno or 0, error.offset or 0
    lines = text.split("\n")
    excerpt = lines[line - 1] if 0 < line <= len(lines) else ""
    at = Place(path, line, column, excerpt)
    message = f"not valid {PYTHON}: {error.msg}"
    return refuse("UNR003", at, message, hint=_younger(excerpt)).diagnostic


def _younger(line: str) -> str:
    """A hint where `line` seems to be written for a younger Python than the one that runs."""
    for pattern, version in _YOUNGER:
        if version > sys.version_info[:2] and pattern.match(line):
            needed = ".".join(map(str, version))
            return f"this is syntax of Python {needed}: run unravel with that, or a later one"
    return ""


# -- nested too deeply ---------------------------------------------------------------------------


def too_deep(at: Place) -> Refused:
    """The refusal of code at which the parser, the compiler or we run out of stack."""
    hint = "divide it: name the inner parts in statements of their own"
    return refuse("UNR005", at, "the code is nested too deeply to be read", hint=hint)


def _deepest_line(path: str, text: str) -> Place:
    """The line, or the first line of the block, that is too deep when it stands alone."""
    starts = [found.start() for found in _BLOCK.finditer(text)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        if not _is_too_deep(text[start:end]):
            continue
        first = text.count("\n", 0, start) + 1
        lines = text[start:end].split("\n")
        for number, line in enumerate(lines, first):
            alone = line.strip()
            if _is_too_deep(alone + " pass" if alone.endswith(":") else alone):
                return Place(path, number, len(line) - len(line.lstrip()) + 1, line)
        return Place(path, first, 1, lines[0])
    return Place(path, 0, 0)


def _is_too_deep(text: str) -> bool:
    try:
        _parse(text)
    except (RecursionError, MemoryError):
        return True
    except (SyntaxError, ValueError):
        return False
    return False


def deepest(nodes: Iterable[ast.AST]) -> tuple[int, ast.AST]:
    """The depth of the most deeply nested code below `nodes`, and where it is."""
    found: tuple[int, ast.AST] = (0, ast.Pass())
    waiting = [(0, node) for node in nodes]
    while waiting:  # without recursion, of course
        depth, node = waiting.pop()
        if depth > found[0] and hasattr(node, "lineno"):
            found = depth, node
        waiting.extend((depth + 1, child) for child in ast.iter_child_nodes(node))
    return found


# -- identifiers ---------------------------------------------------------------------------------


def normalized(text: str) -> str:
    """`text`, which is valid Python, with each identifier as Python knows it: `ﬁ` is `fi`.

    Text is compared with text further on, and two spellings of one name must not be two names.
    """
    if text.isascii() or unicodedata.is_normalized("NFKC", text):
        return text
    return replace_code(text, _FOREIGN, lambda found: unicodedata.normalize("NFKC", found.group()))
