"""What is code and what is not, compared with the standard library's own tokenizer."""

from __future__ import annotations

import ast
import io
import keyword
import re
import tokenize
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stdlib_files import STDLIB_FILES
from unravel.scanning import (
    identifiers,
    mask_strings,
    quoted_identifiers,
    replace_code,
    tokens,
    without_comments,
)

FSTRING = re.compile(r"[bru]*f[bru]*[\"']", re.IGNORECASE)


def spans(text: str) -> list[tuple[str, str]]:
    return [(kind, text[start:end]) for kind, start, end in tokens(text)]


@pytest.mark.parametrize("text", ["", "x = 1\n", "f(a, b)\n", "frb = fr\n", "a @ b // c\n"])
def test_code_alone_has_no_tokens(text: str) -> None:
    assert spans(text) == []
    assert mask_strings(text) == text
    assert without_comments(text) == text.rstrip("\n")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x = 'a # b'  # c 'd'\n", [("string", "'a # b'"), ("comment", "# c 'd'")]),
        ('x = rb"\\"" + u"y"\n', [("string", 'rb"\\""'), ("string", 'u"y"')]),
        ('"""a "quoted" # word"""\n', [("string", '"""a "quoted" # word"""')]),
        ("'it\\'s' 'two'\n", [("string", "'it\\'s'"), ("string", "'two'")]),
        ('""""a" b"""\n', [("string", '""""a" b"""')]),
        ("buf'a'\n", [("string", "'a'")]),
        ("f'a'\n", [("literal", "f'a'")]),
        ("f'a{b}c'\n", [("literal", "f'a{"), ("literal", "}c'")]),
        ("f'{{b}}'\n", [("literal", "f'{{b}}'")]),
        ("f'{a!r:>{b}}'\n", [("literal", s) for s in ("f'{", "!r:>{", "}", "}'")]),
        ("f'{a[\"k\"]}'\n", [("literal", "f'{"), ("string", '"k"'), ("literal", "}'")]),
        ("f'{x!=y}'\n", [("literal", "f'{"), ("literal", "}'")]),
        ("f'{(lambda x: 1)(2)}'\n", [("literal", "f'{"), ("literal", "}'")]),
        ("f'{d[1:2]}'\n", [("literal", "f'{"), ("literal", "}'")]),
        ("f'{a}' 'b'\n", [("literal", "f'{"), ("literal", "}'"), ("string", "'b'")]),
        ('rf"""{a}"b"""\n', [("literal", 'rf"""{'), ("literal", '}"b"""')]),
        ("f\"{f'{a}'}\"\n", [("literal", s) for s in ('f"{', "f'{", "}'", '}"')]),
    ],
)
def test_what_is_not_code(text: str, wanted: list[tuple[str, str]]) -> None:
    assert spans(text) == wanted


def test_identifiers_are_those_of_the_code() -> None:
    text = 'a.b(c=d)  # e\nx = \'f\' + f\'g{h}\' + """i"""\n'
    assert identifiers(text) == {"a", "b", "c", "d", "x", "h"}


@pytest.mark.parametrize("text", ["0xff", "1e5", "2j"])
def test_numbers_hold_no_identifiers(text: str) -> None:
    assert identifiers(text) == frozenset()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x: Tensor\n", set()),
        ("x = 'some words, in a sentence!'\n", set()),
        ("x: 'torch.Tensor | None'\n", {"torch", "Tensor", "None"}),
        ('x: "list[A]"\n', {"list", "A"}),
    ],
)
def test_quoted_identifiers(text: str, wanted: set[str]) -> None:
    assert quoted_identifiers(text) == wanted


def test_code_is_replaced_and_nothing_else() -> None:
    text = "old = 'old'  # old\nf'old {old}'\n"
    replaced = replace_code(text, re.compile("old"), lambda match: "newer")
    assert replaced == "newer = 'old'  # old\nf'old {newer}'\n"


def test_comments_and_blank_lines_are_dropped() -> None:
    assert without_comments("a = '#'  # b\n\n  # c\nd\n") == "a = '#'\nd"


@pytest.mark.parametrize("file", STDLIB_FILES, ids=lambda file: file.name)
def test_strings_and_comments_are_those_of_tokenize(file: Path) -> None:
    text = file.read_text("utf-8")
    ours = [span for kind, *span in tokens(text) if kind in ("string", "comment")]
    theirs = [list(span) for span in _plain_tokens(text)]
    inside = _fstring_spans(text)
    # From Python 3.12 on, strings in the braces of f-strings are tokens, too.
    outside = [
        [s for s in spans if not any(a <= s[0] < b for a, b in inside)] for spans in (ours, theirs)
    ]
    assert outside[0] == outside[1]


@pytest.mark.parametrize("file", STDLIB_FILES, ids=lambda file: file.name)
def test_identifiers_are_those_of_tokenize(file: Path) -> None:
    text = file.read_text("utf-8")
    assert _identifiers(text) == _names(text)


EXPRESSIONS = st.sampled_from(
    ["a", "b.c", "d[0]", "e(f=1)", "g if h else i", "{'j': k}", "x != y", "(lambda m: n)(o)"]
)
LITERALS = st.sampled_from(["", "word", "{{", "}}", " # ", "é", ":", "!r", "\\n"])
SPECS = st.sampled_from(["", "!r", "!s:>10", ":.2f", ":{w}", ":>{w}.{p}", "=", "=!r"])


@given(
    parts=st.lists(st.tuples(LITERALS, EXPRESSIONS, SPECS), max_size=3),
    quote=st.sampled_from(['"', '"""']),
    last=LITERALS,
)
def test_identifiers_of_f_strings_are_those_of_the_parser(
    parts: list[tuple[str, str, str]], quote: str, last: str
) -> None:
    # A brace behind `{` would be a literal one.
    inside = "".join(f"{literal}{{ {code} {spec}}}" for literal, code, spec in parts)
    text = f"before; f{quote}{inside}{last}{quote}; after  # comment\n"
    assert _identifiers(text) == _names(text)


def _identifiers(text: str) -> set[str]:
    """The identifiers, less keywords; and less the letters in numbers, see above."""
    numbers = (string for kind, _, _, string in _tokenized(text) if kind == tokenize.NUMBER)
    letters = {found for number in numbers for found in re.findall(r"[^\W\d]\w*", number)}
    return set(identifiers(text)) - set(keyword.kwlist) - (letters - _names(text))


def _plain_tokens(text: str) -> Iterator[tuple[int, int]]:
    """The spans of comments, and of strings that are no f-strings."""
    for kind, start, end, string in _tokenized(text):
        if kind == tokenize.COMMENT or (kind == tokenize.STRING and not FSTRING.match(string)):
            yield start, end


def _fstring_spans(text: str) -> list[tuple[int, int]]:
    """Each f-string from its prefix to its last quote; a token of its own up to Python 3.11."""
    found, opened = [], []
    for kind, start, end, string in _tokenized(text):
        name = tokenize.tok_name[kind]
        if name == "FSTRING_START":
            opened.append(start)
        elif name == "FSTRING_END":
            found.append((opened.pop(), end))
        elif kind == tokenize.STRING and FSTRING.match(string):
            found.append((start, end))
    return found


def _names(text: str) -> set[str]:
    """The names outside of f-strings, and those of the expressions in them."""
    inside = _fstring_spans(text)
    found = {
        string
        for kind, start, _, string in _tokenized(text)
        if kind == tokenize.NAME and not any(a <= start < b for a, b in inside)
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FormattedValue):
            code = re.sub(r"\n", " ", ast.unparse(node.value))
            found |= {t[3] for t in _tokenized(code) if t[0] == tokenize.NAME}
    return found - set(keyword.kwlist)


def _tokenized(text: str) -> Iterator[tuple[int, int, int, str]]:
    starts = [0]
    for line in io.StringIO(text):
        starts.append(starts[-1] + len(line))
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        start = starts[token.start[0] - 1] + token.start[1]
        end = starts[token.end[0] - 1] + token.end[1]
        yield token.type, start, end, token.string
