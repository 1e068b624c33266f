"""`# unravel: ignore[CODE]`: findings that somebody has looked at and wants to keep.

At the end of a line it is about that line, on a line of its own about the next one that has code.
On the first line of a class or function, it is about all of it. `ignore-file[CODE]` is about the
file.
"""

from __future__ import annotations

import ast
import re

from unravel.outline import all_statements
from unravel.scanning import tokens
from unravel.types import Outline

_COMMENT = re.compile(r"#\s*unravel:\s*ignore(?P<file>-file)?\[(?P<codes>[\w\s,*-]+)\]")


class Ignored:
    """What the comments of a module say is to be ignored."""

    def __init__(self, outline: Outline) -> None:
        self._file: set[str] = set()
        self._lines: dict[int, set[str]] = {}
        text = "".join(outline.lines)
        if "ignore" not in text or "unravel" not in text or not _COMMENT.search(text):
            return
        for kind, start, end in tokens(text):
            found = _COMMENT.search(text, start, end) if kind == "comment" else None
            if found is None:
                continue
            codes = {code.strip() for code in found["codes"].split(",")}
            if found["file"]:
                self._file |= codes
                continue
            line = text.count("\n", 0, start) + 1
            if not outline.lines[line - 1][: start - text.rfind("\n", 0, start) - 1].strip():
                line = _next_code(outline, line)
            self._lines.setdefault(line, set()).update(codes)
        self._spread(outline)

    def _spread(self, outline: Outline) -> None:
        """What is said on the head of a class or function goes for each of its lines."""
        for statement in all_statements(outline):
            for node in ast.walk(statement.node):
                if not isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                    continue
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                heads = range(first, node.body[0].lineno) or [first]
                codes = set().union(*(self._lines.get(line, set()) for line in heads))
                for line in range(first, (node.end_lineno or first) + 1) if codes else ():
                    self._lines.setdefault(line, set()).update(codes)

    def covers(self, code: str, line: int) -> bool:
        """Is the finding `code` at `line` to be ignored?"""
        said = self._file | self._lines.get(line, set())
        return any(code.startswith(each) for each in said)


def _next_code(outline: Outline, line: int) -> int:
    for number in range(line + 1, len(outline.lines) + 1):
        text = outline.lines[number - 1].strip()
        if text and not text.startswith("#"):
            return number
    return line
