"""Findings of earlier runs, as long as all that they were made from is what it was.

A unit's findings are a function of the answers to its lookups, as a conversion is (see
`unravel.recall`), of the settings and of the rules.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from unravel.cache import Cache
from unravel.fingerprints import UNREADABLE, Fingerprints, Stamp, digest_of
from unravel.lint.linting import Linted, Located
from unravel.lint.rule import Edit
from unravel.selection import Project
from unravel.types import EXISTS, MODULE, NO, YES, Diagnostic, Severity

_MALFORMED = (TypeError, ValueError, KeyError, IndexError, AttributeError)


class Kept:
    """The memory of one run: the results of a project's units, by their names."""

    def __init__(self, cache: Cache, key: str, fingerprints: Fingerprints, units: Any) -> None:
        self._cache = cache
        self._key = key
        self._fingerprints = fingerprints
        self._units: dict[str, Any] = units
        self._has_news = False

    def get(self, name: str) -> Linted | None:
        """What an earlier run has found, if it would be found again."""
        stored = self._units.get(name)
        if stored is None:
            return None
        try:
            lookups, findings, imported = stored
            if all(self._answer(question) == answer for question, answer in lookups):
                return Linted(name, tuple(map(_located, findings)), tuple(imported))
        except _MALFORMED:
            pass
        return None

    def put(self, linted: Linted) -> None:
        # Looked at now: the stamps of what was read go with the results.
        if all(self._answer(question) == answer for question, answer in linted.lookups):
            findings = [_plain(each) for each in linted.findings]
            self._units[linted.source] = [linted.lookups, findings, linted.imported]
            self._has_news = True

    def close(self) -> None:
        if self._has_news or self._fingerprints.has_news:
            stamps = self._fingerprints.keep(self._fingerprints.known)
            self._cache.put(self._key, {"stamps": stamps, "units": self._units})
            self._cache.trim()

    def _answer(self, question: str) -> str | None:
        path = question[1:]
        if question[0] == MODULE:
            found = self._fingerprints.digest(path)
            return None if found == UNREADABLE else found
        assert question[0] == EXISTS
        return YES if self._fingerprints.exists(path) else NO


def open_kept(cache: Cache, project: Project, codes: Iterable[str]) -> Kept:
    """What the last run over the project has kept, if it had the same settings and rules."""
    root = os.path.realpath(project.root)
    settings = asdict(project.settings)
    parts = [root, sys.version, repr(sorted(settings.items())), repr(sorted(codes)), _ourselves()]
    key = hashlib.sha256("\0".join(["lint", *parts]).encode("utf-8", "surrogateescape")).hexdigest()
    stored = cache.get(key)
    try:
        stamps = {path: Stamp(*each) for path, each in stored["stamps"].items()}
        units = dict(stored["units"])
    except _MALFORMED:
        stamps, units = {}, {}
    return Kept(cache, key, Fingerprints(str(project.root), stamps), units)


def _ourselves() -> str:
    """A digest of unravel's own source: working on a rule needs no clearing of caches."""
    folder = Path(__file__).parents[1]
    files = sorted(folder.rglob("*.py"))
    stats = [(file.relative_to(folder).as_posix(), file.stat()) for file in files]
    return digest_of(repr([(n, s.st_size, s.st_mtime_ns) for n, s in stats]).encode())


def _plain(found: Located) -> list[Any]:
    values = asdict(found.diagnostic)
    values["severity"] = found.diagnostic.severity.value
    edits = [[each.first, each.last, each.text] for each in found.edits]
    return [values, edits, found.unless_imported]


def _located(stored: Any) -> Located:
    values, edits, unless_imported = stored
    diagnostic = Diagnostic(**{**values, "severity": Severity(values["severity"])})
    return Located(diagnostic, tuple(Edit(*each) for each in edits), unless_imported)
