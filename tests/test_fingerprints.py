"""Digests from stat data, where these prove anything."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from unravel.fingerprints import ABSENT, UNREADABLE, Fingerprints, Stamp, digest_of

LATER = 10_000_000_000


def _fingerprints(root: Path, known: dict[str, Stamp], *, later: int = LATER) -> Fingerprints:
    return Fingerprints(str(root), known, lambda: time.time_ns() + later)


def test_a_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"one")
    known: dict[str, Stamp] = {}
    first = _fingerprints(tmp_path, known)
    assert first.digest("a") == digest_of(b"one")
    assert first.has_news
    again = _fingerprints(tmp_path, known)
    monkeypatch.setattr("builtins.open", None)
    assert again.digest("a") == digest_of(b"one")
    assert not again.has_news


def test_a_folder_is_listed_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").touch()
    fingerprints = _fingerprints(tmp_path, {})
    assert fingerprints.names("a") == ("b",)
    (tmp_path / "a" / "c").touch()
    assert fingerprints.names("a") == ("b",)
    assert fingerprints.names("nowhere") == fingerprints.names("a/b") == ()


def test_what_was_just_written_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    known: dict[str, Stamp] = {}
    fingerprints = _fingerprints(tmp_path, known, later=0)
    assert fingerprints.digest("a") == digest_of(b"one")
    assert not known
    os.utime(tmp_path / "a", (2**33, 2**33))  # a time to come proves nothing either
    assert _fingerprints(tmp_path, known).digest("a") == digest_of(b"one")
    assert not known


def _rewrite(file: Path) -> None:
    before = file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(file: Path) -> None:
    before = file.stat()
    other = file.with_name("other")
    other.write_bytes(b"two")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace(other, file)


@pytest.mark.parametrize("change", [_rewrite, _replace])
def test_the_same_size_and_time_of_modification_prove_nothing(tmp_path: Path, change) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "a").write_bytes(b"one")
    os.utime(tmp_path / "a", (1e9, 1e9))
    known: dict[str, Stamp] = {}
    assert _fingerprints(tmp_path, known).digest("a") == digest_of(b"one")
    before = (tmp_path / "a").stat()
    time.sleep(0.02)  # longer than a tick of the clock that `st_ctime` is taken from
    change(tmp_path / "a")
    after = (tmp_path / "a").stat()
    assert (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    assert _fingerprints(tmp_path, known).digest("a") == digest_of(b"two")


def test_what_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    fingerprints = _fingerprints(tmp_path, {})
    assert fingerprints.digest("folder") == ABSENT
    assert fingerprints.digest("nothing") == ABSENT
    assert fingerprints.digest("file/below") == ABSENT
    assert fingerprints.digest("pipe") == UNREADABLE
    assert fingerprints.digest("loop") == UNREADABLE
    assert fingerprints.digest("a\0b") == UNREADABLE
