"""Bytes on disk become text and outlines: each file is read and parsed once a process."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from unravel.diagnostics import Place, refuse
from unravel.fingerprints import ABSENT, UNREADABLE, digest_of
from unravel.outline import read_outline
from unravel.skimming import skim
from unravel.types import EXISTS, MODULE, NO, YES, Outline, Refused, Settings
from unravel.writing import BOM, is_generated


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text with `\\n` line ends and no byte order mark, and whether it had other ones.

    `digest` is that of the bytes that were read.
    """

    text: str
    crlf: bool = False
    bom: bool = False
    digest: str = ""

    def with_line_ends(self, text: str) -> str:
        """`text`, whose line ends are `\\n`, with this file's."""
        return text.replace("\n", "\r\n") if self.crlf else text


def read_source(file: str, path: str) -> Source:
    """The text of `file`; errors call it `path`. Raises `FileNotFoundError` and `Refused`."""
    try:
        with open(file, "rb") as stream:
            content = stream.read()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(path) from error
    except OSError as error:
        message = f"cannot read the file: {error.strerror}"
        raise refuse("UNR001", Place(path, 0, 0), message) from error
    return replace(decode(content, path), digest=digest_of(content))


def decode(content: bytes, path: str) -> Source:
    """`content` as text. Raises `Refused` where it is not UTF-8, or says that it is not."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(content, path, error) from None
    if "\0" in text:
        at = _place(path, text, text.index("\0"))
        raise refuse("UNR002", at, "the file holds a NUL character", hint=_SAVE)
    bom = text.startswith(BOM)
    first = text.find("\n")
    crlf = first > 0 and text[first - 1] == "\r"
    _check_declared(content, text, path)
    return Source(_plain(text), crlf=crlf, bom=bom)


_SAVE = "save the file as UTF-8"
_MARKS = ((codecs.BOM_UTF32_LE, "UTF-32"), (codecs.BOM_UTF16_LE, "UTF-16"), (b"\xfe\xff", "UTF-16"))
# As the language reference has it, for the first two lines.
_DECLARED = re.compile(r"(?:[ \t\f]*(?:#.*)?\n)??[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


def _plain(text: str) -> str:
    return text.removeprefix(BOM).replace("\r\n", "\n").replace("\r", "\n")


def _not_utf8(content: bytes, path: str, error: UnicodeDecodeError) -> Refused:
    before = content[: error.start].decode("utf-8")
    line = content[error.start :].split(b"\n", 1)[0].split(b"\r", 1)[0][:_LONGEST]
    at = _place(path, before + line.decode("utf-8", "replace"), len(before))
    for mark, name in _MARKS:
        if content.startswith(mark):
            return refuse("UNR002", at._replace(excerpt=""), f"the file is {name}", hint=_SAVE)
    message = f"the file is not valid UTF-8: {error.reason} 0x{content[error.start]:02x}"
    return refuse("UNR002", at, message, hint=_SAVE)


_LONGEST = 200
"""How much of a line is shown of what is no text at all."""


def _place(path: str, text: str, offset: int) -> Place:
    """Where the character at `offset` stands, once line ends are `\\n`."""
    before = _plain(text[:offset])
    start = before.rfind("\n") + 1
    excerpt = before[start:] + _plain(text[offset : offset + _LONGEST]).partition("\n")[0]
    return Place(path, before.count("\n") + 1, len(before) - start + 1, excerpt)


def _check_declared(content: bytes, text: str, path: str) -> None:
    """Refuse a file that is something else for Python, which heeds `# coding: latin-1`."""
    found = _DECLARED.match(_plain(text[:_LONGEST]))
    if found is None:
        return
    try:
        if content.decode(found[1]).removeprefix(BOM) == text.removeprefix(BOM):
            return  # it says UTF-8, or is ASCII
    except (LookupError, ValueError):
        pass  # Python itself cannot read it
    at = _place(path, _plain(text), found.start(1))
    message = f"the file declares the coding `{found[1]}`, and unravel reads UTF-8"
    raise refuse("UNR002", at, message, hint=f"{_SAVE}, and remove the declaration")


_TOP_IMPORTS = tuple(
    re.compile(rf"{before}from\b(?:[^\n(\\]|\\\n)*(?:\([^)]*\))?[^\n]*")
    for before in (r"\n", r";[ \t\f]*", r"\f[ \t\f]*")
)
"""Each `from ... import` of a module's top level behind its first line, and what looks like one.
(A form feed sets the indentation back. One pattern for all would take three times as long.)"""


_ROOM = 300_000
"""Lines of code whose outlines a process keeps; they take about 1.5 KiB each."""


def _lines(outline: Outline | Refused | None) -> int:
    return len(outline.lines) if isinstance(outline, Outline) else 0


@dataclass(slots=True)
class Loader:
    """Gives out the outlines of modules, by their path relative to `root`.

    `owners` names the modular file that may generate a path. Such a path is read from `staging`,
    where this run puts its outputs, and never from what an earlier run left on disk; except those
    of `fresh`, where that is known to be the same. Of modules that are known to be `valid` Python,
    as those in `staging` are, no more is parsed than is needed.

    `lookups` collects what is asked for, with a digest of the answer.
    """

    root: str
    staging: str
    settings: Settings
    owners: Mapping[str, str]
    fresh: Collection[str] = frozenset()
    lookups: dict[str, str] = field(default_factory=dict)
    outlines: dict[str, Outline | Refused | None] = field(default_factory=dict)
    """The least recently used first."""
    forms: dict[str, Source] = field(default_factory=dict)
    """How each module was written: its line ends and byte order mark, without its text."""
    sources: dict[str, Source] = field(default_factory=dict)
    """What was read of files of which more will be needed."""
    valid: Collection[str] = frozenset()
    replaced: Mapping[str, str] = field(default_factory=dict)
    """Modules that are read from elsewhere: their paths, and the files to read in their stead."""
    digests: dict[str, str] = field(default_factory=dict)
    lines: int = 0
    """Those of all outlines."""

    def __reduce__(self) -> Any:
        # Outlines are large: a worker that cannot inherit them had better read the files again.
        place = self.root, self.staging, self.settings, self.owners, self.fresh
        return partial(Loader, *place, valid=self.valid, replaced=self.replaced), ()

    def load(self, path: str) -> Outline | None:
        """The outline of the module at `path`, or None if there is none. Raises `Refused`."""
        file = self._file(path)
        if file in self.outlines:
            outline = self._drop(file)
        else:
            self.digests[file] = ABSENT
            outline = self._outline(file, path)
        self.put(file, outline)
        self.lookups[MODULE + path] = self.digests[file]
        if isinstance(outline, Refused):
            raise outline
        return outline

    def load_imports(self, path: str) -> Outline | None:
        """The outline of the module at `path` down to its last `from ... import`, or further.

        It takes a fraction of the time of `load`, which will not read the file again. Raises
        `Refused`.
        """
        file = self._file(path)
        try:
            source = read_source(file, path)
        except FileNotFoundError:
            return None
        self.sources[file] = source
        self.forms[path] = replace(source, text="")
        text = "\n" + source.text
        found = (each for pattern in _TOP_IMPORTS for each in pattern.finditer(text))
        end = max((each.end() for each in found), default=0)
        try:
            return read_outline(path, text[1:end])
        except Refused:  # the module is not valid, or its last import is not the code that it seems
            return self.load(path)

    def put(self, file: str, outline: Outline | Refused | None) -> None:
        """From now on, `outline` is what there is in `file`, whatever lies on disk."""
        self._drop(file)
        self.outlines[file] = outline
        self.lines += _lines(outline)

    def _drop(self, file: str) -> Outline | Refused | None:
        outline = self.outlines.pop(file, None)
        self.lines -= _lines(outline)
        return outline

    def forget(self, path: str) -> None:
        """The outline of the module at `path` will not be needed again."""
        self._drop(self._file(path))

    def make_room(self) -> None:
        """Forget the outlines that were not needed for the longest time, if there are too many.

        Only between two conversions: within one, a module has one outline.
        """
        while self.lines > _ROOM:
            self._drop(next(iter(self.outlines)))

    def exists(self, path: str) -> bool:
        """Is there a module at `path`, or may this run generate one?"""
        found = path in self.owners or os.path.isfile(self._file(path))
        self.lookups[EXISTS + path] = YES if found else NO
        return found

    def size(self, path: str) -> int:
        """How many bytes the module at `path` has; 0 where there is none."""
        try:
            return os.stat(self._file(path)).st_size
        except OSError:
            return 0

    def form(self, path: str) -> Source:
        """How the module at `path`, which was read before, is written: see `forms`."""
        if path not in self.forms:  # it was read by a worker
            self.forms[path] = replace(read_source(self._file(path), path), text="")
        return self.forms[path]

    def _file(self, path: str) -> str:
        if path in self.owners and path not in self.fresh:
            staged = os.path.join(self.staging, path)
            if os.path.isfile(staged):
                return staged
        return self.replaced.get(path) or os.path.join(self.root, path)

    def _outline(self, file: str, path: str) -> Outline | Refused | None:
        try:
            if os.path.isdir(file):
                return None
            source = self.sources.pop(file, None) or read_source(file, path)
            if not file.startswith(self.staging) and self._is_left_over(source.text, path):
                return None
            self.forms[path] = replace(source, text="")
            self.digests[file] = source.digest
            is_valid = file.startswith(self.staging) or path in self.valid
            # By our own rules, all of a class that is merged is looked at.
            whole = not self.settings.corpus_rules
            skimmed = skim(path, source.text, whole_classes=whole) if is_valid else None
            return skimmed or read_outline(path, source.text)
        except FileNotFoundError:
            return None
        except Refused as error:
            self.digests[file] = UNREADABLE
            return error.with_traceback(None)

    def _is_left_over(self, text: str, path: str) -> bool:
        """Did an earlier run generate this text, though this one did not, or not yet?"""
        if path not in self.owners or path in self.fresh:
            return False
        return is_generated(text, source=self.owners[path], line=self.settings.banner_line)
