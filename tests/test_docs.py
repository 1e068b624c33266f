"""What README and docs say is what happens."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from unravel.config import _KEYS
from unravel.diagnostics import CODES

ROOT = Path(__file__).parents[1]
COMMANDS = ("convert", "check", "graph", "impact", "lint", "rule", "new", "forward")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def unravel(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "unravel", *arguments], cwd=cwd, capture_output=True, text=True
    )


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The project of the README: our llama, and its one modular file."""
    shutil.copytree(ROOT / "models" / "llama", tmp_path / "models" / "llama")
    (tmp_path / "modular").mkdir()
    modular = blocks(ROOT / "README.md", "python")[0]
    (tmp_path / "modular" / "modular_tiny.py").write_text(modular)
    return tmp_path


def test_readme_shows_what_its_modular_file_becomes(tiny: Path) -> None:
    assert unravel("convert", cwd=tiny).returncode == 0
    generated = (tiny / "models" / "tiny" / "modeling_tiny.py").read_text()
    assert generated == blocks(ROOT / "README.md", "python")[1]


def test_readme_commands_run_in_their_order(tiny: Path) -> None:
    lines = "".join(blocks(ROOT / "README.md", "console")).splitlines()
    commands = [shlex.split(line.removeprefix("$ "), comments=True) for line in lines]
    assert [command[0] for command in commands] == ["unravel"] * 3
    for _, *arguments in commands:
        finished = unravel(*arguments, cwd=tiny)
        assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_that_are_named_exist(page: Path) -> None:
    known = "".join(unravel(command, "--help", cwd=ROOT).stdout for command in COMMANDS)
    for option in re.findall(r"`(--[a-z-]+)`|^\$ unravel .*?(--[a-z-]+)", page.read_text(), re.M):
        assert "".join(option) in known


def test_every_code_has_its_row() -> None:
    text = (ROOT / "docs" / "diagnostics.md").read_text()
    rows = re.findall(r"^\| `(UNR\d+)` \| (.+) \|$", text, re.MULTILINE)
    assert dict(rows) == CODES


def test_every_setting_has_its_row() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    assert set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)) == set(_KEYS)


def test_python_blocks_are_python() -> None:
    for page in PAGES:
        for block in blocks(page, "python"):
            compile(block, str(page), "exec")


def test_the_site_has_every_page(tmp_path: Path) -> None:
    """Built as `make docs` does: a link that leads nowhere is an error."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "not included in the" not in done.stderr
    home = (tmp_path / "index.html").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert f'"{page.stem}.html"' in home or page.stem == "index", page


NOT_HERE = ("--watch", "[MODEL", "forward", "--profile", "new ")
"""Commands that wait, that are patterns, or that tests of their own run where they belong."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository's models in a git repository with a branch, some way behind, called main."""
    root = tmp_path_factory.mktemp("library")
    for folder in ("models", "modular"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / "modular" / "modular_tiny.py").write_text(blocks(ROOT / "README.md", "python")[0])
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for command in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-qm", "all")):
        subprocess.run(["git", *identity, *command], cwd=root, check=True)
    return root


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.name)
def test_commands_run(page: Path, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is refused: it ends with what was found (1) or with nothing to find (0)."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    text = "".join(blocks(page, "console"))
    for line in re.findall(r"^\$ unravel (.*)$", text, re.MULTILINE):
        if page.name not in ("tutorial.md", "elsewhere.md") and not any(
            part in line for part in NOT_HERE
        ):
            done = unravel(*shlex.split(line, comments=True), cwd=library)
            assert done.returncode in (0, 1), f"unravel {line}\n{done.stdout}{done.stderr}"
