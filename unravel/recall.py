"""What earlier runs have found out, and whether it still holds.

A conversion is a function of the answers that it got to its lookups: the bytes of each module that
it asked for, or that there was none, and what decides how its output is formatted. While all
lookups have the same answers, the result is the same, whatever else has changed.

That is used twice. A model is *unchanged* if its answers are those of the last run and its
generated files hold what that run made: a look at stat data may tell (see `fingerprints`), and
nothing is loaded. Otherwise the answers may be those of some earlier conversion, whose result lies
in the cache. A generated parent answers with what this run makes of it, not with what lies on disk.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from unravel.cache import Cache, default_folder
from unravel.fingerprints import ABSENT, UNREADABLE, Fingerprints, Stamp, digest_of
from unravel.formatting import FormatterError, Style, find_ruff, find_style
from unravel.installed import owner
from unravel.naming import model_name
from unravel.outcomes import Finished, Unchanged
from unravel.selection import Selection
from unravel.types import (
    EXISTS,
    MODULE,
    NO,
    YES,
    Converted,
    Diagnostic,
    GeneratedFile,
    Origin,
    Piece,
    Settings,
    Severity,
)
from unravel.writing import LONGEST_BANNER, is_generated, source_in, text_of

# Lookups of the formatter: a module's name, and a folder that may be a package.
_FIRST_PARTY, _PACKAGE = "@", "+"
# A lookup of the banner: the installed package that a module belongs to.
_OWNER = "!"

_MALFORMED = (TypeError, ValueError, KeyError, IndexError, AttributeError)


@dataclass(frozen=True, slots=True)
class Record:
    """What became of a modular file: `key` is the digest of all `lookups` with their answers.

    `files` holds the digests of the generated files; `beside` those of files that are called like
    generated ones of other kinds, and were written by hand. `foreign` names the installed modules
    whose code is in a generated file: its banner may tell of them.
    """

    key: str
    lookups: tuple[str, ...]
    warnings: tuple[Diagnostic, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    foreign: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recalled:
    """An earlier result. `bodies` are the texts of its files, formatted and without banner."""

    converted: Converted
    bodies: Mapping[str, str]


def open_cache(settings: Settings, root: Path, wanted: bool | str | Path) -> Cache | None:
    """The cache in the folder `wanted`; True is the one of the settings, False is none."""
    if wanted is False:
        return None
    if not isinstance(wanted, bool):
        folder = Path(os.path.abspath(wanted))
    elif settings.cache_dir:
        folder = Path(os.path.abspath(root / os.path.expanduser(settings.cache_dir)))
    else:
        folder = default_folder()
    return Cache(folder, size=settings.cache_size)


def open_recall(cache: Cache | None, selection: Selection) -> Recall | None:
    """None where there is no cache, or something decides that no digest can tell."""
    if cache is None:
        return None
    root, settings = selection.project.root, selection.project.settings
    stamps, context, records, banners = _read_index(cache.index(root))
    fingerprints = Fingerprints(str(root), stamps)
    try:
        style = find_style(root)
        now = _context(settings, root, style, fingerprints)
    except (FormatterError, OSError):
        return None
    if now is None:
        return None
    if context != now:
        records, banners = {}, {}
    return Recall(cache, selection, fingerprints, style, now, records, banners)


class Recall:
    """The memory of one run."""

    def __init__(
        self,
        cache: Cache,
        selection: Selection,
        fingerprints: Fingerprints,
        style: Style,
        context: str,
        records: dict[str, Record],
        banners: dict[str, Stamp],
    ) -> None:
        self._cache = cache
        self._root = selection.project.root
        self._settings = selection.project.settings
        self._sources = frozenset(selection.sources)
        self._owners = selection.owners
        self._targets: dict[str, list[str]] = {}
        for path, source in self._owners.items():
            self._targets.setdefault(source, []).append(path)
        self._fingerprints = fingerprints
        line = self._settings.banner_line
        self._banners = Fingerprints(
            str(self._root),
            banners,
            tell=lambda head: source_in(head, line=line),
            most=LONGEST_BANNER,
        )
        self._style = style
        self._style_stats = _stats(style.files)
        self._context = context
        self._records = records
        self._has_news = False
        by_hand = {path: d for each in records.values() for path, d in each.beside.items()}
        self._answers = _Answers(self._root, selection, style, fingerprints, by_hand)
        self._kept: dict[str, Record] = {}
        self.unchanged: dict[str, Unchanged] = {}
        self.foreign: dict[str, tuple[str, ...]] = {}

    def named_source(self, path: str) -> str:
        """The modular file that the banner of `path` names; empty where it has none."""
        found = self._banners.digest(path)
        return "" if found in (ABSENT, UNREADABLE) else found

    def names(self, folder: str) -> tuple[str, ...]:
        """What there is in a folder; none where there is no such folder."""
        return self._fingerprints.names(folder)

    # Models that need nothing.

    def find_unchanged(self, sources: Iterable[str]) -> None:
        """Fill `unchanged` with those of `sources`, and of their ancestors, that are."""
        if len({len(paths) for paths in self._targets.values()}) > 1:
            return  # two modular files generate the same file
        done: dict[str, bool] = {}
        begun: set[str] = set()
        waiting = list(sources)
        while waiting:
            source = waiting[-1]
            parents = self.parents(source)
            ahead = [each for each in parents if each not in done]
            if source not in done and ahead and source not in begun:
                begun.add(source)
                waiting += ahead
                continue
            waiting.pop()
            if source not in done:
                fit = all(done.get(each, False) for each in parents)
                done[source] = fit and self._is_unchanged(source)

    def parents(self, source: str) -> tuple[str, ...]:
        """The modular files that the last conversion of `source` was built on."""
        record = self._records.get(source)
        return self._parents(source, record.lookups) if record else ()

    def _parents(self, source: str, lookups: Iterable[str]) -> tuple[str, ...]:
        paths = (lookup[1:] for lookup in lookups if lookup[0] == MODULE)
        found = {self._owners[path] for path in paths if path in self._owners}
        return tuple(sorted(found - {source}))

    def _is_unchanged(self, source: str) -> bool:
        record, targets = self._records.get(source), self._targets.get(source, ())
        if record is None or not record.files or self._key(source, record.lookups) != record.key:
            return False
        there = {**record.beside, **record.files}
        others = set(targets) - there.keys()
        if len(there) + len(others) > len(targets) or any(map(self._differs, there.items())):
            return False
        # Most kinds of files a model does not have: to list its folder costs less than to look.
        if any(map(self._is_there, others)):
            return False
        self._answers.fresh.update(record.files)
        self.foreign.update((path, tuple(found)) for path, found in record.foreign.items())
        files = tuple(sorted(record.files))
        self.unchanged[source] = Unchanged(source, model_name(source), files, record.warnings)
        return True

    def _is_there(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        return name in self.names(folder)

    def _differs(self, wanted: tuple[str, str]) -> bool:
        path, digest = wanted
        return self._fingerprints.digest(path) != digest

    # Results of earlier conversions.

    def result(self, source: str, parents: Collection[str]) -> Recalled | None:
        """What a conversion of `source` would give, if an earlier one got the same answers.

        All `parents` are finished by now.
        """
        for lookups in self._recipes(source):
            if set(self._parents(source, lookups)) <= set(parents):
                key = self._key(source, lookups)
                found = _recalled(source, lookups, self._cache.get(key))
                if found is not None:
                    self._kept[source] = Record(key, lookups, found.converted.warnings)
                    return found
        return None

    def keep(
        self,
        converted: Converted,
        digest: str,
        bodies: Mapping[str, str],
        parents: Collection[str],
        foreign: Collection[str],
    ) -> None:
        """Keep the result of a conversion; `bodies` are its files as they were formatted.

        `digest` is that of the modular file, whose line ends they have. They contain code of the
        installed modules `foreign`.
        """
        if _stats(self._style.files) != self._style_stats:
            return  # somebody edits the settings: who knows which ones the formatter has read
        source = converted.source
        found = dict(converted.lookups)
        further = _lookups_of_formatter(converted, self._root, self._style.base)
        for lookup in (*further, *(_OWNER + module for module in foreign)):
            found[lookup] = self._answers.of(lookup)
        lookups = tuple(sorted(found))
        is_built_on = set(self._parents(source, lookups)) <= set(parents)
        if UNREADABLE in found.values() or not is_built_on or found[MODULE + source] != digest:
            return
        key = self._digest(source, [f"{lookup}\0{found[lookup]}" for lookup in lookups])
        self._cache.put(key, _as_json(converted, bodies))
        self._cache.put(self._recipe(source, digest), lookups)
        self._kept[source] = Record(key, lookups, converted.warnings)

    def finish(self, finished: Finished, foreign: Mapping[str, Sequence[str]]) -> None:
        """The files of a model are complete: its children are built on them."""
        source = finished.source
        digests = {file.path: digest_of(file.content) for file in finished.files}
        self._answers.fresh.update(digests)
        kept = self._kept.pop(source, None)
        if kept is None:
            self._has_news |= self._records.pop(source, None) is not None
            return
        # A file that nobody needs any more is warned of each time.
        known = {*digests, *(warning.path for warning in finished.warnings)}
        others = [path for path in self._targets[source] if path not in known]
        found = {path: self._fingerprints.digest(path) for path in others}
        beside = {path: digest for path, digest in found.items() if digest != ABSENT}
        theirs = {path: tuple(foreign[path]) for path in digests if foreign.get(path)}
        record = replace(kept, files=digests, beside=beside, foreign=theirs)
        self._has_news |= self._records.get(source) != record
        self._records[source] = record

    def close(self) -> None:
        """Save what this run has found out."""
        self._cache.trim()
        if not (self._has_news or self._fingerprints.has_news or self._banners.has_news):
            return
        records = {s: each for s, each in sorted(self._records.items()) if s in self._sources}
        paths = {
            lookup[1:] for r in records.values() for lookup in r.lookups if lookup[0] == MODULE
        }
        paths.update(path for r in records.values() for path in (*r.files, *r.beside))
        paths.update(_context_files(self._settings, self._root, self._style))
        stamps = self._fingerprints.keep(paths)
        index = {
            "context": self._context,
            "stamps": stamps,
            # A run over some models has looked at none of them.
            "banners": self._banners.keep(self._banners.seen or self._banners.known),
            "records": {
                source: [r.key, r.lookups, _plain(r.warnings), r.files, r.beside, r.foreign]
                for source, r in records.items()
            },
        }
        self._cache.put_index(self._root, index)

    def _recipes(self, source: str) -> Iterator[tuple[str, ...]]:
        """The lookups of earlier conversions of `source`."""
        record = self._records.get(source)
        if record is not None:
            yield record.lookups
        stored = self._cache.get(self._recipe(source, self._answers.of(MODULE + source)))
        if isinstance(stored, list) and all(isinstance(each, str) and each for each in stored):
            yield tuple(stored)

    def _recipe(self, source: str, digest: str) -> str:
        return self._digest(source, ["recipe", digest])

    def _key(self, source: str, lookups: Iterable[str]) -> str:
        answer = self._answers.of
        return self._digest(source, [f"{lookup}\0{answer(lookup)}" for lookup in lookups])

    def _digest(self, source: str, parts: Iterable[str]) -> str:
        return _digest([self._context, source, *parts])


class _Answers:
    """What lookups give now."""

    def __init__(
        self,
        root: Path,
        selection: Selection,
        style: Style,
        fingerprints: Fingerprints,
        by_hand: Mapping[str, str],
    ) -> None:
        self.fresh: dict[str, str] = {}
        """The digests of the generated files that are complete in this run."""
        self._root = root
        self._owners = selection.owners
        self._installed = selection.project.settings.installed
        self._banner_line = selection.project.settings.banner_line
        self._style = style
        self._fingerprints = fingerprints
        self._by_hand = by_hand
        self._known: dict[str, str] = {}

    def of(self, lookup: str) -> str:
        kind, name = lookup[0], lookup[1:]
        if kind == MODULE and name in self._owners:
            return self._generated(name)
        found = self._known.get(lookup)
        if found is None:
            self._known[lookup] = found = self._look(kind, name)
        return found

    def _look(self, kind: str, name: str) -> str:
        if kind == MODULE:
            return self._fingerprints.digest(name)
        if kind == EXISTS:
            return YES if name in self._owners or self._fingerprints.exists(name) else NO
        if kind == _PACKAGE:
            return YES if os.path.isfile(self._style.base / name / "__init__.py") else NO
        if kind == _OWNER:
            return repr(owner(name, self._installed))
        if kind == _FIRST_PARTY:
            return _traces(name, self._style.sources)
        return UNREADABLE

    def _generated(self, path: str) -> str:
        """As for `Loader`: what this run makes of it, or what somebody has written by hand."""
        if path in self.fresh:
            return self.fresh[path]
        digest = self._fingerprints.digest(path)
        # What was found to be written by hand is so while it stays the same.
        if digest in (ABSENT, UNREADABLE, self._by_hand.get(path)):
            return digest
        try:
            text = text_of((self._root / path).read_bytes())
        except OSError:
            return UNREADABLE
        is_left_over = is_generated(text, source=self._owners[path], line=self._banner_line)
        return ABSENT if is_left_over else digest


# -- what the formatter looks up -----------------------------------------------------------------

_IMPORT = re.compile(
    r"(?:^|[;:])[ \t]*(?:from[ \t]+(\w[\w.]*)[ \t]+import\b|import[ \t]+(\w[^#;]*))"
)


def _lookups_of_formatter(converted: Converted, root: Path, base: Path) -> Iterator[str]:
    for file in converted.files:
        for folder in Path(os.path.relpath(root / file.path, base)).parents:
            yield _PACKAGE + folder.as_posix()
        for module in _imported(file.text):
            yield _FIRST_PARTY + module


def _imported(text: str) -> Iterator[str]:
    """The modules that a text imports by their absolute names, and maybe some that it does not."""
    for line in text.replace("\\\n", " ").split("\n"):
        if "import" in line:
            for found in _IMPORT.finditer(line):
                for name in (found[1] or found[2]).split(","):
                    yield from name.split()[:1]


def _traces(module: str, folders: Iterable[str]) -> str:
    """Which parts of a module's path there are below each folder: first-party modules are there."""
    found = []
    for folder in folders:
        stem = folder
        for part in module.split("."):
            stem = os.path.join(stem, part)
            is_folder = os.path.isdir(stem)
            is_file, is_stub = os.path.isfile(stem + ".py"), os.path.isfile(stem + ".pyi")
            found.append(f"{is_folder:d}{is_file:d}{is_stub:d}")
            if not is_folder:
                break
        found.append("/")
    return "".join(found)


# -- what all conversions of a run depend on -----------------------------------------------------


def _context(
    settings: Settings, root: Path, style: Style, fingerprints: Fingerprints
) -> str | None:
    """Settings, the formatter and its settings, the versions of Python and of unravel itself."""
    if any("$" in str(file) for file in style.files) or any(map(glob.has_magic, style.sources)):
        return None
    files = _context_files(settings, root, style)
    digests = [fingerprints.digest(file) for file in files]
    if UNREADABLE in digests:
        return None
    # How many processes there are and where the cache lies makes no difference. Nor does the path
    # of ruff: what lies there is among the files.
    plain = replace(settings, sources=(), jobs=0, ruff="", cache_dir="", cache_size=0)
    plain = replace(plain, lint_select=(), lint_ignore=(), lint_baseline="")
    folders = (str(style.base), *style.sources, *map(str, style.files))
    places = (os.path.relpath(folder, root) for folder in folders)
    return _digest([sys.version, repr(plain), *places, *digests])


def _context_files(settings: Settings, root: Path, style: Style) -> list[str]:
    with os.scandir(os.path.dirname(__file__)) as entries:
        own = sorted(each.path for each in entries if each.name.endswith(".py"))
    ruff = os.path.realpath(find_ruff(settings, root))
    return [*own, ruff, *map(str, style.files)]


def _stats(files: Iterable[Path]) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = []
    for file in files:
        try:
            now = os.stat(file)
        except OSError:
            found.append(())
        else:
            found.append((now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino))
    return found


def _digest(parts: Iterable[str]) -> str:
    joined = "\0\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()


# -- JSON ----------------------------------------------------------------------------------------


_Index = tuple[dict[str, Stamp], str, dict[str, Record], dict[str, Stamp]]
"""Stamps of what is read, what they depend on, records, and stamps of banners."""


def _read_index(index: Any) -> _Index:
    try:
        stamps = {path: Stamp(*each) for path, each in index["stamps"].items()}
        records = {
            source: Record(key, tuple(lookups), _diagnostics(warnings), *digests)
            for source, (key, lookups, warnings, *digests) in index["records"].items()
        }
        banners = {path: Stamp(*each) for path, each in index["banners"].items()}
        return stamps, index["context"], records, banners
    except _MALFORMED:
        return {}, "", {}, {}


def _as_json(converted: Converted, bodies: Mapping[str, str]) -> Any:
    return {
        "files": [
            [
                file.path,
                file.kind,
                bodies[file.path],
                [[piece.text, piece.origin.path, piece.origin.line] for piece in file.pieces],
                file.parents,
            ]
            for file in converted.files
        ],
        "inputs": converted.inputs,
        "warnings": _plain(converted.warnings),
    }


def _recalled(source: str, lookups: tuple[str, ...], found: Any) -> Recalled | None:
    try:
        files = tuple(
            GeneratedFile(path, kind, _pieces(pieces), tuple(parents))
            for path, kind, _, pieces, parents in found["files"]
        )
        bodies = {path: body for path, _, body, *_ in found["files"]}
        warnings = _diagnostics(found["warnings"])
        return Recalled(Converted(source, files, tuple(found["inputs"]), warnings), bodies)
    except _MALFORMED:
        return None


def _pieces(found: Iterable[Sequence[Any]]) -> tuple[Piece, ...]:
    return tuple(Piece(text, Origin(path, line)) for text, path, line in found)


def _plain(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    return [{**asdict(each), "severity": each.severity.value} for each in diagnostics]


def _diagnostics(found: Iterable[Mapping[str, Any]]) -> tuple[Diagnostic, ...]:
    return tuple(Diagnostic(**{**each, "severity": Severity(each["severity"])}) for each in found)
