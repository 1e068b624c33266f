"""All copies of a project, looked at and brought in step: chains of copies in one run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from unravel.lint.catalogue import of_scope
from unravel.lint.fixing import edited, overlap
from unravel.lint.ignoring import Ignored
from unravel.lint.linting import Located, located
from unravel.lint.model import ModelFile
from unravel.lint.rule import Edit, Scope
from unravel.lint.running import Run, finished, loader_of, written
from unravel.lint.units import kind_and_model
from unravel.outcomes import FinishedFile
from unravel.outline import read_outline
from unravel.reading import Loader
from unravel.selection import Project, failed, relative
from unravel.types import Failed, Refused
from unravel.workers import without_collector

_MARK = b"Copied from"
_OTHERS = ("__pycache__", "build", "dist", "node_modules", "site-packages")
_ROUNDS = 64
"""So many copies may hang on each other in a row."""


def check(project: Project | Failed, requests: Sequence[str], codes: frozenset[str]) -> Run:
    """The findings in all files that have a marker, or in those that `requests` name."""
    if isinstance(project, Failed):
        return Run("", (), (), (project,), began=False)
    with without_collector():
        return _Copying(project, loader_of(project), codes).look(requests)


@dataclass(frozen=True, slots=True)
class Fixed:
    """The `files` that change, and what could not be written, or cannot come to rest."""

    files: tuple[FinishedFile, ...]
    failed: tuple[Failed, ...]


def fix(project: Project, requests: Sequence[str], codes: frozenset[str], *, write: bool) -> Fixed:
    """Bring the copies in step with their sources, also with those that are copies in turn."""
    with without_collector():
        copying = _Copying(project, loader_of(project), codes)
        for _ in range(_ROUNDS):
            if not copying.mend(copying.look(requests)):
                break
        else:
            message = "the copies are each other's sources, so they never come to rest"
            return Fixed((), (failed("UNR103", str(project.root), message),))
    files = tuple(finished(project, path, text) for path, text in sorted(copying.texts.items()))
    return Fixed(files, written(project, files) if write else ())


@dataclass
class _Copying:
    project: Project
    loader: Loader
    codes: frozenset[str]
    texts: dict[str, str] = field(default_factory=dict)
    """What has been mended so far, by path."""

    def look(self, requests: Sequence[str]) -> Run:
        root = str(self.project.root)
        paths = [relative(each, self.project.root) for each in requests]
        missing = [each for each in paths if not os.path.isfile(os.path.join(root, each))]
        if missing:
            lost = failed("UNR001", missing[0], "there is no such file")
            return Run(root, (), (), (lost,), began=False)
        found: list[Located] = []
        failures: list[Failed] = []
        subjects = paths or list(_marked_files(root))
        for path in subjects:
            try:
                found += self._look_at(path)
            except Refused as refused:
                failures.append(Failed(path, (refused.diagnostic,)))
        return Run(root, tuple(subjects), tuple(found), tuple(failures))

    def _look_at(self, path: str) -> Iterator[Located]:
        outline = self.loader.load(path)
        if outline is None:
            return
        ignored = Ignored(outline)
        file = ModelFile(outline, *kind_and_model(path), None, self.loader)
        for rule in of_scope(Scope.COPY, self.codes):
            for each in located(rule, rule.check(file), file):
                if not ignored.covers(each.diagnostic.code, each.diagnostic.line):
                    yield each

    def mend(self, run: Run) -> bool:
        """Make the edits that do not overlap, in memory; says whether there were any."""
        edits: dict[str, list[Edit]] = {}
        for found in run.findings:
            taken = edits.setdefault(found.diagnostic.path, [])
            if not any(overlap(one, two) for one in found.edits for two in taken):
                taken += found.edits
        changed = {path: each for path, each in edits.items() if each}
        for path, each in changed.items():
            outline = self.loader.load(path)
            assert outline is not None, "a finding is about a file that is there"
            text = edited("".join(outline.lines)[:-1], each)
            self.texts[path] = text
            self.loader.put(os.path.join(self.loader.root, path), read_outline(path, text))
        return bool(changed)


def _marked_files(root: str) -> Iterator[str]:
    """All Python files of the project with a marker; modular files have a rule of their own."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in _OTHERS and not f.startswith("."))
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith("modular_"):
                path = os.path.join(folder, name)
                with open(path, "rb") as stream:
                    if _MARK in stream.read():
                        yield os.path.relpath(path, root).replace(os.sep, "/")
