"""Files of a model reach the disk all or none; a killed run is finished or undone by the next."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.corpus.release import REPOSITORY
from unravel import writing
from unravel.writing import Write, banner_of, is_generated, locked, recover, write_models

OURS = "# unravel: "
THEIRS = r"#\s{9,}\S"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def _files(tree: Path) -> dict[str, bytes]:
    found = (path for path in tree.rglob("*") if path.is_file())
    return {path.relative_to(tree).as_posix(): path.read_bytes() for path in found}


def _write(file: Path, content: bytes) -> Write:
    return Write(str(file), content, file.read_bytes() if file.is_file() else None)


# -- banners -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "banner"),
    [
        ("", OURS, ""),
        ("import os\n", OURS, ""),
        ("# Copyright\n# unravel: x\n", OURS, ""),
        ("# unravel: x", OURS, "# unravel: x\n"),
        ("# unravel: x\n# unravel: y\nimport os\n", OURS, "# unravel: x\n# unravel: y\n"),
        ("# unravel: x\n\n# unravel: y\n", OURS, "# unravel: x\n"),
        ("#          a\n#  b\n", THEIRS, "#          a\n"),
        ("#\n         a\n", THEIRS, ""),
    ],
)
def test_banner_of(text: str, line: str, banner: str) -> None:
    assert banner_of(text, line=line) == banner


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# unravel: generated from modular/modular_x.py\n", True),
        ("# unravel: generated from modular_x.py", True),
        ("# unravel: by machine\n# unravel: see modular_x.py.\nimport os\n", True),
        ("# Copyright\n\n# unravel: generated from modular/modular_x.py\nimport os\n", True),
        ("", False),
        ("import os\n", False),
        ("# see modular_x.py\n", False),
        ("# unravel: generated from modular/modular_y.py\n", False),
        ("# unravel: generated from modular/modular_x.pyi\n", False),
        ("# unravel: generated from modular/my_modular_x.py\n", False),
        ("import os\n# unravel: generated from modular/modular_x.py\n", False),
        ('"""\n# unravel: generated from modular/modular_x.py\n"""\n', False),
    ],
)
def test_is_generated(text: str, expected: bool) -> None:
    assert is_generated(text, source="modular/modular_x.py", line=OURS) is expected


# -- writing -------------------------------------------------------------------------------------


def test_new_and_changed(tree: Path, state: Path) -> None:
    (tree / "a.py").write_bytes(b"old")
    model = [_write(tree / "a.py", b"new"), _write(tree / "deep/er/b.py", b"b\r\n")]
    assert write_models([model], state=state) == [None]
    assert _files(tree) == {"a.py": b"new", "deep/er/b.py": b"b\r\n"}
    assert list(state.iterdir()) == []


def test_permissions_stay(tree: Path, state: Path) -> None:
    (tree / "a.py").write_bytes(b"old")
    (tree / "a.py").chmod(0o750)
    (tree / "b.py").touch()
    write_models([[_write(tree / "a.py", b"new"), _write(tree / "c.py", b"c")]], state=state)
    assert stat.S_IMODE((tree / "a.py").stat().st_mode) == 0o750
    assert (tree / "c.py").stat().st_mode == (tree / "b.py").stat().st_mode


def test_a_link_is_followed(tree: Path, state: Path) -> None:
    (tree / "real").mkdir()
    (tree / "real/a.py").write_bytes(b"old")
    (tree / "a.py").symlink_to("real/a.py")
    write_models([[_write(tree / "a.py", b"new")]], state=state)
    assert (tree / "a.py").is_symlink()
    assert _files(tree / "real") == {"a.py": b"new"}


def _folder_in_place(tree: Path) -> None:
    (tree / "b.py").mkdir()


def _file_as_folder(tree: Path) -> None:
    (tree / "b.py").touch()


@pytest.mark.parametrize(
    ("prepare", "bad"), [(_folder_in_place, "b.py"), (_file_as_folder, "b.py/c.py")]
)
def test_all_or_none(tree: Path, state: Path, prepare: Callable[[Path], None], bad: str) -> None:
    prepare(tree)
    (tree / "a.py").write_bytes(b"old")
    before = _files(tree)
    model = [_write(tree / "a.py", b"new"), _write(tree / bad, b"b"), _write(tree / "z.py", b"z")]
    (error,) = write_models([model], state=state)
    assert error is not None
    assert error.file == str(tree / bad)
    assert _files(tree) == before
    assert list(state.iterdir()) == []


def test_one_model_does_not_harm_the_others(tree: Path, state: Path) -> None:
    (tree / "bad.py").mkdir()
    models = [[_write(tree / name, b"x")] for name in ("a.py", "bad.py", "c.py")]
    errors = write_models(models, state=state)
    assert [error is None for error in errors] == [True, False, True]
    assert _files(tree) == {"a.py": b"x", "c.py": b"x"}


def test_a_rename_that_fails_is_undone(
    tree: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "b.py").write_bytes(b"old")
    real, seen = os.replace, []

    def replace(source: str, target: str) -> None:
        seen.append(str(target))
        if str(target).endswith("c.py"):
            raise PermissionError(13, "no")
        real(source, target)

    monkeypatch.setattr(writing.os, "replace", replace)
    model = [_write(tree / name, b"new") for name in ("a.py", "b.py", "c.py")]
    (error,) = write_models([model], state=state)
    assert error is not None
    assert error.file.endswith("c.py")
    assert any(each.endswith("a.py") for each in seen)
    assert _files(tree) == {"b.py": b"old"}


def test_a_full_disk(tree: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(descriptor: int) -> None:
        if "tree" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "fsync", fsync)
    (tree / "a.py").write_bytes(b"old")
    (error,) = write_models([[_write(tree / "a.py", b"new")]], state=state)
    assert error is not None
    assert error.reason == "No space left on device"
    assert _files(tree) == {"a.py": b"old"}


def test_interrupted(tree: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C between two renames leaves no half of a model."""
    real = os.replace

    def replace(source: str, target: str) -> None:
        real(source, target)
        if str(target).endswith("a.py"):
            monkeypatch.setattr(writing.os, "replace", real)
            raise KeyboardInterrupt

    monkeypatch.setattr(writing.os, "replace", replace)
    model = [_write(tree / name, b"new") for name in ("a.py", "b.py")]
    with pytest.raises(KeyboardInterrupt):
        write_models([model], state=state)
    assert _files(tree) == {"a.py": b"new", "b.py": b"new"}
    assert list(state.iterdir()) == []


# -- recovering ----------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from unravel import writing

tree, state, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
count = 0

def counted(real):
    def call(*arguments, **options):
        global count
        count += 1
        if count > limit:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    return call

for name in ("replace", "open", "fsync", "unlink", "chmod", "makedirs"):
    setattr(os, name, counted(getattr(os, name)))
Path.unlink = counted(Path.unlink)
models = [
    [writing.Write(str(tree / name), b"new" * 9999, old) for name, old in model]
    for model in ((("a.py", b"old"), ("b/b.py", None)), (("c.py", b"old"), ("d.py", b"old")))
]
writing.recover(state)
writing.write_models(models, state=state)
"""
OLD = {"a.py": b"old", "c.py": b"old", "d.py": b"old"}
NEW = dict.fromkeys(("a.py", "b/b.py", "c.py", "d.py"), b"new" * 9999)
MODELS = (("a.py", "b/b.py"), ("c.py", "d.py"))


def _killed(tree: Path, state: Path, limit: int) -> int:
    program = [sys.executable, "-c", KILLED, str(tree), str(state), str(limit)]
    return subprocess.run(program, cwd=REPOSITORY, check=False).returncode


def test_killed_after_every_step(tree: Path, state: Path) -> None:
    """No file is half-written, ever; and afterwards each model is wholly old or wholly new."""
    limit, code = 0, -signal.SIGKILL
    seen = set()
    while code:
        for name in NEW:
            (tree / name).unlink(missing_ok=True)
        for name, content in OLD.items():
            (tree / name).write_bytes(content)
        code = _killed(tree, state, limit)
        for name, content in _files(tree).items():
            assert ".unravel-" in name or content in (OLD.get(name), NEW[name])
        recover(state)
        files = _files(tree)
        for model in MODELS:
            now = {name: files.pop(name) for name in model if name in files}
            is_old = now == {name: OLD[name] for name in model if name in OLD}
            assert is_old or now == {name: NEW[name] for name in model}
            seen.add(is_old)
        assert files == {}
        assert list(state.iterdir()) == []
        limit += 1
    assert limit > 10
    assert seen == {True, False}


def test_what_was_changed_meanwhile_is_not_overwritten(tree: Path, state: Path) -> None:
    limit = next(n for n in range(50) if _is_between_renames(tree, state, n))
    assert limit
    left = next(name for name in ("a.py", "c.py", "d.py") if (tree / name).read_bytes() == b"old")
    (tree / left).write_bytes(b"by hand")
    recover(state)
    files = _files(tree)
    assert files[left] == b"by hand"
    assert not any(".unravel-" in name for name in files)


def _is_between_renames(tree: Path, state: Path, limit: int) -> bool:
    recover(state)
    for name, content in OLD.items():
        (tree / name).write_bytes(content)
    _killed(tree, state, limit)
    contents = {(tree / name).read_bytes() for name in OLD}
    return len(contents) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", "[[{}]]", '[[{"temporary": 1}]]', "\x00", "3"])
def test_a_broken_journal_is_dropped(tree: Path, state: Path, text: str) -> None:
    (state / "journal").write_text(text)
    recover(state)
    assert list(state.iterdir()) == []


def test_a_journal_removes_nothing_but_our_own_files(tree: Path, state: Path) -> None:
    (tree / "precious").write_text("x")
    digest = hashlib.sha256(b"x").hexdigest()
    step = {"temporary": f"{tree}/precious", "target": f"{tree}/a", "new": digest, "old": ""}
    (state / "journal").write_text(json.dumps([[step]]))
    recover(state)
    assert _files(tree) == {"precious": b"x"}


# -- the lock ------------------------------------------------------------------------------------

HOLDER = """
import sys, time
from pathlib import Path
from unravel.writing import locked
with locked(Path(sys.argv[1]), on_wait=lambda: print("waiting", flush=True)):
    print("held", flush=True)
    sys.stdin.read()
"""


def _holder(state: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), str(state)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_second_waits_for_the_first(state: Path) -> None:
    with _holder(state) as first, _holder(state) as second:
        outputs = [process.stdout for process in (first, second)]
        assert outputs[0] and outputs[1]
        lines = sorted(output.readline() for output in outputs)
        assert lines == ["held\n", "waiting\n"]
        for process in (first, second):
            assert process.stdin
            process.stdin.close()
        assert {output.read() for output in outputs} == {"", "held\n"}


def test_a_killed_holder_frees_it(state: Path) -> None:
    with _holder(state) as first:
        assert first.stdout and first.stdout.readline() == "held\n"
        first.kill()
        first.wait()
        waited: list[bool] = []
        with locked(state, on_wait=lambda: waited.append(True)):
            assert waited == []


# -- the folder outside of the tree --------------------------------------------------------------


def test_state_lies_outside_of_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    one, two = (writing.state_folder(tmp_path / name) for name in ("one", "two"))
    assert one != two
    assert one == writing.state_folder(tmp_path / "one")
    assert one.is_dir()
    assert (tmp_path / "cache") in one.parents


def test_state_without_a_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = writing.state_folder(tmp_path)
    assert tmp_path in folder.parents
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
