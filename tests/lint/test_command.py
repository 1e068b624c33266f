"""`unravel lint` and `unravel rule` as a user meets them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.lint.project import lay_out
from unravel.cli import run
from unravel.lint import stage

ASSERTS = """\
def scaled(states, scale):
    assert scale
    return states * scale
"""
MODULAR = """\
import torch

from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    scale = 2.0

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return self.down_proj(self.activation(self.up_proj(hidden_states)))
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a mistake in a modular file and one in a model that is written by hand."""
    files = {stage.MODULAR: MODULAR, "models/odd/modeling_odd.py": ASSERTS}
    lay_out(tmp_path, {**stage.FILES, **files})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lint(*arguments: str) -> int:
    return run(["lint", "--no-cache", "--select", "UNM101,UNS213", *arguments])


def codes(text: str) -> list[str]:
    return [found["code"] for found in json.loads(text)["diagnostics"]]


def test_findings_are_printed_where_they_are(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lint() == 1
    printed = capsys.readouterr().out
    assert "modular/modular_new.py:9:5: UNM101 warning: `NewMLP.forward` does what" in printed
    assert "models/odd/modeling_odd.py:2:5: UNS213 warning: " in printed
    assert printed.endswith("2 findings in 4 files\n")


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("new",), ["UNM101"]),
        (("odd",), ["UNS213"]),
        (("models/odd/modeling_odd.py",), ["UNS213"]),
        ((stage.MODULAR,), ["UNM101"]),
        (("old",), []),
        (("--ignore", "identical-override"), ["UNS213"]),
        (("--ignore", "UNS2,UNM"), []),
    ],
)
def test_what_is_looked_for_can_be_chosen(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], wanted: list[str]
) -> None:
    assert lint("--format", "json", *arguments) == bool(wanted)
    assert codes(capsys.readouterr().out) == wanted


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--select", "UNM999"), "no rule is called `UNM999`"),
        (("nowhere",), "there is no model `nowhere`"),
        (("--baseline", "none.json"), "none.json: No such file"),
    ],
)
def test_mistakes_of_the_user(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert lint(*arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("comment", "left"),
    [
        ("    assert scale  # unravel: ignore[UNS213]", 0),
        ("    # unravel: ignore[UNS, UNM101]\n    assert scale", 0),
        ("    # unravel: ignore[UNS213]\n    # and why\n    assert scale", 0),
        ("    assert scale  # unravel: ignore[UNM101]", 1),
        ("    assert scale\n    # unravel: ignore[UNS213]", 1),
        ('    assert scale, "# unravel: ignore[UNS213]"', 1),
    ],
)
def test_a_comment_ignores_a_finding(here: Path, comment: str, left: int) -> None:
    text = ASSERTS.replace("    assert scale", comment)
    (here / "models/odd/modeling_odd.py").write_text(text)
    assert lint("odd") == left


def test_a_comment_on_a_head_is_about_all_below(here: Path) -> None:
    head, _, body = ASSERTS.partition("\n")
    odd = here / "models/odd/modeling_odd.py"
    odd.write_text(f"{head}  # unravel: ignore[UNS213]\n{body}\n\n{ASSERTS}")
    assert lint("odd") == 1
    odd.write_text(f"# unravel: ignore-file[UNS213]\n{ASSERTS}\n\n{ASSERTS}")
    assert lint("odd") == 0


def test_a_baseline_hides_what_was_there(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint("--baseline", "known.json", "--write-baseline") == 0
    assert lint("--baseline", "known.json") == 0
    odd = here / "models/odd/modeling_odd.py"
    odd.write_text("\n\n" + ASSERTS + "    assert not scale\n")
    capsys.readouterr()
    assert lint("--baseline", "known.json", "--format", "json") == 1
    report = json.loads(capsys.readouterr().out)
    assert report["hidden"] == 2
    assert [found["line"] for found in report["diagnostics"]] == [6]


def test_fix_mends_and_diff_only_shows(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (here / stage.MODULAR).read_bytes()
    assert lint("--diff", "--quiet") == 1
    assert "-    def forward(self" in capsys.readouterr().out
    assert (here / stage.MODULAR).read_bytes() == before
    assert lint("--fix") == 1
    assert (here / stage.MODULAR).read_text() == MODULAR.partition("\n    def")[0]
    captured = capsys.readouterr()
    assert "mended 1 finding in 1 file" in captured.err
    assert "UNS213" in captured.out and "UNM101" not in captured.out


def test_fix_keeps_line_ends(here: Path) -> None:
    crlf = MODULAR.replace("\n", "\r\n").encode()
    (here / stage.MODULAR).write_bytes(crlf)
    assert lint("new", "--fix") == 0
    assert (here / stage.MODULAR).read_bytes() == crlf.partition(b"\r\n    def")[0]


def test_a_fix_that_cannot_be_proven_is_not_made(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = MODULAR + "\n    def __init__(self, config):\n        super().__init__(config)\n"
    broken += "        del self.nothing\n"
    (here / stage.MODULAR).write_text(broken)
    assert lint("new", "--fix") == 1
    assert (here / stage.MODULAR).read_text() == broken
    assert "UNM101 is not mended: without that, the file cannot" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_an_error(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "models/odd/modeling_odd.py").write_text("def broken(:\n")
    assert lint() == 2
    captured = capsys.readouterr()
    assert "models/odd/modeling_odd.py:1:12: UNR003" in captured.err
    assert "UNM101" in captured.out


def test_a_second_run_knows_what_is_unchanged(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["lint", "--cache-dir", "kept", "--format", "json", "--select", "UNM101,UNS213"]
    assert run(arguments) == 1
    first = capsys.readouterr().out
    assert run(arguments) == 1
    assert capsys.readouterr().out == first
    (here / "models/old/modeling_old.py").write_text(
        stage.MODELING_OLD.replace("self.down_proj(", "self.down_proj(2 * ")
    )
    assert run(arguments) == 1
    assert codes(capsys.readouterr().out) == ["UNS213"]


def test_sarif_is_valid(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint("--format", "sarif") == 1
    document = json.loads(capsys.readouterr().out)
    (found,) = document["runs"]
    results = {each["ruleId"]: each for each in found["results"]}
    assert results.keys() == {"UNM101", "UNS213"}
    (place,) = results["UNS213"]["locations"]
    assert place["physicalLocation"]["region"] == {"startLine": 2, "startColumn": 5}
    rules = [rule["id"] for rule in found["tool"]["driver"]["rules"]]
    assert all(rules[each["ruleIndex"]] == each["ruleId"] for each in found["results"])


def test_github_and_junit(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint("--format", "github") == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("::warning file=models/odd/modeling_odd.py,line=2,col=5,title=UNS213::")
    assert second.startswith("::warning file=modular/modular_new.py,line=9,col=5,title=UNM101::")
    assert lint("--format", "junit") == 1
    suites = ET.fromstring(capsys.readouterr().out)
    assert (suites.get("tests"), suites.get("failures")) == ("4", "2")
    failed = [
        case.get("name") for case in suites.iter("testcase") if case.find("failure") is not None
    ]
    assert failed == ["models/odd/modeling_odd.py", stage.MODULAR]


def test_statistics_count_by_rule(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint("--statistics", "--quiet") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["     1  UNM101  identical-override", "     1  UNS213  assert-for-input"]


def test_rule_explains(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rule", "UNM101"]) == 0
    assert "`--fix` makes this of it: the generated files stay" in capsys.readouterr().out
    assert run(["rule"]) == 0
    assert "UNS213" in capsys.readouterr().out
    assert run(["rule", "identical-override", "--format", "json"]) == 0
    assert [each["code"] for each in json.loads(capsys.readouterr().out)] == ["UNM101"]
    assert run(["rule", "identical-overide"]) == 2
    assert "did you mean `identical-override`?" in capsys.readouterr().err
