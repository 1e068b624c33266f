"""Bytes to text, and outlines that are read once."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stdlib_files import STDLIB_FILES
from unravel import reading
from unravel.reading import Loader, Source, decode, read_source
from unravel.types import Outline, Refused, Settings


@pytest.mark.parametrize(
    ("content", "source"),
    [
        (b"", Source("")),
        (b"x = 1", Source("x = 1")),
        (b"x = 1\n", Source("x = 1\n")),
        (b"\xc3\xa9\x0c\n", Source("é\x0c\n")),
        (b"\xef\xbb\xbfx\n", Source("x\n", bom=True)),
        (b"x\r\ny\r\n", Source("x\ny\n", crlf=True)),
        (b"x\ny\r\n", Source("x\ny\n")),
        (b"x\r\ny\n", Source("x\ny\n", crlf=True)),
        (b"x\ry\r", Source("x\ny\n")),
        (b"\n\r\n", Source("\n\n")),
    ],
)
def test_decode(content: bytes, source: Source) -> None:
    assert decode(content, "a.py") == source


@pytest.mark.parametrize(
    ("content", "line", "column"), [(b"\xff", 1, 1), (b"x\ny = '\xe9'\n", 2, 6), (b"\xc3", 1, 1)]
)
def test_not_utf8(content: bytes, line: int, column: int) -> None:
    with pytest.raises(Refused) as caught:
        decode(content, "a.py")
    found = caught.value.diagnostic
    assert (found.code, found.path, found.line, found.column) == ("UNR002", "a.py", line, column)


@given(st.text())
def test_line_ends_come_back(text: str) -> None:
    plain = text.replace("\r", "")
    assert Source("", crlf=True).with_line_ends(plain).replace("\r\n", "\n") == plain
    assert Source("").with_line_ends(plain) == plain


def test_missing_and_unreadable(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_source(str(tmp_path / "a.py"), "a.py")
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError):
        read_source(str(tmp_path / "file/a.py"), "a.py")
    with pytest.raises(Refused):
        read_source(str(tmp_path), "a.py")


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    (tmp_path / "staging").mkdir()
    (tmp_path / "root").mkdir()
    owners = {"ours.py": "modular_ours.py"}
    return Loader(str(tmp_path / "root"), str(tmp_path / "staging"), Settings(), owners)


def _write(folder: str, name: str, text: str) -> None:
    Path(folder, name).write_text(text)


def test_read_once(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(loader.root, "a.py", "class A: pass\n")
    first = loader.load("a.py")
    assert first is not None
    monkeypatch.setattr(reading, "read_source", None)
    assert loader.load("a.py") is first


def test_a_refusal_is_repeated(loader: Loader) -> None:
    _write(loader.root, "a.py", "class A(\n")
    for _ in range(2):
        with pytest.raises(Refused):
            loader.load("a.py")


def test_no_module(loader: Loader) -> None:
    os.mkdir(f"{loader.root}/folder.py")
    assert loader.load("a.py") is None
    assert loader.load("folder.py") is None
    assert not loader.exists("a.py")
    assert not loader.exists("folder.py")
    assert loader.exists("ours.py")


def test_a_path_that_this_run_generates(loader: Loader) -> None:
    """By hand it counts as it is; left by an earlier run it does not exist; fresh it wins."""
    assert loader.load("ours.py") is None
    _write(loader.root, "ours.py", "# unravel: generated from modular_ours.py\nclass Old: pass\n")
    loader.outlines.clear()
    assert loader.load("ours.py") is None
    _write(loader.root, "ours.py", "class ByHand: pass\n")
    loader.outlines.clear()
    outline = loader.load("ours.py")
    assert outline is not None and list(outline.definitions) == ["ByHand"]
    _write(loader.staging, "ours.py", "# unravel: from modular_ours.py\nclass Fresh: pass\n")
    outline = loader.load("ours.py")
    assert outline is not None and list(outline.definitions) == ["Fresh"]
    assert outline.path == "ours.py"


def test_travels_without_its_outlines(loader: Loader) -> None:
    _write(loader.root, "a.py", "class A: pass\n")
    loader.load("a.py")
    other = pickle.loads(pickle.dumps(loader))
    assert other.outlines == {}
    assert other.load("a.py") is not None


# -- imports alone -------------------------------------------------------------------------------


def top_imports(outline: Outline) -> list[str]:
    return ["." * i.level + i.module for i in outline.imports if i.module and i.guard is None]


@pytest.mark.parametrize(
    ("text", "modules"),
    [
        ("", []),
        ("x = 1\n", []),
        ("from a import b", ["a"]),
        (
            '"""Doc."""\nfrom a import b\nfrom .c import (\n    d,  # an :)\n    e,\n)\n',
            ["a", ".c"],
        ),
        ("import os; from a import b\nx = 1\n\x0cfrom c import d\n", ["a", "c"]),
        ("from a import \\\n    b, \\\n    c\nfrom \\\n    d import e\n", ["a", "d"]),
        ("from a import b\nif x:\n    from c import d\n", ["a"]),
        ("from a import b\n\n\ndef f():\n    from c import d\n", ["a"]),
        ('from a import b\n\n\ndef f():\n    """\nfrom c import d\n"""\n', ["a"]),
        ("try:\n    from a import b\nexcept ImportError:\n    b = None\nfrom c import d\n", ["c"]),
        ("from a import b\nclass Broken(\n", ["a"]),
    ],
)
def test_the_imports_of_a_module(tmp_path: Path, text: str, modules: list[str]) -> None:
    (tmp_path / "a.py").write_text(text)
    loader = Loader(str(tmp_path), str(tmp_path / "staging"), Settings(), {})
    outline = loader.load_imports("a.py")
    assert outline is not None
    assert top_imports(outline) == modules


def test_the_imports_of_real_modules() -> None:
    loader = Loader("/", "/staging", Settings(), {})
    shorter = 0
    for path in map(str, STDLIB_FILES):
        head, whole = loader.load_imports(path), loader.load(path)
        assert head is not None
        assert whole is not None
        assert top_imports(head) == top_imports(whole)
        shorter += len(head.lines) < len(whole.lines)
    assert shorter > len(STDLIB_FILES) * 0.9


def test_a_file_of_which_the_imports_are_known_is_not_read_again(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("from a import b\nX = 1\n")
    loader = Loader(str(tmp_path), str(tmp_path / "staging"), Settings(), {})
    assert loader.load_imports("a.py") is not None
    file.unlink()
    whole = loader.load("a.py")
    assert whole is not None
    assert list(whole.definitions) == ["X"]
    loader.forget("a.py")
    assert loader.load("a.py") is None


def test_imports_of_what_is_not_python(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("class Broken(\nfrom a import b\n")
    loader = Loader(str(tmp_path), str(tmp_path / "staging"), Settings(), {})
    with pytest.raises(Refused) as caught:
        loader.load_imports("a.py")
    assert caught.value.diagnostic.code == "UNR003"
    assert loader.load_imports("missing.py") is None
