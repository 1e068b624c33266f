"""Each model computes what the reference of the same name computes with the same weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from tests.models.parity import (
    BOUND,
    CASES,
    HEADS,
    MODELS,
    SIZES,
    Case,
    blocks,
    gradients,
    labels,
    relative,
    tokens,
)


@pytest.fixture
def recorded_calls() -> Iterator[list[dict[str, Any]]]:
    """The arguments of each call of the attention function `recorded`, in order."""
    calls: list[dict[str, Any]] = []
    names = ("module", "query", "key", "value", "attention_mask")

    def record(*args: Any, **kwargs: Any) -> Any:
        calls.append(dict(zip(names, args, strict=True)) | kwargs)
        return sdpa_attention_forward(*args, **{**kwargs, "softcap": None})  # it has none

    ALL_ATTENTION_FUNCTIONS["recorded"] = record
    # Masks are made for what is registered for good only; this one is nobody else's.
    AttentionMaskInterface.register("recorded", sdpa_mask)
    yield calls
    del ALL_ATTENTION_FUNCTIONS["recorded"]


all_cases = pytest.mark.parametrize("case", CASES, ids=str)
all_models = pytest.mark.parametrize("case", MODELS, ids=lambda case: case.model)
all_heads = pytest.mark.parametrize("head", HEADS)
padded_or_not = pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])


def with_attentions(cases: Iterable[Case]) -> pytest.MarkDecorator:
    """Each case with each attention implementation that it has."""
    pairs = [(case, name) for case in cases for name in case.attentions]
    ids = [f"{case}-{name}" for case, name in pairs]
    return pytest.mark.parametrize(("case", "attention"), pairs, ids=ids)


all_attentions = with_attentions(CASES)
# A token that is seen by those in front of it changes them when it is fed later.
CAUSAL = [case for case in CASES if case.variant != "bidirectional"]
# Frequencies that depend on the length would turn keys that were cached earlier otherwise.
INCREMENTAL = [case for case in CAUSAL if case.variant not in ("dynamic", "longrope")]


@all_cases
@all_heads
def test_weights_load_both_ways(case: Case, head: str) -> None:
    own, reference = case.pair(head)
    fresh = case.reference(head)(case.configs()[1])
    fresh.load_state_dict(own.state_dict(), strict=True)
    assert list(own.state_dict()) == list(reference.state_dict())
    for name, weight in reference.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], weight), name
    buffers = dict(own.named_buffers())
    assert list(buffers) == [name for name, _ in reference.named_buffers()]
    for name, buffer in reference.named_buffers():
        assert relative(buffers[name], buffer) <= BOUND, name


@all_attentions
@all_heads
@padded_or_not
def test_logits(case: Case, head: str, padded: bool, attention: str) -> None:
    own, reference = case.pair(head, attention)
    inputs = tokens(padded=padded)
    with torch.no_grad():
        assert relative(own(**inputs).logits, reference(**inputs).logits) <= BOUND


@all_cases
def test_every_layer(case: Case) -> None:
    own, reference = case.pair("Model", "eager")
    inputs = tokens(padded=True)
    with torch.no_grad():
        actual, expected = (
            model(**inputs, output_hidden_states=True, output_attentions=True)
            for model in (own, reference)
        )
    assert len(actual.hidden_states) == len(expected.hidden_states) == 1 + 3
    assert len(actual.attentions) == len(expected.attentions) == 3
    for pair in zip(actual.hidden_states, expected.hidden_states, strict=True):
        assert relative(*pair) <= BOUND
    for pair in zip(actual.attentions, expected.attentions, strict=True):
        assert relative(*pair) <= BOUND


@all_cases
@all_heads
@padded_or_not
def test_loss_and_gradients(case: Case, head: str, padded: bool) -> None:
    own, reference = case.pair(head)
    inputs = tokens(padded=padded)
    losses = [model(**inputs, labels=labels(head, inputs)).loss for model in (own, reference)]
    assert relative(*losses) <= BOUND
    for loss in losses:
        loss.backward()
    actual, expected = gradients(own), gradients(reference)
    assert list(actual) == list(expected)
    # A key's bias has no effect on the softmax, so its gradient is noise: a block shares its scale.
    for block, names in blocks(expected):
        flat = [torch.cat([of[name].flatten() for name in names]) for of in (actual, expected)]
        assert relative(*flat) <= BOUND, block


@all_attentions
def test_bfloat16_is_rounded_where_the_reference_rounds(case: Case, attention: str) -> None:
    """Any tolerance would hide it: a norm, softmax or rotation that leaves float32 too early."""
    own, reference = case.pair("ForCausalLM", attention, torch.bfloat16)
    inputs = tokens(padded=True)
    with torch.no_grad():
        actual, expected = own(**inputs).logits, reference(**inputs).logits
    assert actual.dtype == torch.bfloat16
    assert torch.equal(actual, expected)


@pytest.mark.parametrize("case", CAUSAL, ids=str)
def test_packed_sequences_do_not_see_each_other(case: Case) -> None:
    own, reference = case.pair("ForCausalLM")
    inputs = tokens(padded=False)
    inputs["position_ids"] = torch.cat((torch.arange(8), torch.arange(11))).expand(3, -1)
    with torch.no_grad():
        packed = own(**inputs, use_cache=False).logits
        assert relative(packed, reference(**inputs, use_cache=False).logits) <= BOUND
        alone = own(inputs["input_ids"][:, 8:], use_cache=False).logits
    assert relative(packed[:, 8:], alone) <= BOUND


@all_cases
def test_attention_functions_are_told_the_same(
    case: Case, recorded_calls: list[dict[str, Any]]
) -> None:
    """What sdpa can do without, other functions cannot: a window, a scale, positions."""
    own, reference = case.pair("Model", "recorded")
    inputs = tokens(padded=True)
    with torch.no_grad():
        own(**inputs)
        reference(**inputs)
    assert len(recorded_calls) == 2 * 3
    for actual, expected in zip(recorded_calls[:3], recorded_calls[3:], strict=True):
        for name in ("query", "key", "value"):
            assert relative(actual[name], expected[name]) <= BOUND
        for name in ("attention_mask", "position_ids"):
            assert torch.equal(actual[name], expected[name])
        for name in ("scaling", "dropout", "sliding_window", "softcap"):
            assert actual.get(name) == expected.get(name)
        for name in ("num_key_value_groups", "is_causal", "layer_idx"):
            assert getattr(actual["module"], name) == getattr(expected["module"], name)


@with_attentions(INCREMENTAL)
@padded_or_not
def test_cached_decoding_equals_the_full_pass(case: Case, padded: bool, attention: str) -> None:
    own, _ = case.pair("ForCausalLM", attention)
    inputs = tokens(padded=padded)
    input_ids = inputs["input_ids"]
    seen = inputs.get("attention_mask", torch.ones_like(input_ids))
    with torch.no_grad():
        full = own(**inputs, use_cache=False)
        cache, pieces, start = None, [], 0
        for end in (9, 11, *range(12, input_ids.shape[1] + 1)):
            mask = {"attention_mask": seen[:, :end]} if padded else {}
            outputs = own(input_ids[:, start:end], past_key_values=cache, use_cache=True, **mask)
            cache, start = outputs.past_key_values, end
            pieces.append(outputs.logits)
    assert full.past_key_values is None
    cached = torch.cat(pieces, dim=1)
    assert relative(cached[seen.bool()], full.logits[seen.bool()]) <= BOUND


# The reference does not generate while it computes the loss of its routers.
@pytest.mark.parametrize(
    "case", [case for case in CASES if "output_router_logits" not in case.options], ids=str
)
@pytest.mark.parametrize("cache", [None, "static"], ids=["dynamic", "static"])
def test_greedy_generation(case: Case, cache: str | None) -> None:
    own, reference = case.pair("ForCausalLM")
    inputs = tokens(padded=True)
    generated, expected = (
        model.generate(**inputs, max_new_tokens=12, do_sample=False, cache_implementation=cache)
        for model in (own, reference)
    )
    assert expected.shape == (3, 19 + 12)
    assert torch.equal(generated, expected)


@pytest.mark.parametrize("case", [case for case in CASES if case.variant == "longrope"], ids=str)
@pytest.mark.parametrize("beams", [1, 3])
def test_a_text_outgrows_the_length_of_training(case: Case, beams: int) -> None:
    own, reference = case.pair("ForCausalLM")
    inputs = tokens(padded=True, length=12)
    assert 12 < own.config.original_max_position_embeddings < 12 + 9
    generated, expected = (
        model.generate(**inputs, max_new_tokens=9, do_sample=False, num_beams=beams)
        for model in (own, reference)
    )
    assert torch.equal(generated, expected)


@pytest.mark.parametrize("case", [case for case in CAUSAL if "sdpa" in case.attentions], ids=str)
@padded_or_not
def test_eager_equals_sdpa(case: Case, padded: bool) -> None:
    eager, _ = case.pair("ForCausalLM", "eager")
    sdpa, _ = case.pair("ForCausalLM", "sdpa")
    inputs = tokens(padded=padded)
    real = inputs["input_ids"] != SIZES["pad_token_id"]
    with torch.no_grad():
        assert relative(eager(**inputs).logits[real], sdpa(**inputs).logits[real]) <= BOUND


@all_models
def test_gradient_checkpointing_changes_nothing(case: Case) -> None:
    plain, _ = case.pair("ForCausalLM")
    checkpointed, _ = case.pair("ForCausalLM")
    checkpointed.activation_checkpointing_enable()
    inputs = tokens(padded=True)
    for model in (plain, checkpointed):
        model.train()
        model(**inputs, labels=labels("ForCausalLM", inputs)).loss.backward()
    expected = gradients(plain)
    for name, gradient in gradients(checkpointed).items():
        assert torch.equal(gradient, expected[name]), name


@all_models
def test_only_the_positions_asked_for_get_logits(case: Case) -> None:
    own, _ = case.pair("ForCausalLM")
    inputs = tokens(padded=False)
    with torch.no_grad():
        every = own(**inputs).logits
        last = own(**inputs, logits_to_keep=2).logits
        chosen = own(**inputs, logits_to_keep=torch.tensor([3, 8])).logits
    assert relative(last, every[:, -2:]) <= BOUND
    assert relative(chosen, every[:, [3, 8]]) <= BOUND


@all_models
def test_embeddings_do_for_token_ids(case: Case) -> None:
    own, _ = case.pair("Model")
    input_ids = tokens(padded=False)["input_ids"]
    with torch.no_grad():
        embedded = own(inputs_embeds=own.embed_tokens(input_ids)).last_hidden_state
        assert relative(embedded, own(input_ids).last_hidden_state) <= BOUND
        for wrong in ({}, {"input_ids": input_ids, "inputs_embeds": embedded}):
            with pytest.raises(ValueError, match="exactly one of input_ids and inputs_embeds"):
                own(**wrong)


@all_models
def test_classification_takes_the_last_token_that_is_not_padding(case: Case) -> None:
    own, reference = case.pair("ForSequenceClassification")
    inputs = tokens(padded=False)
    inputs["input_ids"][1, 12:] = SIZES["pad_token_id"]
    inputs["input_ids"][2, :] = SIZES["pad_token_id"]
    with torch.no_grad():
        assert relative(own(**inputs).logits, reference(**inputs).logits) <= BOUND
        own.config.pad_token_id = reference.config.pad_token_id = None
        one = {"input_ids": inputs["input_ids"][:1]}
        assert relative(own(**one).logits, reference(**one).logits) <= BOUND
        with pytest.raises(ValueError, match=r"1 sequence .* not 3"):
            own(**inputs)


@all_models
def test_heads_that_do_not_divide_are_refused(case: Case) -> None:
    config, _ = case.configs()
    config.num_key_value_heads = 4
    with pytest.raises(ValueError, match=r"num_attention_heads \(6\) .* num_key_value_heads \(4\)"):
        case.own("Model")(config)


@all_cases
@all_heads
def test_checkpoints_load_both_ways(case: Case, head: str, tmp_path: Path) -> None:
    own, reference = case.pair(head)
    inputs = tokens(padded=True)
    own.save_pretrained(tmp_path / "own")
    reference.save_pretrained(tmp_path / "reference")
    loaded = (
        case.own(head).from_pretrained(tmp_path / "own"),
        case.own(head).from_pretrained(tmp_path / "reference"),
        case.reference(head).from_pretrained(tmp_path / "own"),
    )
    with torch.no_grad():
        expected = reference(**inputs).logits
        for model in loaded:
            assert relative(model(**inputs).logits, expected) <= BOUND


@all_models
def test_fresh_weights_are_drawn_as_the_references(case: Case) -> None:
    own_config, reference_config = case.configs()
    own = case.own("ForCausalLM")(own_config).state_dict()
    for name, weight in case.reference("ForCausalLM")(reference_config).state_dict().items():
        assert own[name].std().item() == pytest.approx(weight.std().item(), rel=0.25), name
        assert own[name].mean().item() == pytest.approx(weight.mean().item(), abs=5e-3), name
