"""Where a run keeps what it works on."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from unravel import running

VARIABLES = ("TMPDIR", "TEMP", "TMP")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")


@pytest.mark.parametrize(
    ("room", "is_in_memory"),
    [(0, True), (2**62, False)],
    ids=["room", "no room"],
)
def test_scratch_lies_in_memory_where_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, *, is_in_memory: bool
) -> None:
    monkeypatch.setattr(running, "_IN_MEMORY", str(tmp_path))
    monkeypatch.setattr(running, "_ROOM", room)
    wanted = str(tmp_path) if is_in_memory else tempfile.gettempdir()
    assert running._scratch_base() == wanted


@pytest.mark.parametrize("name", VARIABLES)
def test_the_user_may_say_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(running, "_ROOM", 0)
    monkeypatch.setattr(running, "_IN_MEMORY", str(tmp_path))
    monkeypatch.setenv(name, os.curdir)
    assert running._scratch_base() == tempfile.gettempdir()


def test_scratch_that_a_killed_run_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_ROOM", 0)
    monkeypatch.setattr(running, "_IN_MEMORY", str(tmp_path))
    left = tmp_path / "unravel-mine-x"
    left.mkdir()
    with running._scratch(Path("mine")) as scratch:
        assert scratch.parent == tmp_path
        assert [*tmp_path.iterdir()] == [scratch]
    assert not [*tmp_path.iterdir()]
