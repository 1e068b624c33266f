"""A batch through ruff: whose settings count, and what happens when it fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from unravel.formatting import find_ruff, find_style, format_batch
from unravel.types import Diagnostic, Settings

PATH = "models/x/modeling_x.py"


def _format(root: Path, text: str, *, path: str = PATH, ruff: str = "") -> str | Diagnostic:
    root.mkdir(exist_ok=True)
    scratch = root.with_name("scratch")
    scratch.mkdir(exist_ok=True)
    batch = {path: text}
    done = format_batch(batch, root=root, settings=Settings(ruff=ruff), scratch=scratch)
    assert list(done) == [path]
    assert list(scratch.iterdir()) == []
    return done[path]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.mark.parametrize(
    "text",
    ["x = 1\n", "", "# only a comment\n", 'x = "é 漢"\n', '"""Doc."""\n\nimport os\n\nprint(os)\n'],
)
def test_left_alone(root: Path, text: str) -> None:
    assert _format(root, text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = f( 1 )", "x = f(1)\n"),
        ("import os\nx = 1\n", "x = 1\n"),
        ("import b\nimport a\nprint(a, b)\n", "import a\nimport b\n\nprint(a, b)\n"),
        ("x = f( 1 )\r\ny = 2\r\n", "x = f(1)\r\ny = 2\r\n"),
        (f"x = [{'1, ' * 35}1]\n", f"x = [{'1, ' * 35}1]\n"),
        ("x = None\nif x == None:\n    pass\n", "x = None\nif x == None:\n    pass\n"),
    ],
)
def test_our_own_style(root: Path, before: str, after: str) -> None:
    assert _format(root, before) == after
    assert _format(root, after) == after


LONG = f"x = [{'1, ' * 20}1]\n"


@pytest.mark.parametrize("name", ["pyproject.toml", "ruff.toml", ".ruff.toml"])
def test_settings_of_the_project(root: Path, name: str) -> None:
    table, lint = ("[tool.ruff]\n", "[tool.ruff.lint]\n")
    if name != "pyproject.toml":
        table, lint = "", "[lint]\n"
    (root / name).write_text(f"{table}line-length = 40\n{lint}select = ['E711']\n")
    done = _format(root, LONG)
    assert isinstance(done, str)
    assert done.count("\n") > 1
    # What we need is added to what the user has selected.
    assert _format(root, "import os\nx = 1\n") == "x = 1\n"


def test_pyproject_without_ruff_is_no_setting(root: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.black]\nline-length = 40\n")
    assert _format(root, LONG) == LONG


def test_settings_of_the_repository_around(root: Path) -> None:
    (root.parent / "ruff.toml").write_text("line-length = 40\n")
    assert _format(root, LONG) == LONG
    (root.parent / ".git").mkdir()
    assert _format(root, LONG) != LONG


def test_paths_in_settings_are_relative_to_their_file(root: Path) -> None:
    (root.parent / ".git").mkdir()
    text = f'[lint.per-file-ignores]\n"{root.name}/models/x/*.py" = ["F401"]\n'
    (root.parent / "ruff.toml").write_text(text)
    assert _format(root, "import os\n") == "import os\n"
    assert _format(root, "import os\n", path="models/y/a.py") == ""


@pytest.mark.parametrize(
    "setting",
    [
        'exclude = ["models"]',
        'extend-exclude = ["*.py"]',
        "force-exclude = true",
        'include = ["other/*.py"]',
        '[lint]\nexclude = ["models"]\n[format]\nexclude = ["models"]',
    ],
)
def test_excluded_files_are_formatted(root: Path, setting: str) -> None:
    (root / "ruff.toml").write_text(setting + "\n")
    assert _format(root, "import os\nx = f( 1 )\n") == "x = f(1)\n"


@pytest.mark.parametrize("path", ["build/a.py", "venv/a.py", ".hidden/a.py", "a b/ü.py"])
def test_odd_folders_are_formatted(root: Path, path: str) -> None:
    assert _format(root, "x = f( 1 )\n", path=path) == "x = f(1)\n"


SORTED = "import os\n\nimport torch\n\nimport ours\n\nprint(os, torch, ours)\n"


@pytest.mark.parametrize(
    ("folder", "settings"),
    [
        ("ours", ""),
        ("src/ours", ""),
        ("lib/ours", '[tool.ruff]\nsrc = ["lib"]\n'),
        ("lib/ours", "[tool.ruff]\nextend = 'base.toml'\n"),
        ("elsewhere/ours", '[tool.ruff.lint.isort]\nknown-first-party = ["ours"]\n'),
    ],
)
def test_first_party(root: Path, folder: str, settings: str) -> None:
    """The batch lies elsewhere, and yet the user's own packages are told from others."""
    (root / folder).mkdir(parents=True)
    (root / folder / "__init__.py").touch()
    (root / "base.toml").write_text('src = ["lib"]\n')
    (root / "pyproject.toml").write_text(settings)
    assert _format(root, "import os, torch, ours\nprint(os, torch, ours)\n") == SORTED


def test_first_party_by_the_package_around(root: Path) -> None:
    folder = root / "elsewhere/ours/models"
    folder.mkdir(parents=True)
    for package in (folder, folder.parent):
        (package / "__init__.py").touch()
    text = "import os, torch, ours\nprint(os, torch, ours)\n"
    assert _format(root, text, path="elsewhere/ours/models/x.py") == SORTED
    assert _format(root, text, path="elsewhere/ours/models/__init__.py") == SORTED


def test_environment_has_no_say(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUFF_NO_FIX", "true")
    monkeypatch.setenv("RUFF_OUTPUT_FILE", str(root / "said"))
    assert _format(root, "import os\nx = f( 1 )\n") == "x = f(1)\n"
    assert list(root.iterdir()) == []


def test_invalid_python(root: Path) -> None:
    done = _format(root, "x = 1\ndef f(:\n    pass\n")
    assert isinstance(done, Diagnostic)
    assert (done.code, done.path, done.line) == ("UNR402", PATH, 2)
    assert done.excerpt == "def f(:"


def test_one_invalid_file_does_not_harm_the_others(root: Path, tmp_path: Path) -> None:
    batch = {"a.py": "x = f( 1 )\n", "b.py": "def f(:\n", "c/d.py": "import os\n"}
    done = format_batch(batch, root=root, settings=Settings(), scratch=tmp_path)
    assert (done["a.py"], done["c/d.py"]) == ("x = f(1)\n", "")
    assert isinstance(done["b.py"], Diagnostic)


@pytest.mark.parametrize(
    ("ruff", "message"),
    [
        ("no-such-ruff", "`no-such-ruff` is not an executable"),
        ("tools/ruff", "`tools/ruff` is not an executable"),
        ("/bin/false", "ruff failed: it ended with code 1"),
        ("tools/broken", "cannot be run"),
    ],
)
def test_ruff_that_does_not_work(root: Path, ruff: str, message: str) -> None:
    broken = root / "tools/broken"
    broken.parent.mkdir()
    broken.write_bytes(b"\x7fELF nothing")
    broken.chmod(0o755)
    done = _format(root, "x = 1\n", ruff=ruff)
    assert isinstance(done, Diagnostic)
    assert done.code == "UNR401"
    assert message in done.message


def test_settings_that_ruff_refuses(root: Path) -> None:
    (root / "ruff.toml").write_text("line-lengt = 3\n")
    done = _format(root, "x = 1\n")
    assert isinstance(done, Diagnostic)
    assert done.code == "UNR401"
    assert "unknown field `line-lengt`" in done.message
    assert "\n" not in done.message


def test_ruff_of_another_version_is_wanted(root: Path) -> None:
    (root / "ruff.toml").write_text("required-version = '==0.1.0'\n")
    done = _format(root, "x = 1\n")
    assert isinstance(done, Diagnostic)
    assert "0.1.0" in done.message


def test_a_relative_ruff_lies_below_the_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = find_ruff(Settings(), root)
    (root / "tools").mkdir()
    os.symlink(real, root / "tools/ruff")
    monkeypatch.chdir("/")
    assert find_ruff(Settings(ruff="tools/ruff"), root) == str(root / "tools/ruff")
    assert _format(root, "x = f( 1 )\n", ruff="tools/ruff") == "x = f(1)\n"


def test_style_names_no_file_of_ours(root: Path) -> None:
    style = find_style(root)
    assert (style.base, style.is_users, style.options[0]) == (root, False, "--isolated")


def test_nothing_to_format(root: Path) -> None:
    assert format_batch({}, root=root, settings=Settings(ruff="no-such-ruff"), scratch=root) == {}
