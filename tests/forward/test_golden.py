"""Recordings: what is as it was, what is not, and what is small enough to be another processor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from checks.forward import golden, session, sides
from checks.forward.configs import tiny
from checks.forward.golden import Golden
from checks.forward.inputs import Request
from checks.forward.instances import Instance, instance
from checks.forward.pairs import Question
from checks.forward.project import Project
from checks.forward.verdicts import Verdict

QUESTION = Question("vit", "golden", "ViTModel", "tiny")


@pytest.fixture(scope="module")
def model(project: Project) -> Instance:
    own = sides.generated(project, "vit")
    return instance(own, "ViTModel", session.for_head("ViTModel", tiny(own.config, {})))


@pytest.fixture(scope="module")
def recorded(model: Instance) -> Golden:
    return golden.record(model, "tiny", Request(type(model.model), model.config, {}), {})


def verdicts(model: Instance, now: Golden, then: Golden) -> list[Verdict]:
    return [each.verdict for each in golden.compare(QUESTION, model, now, then)]


def test_what_was_recorded_is_read_again(recorded: Golden, tmp_path: Path) -> None:
    path = Project(tmp_path).golden("vit")
    assert golden.read(path) is None
    path.parent.mkdir(parents=True)
    path.write_text(recorded.text())
    assert golden.read(path) == recorded
    path.write_text("something else\n")
    with pytest.raises(ValueError, match="not a recording"):
        golden.read(path)


def test_the_same_is_proved(model: Instance, recorded: Golden) -> None:
    assert verdicts(model, recorded, recorded) == [Verdict.PROVED, Verdict.EQUAL_BITS]


def changed(recorded: Golden, key: str, change: Callable[[str], str]) -> Golden:
    assert key in recorded.values
    return Golden({**recorded.values, key: change(recorded.values[key])})


def test_another_program_is_told_by_its_module(model: Instance, recorded: Golden) -> None:
    key = "part tiny layers.1.attention"
    then = changed(recorded, next(k for k in recorded.values if k.startswith(key)), lambda v: "0 0")
    first, _ = golden.compare(QUESTION, model, recorded, then)
    assert first.verdict is Verdict.DIVERGED
    assert "layers.1.attention" in first.note
    assert first.places[0].text.startswith("class ViT")


def scaled(factor: float) -> Callable[[str], str]:
    return lambda text: " ".join(f"{float(each) * factor:.6g}" for each in text.split())


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1 + 1e-5, Verdict.WITHIN_NOISE), (1 + 1e-4, Verdict.DIVERGED)]
)
def test_other_numbers(model: Instance, recorded: Golden, factor: float, verdict: Verdict) -> None:
    then = changed(recorded, "sketch tiny layers.1", scaled(factor))
    assert verdicts(model, recorded, then) == [Verdict.PROVED, verdict]


def test_programs_of_another_torch_are_not_compared(model: Instance, recorded: Golden) -> None:
    then = changed(recorded, "torch", lambda version: "1.0")
    assert verdicts(model, recorded, then) == [Verdict.SKIPPED, Verdict.EQUAL_BITS]


def test_what_is_not_refused_any_more_is_told(model: Instance, recorded: Golden) -> None:
    then = changed(recorded, "refused tiny", lambda text: f"{text}; a mask: ValueError")
    found = next(golden.compare(QUESTION, model, recorded, then))
    assert (found.check, found.verdict) == ("recorded refusals", Verdict.DIVERGED)
    assert "a mask: ValueError" in found.note


def test_other_initial_weights(model: Instance, recorded: Golden) -> None:
    then = changed(recorded, "sketch tiny (initial weights)", scaled(1.25))
    assert verdicts(model, recorded, then) == [Verdict.PROVED, Verdict.DIVERGED]


def test_another_configuration_is_no_comparison(model: Instance, recorded: Golden) -> None:
    then = changed(recorded, "config tiny", lambda options: '{"hidden_size": 8}')
    assert verdicts(model, recorded, then) == [Verdict.DIVERGED]


def test_sketches_see_order_and_sign() -> None:
    values = torch.linspace(-1, 2, 50)
    sketch = golden.sketch(values)
    assert sketch != golden.sketch(values.flip(0))
    assert sketch[:2] == pytest.approx(golden.sketch(-values)[:2])
    assert sketch[2:] == pytest.approx([-each for each in golden.sketch(-values)[2:]])
