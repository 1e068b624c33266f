"""The parameters of a method: split, compared, merged for `**super_kwargs`."""

from __future__ import annotations

import re
from collections.abc import Callable

from unravel.scanning import mask_strings, tokens, without_comments
from unravel.types import Method

SUPER_KWARGS = "**super_kwargs"

_LAMBDA = re.compile(r"(?<!\w)lambda(?!\w)")


def takes_super_kwargs(method: Method) -> bool:
    """Does `**super_kwargs` stand for the parent's parameters in this one's?"""
    if SUPER_KWARGS.strip("*") not in method.parameters:  # which takes no tree
        return False
    keywords = method.node.args.kwarg
    return keywords is not None and f"**{keywords.arg}" == SUPER_KWARGS


def merged_parameters(child: Method, parent: Method, rename: Callable[[str], str]) -> str:
    """The parent's parameters for `**super_kwargs`; those that stand beside it override theirs."""
    own = parameter_texts(child)
    own.pop(next(name for name in own if name.startswith("**")))
    merged = {name: rename(text) for name, text in parameter_texts(parent).items()}
    merged.update((name, text) for name, text in own.items() if name in merged)
    new = [text for name, text in own.items() if name not in merged]
    texts = list(merged.values())
    at = next((i for i, text in enumerate(texts) if text.lstrip().startswith("**")), len(texts))
    texts = [*texts[:at], *new, *texts[at:]]
    joined = ""
    for text in [*map(_with_comma, texts[:-1]), *texts[-1:]]:
        # What follows a comment goes to the next line.
        is_behind_comment = "#" in joined.rsplit("\n", 1)[-1] and not text.startswith("\n")
        joined += ("\n" if is_behind_comment else "") + text
    return joined + "\n" if "#" in joined.rsplit("\n", 1)[-1] else joined


def _with_comma(text: str) -> str:
    """A parameter that others follow; comments may stand above and behind it."""
    code = mask_strings(text).rstrip()
    end = len(code)
    return text if code.endswith(",") else text[:end] + ", " + text[end:].lstrip(" ")


def parameter_texts(method: Method) -> dict[str, str]:
    """The text of each parameter with its comma, by name; `*` and `/` are two more."""
    found: dict[str, str] = {}
    for text in _split_at_commas(method.parameters):
        code = without_comments(text).strip()
        if code:
            name = re.match(r"/|\**\w*", code)
            found[name.group() if name else code] = text
    return found


def _split_at_commas(text: str) -> list[str]:
    """Parameters with the comma and the rest of the line behind each."""
    depth, start, hidden, parts = 0, 0, bytearray(len(text)), list[str]()
    lambdas: list[int] = []  # the depths of those whose own parameters are not over yet
    for _, begin, end in tokens(text):
        hidden[begin:end] = b"\1" * (end - begin)
    for index, sign in enumerate(text):
        if hidden[index]:
            continue
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "l" and _LAMBDA.match(text, index):
            lambdas.append(depth)
        elif sign == ":" and lambdas and lambdas[-1] == depth:
            lambdas.pop()
        if sign == "," and depth == 0 and not lambdas:
            line_end = text.find("\n", index)
            rest = text[index + 1 : line_end if line_end >= 0 else len(text)]
            end = index + 1 + (len(rest) if not without_comments(rest).strip() else 0)
            parts.append(text[start:end])
            start = end
    return [*parts, text[start:]]
