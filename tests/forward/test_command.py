"""The command, from its arguments to its exit code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from checks.forward.project import Project
from checks.forward.running import _wanted
from unravel.cli import run


def test_models_agree(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    arguments = [
        "forward",
        "vit",
        "olmo2",
        "--root",
        str(repository),
        "--format",
        "json",
        "--no-cache",
    ]
    assert run([*arguments, "--html", str(page)]) == 0
    document = json.loads(capsys.readouterr().out)
    verdicts = {
        (model["model"], finding["pair"]): {
            each["verdict"] for each in model["findings"] if each["pair"] == finding["pair"]
        }
        for model in document["models"]
        for finding in model["findings"]
    }
    assert verdicts["olmo2", "live"] == {"PROVED"}
    assert verdicts["vit", "reference"] <= {"PROVED", "REFACTOR", "WITHIN_NOISE", "SKIPPED"}
    assert verdicts["vit", "itself"] >= {"EQUAL_BITS"}
    assert "olmo2" in page.read_text()


def test_what_is_not_there_is_told(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forward", "no_such_model", "--root", str(repository)]) == 2
    assert "there is no model no_such_model" in capsys.readouterr().err


def test_nothing_to_compare_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    assert run(["forward", "--root", str(tmp_path)]) == 2


@pytest.mark.parametrize(
    "arguments",
    [["--model", "transformers:mistral"], ["--shard", "3/2"], ["--map", "x"], ["--shard", "x"]],
)
def test_mistaken_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forward", *arguments]) == 2
    assert "Error:" in capsys.readouterr().err


def test_shards_are_all_models_once(project: Project) -> None:
    every = _wanted(project, ())
    shards = [model for k in (1, 2, 3) for model in every[k - 1 :: 3]]
    assert sorted(shards) == every
    assert len(every) > 9


def test_mistake_in_settings_is_told(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(repository / "models" / "vit", tmp_path / "models" / "vit")
    (tmp_path / "forward.toml").write_text("[vit]\ntolerance = 1e-3\n")
    assert run(["forward", "--root", str(tmp_path)]) == 2
    assert "`vit.tolerance` needs a `reason`" in capsys.readouterr().err
