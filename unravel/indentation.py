"""Four blanks a level: code of two files can share a class only if both are indented alike."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator

STEP = 4
_BLOCKS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def is_canonical(text: str, module: ast.Module) -> bool:
    """Are all classes and functions of a module indented by four blanks a level?"""
    found = list(_indented_otherwise(module.body, 0))
    lines = text.split("\n") if found else []
    # A body may also stand behind the last line of a head, as in `): ...`.
    return all(lines[each.lineno - 1].encode()[: each.col_offset].strip() for each in found)


def _indented_otherwise(nodes: Iterable[ast.stmt], column: int) -> Iterator[ast.stmt]:
    """The first statement of each body, if it does not begin where it should."""
    for node in nodes:
        if isinstance(node, _BLOCKS):
            # All statements of a block begin in the same column, but for those behind a semicolon.
            first = node.body[0]
            if first.lineno != node.lineno and first.col_offset != column + STEP:
                yield first
            yield from _indented_otherwise(node.body, column + STEP)


def canonical(text: str) -> str:
    """`text`, which is valid Python, with four blanks a level; lines and strings stay the same."""
    lines = text.split("\n")
    levels = _levels(text)
    inside = _inside_strings(text)
    shift, result = 0, []
    for number, line in enumerate(lines, 1):
        stripped = line.lstrip(" \t")
        if number in inside or not stripped:
            result.append(line)
            continue
        width = len(line[: len(line) - len(stripped)].expandtabs())
        if number in levels:
            shift = levels[number] * STEP - width
        result.append(" " * max(0, width + shift) + stripped)
    return "\n".join(result)


def _levels(text: str) -> dict[int, int]:
    """The depth of each line that a statement, or a comment of its own, begins."""
    found: dict[int, int] = {}
    stack = [0]
    starts, comments = True, []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.INDENT:
            stack.append(len(token.string.expandtabs()))
        elif token.type == tokenize.DEDENT:
            stack.pop()
        elif token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip():
            comments.append((token.start[0], len(token.line[: token.start[1]].expandtabs())))
        elif token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
            starts = True
        elif token.type not in (tokenize.NL, tokenize.COMMENT) and starts:
            found[token.start[0]] = len(stack) - 1
            for line, width in comments:
                deeper = [depth for depth, column in enumerate(stack) if column <= width]
                found.setdefault(line, deeper[-1] if deeper else 0)
            starts, comments = False, []
    return found


def _inside_strings(text: str) -> set[int]:
    """The lines that begin inside a string."""
    found: set[int] = set()
    middle = getattr(tokenize, "FSTRING_MIDDLE", -1)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.STRING, middle):
            found.update(range(token.start[0] + 1, token.end[0] + 1))
    return found
