"""`unravel graph` and `unravel impact`: who extends whom, and what changes with what."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.small_project import LLAMA, QWEN, Project, small_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return small_project(tmp_path / "project")


@pytest.fixture
def repository(project: Project) -> Project:
    """The small project, converted and committed."""
    project.run("convert", "-q")
    git(project, "init", "--quiet")
    commit(project)
    return project


def git(project: Project, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=project.root, check=True, capture_output=True, text=True
    )
    return done.stdout


def commit(project: Project) -> None:
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "all")


# -- graph ---------------------------------------------------------------------------------------


def test_tree(project: Project) -> None:
    assert project.run("graph").stdout == "llama\n└── mistral\n    └── qwen\n"


def test_the_parent_of_most_classes_holds_the_model(project: Project) -> None:
    both = (
        QWEN
        + "\n\nclass QwenNorm(LlamaNorm):\n    pass\n\n\nclass QwenNorm2(LlamaNorm):\n    pass\n"
    )
    line = "from models.llama.modeling_llama import LlamaNorm\n"
    project.write("modular/modular_qwen.py", line + both)
    assert project.run("graph").stdout == "llama\n├── mistral\n└── qwen  (and mistral)\n"


def test_some_models(project: Project) -> None:
    project.write("models/bert/modeling_bert.py", "class BertModel:\n    pass\n")
    project.write(
        "modular/modular_roberta.py",
        "from models.bert.modeling_bert import BertModel\n\n\n"
        "class RobertaModel(BertModel):\n    pass\n",
    )
    assert project.run("graph", "roberta").stdout == "bert\n└── roberta\n"
    assert project.run("graph", "mistral").stdout == "llama\n└── mistral\n    └── qwen\n"
    refused = project.run("graph", "misral", code=2)
    assert "did you mean `mistral`?" in refused.stderr


CIRCLE = """\
from models.qwen.modeling_qwen import QwenModel


class MistralModel(QwenModel):
    pass
"""


def test_models_in_a_circle_are_shown(project: Project) -> None:
    project.write("modular/modular_mistral.py", CIRCLE)
    assert project.run("graph").stdout == "qwen  (and mistral)\n└── mistral\n"


def test_a_file_that_cannot_be_read_is_told(project: Project) -> None:
    project.write("modular/modular_qwen.py", "class (:\n")
    done = project.run("graph", code=2)
    assert done.stdout == "llama\n└── mistral\nqwen\n"
    assert "modular/modular_qwen.py:1:7: UNR003" in done.stderr


def test_json(project: Project) -> None:
    document = json.loads(project.run("graph", "--format", "json").stdout)
    assert document["version"] == 1
    assert {each["name"]: each["modular_file"] for each in document["models"]} == {
        "llama": None,
        "mistral": "modular/modular_mistral.py",
        "qwen": "modular/modular_qwen.py",
    }
    (link,) = (each for each in document["links"] if "qwen" in each["child"])
    assert link["parent"] == "modular/modular_mistral.py"
    assert link["modules"] == ["models/mistral/modeling_mistral.py"]
    assert link["classes"] == [{"name": "QwenModel", "base": "MistralModel"}]


def test_mermaid(project: Project) -> None:
    assert project.run("graph", "--format", "mermaid").stdout.splitlines() == [
        "flowchart LR",
        '    m0(["llama"])',
        '    m1["mistral"]',
        '    m2["qwen"]',
        "    m0 --> m1",
        "    m1 --> m2",
    ]


def test_svg(project: Project) -> None:
    text = project.run("graph", "--format", "svg").stdout
    svg = ElementTree.fromstring(text.encode())
    space = "{http://www.w3.org/2000/svg}"
    names = [each.text for each in svg.iter(f"{space}text")]
    assert names == ["llama", "mistral", "qwen"]
    assert len(list(svg.iter(f"{space}path"))) == 2
    assert "QwenModel(MistralModel)" in text


def test_html_stands_alone(project: Project) -> None:
    project.run("graph", "-o", "graph.html")
    page = project.read("graph.html")
    assert "<svg" in page and "modular/modular_qwen.py" in page
    assert "src=" not in page and "@import" not in page
    assert page.count("http") == page.count('xmlns="http://www.w3.org/2000/svg"')


def test_a_file_that_cannot_be_written(project: Project) -> None:
    assert "nowhere/graph.html" in project.run("graph", "-o", "nowhere/graph.html", code=2).stderr


# -- impact --------------------------------------------------------------------------------------


def test_nothing_has_changed(repository: Project) -> None:
    done = repository.run("impact")
    assert done.stdout == "nothing that a model is made of has changed since HEAD\n"


def test_what_a_change_would_do(repository: Project) -> None:
    files = repository.files()
    assert repository.run("impact", "llama").stdout.splitlines() == [
        "models/llama/modeling_llama.py: as at HEAD. Where a change would show:",
        "",
        "  mistral: MistralNorm.__init__, MistralNorm.forward, MistralModel.__init__",
        "  qwen: QwenNorm.__init__, QwenNorm.forward, QwenModel.__init__",
        "",
        "2 of 2 models would change: 2 code",
    ]
    assert repository.files() == files


def test_changed_code(repository: Project) -> None:
    repository.write("models/llama/modeling_llama.py", LLAMA.replace("x + self", "x - self"))
    assert repository.run("impact").stdout.splitlines() == [
        "models/llama/modeling_llama.py: other code in LlamaNorm.forward",
        "",
        "other code:",
        "  mistral: MistralNorm.forward",
        "  qwen: QwenNorm.forward",
        "",
        "2 of 2 models change: 2 code",
    ]


def test_changed_comments(repository: Project) -> None:
    repository.write("models/llama/modeling_llama.py", LLAMA.replace("A norm.", "The norm."))
    out = repository.run("impact", "models/llama/modeling_llama.py").stdout
    assert "other comments or docstrings only: mistral, qwen\n" in out
    assert out.endswith("2 of 2 models change: 2 comments\n")


def test_changed_names(repository: Project) -> None:
    repository.write("models/llama/modeling_llama.py", LLAMA.replace("eps", "epsilon"))
    document = json.loads(repository.run("impact", "--format", "json").stdout)
    assert document["hypothetical"] is False
    (mistral, _) = document["models"]
    assert mistral["how"] == "code"  # its own `self.eps = 1e-5` now is another attribute
    repository.write("models/llama/modeling_llama.py", LLAMA.replace("x", "states"))
    out = repository.run("impact").stdout
    assert "other names only:\n  mistral: x -> states\n" in out


def test_a_change_that_reaches_nobody(repository: Project) -> None:
    own = "\n\ndef unused():\n    return 1\n"
    repository.write("models/llama/modeling_llama.py", LLAMA + own)
    out = repository.run("impact").stdout
    assert "the same: mistral, qwen\n" in out
    assert out.endswith("0 of 2 models change: 2 unchanged\n")


def test_a_change_that_breaks_models(repository: Project) -> None:
    text = LLAMA.replace("LlamaNorm", "LlamaRMSNorm")
    repository.write("models/llama/modeling_llama.py", text)
    out = repository.run("impact").stdout
    assert "can no longer be converted:\n" in out
    assert "modular/modular_mistral.py:1:" in out and "UNR102" in out
    assert out.endswith("2 of 2 models change: 2 fails\n")


def test_against_another_commit(repository: Project) -> None:
    repository.write("models/llama/modeling_llama.py", LLAMA.replace("1e-6", "1e-7"))
    repository.run("convert", "-q")
    commit(repository)
    assert repository.run("impact").stdout.startswith("nothing ")
    assert "LlamaNorm.__init__" in repository.run("impact", "--base", "HEAD~1").stdout
    refused = repository.run("impact", "--base", "nobranch", code=2)
    assert "UNR006 git cannot say what has changed" in refused.stderr


def test_a_new_model(repository: Project) -> None:
    text = repository.read("modular/modular_qwen.py").replace("Qwen", "Yi")
    repository.write("modular/modular_yi.py", text)
    out = repository.run("impact").stdout
    assert "  yi: models/yi/modeling_yi.py (new)\n" in out


def test_without_git(project: Project) -> None:
    assert "UNR006" in project.run("impact", code=2, GIT_CEILING_DIRECTORIES="/").stderr
    assert "mistral" in project.run("impact", "llama").stdout


def test_a_file_that_nothing_is_made_of(repository: Project) -> None:
    repository.write("notes.py", "x = 1\n")
    out = repository.run("impact", "notes.py").stdout
    assert out.endswith("0 of 2 models change: none is built on it\n")
    assert "did you mean `qwen`?" in repository.run("impact", "qwem", code=2).stderr


def test_a_generated_file_is_its_modular_file(repository: Project) -> None:
    out = repository.run("impact", "models/mistral/modeling_mistral.py").stdout
    assert out.startswith("modular/modular_mistral.py: as at HEAD.")
    assert "  qwen: " in out
