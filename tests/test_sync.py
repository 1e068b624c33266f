"""`checks.sync`: what it says of each generated file."""

from __future__ import annotations

from pathlib import Path

import pytest

import unravel
from checks.report import Report, Result, Verdict, exit_code, summary
from checks.sync import check_sync
from tests.small_project import GENERATED, MISTRAL, Project, small_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = small_project(tmp_path / "project")
    unravel.convert(root=project.root)
    return project


def test_in_sync(project: Project) -> None:
    found = check_sync(root=project.root)
    assert [result.subject for result in found.results] == list(GENERATED)
    assert {result.verdict for result in found.results} == {Verdict.IN_SYNC}
    assert (exit_code(found), summary(found)) == (0, "checked 3 files: 3 in sync")


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "excerpt"),
    [
        ("self.eps = 1e-5", "self.eps = 2e-5", 12, 20, "        self.eps = 2e-5"),
        ("import math\n", "", 4, 1, ""),
        (
            "MistralNorm(config.size)\n",
            "MistralNorm(config.size)",
            20,
            45,
            "MistralNorm(config.size)",
        ),
        ("MistralNorm(config.size)\n", "MistralNorm(config.size)\n\n", 21, 1, ""),
        ("\n", "\r\n", 1, 67, "do not edit."),
    ],
)
def test_out_of_sync(
    project: Project, old: str, new: str, line: int, column: int, excerpt: str
) -> None:
    text = project.read("models/mistral/modeling_mistral.py")
    project.write("models/mistral/modeling_mistral.py", text.replace(old, new))
    before = project.files()
    report = check_sync(root=project.root)
    (result,) = (each for each in report.results if each.verdict is not Verdict.IN_SYNC)
    (found,) = result.diagnostics
    assert (result.verdict, found.code) == (Verdict.OUT_OF_SYNC, "UNR501")
    assert (found.line, found.column) == (line, column)
    assert found.excerpt.endswith(excerpt)
    assert found.hint == "run `unravel convert mistral`"
    assert result.difference.startswith("--- a/models/mistral/modeling_mistral.py\n+++ b/")
    assert exit_code(report) == 1
    assert summary(report) == "checked 3 files: 2 in sync, 1 out of sync"
    assert project.files() == before


def test_missing(project: Project) -> None:
    (project.root / "models/qwen/modeling_qwen.py").unlink()
    report = check_sync(root=project.root, models=["qwen"])
    (result,) = report.results
    assert (result.verdict, result.diagnostics[0].code) == (Verdict.MISSING, "UNR502")
    assert result.difference.startswith("--- /dev/null\n")
    assert (exit_code(report), summary(report)) == (1, "checked 1 file: 1 missing")


def test_an_error_outweighs_what_is_out_of_sync(project: Project) -> None:
    project.write("modular/modular_mistral.py", MISTRAL.replace("1e-5", "1e-4"))
    project.write("modular/modular_bad.py", "class A(\n")
    report = check_sync(root=project.root)
    assert exit_code(report) == 2
    expected = "checked 3 files: 1 in sync, 2 out of sync; 1 model could not be checked"
    assert summary(report) == expected


def test_a_file_by_hand_is_an_error(project: Project) -> None:
    project.write("models/qwen/modeling_qwen.py", "x = 1\n")
    report = check_sync(root=project.root, models=["qwen"])
    assert [result.diagnostics[0].code for result in report.results] == ["UNR403"]


def test_a_warning_does_not_change_the_verdict(project: Project) -> None:
    project.write("models/qwen/configuration_qwen.py", "# unravel: modular_qwen.py\n")
    report = check_sync(root=project.root, models=["qwen"])
    assert exit_code(report) == 0
    assert [each.code for each in report.results[0].diagnostics] == ["UNR407"]


def test_nothing_checked_is_not_passed(tmp_path: Path) -> None:
    assert exit_code(Report(str(tmp_path), ())) == 2
    report = check_sync(root=tmp_path)
    assert (report.began, exit_code(report)) == (False, 2)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_a_code(verdict: Verdict) -> None:
    report = Report("", (Result("sync", "x.py", verdict), Result("sync", "y.py", Verdict.IN_SYNC)))
    expected = {Verdict.IN_SYNC: 0, Verdict.OUT_OF_SYNC: 1, Verdict.MISSING: 1, Verdict.ERROR: 2}
    assert exit_code(report) == expected[verdict]
