"""The store of results: whole or not there, bounded, and never a reason to fail."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from unravel.cache import Cache

KEY, OTHER = "a" * 64, "b" * 64


def _file(cache: Cache, key: str = KEY) -> Path:
    return cache.folder / "results" / key[0] / key[1:]


def test_what_is_put_is_got(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "not/there/yet")
    value = {"text": "Grüße \udc80\n", "numbers": [1, None]}
    cache.put(KEY, value)
    cache.put_index(tmp_path, [1])
    assert Cache(tmp_path / "not/there/yet").get(KEY) == value
    assert cache.index(tmp_path) == [1]
    assert cache.get(OTHER) is None
    assert cache.index(tmp_path / "other") is None


def test_an_index_belongs_to_a_folder_whatever_it_is_called(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    (tmp_path / "project").mkdir()
    (tmp_path / "link").symlink_to("project")
    cache.put_index(tmp_path / "project", 1)
    assert cache.index(tmp_path / "link") == 1


def _folder_in_place(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _sealed(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode() + text


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "cut in the seal": lambda file: file.write_bytes(file.read_bytes()[:20]),
    "cut in the text": lambda file: file.write_bytes(file.read_bytes()[:-1]),
    "a flipped bit": lambda file: file.write_bytes(
        file.read_bytes()[:-3] + bytes([file.read_bytes()[-3] ^ 1]) + file.read_bytes()[-2:]
    ),
    "longer": lambda file: file.write_bytes(file.read_bytes() + b" "),
    "not JSON": lambda file: file.write_bytes(_sealed(b"{")),
    "not UTF-8": lambda file: file.write_bytes(_sealed(b'"\xff"')),
    "nested too deep": lambda file: file.write_bytes(_sealed(b"[" * 100_000)),
    "a folder": _folder_in_place,
    "a loop of links": lambda file: (file.unlink(), file.symlink_to(file)),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_entry_is_none(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, ["value"])
    cache.put(OTHER, ["other"])
    damage(_file(cache))
    assert cache.get(KEY) is None
    cache.put(KEY, ["again"])
    assert cache.get(KEY) in (["again"], None)
    assert _file(cache).is_dir() or cache.get(KEY) == ["again"]
    assert cache.get(OTHER) == ["other"]
    cache.trim()


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, size=1)
    share = 2**20 // 16
    keys = [f"a{number:063}" for number in range(8)]
    for age, key in enumerate(reversed(keys)):
        cache.put(key, "x" * (share // 4))
        os.utime(_file(cache, key), (time.time() - 10_000 * (age + 1),) * 2)
    assert cache.get(keys[0]) is not None  # the oldest by far, but just used
    cache.trim()
    left = [key for key in keys if _file(cache, key).exists()]
    assert left == [keys[0], keys[6], keys[7]]


def test_drafts_of_killed_runs_go_and_those_of_others_stay(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, 1)
    killed, running = (_file(cache).with_name(name) for name in (".killed", ".running"))
    for draft in (killed, running):
        draft.write_text("")
    os.utime(killed, (time.time() - 10_000,) * 2)
    cache.trim()
    assert (killed.exists(), running.exists()) == (False, True)
    assert cache.get(KEY) == 1


def test_without_a_place_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file")
    cache.put(KEY, 1)
    cache.put_index(tmp_path, 1)
    cache.trim()
    cache.clear()
    assert cache.get(KEY) is None
    assert cache.index(tmp_path) is None
    assert cache.usage() == (0, 0)


def test_clearing_removes_the_cache_alone(tmp_path: Path) -> None:
    (tmp_path / "conversions").mkdir()
    (tmp_path / "conversions" / "mine").write_text("mine")
    cache = Cache(tmp_path)
    cache.put(KEY, 1)
    cache.clear()  # no tag says that this is a cache: the folder was there before
    assert (tmp_path / "conversions" / "mine").exists()
    cache = Cache(tmp_path / "other")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / ".gitignore").write_text("mine")
    cache.put(KEY, 1)
    assert cache.usage().entries == 3
    cache.clear()
    assert [path.name for path in (tmp_path / "other").iterdir()] == [".gitignore"]
    assert (tmp_path / "other" / ".gitignore").read_text() == "mine"
