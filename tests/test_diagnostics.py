"""The page of diagnostics: every code that is raised, and examples that raise what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from unravel.cli import run
from unravel.diagnostics import CODES

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "diagnostics.md").read_text("utf-8")

OF_THE_MACHINE = {"UNR001", "UNR002", "UNR402", "UNR404", "UNR409", "UNR410", "UNR901"}
"""What no file in a project of a few lines can bring about."""
WITHOUT_FILES = {"UNR005", "UNR006", "UNR401"}
"""What is only told in words: too long, or of other programs."""

Files = list[tuple[str, str]]


def files_in(text: str) -> Files:
    """The files that code blocks show, each below a comment with its path."""
    blocks = re.findall(r"^```(?:python|toml|text)\n# (\S+)\n(.*?)^```$", text, re.M | re.S)
    return [(path, content) for path, content in blocks]


def sections() -> dict[str, str]:
    _, *parts = re.split(r"^### (UNR\d+): ", PAGE, flags=re.MULTILINE)
    return {
        code: text.partition("\n### ")[0]
        for code, text in zip(parts[::2], parts[1::2], strict=True)
    }


COMMON = files_in(PAGE.partition("### ")[0])
EXAMPLES = {code: text for code, text in sections().items() if code not in WITHOUT_FILES}


def test_every_code_that_is_raised_is_told_of() -> None:
    sources = [
        path.read_text("utf-8")
        for folder in ("unravel", "checks")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "diagnostics.py"
    ]
    raised = {code for text in sources for code in re.findall(r"\bUNR\d{3}\b", text)}
    assert raised == set(CODES)
    assert sections().keys() == CODES.keys() - OF_THE_MACHINE
    assert all(f"`{code}`" in PAGE.rpartition("### Of the machine")[2] for code in OF_THE_MACHINE)


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_raises_its_code(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for path, text in (*COMMON, *files_in(EXAMPLES[code])):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    command = re.search(r"^\$ unravel (\w+)$", EXAMPLES[code], re.MULTILINE)
    ended = run([command[1] if command else "convert", "--jobs", "1"])
    said = capfd.readouterr()
    assert f" {code} " in said.out + said.err
    assert (ended != 0) == (code not in ("UNR206", "UNR207", "UNR407"))
