"""Strings, comments and identifiers in a text, found by one regular expression.

`tokenize` would do, at thirty times the cost: identifiers and strings are all that renaming and
tracing need to tell apart, in texts that the parser has already accepted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from functools import lru_cache

Token = tuple[str, int, int]
"""Kind, start and end."""

_LONG = r'"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""|' + r"'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'''"
_SHORT = r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|' + r"'[^'\\\n]*(?:\\.[^'\\\n]*)*'"

# The order matters: a prefix belongs to the string behind it, and `"""` is tried before `"`.
_TOKEN = re.compile(
    rf"(?P<comment>\#[^\n]*)"
    rf"|(?P<fstring>\b(?:[fF][rR]?|[rR][fF])(?:\"\"\"|'''|\"|'))"
    rf"|(?P<string>(?:\b(?:[rR][bB]?|[bB][rR]?|[uU]))?(?:{_LONG}|{_SHORT}))"
    rf"|(?P<name>[^\W\d]\w*)",
    re.DOTALL,
)

_FSTRING_STOP = re.compile(r"\\.|\{\{|\}\}|\{|\"\"\"|'''|\"|'", re.DOTALL)
_BRACE_STOP = re.compile(r"[{}\[\]()]|\"\"\"|'''|\"|'|![rsa]?(?=[:}])|:", re.DOTALL)
_HAS_FSTRING = re.compile(r"\b(?:[fF][rR]?|[rR][fF])[\"']")


def tokens(text: str) -> Iterator[Token]:
    """Yield `(kind, start, end)` for comments, strings and names, in order.

    `kind` is `comment`, `string`, `name` or `literal`: the last is text of an f-string outside its
    braces. What stands inside the braces is yielded like any other code.
    """
    yield from _tokens(text, 0, len(text))


def _tokens(text: str, start: int, end: int) -> Iterator[Token]:
    position = start
    while match := _TOKEN.search(text, position, end):
        kind = str(match.lastgroup)
        position = match.end()
        if kind != "fstring":
            yield kind, match.start(), position
            continue
        opening = match.group()
        quote = opening[opening.index(opening[-1]) :]
        for part, part_start, part_end in _fstring(text, match.start(), position, end, quote):
            if part == "code":
                yield from _tokens(text, part_start, part_end)
            else:
                yield part, part_start, part_end
            position = part_end


def _fstring(text: str, start: int, position: int, end: int, quote: str) -> Iterator[Token]:
    """Yield the literal and code parts of the f-string whose opening quote ends at `position`."""
    while match := _FSTRING_STOP.search(text, position, end):
        position = match.end()
        if match.group() == "{":
            yield "literal", start, position
            start = position = yield from _replacement_field(text, position, end)
        elif match.group() == quote:
            yield "literal", start, position
            return
        elif match.group()[0] in "\"'" and len(match.group()) > len(quote):
            # `"""` inside or right behind a string that is quoted by one `"`.
            position = match.start() + 1
            if match.group()[0] == quote:
                yield "literal", start, position
                return
    yield "literal", start, end


def _replacement_field(text: str, start: int, end: int) -> Generator[Token, None, int]:
    """Yield the parts of `{...}` whose brace ends at `start`; return where the `}` stands."""
    depth = 0
    position = start
    while match := _BRACE_STOP.search(text, position, end):
        sign = match.group()
        position = match.end()
        if sign[0] in "\"'":
            inner = _TOKEN.match(text, match.start(), end)
            position = inner.end() if inner is not None else position
        elif sign in "([{":
            depth += 1
        elif sign in ")]}" and depth:
            depth -= 1
        elif sign == "}":
            yield "code", start, match.start()
            return match.start()
        elif (sign == ":" or sign[0] == "!") and not depth:
            yield "code", start, match.start()
            return (yield from _format_spec(text, match.start(), end))
    return end


def _format_spec(text: str, start: int, end: int) -> Generator[Token, None, int]:
    """Yield the parts of a conversion and format spec; return where its `}` stands."""
    position = start
    while position < end and text[position] != "}":
        position += 1
        if text[position - 1] == "{":
            yield "literal", start, position
            start = position = (yield from _replacement_field(text, position, end)) + 1
    yield "literal", start, position
    return position


@lru_cache(maxsize=4096)
def identifiers(text: str) -> frozenset[str]:
    """Every identifier of the code in `text`; none of what stands in strings and comments."""
    if not _HAS_FSTRING.search(text):
        return frozenset(match["name"] for match in _TOKEN.finditer(text) if match["name"])
    return frozenset(text[start:end] for kind, start, end in tokens(text) if kind == "name")


_ANNOTATION = re.compile(r"[\"'][\w.\[\], |]+[\"']")


def quoted_identifiers(text: str) -> frozenset[str]:
    """Identifiers in short strings that may be annotations, such as `"torch.Tensor | None"`."""
    found: set[str] = set()
    for kind, start, end in tokens(text):
        if kind == "string" and _ANNOTATION.fullmatch(text, start, end):
            inner = _TOKEN.finditer(text, start + 1, end - 1)
            found.update(match["name"] for match in inner if match["name"])
    return frozenset(found)


def mask_strings(text: str) -> str:
    """`text` with blanks for its strings and comments; the code stays where it is."""
    parts, position = [], 0
    for kind, start, end in tokens(text):
        if kind != "name":
            parts += [text[position:start], " " * (end - start)]
            position = end
    return "".join(parts) + text[position:]


def replace_code(
    text: str, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str]
) -> str:
    """`pattern.sub` over the code of `text`; strings and comments stay as they are."""
    masked = mask_strings(text)
    parts, position = [], 0
    for match in pattern.finditer(masked):
        parts += [text[position : match.start()], replacement(match)]
        position = match.end()
    return "".join(parts) + text[position:]


def without_comments(text: str) -> str:
    """`text` less its comments, trailing blanks and empty lines."""
    if "#" in text:
        kept, position = [], 0
        for kind, start, end in tokens(text):
            if kind == "comment":
                kept.append(text[position:start])
                position = end
        text = "".join(kept) + text[position:]
    return "\n".join(line.rstrip() for line in text.split("\n") if line.strip())
