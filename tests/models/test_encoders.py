"""Each text encoder computes what the reference of the same name does with the same weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.models.encoders import CASES, MODELS, OTHER_SIZES, SIZES, for_head, heads, inputs
from tests.models.parity import BOUND, Case, blocks, gradients, relative

all_cases = pytest.mark.parametrize("case", CASES, ids=str)
all_models = pytest.mark.parametrize("case", MODELS, ids=lambda case: case.model)
all_heads = pytest.mark.parametrize(
    ("case", "head"), [pytest.param(c, h, id=f"{c}-{h}") for c in CASES for h in heads(c)]
)
padded_or_not = pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])
all_attentions = pytest.mark.parametrize(
    ("case", "attention"),
    [pytest.param(case, each, id=f"{case}-{each}") for case in CASES for each in case.attentions],
)


@all_heads
def test_weights_load_both_ways(case: Case, head: str) -> None:
    own, reference = case.pair(head)
    fresh = case.reference(head)(case.configs()[1])
    fresh.load_state_dict(own.state_dict(), strict=True)
    assert own.state_dict().keys() == reference.state_dict().keys()
    for name, weight in reference.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], weight), name
    buffers = dict(own.named_buffers())
    assert buffers.keys() == {name for name, _ in reference.named_buffers()}
    for name, buffer in reference.named_buffers():
        assert torch.equal(buffers[name], buffer), name


@pytest.mark.parametrize(
    ("case", "head", "attention"),
    [
        pytest.param(case, head, each, id=f"{case}-{head}-{each}")
        for case in CASES
        for head in heads(case)
        for each in case.attentions
    ],
)
@padded_or_not
def test_outputs(case: Case, head: str, padded: bool, attention: str) -> None:
    own, reference = for_head(case, head).pair(head, attention)
    given = inputs(case, head, padded=padded)
    with torch.no_grad():
        actual, expected = own(**given), reference(**given)
    assert actual.keys() == expected.keys()
    for name in expected:
        assert relative(actual[name], expected[name]) <= BOUND, name


@all_heads
@padded_or_not
def test_loss_and_gradients(case: Case, head: str, padded: bool) -> None:
    own, reference = for_head(case, head).pair(head)
    given = inputs(case, head, padded=padded, labelled=True)
    losses = [model(**given).loss for model in (own, reference)]
    assert relative(*losses) <= BOUND
    for loss in losses:
        loss.backward()
    actual, expected = gradients(own), gradients(reference)
    assert actual.keys() == expected.keys()
    unused = {name for name, gradient in expected.items() if gradient is None}
    assert unused == {name for name, gradient in actual.items() if gradient is None}
    # A key's bias has no effect on the softmax, so its gradient is noise: a block shares its scale.
    for block, names in blocks(expected):
        used = [name for name in names if name not in unused]
        flat = [torch.cat([of[name].flatten() for name in used]) for of in (actual, expected)]
        assert relative(*flat) <= BOUND, block


@all_cases
def test_every_layer(case: Case) -> None:
    own, reference = case.pair("Model", "eager")
    given = inputs(case, "Model", padded=True)
    with torch.no_grad():
        actual, expected = (
            model(**given, output_hidden_states=True, output_attentions=True)
            for model in (own, reference)
        )
    assert len(actual.hidden_states) == len(expected.hidden_states) == 1 + 3
    assert len(actual.attentions) == len(expected.attentions) == 3
    for name in ("hidden_states", "attentions"):
        for pair in zip(actual[name], expected[name], strict=True):
            assert relative(*pair) <= BOUND
    assert (actual.pooler_output is None) == (getattr(expected, "pooler_output", None) is None)
    if actual.pooler_output is not None:
        assert relative(actual.pooler_output, expected.pooler_output) <= BOUND


@all_attentions
def test_bfloat16_is_rounded_where_the_reference_rounds(case: Case, attention: str) -> None:
    own, reference = case.pair("ForMaskedLM", attention, torch.bfloat16)
    given = inputs(case, "ForMaskedLM", padded=True)
    with torch.no_grad():
        assert torch.equal(own(**given).logits, reference(**given).logits)


@all_models
@pytest.mark.parametrize("problem", ["regression", "multi_label_classification"])
def test_losses_of_other_problems(case: Case, problem: str) -> None:
    head = "ForSequenceClassification"
    own, reference = case.pair(head)
    given = inputs(case, head, padded=True)
    given["labels"] = torch.rand(3, 5, generator=torch.Generator().manual_seed(1))
    for model in (own, reference):
        model.config.problem_type = problem
    assert relative(own(**given).loss, reference(**given).loss) <= BOUND


@all_models
def test_embeddings_do_for_token_ids(case: Case) -> None:
    own, reference = case.pair("Model")
    given = inputs(case, "Model", padded=False)
    embedded = own.get_input_embeddings()(given.pop("input_ids"))
    with torch.no_grad():
        actual = own(**given, inputs_embeds=embedded).last_hidden_state
        expected = reference(**given, inputs_embeds=embedded).last_hidden_state
        assert relative(actual, expected) <= BOUND
    for wrong in ({}, {"input_ids": torch.ones(1, 2).long(), "inputs_embeds": embedded}):
        with pytest.raises(ValueError, match="exactly one of input_ids and inputs_embeds"):
            own(**wrong)


@all_models
def test_padding_changes_nothing_for_the_others(case: Case) -> None:
    own, _ = case.pair("Model")
    given = inputs(case, "Model", padded=True)
    alone = {name: tensor[2:, :13] for name, tensor in given.items()}
    with torch.no_grad():
        padded = own(**given).last_hidden_state[2:, :13]
        assert relative(own(**alone).last_hidden_state, padded) <= BOUND


@all_heads
def test_checkpoints_load_both_ways(case: Case, head: str, tmp_path: Path) -> None:
    own, reference = case.pair(head)
    own.save_pretrained(tmp_path / "own")
    reference.save_pretrained(tmp_path / "reference")
    for loaded in (
        case.own(head).from_pretrained(tmp_path / "own"),
        case.own(head).from_pretrained(tmp_path / "reference"),
        case.reference(head).from_pretrained(tmp_path / "own"),
    ):
        for name, weight in reference.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], weight), name
        for name, buffer in reference.named_buffers():
            assert torch.equal(dict(loaded.named_buffers())[name], buffer), name


@all_models
def test_gradient_checkpointing_changes_nothing(case: Case) -> None:
    given = inputs(case, "ForMaskedLM", padded=True, labelled=True)
    found = []
    for checkpointed in (False, True):
        own, _ = case.pair("ForMaskedLM")
        if checkpointed:
            own.activation_checkpointing_enable()
        own.train()
        torch.manual_seed(5)
        own(**given).loss.backward()
        found.append(gradients(own))
    for name, gradient in found[0].items():
        assert gradient is None or torch.equal(gradient, found[1][name]), name


@all_models
def test_the_vocabulary_can_be_resized(case: Case) -> None:
    own, _ = case.pair("ForMaskedLM")
    given = inputs(case, "ForMaskedLM", padded=False)
    with torch.no_grad():
        before = own(**given).logits
        own.resize_token_embeddings(70, mean_resizing=False)
        after = own(**given).logits
    assert after.shape[-1] == 70
    assert relative(after[..., :61], before) <= BOUND
    tied = own.get_input_embeddings().weight is own.get_output_embeddings().weight
    assert tied == own.config.tie_word_embeddings


@all_models
def test_what_an_encoder_cannot_do_is_refused(case: Case) -> None:
    config, _ = case.configs()
    if hasattr(config, "is_decoder"):
        config.is_decoder = True
        with pytest.raises(ValueError, match="is_decoder"):
            case.own("Model")(config)
        config.is_decoder = False
    config.num_attention_heads = 7
    with pytest.raises(ValueError, match=r"hidden_size \(48\) .* num_attention_heads \(7\)"):
        case.own("Model")(config)


@pytest.mark.parametrize(
    "labels",
    [torch.tensor([3, -1, 0]), torch.tensor([[0.2, 0, 0.5, 0.3, 0]] * 3)],
    ids=["classes", "probabilities"],
)
def test_deberta_learns_probabilities_and_leaves_classes_out(labels: Tensor) -> None:
    case = next(case for case in MODELS if case.model == "deberta_v2")
    own, reference = case.pair("ForSequenceClassification")
    given = {**inputs(case, "ForSequenceClassification", padded=True), "labels": labels}
    assert relative(own(**given).loss, reference(**given).loss) <= BOUND


def test_electra_knows_three_summaries() -> None:
    from models.electra.configuration_electra import ElectraConfig
    from models.electra.modeling_electra import ElectraForMultipleChoice

    config = ElectraConfig(**SIZES, **OTHER_SIZES, summary_type="cls_index")
    with pytest.raises(ValueError, match=r"summary_type must be .* not 'cls_index'"):
        ElectraForMultipleChoice(config)


@all_models
def test_fresh_weights_are_drawn_as_the_references(case: Case) -> None:
    for head in heads(case):
        own_config, reference_config = case.configs()
        own = case.own(head)(own_config).state_dict()
        for name, weight in case.reference(head)(reference_config).state_dict().items():
            assert own[name].mean().item() == pytest.approx(weight.mean().item(), abs=1e-2), name
            if weight.numel() > 1:
                assert own[name].std().item() == pytest.approx(
                    weight.std().item(), rel=0.4, abs=1e-3
                ), name
