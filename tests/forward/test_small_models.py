"""A user's own model that takes, supports and refuses other things than those of transformers."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.forward import pairs, session
from checks.forward.running import quiet_and_alone
from checks.forward.settings import ModelSettings
from checks.forward.verdicts import Finding, Verdict
from tests.forward.small import write

CLOSED = ("def forward(self, input_ids, **others):", "def forward(self, input_ids):")
"""Nothing beside the tokens is taken: hidden states are not to be asked for."""
REFUSING = (
    "    def forward(self",
    """    supports_gradient_checkpointing = True

    def get_input_embeddings(self):
        return self.embedding

    def set_input_embeddings(self, value):
        raise NotImplementedError("not of this model")

    def forward(self""",
)
"""The class says that it can be checkpointed, and no layer of it can."""


def _checked(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> dict[str, Finding]:
    monkeypatch.syspath_prepend(str(folder))
    layer, model = REFUSING[0], "class SmallModel"
    write(folder, name, CLOSED)
    text = (folder / f"{name}.py").read_text()
    before, _, after = text.partition(model)
    (folder / f"{name}.py").write_text(before + model + after.replace(layer, REFUSING[1]))
    with quiet_and_alone():
        report = session.check_class(name, name, "SmallModel", ModelSettings())
    return {each.check: each for each in report.findings if each.pair == "itself"}


def test_what_a_model_does_not_take_or_support_is_not_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _checked(tmp_path, monkeypatch, "closed_model")
    assert [each.name for each in found.values() if each.verdict.is_failure] == []
    assert found["eager"].verdict is Verdict.PROVED
    checkpointed, embeddings = found["checkpointed ↔ not"], found["other embeddings ↔ own"]
    assert checkpointed.verdict is embeddings.verdict is Verdict.SKIPPED
    assert "SmallModel is not compatible with gradient checkpointing" in checkpointed.note
    assert embeddings.note == "it says that it is not implemented: not of this model"


def test_a_run_that_fails_the_second_time_costs_its_own_check_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*asked: object) -> Finding:
        raise RuntimeError("the graph is gone")

    monkeypatch.setattr(pairs, "compare_runs", fail)
    found = _checked(tmp_path, monkeypatch, "forgetful_model")
    assert found["plain"].verdict is Verdict.BROKEN
    assert found["plain"].note == "when run again: RuntimeError: the graph is gone"
    assert found["saved ↔ not"].verdict is Verdict.EQUAL_BITS
