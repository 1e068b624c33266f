"""The hooks for pre-commit and the action for GitHub, run as their users run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.corpus.release import REPOSITORY
from tests.small_project import MISTRAL, Project, small_project

MODELING = "models/mistral/modeling_mistral.py"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The small project, converted and committed."""
    project = small_project(tmp_path / "project")
    project.run("convert", "-q")
    shell(project, "git init --quiet && git config user.name Ada && git config user.email a@b.org")
    shell(project, "git add --all && git commit --quiet -m all")
    return project


def shell(
    project: Project, script: str, code: int = 0, **variables: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=project.root,
        env={**project.environment(variables), **variables, "PATH": path()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


def path() -> str:
    """The search path on which this interpreter's `unravel` and `pre-commit` come first."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


# -- pre-commit ----------------------------------------------------------------------------------


def hooks() -> dict[str, dict[str, Any]]:
    entries = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())
    return {entry["id"]: entry for entry in entries}


def install(project: Project, *wanted: str) -> None:
    """Have `git commit` run our hooks; they take the unravel that is here, and install none."""
    local = [{**hooks()[name], "language": "system"} for name in wanted]
    config = {"repos": [{"repo": "local", "hooks": local}]}
    project.write(".pre-commit-config.yaml", yaml.safe_dump(config))
    shell(project, "pre-commit install && git add --all && git commit --quiet -m hooks")


def test_our_hooks_are_valid(project: Project) -> None:
    shell(project, f"pre-commit validate-manifest '{REPOSITORY}/.pre-commit-hooks.yaml'")


def test_a_stale_file_is_generated_and_the_commit_stopped(project: Project) -> None:
    install(project, "unravel-convert", "unravel-check")
    project.write("modular/modular_mistral.py", MISTRAL.replace("1e-5", "1e-4"))
    stopped = shell(project, "git commit --quiet -a -m change", code=1)
    assert "files were modified by this hook" in stopped.stderr
    assert "1e-4" in project.read(MODELING)
    shell(project, "git commit --quiet -a -m change")
    assert shell(project, "git status --porcelain").stdout == ""


def test_a_new_model_stops_the_commit_too(project: Project) -> None:
    install(project, "unravel-convert")
    project.write("modular/modular_yi.py", MISTRAL.replace("Mistral", "Yi"))
    stopped = shell(project, "git add --all && git commit --quiet -m yi", code=1)
    assert "wrote models/yi/modeling_yi.py" in stopped.stderr
    shell(project, "git add --all && git commit --quiet -m yi")


def test_check_stops_a_commit(project: Project) -> None:
    install(project, "unravel-check")
    project.write("modular/modular_mistral.py", MISTRAL.replace("1e-5", "1e-4"))
    before = project.files()[MODELING]
    stopped = shell(project, "git commit --quiet -a -m change", code=1)
    assert f"{MODELING}:13:23: UNR501" in stopped.stderr
    assert project.files()[MODELING] == before


def test_other_files_run_no_hook(project: Project) -> None:
    install(project, "unravel-convert", "unravel-check", "unravel-lint")
    project.write("notes.md", "# Notes\n")
    done = shell(project, "git add --all && git commit -m notes")
    assert done.stderr.count("Skipped") == 3


def test_forward_runs_on_push_only(project: Project) -> None:
    install(project, "unravel-forward")
    project.write("modular/modular_mistral.py", MISTRAL + "\n\nSIZE = 3\n")
    done = shell(project, "git commit -a -m change")
    assert "unravel forward" not in done.stderr
    pushed = shell(project, "pre-commit run --hook-stage pre-push --all-files", code=1)
    assert "unravel forward" in pushed.stdout  # these are no models: nothing can be compared


def test_lint_stops_a_commit(project: Project) -> None:
    install(project, "unravel-lint")
    same = "\n    def forward(self, x):\n        return math.sqrt(x + self.eps)\n"
    text = MISTRAL.replace("        self.eps = 1e-5\n", f"        self.eps = 1e-5\n{same}")
    project.write("modular/modular_mistral.py", f"import math\n\n{text}")
    project.run("convert", "-q")
    stopped = shell(project, "git commit --quiet -a -m change", code=1)
    assert "modular/modular_mistral.py:15:5: UNM" in stopped.stderr


# -- the action ----------------------------------------------------------------------------------


def steps() -> dict[str, dict[str, Any]]:
    action = yaml.safe_load((REPOSITORY / "action.yml").read_text())
    return {step["name"]: step for step in action["runs"]["steps"]}


def run_check(project: Project, code: int, inputs: dict[str, str]) -> tuple[str, str]:
    """What the action's step `Check` prints, and the summary that it leaves."""
    outside = project.root.with_name("runner")
    outside.mkdir()
    step = steps()["Check"]
    given = {"arguments": "", "lint": "false", "lint-arguments": "", **inputs}
    variables = {
        name: given[value.removeprefix("${{ inputs.").removesuffix(" }}")]
        for name, value in step["env"].items()
    }
    summary = outside / "summary.md"
    done = shell(
        project,
        step["run"],
        code=code,
        RUNNER_TEMP=str(outside),
        GITHUB_STEP_SUMMARY=str(summary),
        **variables,
    )
    return done.stdout, summary.read_text()


def test_the_action_passes(project: Project) -> None:
    printed, summary = run_check(project, 0, {})
    assert printed == ""
    assert summary == "### unravel check\n\nchecked 3 files: 3 in sync\n"


def test_the_action_annotates_the_line_that_has_changed(project: Project) -> None:
    project.write("modular/modular_mistral.py", MISTRAL.replace("1e-5", "1e-4"))
    printed, summary = run_check(project, 1, {})
    assert printed.startswith("::error file=modular/modular_mistral.py,line=9,")
    assert "1 in sync, 2 stale" in summary


def test_the_action_hands_on_arguments_and_lints(project: Project) -> None:
    inputs = {"arguments": "mistral", "lint": "true", "lint-arguments": "--select UNS207"}
    printed, summary = run_check(project, 1, inputs)
    assert "checked 2 files: 2 in sync" in summary
    assert "### unravel lint" in summary
    assert printed and all("title=UNS207" in line for line in printed.splitlines())


def test_every_input_of_the_action_is_used() -> None:
    action = yaml.safe_load((REPOSITORY / "action.yml").read_text())
    text = str(action["runs"])
    assert [name for name in action["inputs"] if f"inputs.{name} " not in text] == []
