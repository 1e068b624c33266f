"""`checks.sync`: what it says of each generated file."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ElementTree
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


# -- the command ---------------------------------------------------------------------------------


@pytest.fixture
def repository(project: Project) -> Project:
    """The project, converted and committed."""
    _git(project, "init", "--quiet")
    commit(project)
    return project


def commit(project: Project) -> None:
    _git(project, "add", "--all")
    _git(project, "commit", "--quiet", "-m", "all")


def stale(project: Project) -> None:
    project.write("modular/modular_mistral.py", MISTRAL.replace("1e-5", "1e-4"))


def test_fix(project: Project) -> None:
    stale(project)
    done = project.run("check", "--fix")
    assert done.stdout.splitlines() == [
        "wrote models/mistral/modeling_mistral.py",
        "wrote models/qwen/modeling_qwen.py",
        "checked 3 files: 3 in sync",
    ]
    assert "1e-4" in project.read(MODELING)


def test_fix_keeps_edits_by_hand(project: Project) -> None:
    edited = project.read(MODELING).replace("1e-5", "1e-7")
    project.write(MODELING, edited)
    (project.root / "models/qwen/modeling_qwen.py").unlink()
    done = project.run("check", "--fix", code=1)
    assert "wrote models/qwen/modeling_qwen.py\n" in done.stdout
    assert "UNR503" in done.stdout
    assert project.read(MODELING) == edited


def test_convert_says_that_an_edit_is_lost(project: Project) -> None:
    project.write(MODELING, project.read(MODELING).replace("1e-5", "1e-7"))
    done = project.run("convert")
    assert f"wrote {MODELING}, which had been edited by hand\n" in done.stdout


def test_json(project: Project) -> None:
    stale(project)
    document = json.loads(project.run("check", "--format", "json", code=1).stdout)
    assert (document["version"], document["command"]) == (1, "check")
    states = {each["path"]: each["state"] for each in document["files"]}
    assert states == {
        "models/mistral/configuration_mistral.py": "in sync",
        MODELING: "stale",
        "models/qwen/modeling_qwen.py": "stale",
    }
    (found, _) = document["diagnostics"]
    assert (found["path"], found["code"], found["line"]) == (MODELING, "UNR501", 13)


def test_github_shows_the_line_that_has_changed(project: Project) -> None:
    stale(project)
    done = project.run("check", "--format", "github", "mistral", code=1)
    assert done.stdout == (
        "::error file=modular/modular_mistral.py,line=9,col=1,title=UNR501::"
        f"{MODELING} does not have this change yet (MistralNorm.__init__)"
        "%0Arun `unravel convert mistral`\n"
    )


def test_sarif(project: Project) -> None:
    stale(project)
    done = project.run("check", "--format", "sarif", "-o", "out.sarif", code=1)
    assert done.stdout == ""
    (run,) = json.loads(project.read("out.sarif"))["runs"]
    places = [each["locations"][0]["physicalLocation"] for each in run["results"]]
    assert places[0]["artifactLocation"]["uri"] == "modular/modular_mistral.py"
    assert places[0]["region"] == {"startLine": 9, "startColumn": 1}
    driver = run["tool"]["driver"]
    assert driver["version"] == unravel.__version__
    assert [each["id"] for each in driver["rules"]] == ["UNR501"]


def test_junit(project: Project) -> None:
    stale(project)
    (project.root / "models/qwen/modeling_qwen.py").unlink()
    suites = ElementTree.fromstring(
        project.run("check", "--format", "junit", code=1).stdout.encode()
    )
    failed = {
        case.get("name"): case.find("failure") is not None for case in suites.iter("testcase")
    }
    assert failed == {
        "models/mistral/configuration_mistral.py": False,
        MODELING: True,
        "models/qwen/modeling_qwen.py": True,
    }


def test_markdown(project: Project) -> None:
    stale(project)
    text = project.run("check", "--format", "markdown", "mistral", code=1).stdout
    assert text.startswith("### unravel check\n\nchecked 2 files: 1 in sync, 1 stale\n\n")
    assert f"| `{MODELING}:13` | UNR501 the file is not what modular/modular_mistral.py" in text


def test_text_into_a_file(project: Project) -> None:
    stale(project)
    project.run("check", "-o", "out.txt", code=1)
    assert project.read("out.txt").endswith("checked 3 files: 1 in sync, 2 stale\n")
    assert "nowhere" in project.run("check", "-o", "nowhere/out.txt", code=2).stderr


def test_changed_only(repository: Project) -> None:
    unchanged = "no model is reached by what has changed since HEAD\n"
    assert repository.run("check", "--changed-only").stdout == unchanged
    text = repository.read("modular/modular_qwen.py")
    repository.write("modular/modular_qwen.py", text + "    size = 3\n")
    done = repository.run("check", "--changed-only", code=1)
    assert done.stdout.endswith("checked 1 file: 1 stale\n")
    stale(repository)
    assert "checked 3 files" in repository.run("check", "--changed-only", code=1).stdout


def test_changed_only_since_the_branch_began(repository: Project) -> None:
    _git(repository, "branch", "trunk")
    llama = repository.read("models/llama/modeling_llama.py")
    repository.write("models/llama/modeling_llama.py", llama.replace("x + self", "x - self"))
    commit(repository)
    done = repository.run("check", "--changed-only", code=0)
    assert done.stdout.startswith("no model")
    done = repository.run("check", "--changed-only", "--base", "trunk", code=1)
    assert done.stdout.endswith("checked 3 files: 1 in sync, 2 stale\n")


def test_changed_only_finds_edits_and_orphans(repository: Project) -> None:
    repository.write(MODELING, repository.read(MODELING).replace("1e-5", "1e-7"))
    (repository.root / "modular/modular_qwen.py").unlink()
    out = repository.run("check", "--changed-only", code=1).stdout
    assert "UNR503" in out and "UNR504" in out


def test_options_that_do_not_go_together(project: Project) -> None:
    assert "--changed-only" in project.run("check", "--base", "HEAD", code=2).stderr
    assert "name none" in project.run("check", "--changed-only", "qwen", code=2).stderr
