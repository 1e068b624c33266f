"""Each encoder-decoder computes what the reference of the same name does with the same weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.modeling_outputs import BaseModelOutput

from tests.models.parity import BOUND, Case, blocks, gradients, relative
from tests.models.seq2seq import (
    CASES,
    HEADS,
    MODELS,
    answers,
    labels,
    pair,
    source,
    target,
)

HEAD = "ForConditionalGeneration"

all_cases = pytest.mark.parametrize("case", CASES, ids=str)
all_models = pytest.mark.parametrize("case", MODELS, ids=lambda case: case.model)
all_heads = pytest.mark.parametrize("head", HEADS)
padded_or_not = pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])
eager_or_sdpa = pytest.mark.parametrize("attention", ["eager", "sdpa"])


def inputs(case: Case, *, padded: bool) -> dict[str, Tensor]:
    return {**source(case, padded=padded), **target(case, padded=padded)}


def tensors(outputs: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """All tensors of a model's outputs, but for what is cached, by name and layer."""
    for name, value in outputs.items():
        if isinstance(value, Tensor):
            yield name, value
        elif isinstance(value, tuple):
            yield from ((f"{name} {layer}", each) for layer, each in enumerate(value))


@all_cases
@all_heads
def test_weights_load_both_ways(case: Case, head: str) -> None:
    own, reference = pair(case, head)
    fresh = case.reference(head)(case.configs()[1])
    fresh.load_state_dict(own.state_dict(), strict=True)
    assert list(own.state_dict()) == list(reference.state_dict())
    for name, weight in reference.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], weight), name
    assert list(dict(own.named_buffers())) == list(dict(reference.named_buffers()))


@all_cases
@all_heads
@padded_or_not
@eager_or_sdpa
def test_outputs(case: Case, head: str, padded: bool, attention: str) -> None:
    """Every layer's hidden states too, and its attention weights where there are any."""
    own, reference = pair(case, head, attention)
    given = source(case, padded=padded)
    if head != "ForSequenceClassification":  # which finds a text's end in what is read
        given |= target(case, padded=padded)
    more = {"output_hidden_states": True, "output_attentions": attention == "eager"}
    with torch.no_grad():
        actual, expected = (dict(tensors(model(**given, **more))) for model in (own, reference))
    assert list(actual) == list(expected)
    weights = 3 + 2 + 2 if attention == "eager" else 0
    logits = 2 if head == "ForQuestionAnswering" else 1
    assert len(expected) == logits + 1 + (1 + 3) + (1 + 2) + weights
    for name, tensor in expected.items():
        assert relative(actual[name], tensor) <= BOUND, name


@all_cases
@pytest.mark.parametrize("head", HEADS[1:])
@padded_or_not
def test_loss_and_gradients(case: Case, head: str, padded: bool) -> None:
    own, reference = pair(case, head)
    given = {**source(case, padded=padded), **answers(case, head)}
    losses = [model(**given).loss for model in (own, reference)]
    assert relative(*losses) <= BOUND
    for loss in losses:
        loss.backward()
    actual, expected = gradients(own), gradients(reference)
    assert list(actual) == list(expected)
    unused = {name for name, gradient in expected.items() if gradient is None}
    assert unused == {name for name, gradient in actual.items() if gradient is None}
    # A key's bias has no effect on the softmax, so its gradient is noise: a block shares its scale.
    for block, names in blocks(expected):
        used = [name for name in names if name not in unused]
        flat = [torch.cat([of[name].flatten() for name in used]) for of in (actual, expected)]
        assert relative(*flat) <= BOUND, block


@all_cases
@eager_or_sdpa
def test_bfloat16_is_rounded_where_the_reference_rounds(case: Case, attention: str) -> None:
    own, reference = pair(case, HEAD, attention, torch.bfloat16)
    given = inputs(case, padded=True)
    with torch.no_grad():
        assert torch.equal(own(**given).logits, reference(**given).logits)


@all_cases
def test_what_is_learned_is_shifted_to_the_right(case: Case) -> None:
    own, reference = pair(case, HEAD)
    given = labels(case)
    shifted = own.prepare_decoder_input_ids_from_labels(given)
    assert torch.equal(shifted, reference.prepare_decoder_input_ids_from_labels(given))
    assert (given == -100).any()  # which is left as it was
    explicit = {**source(case, padded=True), "decoder_input_ids": shifted}
    with torch.no_grad():
        loss = own(**source(case, padded=True), labels=given).loss
        assert torch.equal(own(**explicit, labels=given).loss, loss)


@all_cases
def test_without_a_target_the_source_is_read(case: Case) -> None:
    own, reference = pair(case, "Model")
    given = source(case, padded=True)
    with torch.no_grad():
        actual, expected = own(**given), reference(**given)
    assert relative(actual.last_hidden_state, expected.last_hidden_state) <= BOUND


@all_cases
@padded_or_not
@eager_or_sdpa
def test_cached_decoding_equals_the_full_pass(case: Case, padded: bool, attention: str) -> None:
    own, _ = pair(case, HEAD, attention)
    read, written = source(case, padded=padded), target(case, padded=padded)
    ids = written["decoder_input_ids"]
    seen = written.get("decoder_attention_mask", torch.ones_like(ids))
    with torch.no_grad():
        full = own(**read, **written, use_cache=False)
        # Once it has been read, only the mask says which of the source was padding.
        again = {"encoder_outputs": (full.encoder_last_hidden_state,)}
        again |= {"attention_mask": read["attention_mask"]} if padded else {}
        cache, pieces, start = None, [], 0
        for end in (6, 8, *range(9, ids.shape[1] + 1)):
            mask = {"decoder_attention_mask": seen[:, :end]} if padded else {}
            outputs = own(
                **again,
                **mask,
                decoder_input_ids=ids[:, start:end],
                past_key_values=cache,
                use_cache=True,
            )
            cache, start = outputs.past_key_values, end
            pieces.append(outputs.logits)
    assert full.past_key_values is None
    assert cache.cross_attention_cache.get_seq_length() == 19
    cached = torch.cat(pieces, dim=1)
    assert relative(cached[seen.bool()], full.logits[seen.bool()]) <= BOUND


@all_cases
@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("cache", [None, "static"], ids=["dynamic", "static"])
def test_generation(case: Case, beams: int, cache: str | None) -> None:
    own, reference = pair(case, HEAD)
    generated, expected = (
        model.generate(
            **source(case, padded=True),
            max_new_tokens=12,
            do_sample=False,
            num_beams=beams,
            no_repeat_ngram_size=1,  # weights like these make texts of one word else
            cache_implementation=cache,
        )
        for model in (own, reference)
    )
    assert expected.shape == (3, 1 + 12)
    assert torch.equal(generated, expected)


@all_models
def test_embeddings_do_for_token_ids(case: Case) -> None:
    own, reference = pair(case, "Model")
    words = own.get_input_embeddings()
    given = {
        "inputs_embeds": words(source(case, padded=False)["input_ids"]),
        "decoder_inputs_embeds": words(target(case, padded=False)["decoder_input_ids"]),
    }
    with torch.no_grad():
        actual, expected = (model(**given).last_hidden_state for model in (own, reference))
        assert relative(actual, expected) <= BOUND
    with pytest.raises(ValueError, match="exactly one of input_ids and inputs_embeds"):
        own.encoder()
    with pytest.raises(ValueError, match="decoder_input_ids or decoder_inputs_embeds"):
        own(inputs_embeds=given["inputs_embeds"])


@all_models
def test_what_was_read_need_not_be_read_again(case: Case) -> None:
    own, _ = pair(case, "Model")
    given = inputs(case, padded=True)
    with torch.no_grad():
        expected = own(**given)
        read = expected.encoder_last_hidden_state
        del given["input_ids"]
        for encoder_outputs in ((read,), BaseModelOutput(read)):
            actual = own(**given, encoder_outputs=encoder_outputs)
            assert torch.equal(actual.last_hidden_state, expected.last_hidden_state)


@all_models
def test_padding_changes_nothing_for_the_others(case: Case) -> None:
    own, _ = pair(case, "Model")
    given = inputs(case, padded=True)
    alone = {name: tensor[2:] for name, tensor in given.items()}
    for name in ("input_ids", "attention_mask"):
        alone[name] = alone[name][:, :13]
    with torch.no_grad():
        padded = own(**given).last_hidden_state[2:]
        assert relative(own(**alone).last_hidden_state, padded) <= BOUND


@all_cases
@all_heads
def test_checkpoints_load_both_ways(case: Case, head: str, tmp_path: Path) -> None:
    own, reference = pair(case, head)
    own.save_pretrained(tmp_path / "own")
    reference.save_pretrained(tmp_path / "reference")
    for loaded in (
        case.own(head).from_pretrained(tmp_path / "own"),
        case.own(head).from_pretrained(tmp_path / "reference"),
        case.reference(head).from_pretrained(tmp_path / "own"),
    ):
        for name, weight in reference.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], weight), name


@all_models
@pytest.mark.parametrize("reentrant", [False, True])
def test_gradient_checkpointing_changes_nothing(case: Case, reentrant: bool) -> None:
    given = {**source(case, padded=True), "labels": labels(case)}
    found = []
    for checkpointed in (False, True):
        own, _ = pair(case, HEAD)
        if checkpointed:
            own.activation_checkpointing_enable({"use_reentrant": reentrant})
        own.train()
        torch.manual_seed(5)
        own(**given).loss.backward()
        found.append(gradients(own))
    # Reentrant ones add up what comes back to the encoder in another order.
    for block, names in blocks(found[0]):
        flat = [torch.cat([each[name].flatten() for name in names]) for each in found]
        assert relative(*flat) <= BOUND, block


@all_models
def test_the_vocabulary_can_be_resized(case: Case) -> None:
    own, _ = pair(case, HEAD)
    given = {name: ids % 58 for name, ids in inputs(case, padded=False).items()}
    with torch.no_grad():
        before = own(**given).logits
        for size in (70, 58):
            own.resize_token_embeddings(size, mean_resizing=False)
            after = own(**given).logits
            assert after.shape[-1] == size
            assert relative(after[..., :58], before[..., :58]) <= BOUND
    assert own.model.decoder.embed_tokens.weight is own.lm_head.weight
    assert own.model.encoder.embed_tokens.weight is own.lm_head.weight


@all_models
def test_layers_are_dropped_in_training_only(case: Case) -> None:
    own, _ = pair(case, "Model")
    given = inputs(case, padded=False)
    with torch.no_grad():
        every = own(**given, output_hidden_states=True)
        own.encoder.layerdrop = own.decoder.layerdrop = 1.0
        kept = own(**given, output_hidden_states=True)
        dropped = own.train()(**given, output_hidden_states=True)
    assert torch.equal(kept.last_hidden_state, every.last_hidden_state)
    assert len(kept.decoder_hidden_states) == 1 + 2
    assert not dropped.decoder_hidden_states
    assert not dropped.encoder_hidden_states


@all_models
def test_a_text_without_an_end_is_not_classified(case: Case) -> None:
    own, _ = pair(case, "ForSequenceClassification")
    given = source(case, padded=False)["input_ids"]
    with pytest.raises(ValueError, match="needs the token that ends it, 2"):
        own(given[:, :4])
    with pytest.raises(ValueError, match="input_ids are needed"):
        own(inputs_embeds=own.get_input_embeddings()(given))


@all_models
def test_what_cannot_be_is_refused(case: Case) -> None:
    config, _ = case.configs()
    own = case.own("Model")(config)
    with pytest.raises(ValueError, match="EncoderDecoderCache, not a DynamicCache"):
        own(**source(case, padded=False), past_key_values=DynamicCache())
    config.decoder_attention_heads = 7
    with pytest.raises(ValueError, match=r"d_model \(48\) .* attention heads \(7\)"):
        case.own("Model")(config)


@all_models
def test_fresh_weights_are_drawn_as_the_references(case: Case) -> None:
    own_config, reference_config = case.configs()
    own = case.own(HEAD)(own_config).state_dict()
    for name, weight in case.reference(HEAD)(reference_config).state_dict().items():
        assert own[name].mean().item() == pytest.approx(weight.mean().item(), abs=1e-2), name
        assert own[name].std().item() == pytest.approx(weight.std().item(), rel=0.4, abs=1e-3), name
