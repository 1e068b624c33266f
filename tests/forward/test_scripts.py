"""The scripts that show failures: they run anywhere, and they show them."""

from __future__ import annotations

import ast
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from checks.forward import running, scripts, session
from checks.forward.scenarios import SCENARIOS
from checks.forward.verdicts import Finding, ModelReport, Verdict
from tests.forward.small import write

WRONG = ("return states + self.down", "return self.down")


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts find their models by adding to it."""
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> ModelReport:
    """What is found where a residual was dropped, with scripts in a folder."""
    folder = tmp_path_factory.mktemp("broken")
    names = write(folder, "small_mine", WRONG), write(folder, "small_theirs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path])
        reports = running.check_named(*names, {}, root=folder)
    return scripts.written(reports, folder / "scripts")[0]


def failures(report: ModelReport) -> list[Finding]:
    return [finding for finding in report.findings if finding.verdict.is_failure]


def outcome(script: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(script)
    return int(ended.value.code or 0), capsys.readouterr().out


def test_the_difference_is_shown_from_anywhere(broken: ModelReport, tmp_path: Path) -> None:
    first, *others = failures(broken)
    assert (first.verdict, first.check) == (Verdict.DIVERGED, "plain")
    assert not any(each.script for each in others)
    text = Path(first.script).read_text()
    assert "checks" not in {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom | ast.Import)
        for name in [getattr(node, "module", None) or node.names[0].name]
    }
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [sys.executable, "-I", first.script]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=elsewhere, check=False)
    assert ended.returncode == 1, ended.stderr
    assert "last_hidden_state is off by" in ended.stdout


def test_what_is_mended_shows_nothing(
    broken: ModelReport, capsys: pytest.CaptureFixture[str]
) -> None:
    (script, *_) = (each.script for each in failures(broken))
    write(Path(script).parents[1], "small_mine")
    assert outcome(script, capsys) == (0, "")


def test_what_is_seen_before_a_run_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = write(tmp_path, "small_more", ("hidden_size, bias=False)", "hidden_size, bias=True)"))
    theirs = write(tmp_path, "small_less")
    reports = running.check_named(mine, theirs, {}, root=tmp_path)
    (report,) = scripts.written(reports, tmp_path / "scripts")
    first = failures(report)[0]
    assert first.check == "manifest"
    code, said = outcome(first.script, capsys)
    assert code == 1
    assert "state_dict: only one has layers.0.down.bias" in said


def test_a_model_is_asked_for_its_two_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forgetful = ("states = self.embedding", "states = len(input_ids) * self.embedding")
    mine = write(tmp_path, "small_forgetful", forgetful)
    (report,) = running.check_named(mine, mine, {}, root=tmp_path)
    (found,) = (each for each in failures(report) if each.check == "single ↔ batched")
    (alone,) = scripts.written([replace(report, findings=(found,))], tmp_path / "scripts")
    code, said = outcome(alone.findings[0].script, capsys)
    assert code == 1
    assert "is off by" in said


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_every_scenario_can_be_written_down(scenario: session.Scenario) -> None:
    imports, sources = scripts.inlined([scripts.weights.fill, scripts.off, scenario.run])
    assert not any("checks" in each for each in imports)
    space: dict[str, object] = {}
    exec("from __future__ import annotations\n" + "\n".join([*imports, *sources]), space)
    assert space[scenario.run.__name__] is not scenario.run
    wanted = {name for name in scripts._names(scenario.run.__code__) if name in vars(session)}
    assert wanted - space.keys() - {"make"} == set()
