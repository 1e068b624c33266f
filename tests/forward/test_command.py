"""The command, from its arguments to its exit code."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from checks.forward import reports, shards
from checks.forward.project import Project
from checks.forward.running import _wanted
from checks.forward.verdicts import ModelReport
from tests.forward.small import write
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
    shares = [shards.share(every, (k, 3), {every[0]: 9.0, every[1]: 1.0}) for k in (1, 2, 3)]
    assert sorted(model for share in shares for model in share) == every
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert len(every) > 9


def test_shards_take_as_long(tmp_path: Path) -> None:
    seconds = {"long": 10.0, "a": 3.0, "b": 3.0, "c": 4.0}
    report = [ModelReport(name, (), cost) for name, cost in seconds.items()]
    (tmp_path / "report.json").write_text(reports.as_json(report, tmp_path))
    known = shards.costs(tmp_path / "report.json")
    assert shards.share(["a", "b", "c", "long"], (1, 2), known) == ["long"]
    assert shards.share(["a", "b", "c", "long"], (2, 2), known) == ["a", "b", "c"]
    (tmp_path / "report.json").write_text("[]")
    with pytest.raises(ValueError, match="no report"):
        shards.costs(tmp_path / "report.json")


def test_progress_is_shown_on_a_terminal_alone(repository: Path, tmp_path: Path) -> None:
    """The table goes to a file, and the bar to the terminal that was left to it."""
    for name in ("one", "two"):
        (tmp_path / "models" / name).mkdir(parents=True)
        write(tmp_path / "models" / name, f"modeling_{name}")
    (tmp_path / "models" / "__init__.py").touch()
    command = [sys.executable, "-m", "unravel", "forward", "--root", str(tmp_path), "--no-cache"]
    variables = {**os.environ, "TERM": "xterm", "NO_COLOR": "1"}
    leader, follower = pty.openpty()
    with (tmp_path / "table").open("w") as table:
        running = subprocess.Popen(
            command, cwd=repository, stdout=table, stderr=follower, env=variables
        )
    os.close(follower)
    shown = bytearray()
    with contextlib.suppress(OSError):  # how the end of a terminal is told
        while chunk := os.read(leader, 4096):
            shown += chunk
    os.close(leader)
    assert running.wait() == 0
    assert b"two" in shown
    assert b"50%" in shown
    assert b"\x1b[3" not in shown, "no colors were asked for"
    lines = (tmp_path / "table").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["model", "one", "two", "2"]


def test_scripts_are_named_where_they_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    wrong = ("states = self.embedding", "states = len(input_ids) * self.embedding")
    name = write(tmp_path, "small_wrong", wrong)
    command = ["forward", "--model", name, "--reference", name, "--root", str(tmp_path)]
    assert run([*command, "--cache-dir", str(tmp_path / "cache")]) == 1
    (script,) = (tmp_path / "cache").rglob("*.py")
    assert script.name in capsys.readouterr().out
    assert run([*command, "--no-cache"]) == 1
    assert "script " not in capsys.readouterr().out
    wanted = ["--no-cache", "--scripts", str(tmp_path / "scripts")]
    assert run([*command, *wanted, "--html", str(tmp_path / "none" / "page.html")]) == 2
    assert "page.html: No such file" in capsys.readouterr().err
    assert len(list((tmp_path / "scripts").iterdir())) == 1
    wanted[-1] = str(tmp_path / "small_wrong.py")
    assert run([*command, *wanted]) == 2
    assert "small_wrong.py: File exists" in capsys.readouterr().err


def test_mistake_in_settings_is_told(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(repository / "models" / "vit", tmp_path / "models" / "vit")
    (tmp_path / "forward.toml").write_text("[vit]\ntolerance = 1e-3\n")
    assert run(["forward", "--root", str(tmp_path)]) == 2
    assert "`vit.tolerance` needs a `reason`" in capsys.readouterr().err
