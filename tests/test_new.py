"""`unravel new`: what it writes converts, checks, imports and passes its own test."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.corpus.release import REPOSITORY
from tests.small_project import Project, small_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return small_project(tmp_path / "project")


def run_its_test(project: Project) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_model_that_passes_at_once(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    shutil.copytree(REPOSITORY / "models" / "llama", project.root / "models" / "llama")
    # A package of that name elsewhere on the path must not come first.
    project.write("models/__init__.py", "")
    wrote = project.run("new", "tiny", "--from", "llama").stdout.splitlines()
    assert wrote == [
        "wrote modular/modular_tiny.py",
        "wrote tests/test_tiny.py",
        "wrote docs/models/tiny.md",
        "next: unravel convert tiny",
    ]
    project.run("convert", "tiny")
    project.run("check")
    assert project.run("lint", "tiny", "-q").stdout == ""
    done = run_its_test(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout and "skipped" not in done.stdout
    page = project.read("docs/models/tiny.md")
    assert "| `TinyModel` | `LlamaModel` |" in page
    assert "(../../modular/modular_tiny.py)" in page


def test_its_test_fails_where_something_is_wrong(project: Project) -> None:
    project.write("models/__init__.py", "")
    project.run("new", "yi", "--from", "llama")
    text = project.read("tests/test_yi.py")
    project.write("tests/test_yi.py", text[: text.index("def test_forward")])  # plain Python
    project.run("convert")
    assert run_its_test(project).returncode == 0
    project.write("models/yi/modeling_yi.py", project.read("models/yi/modeling_yi.py") + "x = 1\n")
    assert run_its_test(project).returncode == 1


def test_a_generated_parent(project: Project) -> None:
    project.run("convert")
    project.run("new", "yi", "--from", "mistral", "--tests", "", "--docs", "")
    text = project.read("modular/modular_yi.py")
    assert "from models.mistral.modeling_mistral import MistralModel, MistralNorm\n" in text
    assert "class YiNorm(MistralNorm):\n    pass\n" in text
    assert text.endswith('__all__ = ["YiConfig", "YiModel", "YiNorm"]\n')
    project.run("convert", "yi")


def test_an_installed_parent(project: Project) -> None:
    done = project.run("new", "tiny", "--from", "transformers.models.llama", "--dry-run")
    assert "from transformers.models.llama.configuration_llama import LlamaConfig\n" in done.stdout
    assert "class TinyForCausalLM(LlamaForCausalLM):\n    pass\n" in done.stdout
    assert not (project.root / "modular/modular_tiny.py").exists()


def test_some_classes(project: Project) -> None:
    project.run("new", "yi", "--from", "llama", "--classes", "LlamaNorm", "--cased", "YI")
    text = project.read("modular/modular_yi.py")
    assert "class YINorm(LlamaNorm):" in text and "LlamaModel" not in text
    refused = project.run("new", "yi2", "--from", "llama", "--classes", "LlamaNrm", code=2)
    assert "exports no LlamaNrm: LlamaConfig, LlamaNorm, LlamaModel" in refused.stderr


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Yi", "lower-case letters"),
        ("2b", "lower-case letters"),
        ("my-model", "lower-case letters"),
        ("class", "word of Python's"),
        ("mistral", "there is a model of that name: modular/modular_mistral.py"),
        ("llama", "models/llama/modeling_llama.py exists"),
    ],
)
def test_names_that_will_not_do(project: Project, name: str, why: str) -> None:
    before = project.files()
    assert why in project.run("new", name, "--from", "llama", code=2).stderr
    assert project.files() == before


def test_other_mistakes(project: Project) -> None:
    assert "did you mean `llama`?" in project.run("new", "yi", "--from", "lama", code=2).stderr
    assert "--from" in project.run("new", "yi", code=2).stderr
    cased = project.run("new", "yi", "--from", "llama", "--cased", "yi", code=2).stderr
    assert "begins with a capital letter" in cased


def test_nothing_is_overwritten(project: Project) -> None:
    project.write("tests/test_yi.py", "mine\n")
    refused = project.run("new", "yi", "--from", "llama", code=2)
    assert "tests/test_yi.py exists already" in refused.stderr
    assert not (project.root / "modular/modular_yi.py").exists()
    assert project.read("tests/test_yi.py") == "mine\n"


def test_interactive(project: Project) -> None:
    answers = "Yi\nyi\nllama\n9\n2, 3\n\nA small model.\n"
    done = subprocess.run(
        [sys.executable, "-m", "unravel", "new", "--interactive"],
        cwd=project.root,
        env=project.environment(),
        input=answers,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "   2 LlamaNorm\n" in done.stdout
    text = project.read("modular/modular_yi.py")
    assert text.startswith('"""Yi: A small model."""\n')
    assert "class YiNorm(LlamaNorm)" in text and "YiConfig" not in text


def test_in_transformers_layout(tmp_path: Path) -> None:
    project = Project(tmp_path / "checkout")
    llama = "src/transformers/models/llama"
    project.write(
        f"{llama}/modeling_llama.py", "class LlamaModel:\n    pass\n\n\n__all__ = ['LlamaModel']\n"
    )
    project.run("new", "yi", "--from", "llama", "--profile", "transformers", "--tests", "")
    text = project.read("src/transformers/models/yi/modular_yi.py")
    assert "from ..llama.modeling_llama import LlamaModel\n" in text
    project.run("convert", "yi", "--profile", "transformers")
    assert (project.root / "src/transformers/models/yi/modeling_yi.py").exists()
