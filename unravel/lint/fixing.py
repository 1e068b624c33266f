"""Fixes, applied until nothing changes, and proven: the generated code is what they promise.

A round applies all edits that do not overlap, and looks again. What each round has made is
converted before it is kept: a fix that does not keep its promise is taken back and not tried again.
Nothing is written before all of that is done.
"""

from __future__ import annotations

import ast
import os
import re
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unravel.converter import convert
from unravel.formatting import format_batch
from unravel.lint.catalogue import catalogue
from unravel.lint.linting import Located, lint_unit
from unravel.lint.rule import Edit, Promise
from unravel.lint.units import Unit
from unravel.outline import read_outline
from unravel.reading import Loader, read_source
from unravel.types import Converted, Diagnostic, Failed, Outline, Refused
from unravel.workers import defect

_ROUNDS = 500
"""A fix that brings the next finding of its own kind for ever is a defect; this ends it."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """What fixing a unit has come to: the new `text` of each file that changes.

    `made` are the findings that were mended, `refused` those whose fix would not have kept its
    promise, with the reason.
    """

    source: str
    texts: Mapping[str, str]
    made: tuple[Diagnostic, ...]
    refused: tuple[tuple[Diagnostic, str], ...]


def fix_unit(source: str, loader: Loader, unit: Unit, codes: frozenset[str]) -> Fixed | Failed:
    """Fix what can be fixed in `unit`. Nothing is written; nothing is raised."""
    try:
        return _Fixing(source, loader, unit, codes).run()
    except Refused as refused:
        return Failed(source, (refused.diagnostic,))
    except Exception as error:
        return defect(source, error)


@dataclass
class _Fixing:
    source: str
    loader: Loader
    unit: Unit
    codes: frozenset[str]
    plain: frozenset[str] = frozenset()
    """The files that hold the very text that was read: see `unravel.outline.read_outline`."""
    made: list[Diagnostic] = field(default_factory=list)
    refused: dict[tuple[str, str, str], tuple[Diagnostic, str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def run(self) -> Fixed:
        self.plain = frozenset(path for path in self.unit.paths if self._is_plain(path))
        for _ in range(_ROUNDS):
            findings = self._look()
            chosen = self._choose(findings)
            if not chosen:
                return Fixed(
                    self.source,
                    dict(self.texts),
                    tuple(self.made),
                    tuple(self.refused.values()),
                )
            self._try(chosen)
        raise RuntimeError(f"fixes of {self.unit.modular or self.source} do not come to an end")

    def _look(self) -> tuple[Located, ...]:
        result = lint_unit(self.source, self.loader, self.unit, self.codes)
        if isinstance(result, Failed):
            raise Refused(result.diagnostics[0])
        return result.findings

    def _is_plain(self, path: str) -> bool:
        source = read_source(os.path.join(self.loader.root, path), path)
        return source.text == self._text(path)

    def _choose(self, findings: Sequence[Located]) -> list[Located]:
        """The fixes of this round: of those that overlap, the first."""
        chosen: list[Located] = []
        taken: dict[str, list[Edit]] = {}
        for found in findings:
            others = taken.setdefault(found.diagnostic.path, [])
            if not found.edits or _identity(found.diagnostic) in self.refused:
                continue
            if found.diagnostic.path not in self.plain:
                continue
            if not any(overlap(one, two) for one in found.edits for two in others):
                chosen.append(found)
                others += found.edits
        return chosen

    def _try(self, chosen: Sequence[Located]) -> None:
        """Make these fixes if they keep their promises, else each one that does by itself."""
        obstacle = self._keep(chosen)
        if not obstacle:
            self.made += [found.diagnostic for found in chosen]
        elif len(chosen) == 1:
            found = chosen[0].diagnostic
            self.refused[_identity(found)] = (found, obstacle)
        else:
            # Half of them: the lines of the rest are known again when the next round looks.
            self._try(chosen[: len(chosen) // 2])

    def _keep(self, chosen: Sequence[Located]) -> str:
        """Make these fixes; take them back and say why where a promise would be broken."""
        paths = sorted({found.diagnostic.path for found in chosen})
        old = {path: self._text(path) for path in paths}
        edits = {p: [e for f in chosen if f.diagnostic.path == p for e in f.edits] for p in paths}
        new = {path: edited(text, edits[path]) for path, text in old.items()}
        before = self._generated()
        self._put(new)
        promises = {catalogue()[found.diagnostic.code].promise for found in chosen}
        obstacle = broken(promises, before, self._generated(), self.loader)
        if obstacle:
            self._put(old)
        else:
            self.texts.update(new)
        return obstacle

    def _generated(self) -> Converted | Failed:
        try:
            return convert(self._outline(self.unit.modular), self.loader.settings, self.loader.load)
        except Refused as refused:
            return Failed(self.unit.modular, (refused.diagnostic,))

    def _outline(self, path: str) -> Outline:
        outline = self.loader.load(path)
        assert outline is not None, "a finding is about a file that is there"
        return outline

    def _text(self, path: str) -> str:
        return "".join(self._outline(path).lines)[:-1]

    def _put(self, texts: Mapping[str, str]) -> None:
        """From now on, `texts` are what these files hold."""
        for path, text in texts.items():
            file = os.path.join(self.loader.root, path)
            try:
                self.loader.put(file, read_outline(path, text))
            except Refused as refused:
                self.loader.put(file, refused)


def edited(text: str, edits: Iterable[Edit]) -> str:
    """`text` with its lines edited; edits do not overlap."""
    lines = text.splitlines(keepends=True)
    for edit in sorted(edits, key=lambda each: (each.first, each.last), reverse=True):
        lines[edit.first - 1 : edit.last] = [edit.text] if edit.text else []
    return "".join(lines)


def overlap(one: Edit, two: Edit) -> bool:
    """Do two edits touch the same lines?"""
    return one.first <= max(two.last, two.first) and two.first <= max(one.last, one.first)


def _identity(found: Diagnostic) -> tuple[str, str, str]:
    """A finding in whatever line it has come to stand."""
    return found.path, found.code, found.message


# -- the proof -----------------------------------------------------------------------------------


def broken(
    promises: Collection[Promise | None],
    before: Converted | Failed,
    after: Converted | Failed,
    loader: Loader,
) -> str:
    """Why what is generated after the fixes is not what they promise; empty where it is."""
    if isinstance(before, Failed) and Promise.REPAIR not in promises:
        return f"without that, the file cannot be converted: {before.diagnostics[0].message}"
    if isinstance(after, Failed):
        return f"then the file cannot be converted: {after.diagnostics[0].message}"
    if isinstance(before, Failed):
        return ""
    old = {file.path: file.text for file in before.files}
    new = {file.path: file.text for file in after.files}
    if old.keys() != new.keys():
        return f"it would generate {', '.join(sorted(old.keys() ^ new.keys()))} or not"
    changed = [path for path in old if old[path] != new[path]]
    before_it = _formatted({path: old[path] for path in changed}, promises, loader)
    after_it = _formatted({path: new[path] for path in changed}, promises, loader)
    differing = [path for path in changed if before_it[path] != after_it[path]]
    return f"it would change {', '.join(differing)}" if differing else ""


def _formatted(
    texts: Mapping[str, str], promises: Collection[Promise | None], loader: Loader
) -> dict[str, str | Diagnostic]:
    """Generated files as they would be written, less what the promises allow to change."""
    less = {path: _less_promised(text, promises) for path, text in texts.items()}
    with tempfile.TemporaryDirectory(prefix="unravel-lint-") as scratch:
        return format_batch(
            less, root=Path(loader.root), settings=loader.settings, scratch=Path(scratch)
        )


_EXPORTS = re.compile(r"^__all__ = \[[^\]]*\]\n", re.MULTILINE)


def _less_promised(text: str, promises: Collection[Promise | None]) -> str:
    if Promise.EXPORTS in promises:
        text = _EXPORTS.sub("", text)
    if Promise.COMMENTS in promises:
        text = ast.unparse(ast.parse(text)) + "\n"
    return text
