"""Digests of files, known without reading them where their stat data prove that nothing changed.

A file is read again unless size, inode, times of modification and of change are what they were,
and both times were well past when it was read: what is written twice within one tick of the file
system's clock looks the same. (`git` keeps its index by this rule.)
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

ABSENT = ""
"""The digest where there is no file."""

UNREADABLE = "!"
"""The digest of what cannot be read. Nothing may be built on it: it equals no other."""

_TICK = 2_000_000_000
"""Nanoseconds: FAT counts in steps of two seconds, every other file system in smaller ones."""


class Stamp(NamedTuple):
    """Stat data of a file and the digest of what it held then."""

    size: int
    modified: int
    changed: int
    inode: int
    digest: str


class Fingerprints:
    """Gives out digests; each file is looked at once. `known` are the stamps of earlier runs.

    Paths are relative to `root`, or absolute. A digest may be anything that `tell` makes of the
    first bytes of a file, `most` of them: what its banner says, for one.
    """

    def __init__(
        self,
        root: str,
        known: dict[str, Stamp],
        clock: Callable[[], int] = time.time_ns,
        tell: Callable[[bytes], str] = lambda content: digest_of(content),
        most: int = -1,
    ) -> None:
        self.root = root
        self.known = known
        self.has_news = False
        self._clock = clock
        self._tell = tell
        self._most = most
        self.seen: dict[str, str] = {}
        self._names: dict[str, tuple[str, ...]] = {}

    def names(self, folder: str) -> tuple[str, ...]:
        """What there is in `folder`, which is looked at once; nothing where there is no folder."""
        found = self._names.get(folder)
        if found is None:
            try:
                found = tuple(os.listdir(os.path.join(self.root, folder)))
            except OSError:
                found = ()
            self._names[folder] = found
        return found

    def digest(self, path: str) -> str:
        """The digest of the file at `path`, ABSENT or UNREADABLE."""
        found = self.seen.get(path)
        if found is None:
            self.seen[path] = found = self._look(path)
        return found

    def exists(self, path: str) -> bool:
        return os.path.isfile(os.path.join(self.root, path))

    def keep(self, paths: Iterable[str]) -> dict[str, Stamp]:
        """The stamps of `paths`, as far as they are worth keeping."""
        return {path: self.known[path] for path in sorted(set(paths)) if path in self.known}

    def _look(self, path: str) -> str:
        file = os.path.join(self.root, path)
        try:
            now = os.stat(file)
            stamp = self.known.get(path)
            if stamp is not None and stamp[:4] == _stats(now):
                return stamp.digest
            if stat.S_ISDIR(now.st_mode):
                return ABSENT
            if not stat.S_ISREG(now.st_mode):
                return UNREADABLE
            return self._read(file, path)
        except (FileNotFoundError, NotADirectoryError):
            return ABSENT
        except (OSError, ValueError):
            return UNREADABLE

    def _read(self, file: str, path: str) -> str:
        with open(file, "rb", buffering=0) as stream:
            before, began = os.fstat(stream.fileno()), self._clock()
            digest = self._tell(stream.read(self._most))
            after = os.fstat(stream.fileno())
        is_settled = max(before.st_mtime_ns, before.st_ctime_ns) + _TICK < began
        if is_settled and _stats(before) == _stats(after):
            self.known[path] = Stamp(*_stats(before), digest)
            self.has_news = True
        return digest


def _stats(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
