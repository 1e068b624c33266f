"""Old model name -> new model name, over identifiers, strings and comments of a text."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from unravel.scanning import tokens
from unravel.types import Outline, remembered

_ABSOLUTE_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+[^\W\d][\w.]*[ \t]+import[ \t]+(?:\([^)]*\)|[^\n]*)|import[ \t][^\n]*)$",
    re.MULTILINE,
)
_COPIED_FROM = re.compile(r"^[ \t]*# Copied from[^\n]*\n|[ \t]*# Copied from[^\n]*", re.M)
_IMPORTED_PACKAGE = re.compile(r"^[ \t]*(?:from|import)[ \t]+(\w+)", re.MULTILINE)
_KERNEL_MARK = "@use_kernel_func_from_hub_with_fallback"
_KERNEL = re.compile(
    rf"^{_KERNEL_MARK}\(\s*\"(\w+)\",\s*\"(\w+)\"[^)]*\)\ndef (\w+)",
    re.MULTILINE,
)
_HUB_ID = r"(?<=[\"'`])[\w.-]+/[\w.-]+(?=[\"'`])"
_FORMATTED_END = re.compile(r"[fFrR][\"']")
"""Matches wherever the next one does; where nothing matches, it says so much sooner."""
_MAYBE_FSTRING = re.compile(r"\b(?:[fF][rR]?|[rR][fF])[\"']")


@dataclass(frozen=True, slots=True)
class Renaming:
    """`old` becomes `new` in all spellings: `old_name`, `OLD_NAME` and `OldName`.

    `prose` is what strings and comments say instead, where that differs.
    """

    old: str
    old_cased: str
    new: str
    new_cased: str
    prose: Renaming | None = None
    foreign: frozenset[str] = frozenset()
    """Names of somebody else's things; left alone where they begin with `old`."""
    whole_words: bool = False
    """Leave `older` alone, and rename the text of f-strings like that of other strings; the corpus
    does neither."""
    kept_text: tuple[str, ...] = ()
    """Regular expressions of what is left alone in strings and comments; Hub ids always are."""
    instead: tuple[tuple[str, str], ...] = ()
    """New names that do not exist, and what is said instead."""

    @property
    def pattern(self) -> re.Pattern[str]:
        """What matches the old name, in all spellings."""
        return _pattern(self.old, self.old_cased, self.foreign, self.whole_words)

    def _may_be_in(self, text: str) -> bool:
        """Can the pattern match? Most texts hold no name of a model; this is the fast way out."""
        text = text.lower()
        return self.old in text or self.old_cased.lower() in text

    def text(self, text: str) -> str:
        """`text` renamed.

        Left alone are absolute imports, which name somebody else's package, and Hub ids and
        `kept_text` in strings and comments; in the corpus, the literal parts of f-strings instead.
        A comment that marks a copy is dropped: it would be a lie.
        """
        if not text or text.isspace():
            return text  # there is mostly nothing above a statement
        if "Copied from" in text:
            text = _COPIED_FROM.sub("", text)
        if not self._may_be_in(text):
            return text
        if self.instead:
            return _said_instead(self.instead, replace(self, instead=()).text(text))
        if self.prose is not None:
            text = self.prose.strings_and_comments(text)
            return self._outside_prose(text)
        kept = self._kept_spans(text)
        if not kept:
            return self.pattern.sub(self._spelled, text)
        return self._outside(text, kept)

    def _outside_prose(self, text: str) -> str:
        spans = [(start, end) for _, start, end in tokens(text)]
        return self._outside(text, sorted(spans + self._kept_spans(text)))

    def _outside(self, text: str, kept: list[tuple[int, int]]) -> str:
        pattern, parts, position = self.pattern, [], 0
        for start, end in kept:
            if start >= position:
                parts += [pattern.sub(self._spelled, text[position:start]), text[start:end]]
                position = end
        return "".join(parts) + pattern.sub(self._spelled, text[position:])

    def _kept_spans(self, text: str) -> list[tuple[int, int]]:
        """The spans of `text` that renaming leaves alone, in order."""
        imports = _ABSOLUTE_IMPORT.finditer(text) if "import " in text else ()
        spans = [match.span() for match in imports]
        if not self.whole_words:
            if _FORMATTED_END.search(text) and _MAYBE_FSTRING.search(text):
                spans += [(start, end) for kind, start, end in tokens(text) if kind == "literal"]
            return sorted(spans)
        kept = _kept_text(self.kept_text)
        if any(self._is_old(match.group()) for match in kept.finditer(text)):
            for _, start, end in tokens(text):
                spans += [match.span() for match in kept.finditer(text, start, end)]
        return sorted(spans)

    def _is_old(self, text: str) -> bool:
        return self.pattern.search(text) is not None

    def name(self, name: str) -> str:
        """An identifier renamed."""
        final = self.pattern.sub(self._spelled, name)
        return dict(self.instead).get(final, final)

    def strings_and_comments(self, text: str) -> str:
        """`text` with only its strings and comments renamed."""
        if not self._may_be_in(text):
            return text
        parts, position = [], 0
        for kind, start, end in tokens(text):
            if kind in ("string", "comment") or self.whole_words:
                parts += [text[position:start], self._in_string(text[start:end])]
                position = end
        return "".join(parts) + text[position:]

    def _in_string(self, text: str) -> str:
        pattern, parts, position = self.pattern, [], 0
        for match in _kept_text(self.kept_text).finditer(text) if self.whole_words else ():
            start, end = match.span()
            parts += [pattern.sub(self._spelled, text[position:start]), match.group()]
            position = end
        return "".join(parts) + pattern.sub(self._spelled, text[position:])

    def _spelled(self, match: re.Match[str]) -> str:
        found = match.group()
        if found == self.old:
            return found if self.whole_words and _before(match).isalpha() else self.new
        if found == self.old_cased == self.old_cased.upper():
            # `CLIPModel` holds the cased name, `CLIP_START` the upper-case one.
            return self.new_cased if _next(match).isalpha() else self.new.upper()
        if found == self.old.upper() and found != self.old_cased:
            is_word = not (_next(match).isupper() or _before(match).isalpha())
            return self.new.upper() if is_word or not self.whole_words else found
        return self.new_cased


def _said_instead(instead: tuple[tuple[str, str], ...], text: str) -> str:
    for name, other in instead:
        text = re.sub(rf"\b{re.escape(name)}\b", other, text)
    return text


def _before(match: re.Match[str]) -> str:
    """The character in front of a match, if there is one."""
    return match.string[match.start() - 1 : match.start()] if match.start() else ""


def _next(match: re.Match[str]) -> str:
    """The character behind a match, if there is one."""
    return match.string[match.end() : match.end() + 1]


@lru_cache(maxsize=64)
def _kept_text(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{each})" for each in (_HUB_ID, *patterns)))


@lru_cache(maxsize=1024)
def _pattern(
    old: str, old_cased: str, foreign: frozenset[str], whole_words: bool
) -> re.Pattern[str]:
    # The first that fits counts: `Exaone4_5_ProcessorKwargs` keeps its last underscore, though the
    # cased name of exaone4_5 is `Exaone4_5_`; see hyperclovax_vision_v2 in release 5.22.0.
    spellings = [old, old_cased.lower()]
    match = "(?i:" + "|".join(map(re.escape, spellings)) + ")"
    if not old:
        return re.compile(r"(?!)")  # there is no name that code could say
    kept = "".join(f"(?!{re.escape(name)})" for name in sorted(foreign))
    return re.compile("(?<![a-z0-9])" + kept + match + ("(?![a-z])" if whole_words else ""))


@remembered
def foreign_names(module: Outline, old: str) -> frozenset[str]:
    """The names that begin with `old` and belong to another package than the parent module.

    These are packages that it imports (`mambapy` in mamba), and functions that are exchanged for
    a kernel, with the kernel and its package: `mamba_inner_fn` of `mamba_ssm`.
    """
    # Few lines need a look by the patterns, which are slow to find that out.
    imports = [line for line in module.lines if "import" in line or "from" in line]
    found = set(_IMPORTED_PACKAGE.findall("".join(imports)))
    text = "".join(module.lines)
    for kernel in _KERNEL.finditer(text) if _KERNEL_MARK in text else ():
        found.update(kernel.groups())
    return frozenset(name for name in found if old and name != old and name.startswith(old))
