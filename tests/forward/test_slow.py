"""The slow tier: each comparison catches a model that is broken in just the way that it is for."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from checks.forward import (
    compiling,
    fullsize,
    generating,
    parallel,
    scenarios,
    session,
    sides,
    slow,
    wide,
)
from checks.forward.inputs import Request
from checks.forward.instances import Instance, instance
from checks.forward.pairs import Question
from checks.forward.project import Project
from checks.forward.running import quiet_and_alone
from checks.forward.settings import ModelSettings
from checks.forward.sides import Side
from checks.forward.verdicts import AGREEMENTS, Finding, Verdict
from unravel.cli import run

MODEL, HEAD = "olmo2", "Olmo2ForCausalLM"
ITSELF = Question(MODEL, "itself", HEAD, "tiny")
LIVE = Question(MODEL, "live", HEAD, "tiny", exactly=True)


@pytest.fixture(autouse=True, scope="module")
def quietly() -> Iterator[None]:
    with quiet_and_alone():
        yield


@dataclass(frozen=True)
class Small:
    """A model of the project as it is, tiny, and what it is asked with."""

    project: Project
    side: Side
    options: Mapping[str, Any]
    request: Request

    def built(self, side: Side | None = None) -> Instance:
        return instance(side or self.side, HEAD, self.options)

    @contextmanager
    def broken(self, right: str, wrong: str) -> Iterator[Side]:
        """The model with a mistake in its file."""

        def change(text: str) -> str:
            assert right in text
            return text.replace(right, wrong)

        with sides.altered(self.side, change) as side:
            yield side


@pytest.fixture(scope="module")
def small(repository: Path) -> Small:
    project = Project(repository)
    own = sides.generated(project, MODEL)
    own = replace(own, classes={HEAD: own.classes[HEAD]})
    subject = session.Subject(MODEL, own, {}, ModelSettings())
    subject = session.prepared(subject, ("tiny",))
    options = session.for_head(HEAD, subject.options["tiny"])
    request = session.request_of(subject, instance(own, HEAD, options))
    return Small(project, own, options, request)


# -- the published size --------------------------------------------------------------------------

ATTENTION = "        self.scaling = self.head_dim**-0.5\n"
NORM = "return (self.weight * self.unscaled(hidden_states)).to(hidden_states.dtype)"
SIZES = {
    "as it is": ("", "", Verdict.PROVED, Verdict.PROVED),
    # The tiny model's heads have 16 features.
    "a size": (
        "            config.num_key_value_heads * self.head_dim, eps=config.rms_norm_eps",
        "            config.num_key_value_heads * 16, eps=config.rms_norm_eps",
        Verdict.DIVERGED,
        Verdict.BROKEN,
    ),
    "a factor": (ATTENTION, "        self.scaling = 0.25\n", Verdict.PROVED, Verdict.DIVERGED),
    # In float32 there is no cast to lose.
    "a cast": (NORM, "return self.weight * self.unscaled(hidden_states)", Verdict.PROVED, None),
}


@pytest.mark.parametrize("name", SIZES)
def test_what_only_shows_at_the_published_size(small: Small, name: str) -> None:
    right, wrong, manifest, program = SIZES[name]
    with ExitStack() as stack:
        own = stack.enter_context(small.broken(right, wrong)) if right else small.side
        live = stack.enter_context(sides.live_side(small.project, MODEL, own))
        sizes = fullsize.Published(_shallow(own), _shallow(live), HEAD, small.request, {})
        found = sizes.compare_manifests(LIVE)
        assert (found.verdict, found.variant) == (manifest, fullsize.VARIANT), found.note
        found = sizes.compare_programs(LIVE)
        if program is None:
            assert found.verdict.is_failure
        else:
            assert found.verdict is program, found.note
        if found.verdict is Verdict.DIVERGED:
            assert {place.role for place in found.places} >= {"generated", "modular"}


def _shallow(side: Side, **sizes: int) -> Side:
    """With published sizes but for the number of layers, and for `sizes`: they take the time."""

    class Shallow(side.config):  # type: ignore[misc, name-defined]
        def __init__(self, **options: Any) -> None:
            super().__init__(**{"num_hidden_layers": 2, **sizes, **options})

    return replace(side, config=Shallow)


ONLY_IF_LARGE = ATTENTION + "        if self.head_dim > 32:\n            self.scaling = 0.1\n"


def test_other_operations_are_compared_by_numbers_with_published_widths(small: Small) -> None:
    reference = sides.reference(small.side)
    assert reference is not None
    widths = {"hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 4}
    question = replace(LIVE, pair="reference", exactly=False)

    def found(side: Side) -> Finding:
        pair = (_shallow(each, **widths) for each in (side, reference))
        sizes = fullsize.Published(*pair, HEAD, small.request, {})
        return slow.compare_sizes(sizes, question)

    assert found(small.side).verdict in (Verdict.REFACTOR, Verdict.WITHIN_NOISE)
    with small.broken(ATTENTION, ONLY_IF_LARGE) as side:
        answer = found(side)
    assert answer.verdict is Verdict.DIVERGED
    assert answer.note.startswith("other operations")


def test_weights_have_numbers_only_while_they_are_read(small: Small) -> None:
    sizes = {"num_hidden_layers": 1, "vocab_size": 97, "hidden_size": 512, "intermediate_size": 512}
    one = fullsize.weightless(small.side, HEAD, sizes)
    given = {"input_ids": torch.arange(9, 14)[None]}
    first, again, nudged = (
        wide.outputs(one, scenarios.SCENARIOS[0], given, nudged=nudge)["logits"]
        for nudge in (False, False, True)
    )
    assert torch.equal(first, again)
    assert 0 < (first - nudged).abs().max() < 1e-4 * first.abs().max()
    assert any(each.is_meta for each in one.model.parameters())


def test_no_weights_are_made(small: Small) -> None:
    model = fullsize.published(small.side, HEAD, {}).model
    numbers = sum(each.numel() for each in model.parameters())
    real = sum(each.numel() for each in model.parameters() if not each.is_meta)
    assert numbers > 5e9
    assert real < 1e6
    assert all(not each.is_meta for each in model.buffers())


def test_control_flow_by_numbers_is_skipped_and_told(small: Small) -> None:
    line = "        hidden_states = inputs_embeds\n"
    with small.broken(line, line + "        float(hidden_states.sum())\n") as other:
        sizes = fullsize.Published(_shallow(small.side), _shallow(other), HEAD, small.request, {})
        found = sizes.compare_programs(LIVE)
    assert found.verdict is Verdict.SKIPPED
    assert "cannot be run without numbers" in found.note


# -- compiled ------------------------------------------------------------------------------------

LOGITS = "        return self.lm_head(hidden_states"
COMPILED = {
    "as it is": ("", "", AGREEMENTS, "eager"),
    "other code when compiled": (
        LOGITS,
        "        if torch.compiler.is_compiling():\n"
        "            hidden_states = hidden_states * 1.01\n" + LOGITS,
        (Verdict.DIVERGED,),
        "of its largest value",
    ),
    "a branch by numbers": (
        LOGITS,
        "        if hidden_states.sum() > 1e9:\n"
        "            raise ValueError('too large')\n" + LOGITS,
        AGREEMENTS,
        "graph breaks: 2, the first: ",
    ),
}


@pytest.mark.parametrize("name", COMPILED)
def test_compiled(small: Small, name: str) -> None:
    right, wrong, verdicts, note = COMPILED[name]
    with small.broken(right, wrong) if right else _as_it_is(small) as side:
        found = compiling.compare(small.built(side), small.request, "eager", ITSELF)
    assert found.verdict in verdicts, found.note
    assert note in found.note


@contextmanager
def _as_it_is(small: Small) -> Iterator[Side]:
    yield small.side


def test_what_cannot_be_compiled_at_all_is_vacuous(small: Small) -> None:
    one = small.built()
    one.model.forward = torch.compiler.disable(one.model.forward)
    found = compiling.compare(one, small.request, "eager", ITSELF)
    assert found.verdict is Verdict.VACUOUS


def test_backend_is_one_that_this_machine_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compiling.best_backend() == "aot_eager"
    (tmp_path / "g++").touch(0o755)
    assert compiling.best_backend() == "inductor"


# -- in parallel ---------------------------------------------------------------------------------

PLANS: dict[str, tuple[dict[str, str], Verdict]] = {
    "as it is, and a rule for nothing": ({"layers.*.mlp.gate": "colwise"}, Verdict.WITHIN_NOISE),
    "not gathered": ({"layers.*.mlp.down_proj": "colwise"}, Verdict.BROKEN),
    "gathered twice": ({"layers.*.self_attn.q_norm": "all_reduce"}, Verdict.DIVERGED),
}


@pytest.mark.parametrize("name", PLANS)
def test_parallel(small: Small, name: str) -> None:
    changes, verdict = PLANS[name]
    plan = small.side.config.base_model_tp_plan
    found = parallel.compare(_planned(small, plan | changes), small.request, ITSELF)
    assert found.verdict is verdict, found.note
    if verdict is Verdict.WITHIN_NOISE:
        assert "weights are split" in found.note
        assert "nothing is named as in model.layers.*.mlp.gate" in found.note


def test_plan_that_splits_nothing_is_vacuous(small: Small) -> None:
    plan = {"embed_tokens": "replicate", "norms": "colwise"}
    found = parallel.compare(_planned(small, plan, {}), small.request, ITSELF)
    assert found.verdict is Verdict.VACUOUS, found.note
    found = parallel.compare(_planned(small, {}, {}), small.request, ITSELF)
    assert found.verdict is Verdict.SKIPPED, found.note


def _planned(
    small: Small, plan: dict[str, str], plan_of_head: dict[str, str] | None = None
) -> Instance:
    """The model with these plans, its head's own if that is not said."""

    class Config(small.side.config):  # type: ignore[misc, name-defined]
        base_model_tp_plan = plan

    kind = small.side.classes[HEAD]
    head = kind._tp_plan if plan_of_head is None else plan_of_head
    planned = type(HEAD, (kind,), {"config_class": Config, "_tp_plan": head})
    return small.built(replace(small.side, classes={HEAD: planned}, config=Config))


def test_lost_rule_of_a_plan_is_told(small: Small) -> None:
    plan = dict(small.side.config.base_model_tp_plan)
    style = plan.pop("layers.*.mlp.up_proj")
    whole, part = small.built(), _planned(small, plan)
    assert parallel.compare_plans(whole, small.built(), LIVE).verdict is Verdict.PROVED
    for one, other in ((part, whole), (whole, part)):
        found = parallel.compare_plans(one, other, LIVE)
        assert found.verdict is Verdict.DIVERGED
        assert "`model.layers.*.mlp.up_proj` of the tp_plan" in found.note
        assert style in found.note and "nothing" in found.note
    none = _planned(small, {}, {})
    none.model.pp_plan = None
    assert parallel.compare_plans(none, none, LIVE).verdict is Verdict.SKIPPED


def test_process_that_fails_is_told(small: Small) -> None:
    one = small.built()
    given = compiling.SCENARIO.inputs(small.request)
    assert _failing(one, given, lambda: os._exit(3)) == "a process ended with code 3"
    assert _failing(one, given, lambda: time.sleep(60)) == "it was still running after 3 s"


def _failing(one: Instance, given: Any, act: Callable[[], object]) -> str:
    """What is said where each process does this in the place of running the model."""

    class Failing(type(one.model)):  # type: ignore[misc]
        def forward(self, **given: Any) -> None:
            act()

    side = replace(one.side, classes={HEAD: Failing})
    one = replace(one, side=side, model=Failing(one.config))
    with pytest.raises(parallel.ProcessError) as caught:
        parallel.in_processes(one, given, seconds=3)
    return str(caught.value)


# -- generating ----------------------------------------------------------------------------------

POSITIONS = """        if position_ids is None:
            seen = 0 if past_key_values is None else past_key_values.get_seq_length()
"""
FROM_ZERO = """        if True:
            seen = 0
"""
FROM_ZERO_IF_STATIC = """        is_static = type(past_key_values).__name__ == "StaticCache"
        if is_static or position_ids is None:
            seen = 0
"""
WAYS = {
    "generation: cached ↔ not": (POSITIONS, FROM_ZERO),
    "generation: beams cached ↔ not": (POSITIONS, FROM_ZERO),
    "generation: static ↔ growing cache": (POSITIONS, FROM_ZERO_IF_STATIC),
    "generation: padded ↔ alone": ("attention_mask=attention_mask", "attention_mask=None"),
}


@pytest.mark.parametrize("name", generating.WAYS)
def test_generation_in_two_ways(small: Small, name: str) -> None:
    right, wrong = WAYS[name]

    def found(side: Side) -> Finding:
        one = small.built(side)
        return generating.compare_ways(name, generating.WAYS[name], one, small.request, ITSELF)

    assert found(small.side).verdict in AGREEMENTS
    with small.broken(right, wrong) as side:
        assert found(side).verdict is Verdict.DIVERGED


@pytest.mark.parametrize("name", generating.OPTIONS)
def test_other_likelihoods_of_the_same_tokens_are_caught(small: Small, name: str) -> None:
    options = generating.OPTIONS[name]
    right = "return self.lm_head("
    with small.broken(right, "return 1.001 * self.lm_head(") as side:
        one, other = small.built(side), small.built()
        given = generating.prompts(small.request)
        mine, theirs = (generating.written(each, given, **options) for each in (one, other))
        assert torch.equal(mine.tokens, theirs.tokens)
        found = generating.compare(name, options, one, other, small.request, LIVE)
    assert found.verdict is Verdict.DIVERGED
    same = generating.compare(name, options, small.built(), other, small.request, LIVE)
    assert same.verdict is Verdict.EQUAL_BITS


def test_a_text_that_does_not_depend_on_what_is_written_is_vacuous(small: Small) -> None:
    one = small.built()
    with torch.no_grad():
        one.model.lm_head.weight.zero_()
    name = "generation"
    found = generating.compare(name, {}, one, one, small.request, LIVE)
    assert found.verdict is Verdict.VACUOUS


# -- all of it -----------------------------------------------------------------------------------


def test_command(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["forward", "deit", "--slow", "--backend", "eager", "--no-cache"]
    assert run([*arguments, "--root", str(repository), "--format", "json"]) == 0
    (model,) = json.loads(capsys.readouterr().out)["models"]
    found = {(each["pair"], each["check"]): each["verdict"] for each in model["findings"]}
    assert found["live", "program"] == found["reference", "program"] == "PROVED"
    assert found["itself", compiling.CHECK] == "EQUAL_BITS"
    assert found["itself", parallel.CHECK] == found["itself", "generation"] == "SKIPPED"


def test_backend_without_the_tier_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forward", "--backend", "eager"]) == 2
    assert "--backend" in capsys.readouterr().err
