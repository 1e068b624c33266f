"""What a mixture of experts has beside what every decoder has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from tests.models.parity import BOUND, CASES, Case, gradients, labels, relative, tokens

all_cases = pytest.mark.parametrize(
    "case", [case for case in CASES if case.model == "mixtral"], ids=str
)
implementations = pytest.mark.parametrize("experts", ["eager", "batched_mm", "grouped_mm"])


@all_cases
@pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])
def test_routers_and_their_loss(case: Case, padded: bool) -> None:
    own, reference = case.pair("ForCausalLM")
    inputs = tokens(padded=padded)
    with torch.no_grad():
        actual, expected = (
            model(**inputs, labels=labels("ForCausalLM", inputs), output_router_logits=True)
            for model in (own, reference)
        )
        without = own(**inputs, output_router_logits=False)
    assert len(actual.router_logits) == len(expected.router_logits) == 3
    for pair in zip(actual.router_logits, expected.router_logits, strict=True):
        assert relative(*pair) <= BOUND
    assert relative(actual.aux_loss, expected.aux_loss) <= BOUND
    assert relative(actual.loss, expected.loss) <= BOUND
    assert without.router_logits is without.aux_loss is None
    assert torch.equal(without.logits, actual.logits)


@all_cases
@implementations
def test_each_way_to_compute_experts(case: Case, experts: str) -> None:
    own, reference = case.pair("ForCausalLM")
    inputs = tokens(padded=True)
    for model in (own, reference):
        model.set_experts_implementation(experts)
        model(**inputs, labels=labels("ForCausalLM", inputs)).loss.backward()
    with torch.no_grad():
        assert relative(own(**inputs).logits, reference(**inputs).logits) <= BOUND
    expected = gradients(reference)
    for name, gradient in gradients(own).items():
        if "experts" in name or "gate" in name:
            assert relative(gradient, expected[name]) <= BOUND, name


@all_cases
def test_inputs_are_jittered_in_training_only(case: Case) -> None:
    jittered = Case(
        case.model, case.cased, "jitter", {**case.options, "router_jitter_noise": 0.2}, case.sizes
    )
    own, reference = jittered.pair("ForCausalLM")
    plain, _ = case.pair("ForCausalLM")
    inputs = tokens(padded=True)

    def logits(model: torch.nn.Module) -> torch.Tensor:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(5)
            return model(**inputs).logits

    assert torch.equal(logits(own), logits(plain))
    for model in (own, reference, plain):
        model.train()
    assert relative(logits(own), logits(reference)) <= BOUND
    assert not torch.allclose(logits(own), logits(plain), atol=1e-2)


@all_cases
@pytest.mark.parametrize("cache", [None, "static"], ids=["dynamic", "static"])
def test_the_routers_loss_does_not_hinder_generation(case: Case, cache: str | None) -> None:
    own, _ = case.pair("ForCausalLM")
    options = {"max_new_tokens": 4, "do_sample": False, "cache_implementation": cache}
    texts = []
    for own.config.output_router_logits in (False, True):
        texts.append(own.generate(**tokens(padded=True), **options))
    assert torch.equal(*texts)


def test_published_files_hold_three_matrices_an_expert(tmp_path: Path) -> None:
    own, _ = next(case for case in CASES if case.model == "mixtral").pair("ForCausalLM")
    own.save_pretrained(tmp_path)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        names = list(file.keys())
        saved: Mapping[str, torch.Tensor] = {name: file.get_tensor(name) for name in names}
    expert = "model.layers.1.block_sparse_moe.experts.3"
    experts = own.model.layers[1].mlp.experts
    gate, up = experts.gate_up_proj[3].chunk(2)
    assert torch.equal(saved[f"{expert}.w1.weight"], gate)
    assert torch.equal(saved[f"{expert}.w2.weight"], experts.down_proj[3])
    assert torch.equal(saved[f"{expert}.w3.weight"], up)
