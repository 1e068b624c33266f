"""Strings, comments and identifiers in a text, found by a few regular expressions.

`tokenize` would do, at thirty times the cost: what is code and what is not is all that renaming and
tracing need to tell apart, in texts that the parser has already accepted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import lru_cache
from unicodedata import normalize

Token = tuple[str, int, int]
"""Kind, start and end."""

_QUOTED = {
    '"""': r'"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""',
    "'''": r"'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'''",
    '"': r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"',
    "'": r"'[^'\\\n]*(?:\\.[^'\\\n]*)*'",
}
_STRING = {quote: re.compile(pattern, re.DOTALL) for quote, pattern in _QUOTED.items()}
_TO_ITS_END = (f"{body.removesuffix(quote)}(?:{quote}|.*)" for quote, body in _QUOTED.items())
_TOKEN = re.compile("|".join(["#[^\n]*", *_TO_ITS_END]), re.DOTALL)
"""A comment, or a string less its prefix. One that does not end takes all that follows."""
_TOKENS = re.compile(f"({_TOKEN.pattern})", re.DOTALL)
_PREFIX = re.compile(r"(?<!\w)(?:[fF][rR]?|[rR][fF]|[rR][bB]?|[bB][rR]?|[uU])\Z")
_PREFIXES = frozenset("bBfFrRuU")
_NAME = re.compile(r"\b[^\W\d]\w*")
_APART = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) == "_")}
"""Makes blanks of all ASCII that can be no part of a name."""

_FSTRING_STOP = re.compile(r"\\.|\{\{|\}\}|\{|\"\"\"|'''|\"|'", re.DOTALL)
_BRACE_STOP = re.compile(r"[{}\[\]()]|\"\"\"|'''|\"|'|![rsa]?(?=[:}])|:", re.DOTALL)


def tokens(text: str) -> Iterator[Token]:
    """Yield `(kind, start, end)` for all that is not code, in order.

    `kind` is `comment`, `string` or `literal`: the last is text of an f-string outside its braces.
    What stands inside the braces is code.
    """
    return _tokens(text, 0, len(text))


def _tokens(text: str, start: int, end: int) -> Iterator[Token]:
    while start < end:
        match = None
        for match in _TOKEN.finditer(text, start, end):
            first, last = match.span()
            if text[first] == "#":
                yield "comment", first, last
                continue
            if first == start or text[first - 1] not in _PREFIXES:
                yield "string", first, last
                continue
            begin = _with_prefix(text, start, first)
            if "f" in text[begin:first].lower():
                # Its end may be further away: strings in its braces may have the same quotes.
                start = yield from _formatted(text, begin, first, end)
                break
            yield "string", begin, last
        else:
            return


def _with_prefix(text: str, start: int, first: int) -> int:
    """Where the string whose quote stands at `first` begins."""
    prefix = _PREFIX.search(text, max(start, first - 3), first)
    return prefix.start() if prefix else first


def _formatted(text: str, begin: int, first: int, end: int) -> Generator[Token, None, int]:
    """Yield the parts of an f-string whose quote stands at `first`; return where it ends."""
    position = first
    quote = text[first] * 3 if text.startswith(text[first] * 3, first) else text[first]
    for part, start, position in _fstring(text, begin, first + len(quote), end, quote):
        if part == "code":
            yield from _tokens(text, start, position)
        else:
            yield part, start, position
    return position


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
            inner = _STRING[sign].match(text, match.start(), end)
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
            start = yield from _replacement_field(text, position, end)
            position = start + 1
    yield "literal", start, position
    return position


def identifiers(text: str) -> frozenset[str]:
    """Every identifier of the code in `text`; none of what stands in strings and comments."""
    return _words(text)[0]


def quoted_identifiers(text: str) -> frozenset[str]:
    """Identifiers in short strings that may be annotations, such as `"torch.Tensor | None"`."""
    return _words(text)[1]


_ANNOTATION = re.compile(r"[\"'][\w.\[\], |]+[\"']")


@lru_cache(maxsize=1024)
def _words(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """The identifiers of the code in `text`, and those in its short strings."""
    # What is between the strings and comments is code.
    parts = _TOKENS.split(text)
    codes, strings = parts[::2], parts[1::2]
    if any(code and code[-1] in _PREFIXES for code in codes):
        found = list(tokens(text))
        strings = [text[start:end] for kind, start, end in found if kind == "string"]
        starts, ends = [start for _, start, _ in found], [end for _, _, end in found]
        codes = [text[a:b] for a, b in zip([0, *ends], [*starts, len(text)], strict=True)]
    code = " ".join(codes)
    quoted = filter(None, map(_ANNOTATION.fullmatch, strings))
    return _names(code), frozenset(name for each in quoted for name in _names(each.group()))


def _names(code: str) -> frozenset[str]:
    """The names in `code`, as Python knows them."""
    if not code.isascii():
        return frozenset(normalize("NFKC", name) for name in _NAME.findall(code))
    # Several times as fast as a pattern, and it goes over all code that is read or printed.
    return frozenset(filter(str.isidentifier, set(code.translate(_APART).split())))


def mask_strings(text: str, *, but_annotations: bool = False, sign: str = " ") -> str:
    """`text` with blanks for its strings and comments; the code stays where it is.

    With `but_annotations`, strings stay that may be annotations. With a `sign`, that stands for
    each letter of a string.
    """
    found = tokens(text)
    if but_annotations:
        found = (
            each
            for each in found
            if not (each[0] == "string" and _ANNOTATION.fullmatch(text, *each[1:]))
        )
    return _blanked(text, found, sign)


def _blanked(text: str, spans: Iterable[Token], sign: str = " ") -> str:
    parts, position = [], 0
    for kind, start, end in spans:
        parts += [text[position:start], (" " if kind == "comment" else sign) * (end - start)]
        position = end
    return "".join(parts) + text[position:]


def replace_code(
    text: str,
    pattern: re.Pattern[str],
    replacement: Callable[[re.Match[str]], str],
    *,
    in_annotations: bool = False,
) -> str:
    """`pattern.sub` over the code of `text`; comments and strings stay as they are.

    With `in_annotations`, strings that may be annotations are code, too.
    """
    masked = mask_strings(text, but_annotations=in_annotations)
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
