"""`checks.sync`: what it says of each generated file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import unravel
from checks.report import Report, Result, Verdict, exit_code, summary
from checks.sync import check_sync
from tests.small_project import GENERATED, MISTRAL, Project, small_project
from unravel import Cause


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
        ("self.eps = 1e-5", "self.eps = 2e-5", 13, 20, "        self.eps = 2e-5"),
        ("import math\n", "", 5, 1, ""),
        (
            "MistralNorm(config.size)\n",
            "MistralNorm(config.size)",
            21,
            45,
            "MistralNorm(config.size)",
        ),
        ("MistralNorm(config.size)\n", "MistralNorm(config.size)\n\n", 22, 1, ""),
        ("\n", "\r\n", 4, 1, ""),
    ],
)
def test_first_difference(
    project: Project, old: str, new: str, line: int, column: int, excerpt: str
) -> None:
    text = project.read("models/mistral/modeling_mistral.py")
    project.write("models/mistral/modeling_mistral.py", text.replace(old, new))
    before = project.files()
    report = check_sync(root=project.root)
    (result,) = (each for each in report.results if each.verdict is not Verdict.IN_SYNC)
    (found,) = result.diagnostics
    assert (found.line, found.column) == (line, column)
    assert found.excerpt.endswith(excerpt)
    assert found.hint.endswith("run `unravel convert mistral`")
    assert result.difference.startswith("--- a/models/mistral/modeling_mistral.py\n+++ b/")
    assert exit_code(report) == 1
    assert summary(report) == f"checked 3 files: 2 in sync, 1 {result.verdict.value}"
    assert project.files() == before


MODELING = "models/mistral/modeling_mistral.py"


def _found(project: Project, *models: str) -> dict[str, Result]:
    """The results that are not in sync, by path."""
    report = check_sync(root=project.root, models=models)
    return {each.subject: each for each in report.results if each.verdict is not Verdict.IN_SYNC}


def test_stale(project: Project) -> None:
    project.write("modular/modular_mistral.py", MISTRAL.replace("1e-5", "1e-4"))
    result = _found(project, "mistral")[MODELING]
    assert (result.verdict, result.diagnostics[0].code) == (Verdict.STALE, "UNR501")
    assert result.source == "modular/modular_mistral.py"
    assert result.causes == (Cause("modular/modular_mistral.py", 9, ("MistralNorm.__init__",)),)


def test_edited_by_hand(project: Project) -> None:
    project.write(MODELING, project.read(MODELING).replace("1e-5", "1e-4"))
    result = _found(project)[MODELING]
    assert (result.verdict, result.diagnostics[0].code) == (Verdict.EDITED, "UNR503")
    assert result.causes == ()


def test_an_edit_is_told_from_a_change_below_it(project: Project) -> None:
    """Both at once: the edit would be lost, so it is what is said."""
    project.write(MODELING, project.read(MODELING).replace("1e-5", "1e-4"))
    project.write("modular/modular_mistral.py", MISTRAL.replace("1e-5", "1e-3"))
    assert _found(project, "mistral")[MODELING].verdict is Verdict.EDITED


def test_without_a_digest_nothing_is_taken_for_an_edit(project: Project) -> None:
    banner = "# {{ source }}: unravel"
    project.write("pyproject.toml", f"[tool.unravel]\nbanner = '{banner}'\nbanner-line = '# '\n")
    unravel.convert(root=project.root)
    project.write(MODELING, project.read(MODELING).replace("1e-5", "1e-4"))
    assert _found(project)[MODELING].verdict is Verdict.STALE


def test_a_licence_above_the_banner_is_no_edit(project: Project) -> None:
    project.write(MODELING, "# All rights reserved.\n\n" + project.read(MODELING))
    assert _found(project)[MODELING].verdict is Verdict.STALE


def test_orphans(project: Project) -> None:
    (project.root / "modular/modular_qwen.py").unlink()
    result = _found(project)["models/qwen/modeling_qwen.py"]
    assert (result.verdict, result.diagnostics[0].code) == (Verdict.ORPHAN, "UNR504")
    assert "modular/modular_qwen.py" in result.diagnostics[0].message
    assert exit_code(check_sync(root=project.root)) == 1
    assert _found(project, "mistral") == {}  # nobody has asked for it


def test_files_by_hand_are_no_orphans(project: Project) -> None:
    project.write("models/gemma/modeling_gemma.py", "# from modular_gemma.py, by hand\nx = 1\n")
    project.write("models/gemma/notes_gemma.py", project.read(MODELING).replace("mistral", "yi"))
    assert _found(project) == {}


def _git(project: Project, *arguments: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=project.root, check=True)


def test_git_tells_what_has_changed(project: Project) -> None:
    _git(project, "init", "--quiet")
    _git(project, "add", "--all")
    _git(project, "commit", "--quiet", "-m", "all")
    llama = project.read("models/llama/modeling_llama.py")
    project.write("models/llama/modeling_llama.py", llama.replace("x + self", "x - self"))
    _git(project, "commit", "--quiet", "-a", "-m", "llama")
    found = _found(project)
    (cause,) = found[MODELING].causes
    assert cause == Cause("models/llama/modeling_llama.py", 16, ("LlamaNorm.forward",))
    assert "16 has changed: LlamaNorm.forward\n" in found[MODELING].diagnostics[0].hint


def test_a_change_is_followed_without_git(project: Project) -> None:
    llama = project.read("models/llama/modeling_llama.py")
    project.write("models/llama/modeling_llama.py", llama.replace("config.size", "config.width"))
    (cause,) = _found(project, "mistral")[MODELING].causes
    assert (cause.path, cause.definitions) == (
        "modular/modular_mistral.py",
        ("MistralModel.__init__",),
    )
    assert cause.line == 14


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
    expected = "checked 3 files: 1 in sync, 2 stale; 1 model unconvertible"
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
    expected = {Verdict.IN_SYNC: 0, Verdict.ERROR: 2}
    assert exit_code(report) == expected.get(verdict, 1)
