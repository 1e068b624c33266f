"""Results of earlier conversions, by the digest of all that they were made from.

An entry is one file, which appears by a rename and begins with the digest of its content: a killed
or concurrent run leaves either all of it or nothing, and what is damaged is as good as not there.
Reading takes no lock. No error of the disk gets out of here: without a cache, all still works.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

SIZE = 512
"""MiB that the results of all projects may take, if no setting says otherwise."""

_RESULTS, _INDEX = "results", "index"
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of unravel.\n"
"""By this, backup programs know a cache; so do we, before anything is cleared."""

_SHELVES = "0123456789abcdef"
_SEAL = len(hashlib.sha256().hexdigest())
_HOUR = 3600.0


class Usage(NamedTuple):
    entries: int
    size: int


def default_folder() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("unravel", appauthor=False)


class Cache:
    """The cache in `folder`, which need not exist; it may hold `size` MiB of results.

    Results lie on sixteen shelves by the first digit of their key. The least recently used ones
    of a shelf go when it holds more than its share.
    """

    def __init__(self, folder: Path, *, size: int = SIZE) -> None:
        # A folder of its own: what is given may hold other things.
        self.folder = folder / "conversions"
        self.size = size
        self._touched: set[str] = set()

    # Results.

    def get(self, key: str) -> Any:
        """What was put under `key`, or None."""
        file = self._result(key)
        found = _read(file)
        if found is not None:
            # Its time is when it was last used; once an hour is exact enough.
            with contextlib.suppress(OSError):
                if time.time() - os.stat(file).st_mtime > _HOUR:
                    os.utime(file)
        return found

    def put(self, key: str, value: Any) -> None:
        """Keep `value`, which JSON can express, under `key`."""
        self._touched.add(key[0])
        self._begin()
        _write(self._result(key), value)

    def trim(self) -> None:
        """Remove what is over the bound, on the shelves that this run has put something on."""
        for shelf in sorted(self._touched):
            _trim(self.folder / _RESULTS / shelf, self.size * 2**20 // len(_SHELVES))
        self._touched.clear()

    def _result(self, key: str) -> Path:
        return self.folder / _RESULTS / key[0] / key[1:]

    # One index a project.

    def index(self, root: Path) -> Any:
        """What the last run over the project at `root` has found, or None."""
        return _read(self._index(root))

    def put_index(self, root: Path, value: Any) -> None:
        self._begin()
        _trim(self.folder / _INDEX, self.size * 2**20 // len(_SHELVES))
        _write(self._index(root), value)

    def _index(self, root: Path) -> Path:
        key = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:24]
        return self.folder / _INDEX / key

    # The whole.

    def usage(self) -> Usage:
        """How many files there are, and how many bytes they take."""
        sizes = []
        for folder, _, files in os.walk(self.folder):
            for file in files:
                with contextlib.suppress(OSError):
                    sizes.append(os.stat(os.path.join(folder, file)).st_size)
        return Usage(len(sizes), sum(sizes))

    def clear(self) -> None:
        """Remove all that is in the cache. Raises `OSError` where that is not allowed."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if (self.folder / "CACHEDIR.TAG").read_text("ascii") == _TAG:
                shutil.rmtree(self.folder)

    def _begin(self) -> None:
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True)
            (self.folder / "CACHEDIR.TAG").write_text(_TAG, "ascii")
            (self.folder / ".gitignore").write_text("*\n", "ascii")


# -- files ---------------------------------------------------------------------------------------


def _read(file: Path) -> Any:
    try:
        with open(file, "rb") as stream:
            content = stream.read()
        seal, text = content[:_SEAL], content[_SEAL:]
        if hashlib.sha256(text).hexdigest().encode("ascii") != seal:
            return None
        return json.loads(text)
    except (OSError, ValueError, RecursionError):
        return None


def _write(file: Path, value: Any) -> None:
    text = json.dumps(value, separators=(",", ":")).encode("ascii")
    seal = hashlib.sha256(text).hexdigest().encode("ascii")
    draft = file.with_name(f".{file.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(draft, "wb") as stream:
            stream.write(seal)
            stream.write(text)
        os.replace(draft, file)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(draft)


def _trim(shelf: Path, share: int) -> None:
    found = []
    with contextlib.suppress(OSError), os.scandir(shelf) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.is_file(follow_symlinks=False):
                    stats = entry.stat()
                    found.append((stats.st_mtime, entry.name, stats.st_size))
    total = sum(size for _, _, size in found)
    recently = time.time() - _HOUR
    for used, name, size in sorted(found):
        # Drafts of killed runs go, those of other runs that are at it stay.
        is_draft = name.startswith(".")
        if used < recently if is_draft else total > share:
            with contextlib.suppress(OSError):
                os.unlink(shelf / name)
                total -= size
