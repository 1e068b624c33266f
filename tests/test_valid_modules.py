"""In a large run by the corpus' rules little is parsed, and invalid code is found all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from unravel.outcomes import Run
from unravel.running import convert

MODELS = Path("src/transformers/models")
PARENT = """\
import torch
from torch import nn


class OldMLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.up = nn.Linear(config.size, config.size)

    def forward(self, x):
        return self.up(x)


class OldNorm(nn.Module):
    def forward(self, x):
        return x
"""
MODULAR = """\
from ..old.modeling_old import OldMLP


def unused(x):
    return x


class NewMLP(OldMLP):
    def forward(self, x):
        return 2 * self.up(x)


class NewHead(nn.Module):
    def forward(self, x):
        return x
"""


def write(root: Path, parent: str, modular: str) -> None:
    for path, text in (
        (MODELS / "old/modeling_old.py", parent),
        (MODELS / "new/modular_new.py", modular),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def run(root: Path, jobs: int = 1) -> Run:
    return convert(root=root, profile="transformers", jobs=jobs)


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_result_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int) -> None:
    results = []
    for bytes_of_many in (0, 10**9):
        monkeypatch.setattr("unravel.project._MANY", bytes_of_many)
        root = tmp_path / str(bytes_of_many)
        write(root, PARENT, MODULAR)
        (finished,) = run(root, jobs).finished
        results += [[(file.path, file.content) for file in finished.files]]
    assert results[0] == results[1]
    assert b"class NewHead" in results[0][0][1]


@pytest.mark.parametrize(
    ("where", "old", "new", "line"),
    [
        ("new", "return x\n\n\nclass NewMLP", "return x +\n\n\nclass NewMLP", 5),
        ("new", "2 * self.up(x)", "2 * self.up(x", 10),
        ("new", "2 * self.up(x)", "2 * * self.up(x)", 10),
        ("new", "(self, x):\n        return 2", "(self, x:\n        return 2", 9),
        ("new", "NewHead(nn.Module)", "NewHead(nn.Module", 13),
        ("new", "        return x\n", "        return x )\n", 15),
        ("old", "        return x\n", "        return x )\n", 16),
        ("old", "nn.Linear(config.size, ", "nn.Linear(config.size; ", 8),
    ],
)
def test_what_is_not_python_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, old: str, new: str, line: int
) -> None:
    parent, modular = PARENT, MODULAR
    if where == "old":
        parent = parent.replace(old, new)
    else:
        modular = modular.replace(old, new)
    write(tmp_path, parent, modular)
    findings = []
    for bytes_of_many in (0, 10**9):
        monkeypatch.setattr("unravel.project._MANY", bytes_of_many)
        (failed,) = run(tmp_path).failed
        findings += [failed.diagnostics]
    assert findings[0] == findings[1]
    assert [(each.code, each.line) for each in findings[0]] == [("UNR003", line)]
    assert findings[0][0].path.endswith(f"_{where}.py")
