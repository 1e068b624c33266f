"""What is found in generated files is reported where somebody wrote it, and once."""

from __future__ import annotations

from pathlib import Path

from tests.lint.project import lay_out, linted, project
from unravel.cli import run
from unravel.lint import stage

MODULAR = """\
from models.old.modeling_old import OldAttention, OldMLP


class NewAttention(OldAttention):
    pass


class NewMLP(OldMLP):
    def forward(self, hidden_states):
        hidden_states = super().forward(hidden_states)
        assert hidden_states is not None
        return hidden_states

    def scaled(self, hidden_states):
        assert self.scale
        return hidden_states * self.scale
"""


def test_findings_stand_in_the_modular_file_or_in_the_parent(tmp_path: Path) -> None:
    inherited = stage.MODELING_OLD.replace(
        "        return self.dropout(", "        assert self.query\n        return self.dropout("
    )
    files = {stage.MODULAR: MODULAR, "models/old/modeling_old.py": inherited}
    lay_out(tmp_path, {**stage.FILES, **files})
    assert run(["convert", "--root", str(tmp_path), "--no-cache"]) == 0
    generated = (tmp_path / stage.MODELING).read_text()
    assert generated.count("assert ") == 3
    found = [(each.path, each.line) for each in linted(project(tmp_path), "UNS213").diagnostics]
    at = inherited.splitlines().index("        assert self.query") + 1
    assert found == [
        ("models/old/modeling_old.py", at),
        (stage.MODULAR, 11),
        (stage.MODULAR, 15),
    ]


def test_a_generated_file_can_be_named(tmp_path: Path) -> None:
    lay_out(tmp_path, {**stage.FILES, stage.MODULAR: MODULAR})
    root = ["--root", str(tmp_path), "--no-cache"]
    assert run(["convert", *root]) == 0
    arguments = ["lint", *root, "--select", "UNS213"]
    assert run([*arguments, "new"]) == 1
    assert run([*arguments, "old"]) == 0
