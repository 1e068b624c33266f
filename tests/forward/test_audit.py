"""The audit: what runs which line, what counts as caught, and that a hole in the checks shows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from checks.forward import audit, session
from checks.forward.audit import Audit, Fate, Outcome
from checks.forward.mutants import mutants
from checks.forward.project import Project
from checks.forward.reach import lines_run
from checks.forward.settings import ModelSettings
from tests.forward.small import write

SOURCE = """\
def f(x):
    if (
        x > 1
    ):
        y = [
            each
            for each in range(x)
        ]
        return y
    return x - 1
"""


def test_lines_that_are_run(tmp_path: Path) -> None:
    path = tmp_path / "source.py"
    space: dict[str, object] = {}
    exec(compile(SOURCE, str(path), "exec"), space)
    function = space["f"]
    assert callable(function)
    result, lines = lines_run(str(path), lambda: function(0))
    assert result == -1
    assert 10 in lines
    assert lines.isdisjoint(range(5, 10))


def test_a_mutant_knows_its_statement() -> None:
    spans = {(each.first, each.last) for each in mutants(SOURCE)}
    assert spans == {(2, 4), (5, 8), (10, 10)}


def outcomes(**counts: int) -> tuple[Outcome, ...]:
    mutant = mutants(SOURCE)[0]
    return tuple(Outcome(mutant, Fate[name]) for name, n in counts.items() for _ in range(n))


@pytest.mark.parametrize(
    ("counts", "share", "runnable", "passes"),
    [
        ({"CAUGHT": 99, "BROKEN": 100, "SURVIVED": 1, "SAME": 50}, 0.995, 0.99, True),
        ({"CAUGHT": 9, "BROKEN": 990, "SURVIVED": 1}, 0.999, 0.9, False),
        ({"SAME": 9, "UNREACHED": 9}, 1.0, 1.0, False),
    ],
)
def test_share(counts: dict[str, int], share: float, runnable: float, passes: bool) -> None:
    found = Audit("new", "new.py", ("live",), 7, outcomes(**counts), 1.0)
    assert found.share() == pytest.approx(share)
    assert found.share(runnable=True) == pytest.approx(runnable)
    assert found.is_passed is passes
    listed = "\n".join(audit.lines(found, Path()))
    assert listed.count("survived:") == counts.get("SURVIVED", 0)
    assert listed.count("never run:") == counts.get("UNREACHED", 0)


def test_what_nothing_is_compared_with_survives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model alone can only be asked whether it agrees with itself; a recording knows better."""
    project = Project(tmp_path, modeling="audited.{model}.modeling_{model}")
    folder = tmp_path / "audited" / "small"
    folder.mkdir(parents=True)
    write(folder, "modeling_small")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    alone = audit.audit(project, "small", ModelSettings())
    assert alone.pairs == ("itself",)
    assert not alone.is_passed
    assert "eps=config.eps" in [each.mutant.old for each in alone.of(Fate.SURVIVED)]
    session.check_model(project, "small", ModelSettings(), record=True)
    recorded = audit.audit(project, "small", ModelSettings())
    assert recorded.pairs == ("golden", "itself")
    assert [str(each.mutant) for each in recorded.of(Fate.SURVIVED)] == []
    assert recorded.is_passed
