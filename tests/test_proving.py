"""Proof on our own output: a converter that is broken on purpose is found out."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

import unravel
from tests.small_project import Project, small_project
from unravel import converter, formatting
from unravel.tracing import Printer
from unravel.types import Origin, Piece, Settings, Severity


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return small_project(tmp_path / "project")


def _codes(project: Project) -> set[str]:
    """Convert; what was wrong. Nothing may have been written."""
    before = project.files()
    report = unravel.convert(root=project.root, jobs=1)
    assert not report.in_sync
    written = {path for path in project.files().keys() - before.keys() if path.endswith(".py")}
    assert written == set()
    found = [each for outcome in report.outcomes for each in outcome.diagnostics]
    errors = [each for each in found if each.severity is Severity.ERROR]
    return {each.code for each in errors} - {"UNR104"}


def _merge_and_add(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    merge = converter.merge

    def broken(*arguments: Any) -> Any:
        merged, warnings = merge(*arguments)
        return merged + text, warnings

    monkeypatch.setattr(converter, "merge", broken)


def test_nothing_is_wrong_where_nothing_is_broken(project: Project) -> None:
    unravel.convert(root=project.root, jobs=1)
    assert "models/mistral/modeling_mistral.py" in project.files()


def test_an_undefined_name(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    _merge_and_add(monkeypatch, "    spare = nowhere\n")
    assert _codes(project) == {"UNR408"}


@pytest.mark.parametrize("text", ["    def m(self:\n", "    def m(self, x, x): pass\n"])
def test_no_python(project: Project, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    _merge_and_add(monkeypatch, text)
    assert _codes(project) == {"UNR402"}


@pytest.mark.parametrize("also", ["", "    other = SpareModel\n"])
def test_a_class_that_nothing_needs(
    project: Project, monkeypatch: pytest.MonkeyPatch, also: str
) -> None:
    """What only such a class needs is not needed either."""
    pieces = Printer.pieces
    path = "models/llama/modeling_llama.py"
    spare = {
        "SpareNorm": Piece("class SpareNorm:\n    pass\n", Origin(path, 1000)),
        "SpareModel": Piece(f"class SpareModel:\n    part = SpareNorm\n{also}", Origin(path, 2000)),
    }
    monkeypatch.setattr(Printer, "pieces", lambda self, name: {**spare, **pieces(self, name)})
    assert _codes(project) == {"UNR409"}


def test_an_import_that_nothing_needs(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = converter.imports.needed_imports
    monkeypatch.setattr(
        converter.imports, "needed_imports", lambda *given: "import this\n" + needed(*given)
    )
    assert unravel.convert(root=project.root, jobs=1) is not None
    assert "import this" not in project.read("models/mistral/modeling_mistral.py")
    monkeypatch.setattr(formatting, "RULES", "I")
    (project.root / "models/mistral/modeling_mistral.py").unlink()
    project.write("modular/modular_mistral.py", project.read("modular/modular_mistral.py") + "\n")
    assert "UNR409" in _codes(project)


def _restless(project: Project, times: int) -> None:
    """A formatter that adds a comment, so many times."""
    ruff = formatting.find_ruff(Settings(), project.root)
    script = _RESTLESS.replace("RUFF", shlex.quote(ruff)).replace("TIMES", str(times))
    project.write("bin/ruff", script).chmod(0o755)
    project.write("pyproject.toml", '[tool.unravel]\nruff = "bin/ruff"\n')


def test_a_formatter_that_does_not_come_to_rest(project: Project) -> None:
    _restless(project, 99)
    assert _codes(project) == {"UNR410"}


def test_a_formatter_that_needs_a_second_pass(project: Project) -> None:
    _restless(project, 2)
    unravel.convert(root=project.root, jobs=1)
    assert project.read("models/mistral/modeling_mistral.py").count("# again") == 2


_RESTLESS = """\
#!/bin/sh
RUFF "$@"
ended=$?
if [ "$1" = format ]; then
    find . -name "*_*.py" | while read -r file; do
        if [ "$(grep -c "^# again" "$file")" -lt TIMES ]; then echo "# again" >> "$file"; fi
    done
fi
exit $ended
"""
