"""Each vision model computes what the reference of the same name does with the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub.errors import StrictDataclassClassValidationError
from torch import Tensor

from tests.models.parity import BOUND, Case, blocks, gradients, perturb, relative
from tests.models.vision import (
    CASES,
    FIRST_TOKENS,
    MODELS,
    heads,
    inputs,
    pixels,
)


def models(*names: str) -> pytest.MarkDecorator:
    """The first case of each of the models."""
    chosen = [case for case in MODELS if case.model in names]
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case.model)


def attentions(*names: str) -> pytest.MarkDecorator:
    """Each case of the models, all if none is named, with each of its attention functions."""
    chosen = [
        pytest.param(case, attention, id=f"{case}-{attention}")
        for case in CASES
        if not names or case.model in names
        for attention in case.attentions
    ]
    return pytest.mark.parametrize(("case", "attention"), chosen)


all_cases = pytest.mark.parametrize("case", CASES, ids=str)
all_heads = pytest.mark.parametrize(
    ("case", "head"),
    [pytest.param(case, head, id=f"{case}-{head}") for case in CASES for head in heads(case)],
)


def tensors(outputs: Any) -> dict[str, Tensor]:
    """Each tensor of a model's outputs, layer by layer where there are several."""
    found: dict[str, Tensor] = {}
    for name, value in outputs.items():
        if isinstance(value, tuple):
            found.update({f"{name}.{place}": each for place, each in enumerate(value)})
        else:
            found[name] = value
    return found


def score(outputs: Any) -> Tensor:
    """A number that depends on all outputs, for models without a loss."""
    generator = torch.Generator().manual_seed(3)
    return sum(
        (tensor * torch.randn(tensor.shape, generator=generator)).sum()
        for tensor in tensors(outputs).values()
    )


def worst(actual: Any, expected: Any) -> float:
    """The largest difference between two models' outputs, which must have the same names."""
    actual, expected = tensors(actual), tensors(expected)
    assert list(actual) == list(expected)
    return max(relative(actual[name], expected[name]) for name in expected)


@all_heads
def test_weights_load_both_ways(case: Case, head: str) -> None:
    own, reference = case.pair(head)
    fresh = case.reference(head)(case.configs()[1])
    fresh.load_state_dict(own.state_dict(), strict=True)
    assert list(own.state_dict()) == list(reference.state_dict())
    for name, weight in reference.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], weight), name
    assert [name for name, _ in own.named_buffers()] == [
        name for name, _ in reference.named_buffers()
    ]


@attentions()
def test_outputs(case: Case, attention: str) -> None:
    for head in heads(case):
        own, reference = case.pair(head, attention)
        with torch.no_grad():
            given = inputs(case, head)
            assert worst(own(**given), reference(**given)) <= BOUND, head


@attentions("vit", "deit")
def test_tokens_that_are_not_to_be_seen(case: Case, attention: str) -> None:
    for head in heads(case):
        own, reference = case.pair(head, attention)
        with torch.no_grad():
            given = inputs(case, head, masked=True)
            assert worst(own(**given), reference(**given)) <= BOUND, head


@all_heads
def test_every_layer(case: Case, head: str) -> None:
    own, reference = case.pair(head, "eager")
    asked = {"output_hidden_states": True, "output_attentions": case.model != "resnet"}
    with torch.no_grad():
        given = inputs(case, head)
        actual, expected = (model(**given, **asked) for model in (own, reference))
    assert len(expected.hidden_states) == 1 + 3
    assert len(expected.get("attentions", ())) == 3 * asked["output_attentions"]
    assert worst(actual, expected) <= BOUND


@all_heads
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_loss_and_gradients(case: Case, head: str, training: bool) -> None:
    own, reference = (model.train(training) for model in case.pair(head))
    given = inputs(case, head, labelled=True)
    outputs = [model(**given) for model in (own, reference)]
    losses = [score(each) if each.get("loss") is None else each.loss for each in outputs]
    assert relative(*losses) <= BOUND
    for loss in losses:
        loss.backward()
    actual, expected = gradients(own), gradients(reference)
    assert list(actual) == list(expected)
    # A key's bias has no effect on the softmax, so its gradient is noise: a block shares its scale.
    for block, names in blocks(expected):
        flat = [torch.cat([of[name].flatten() for name in names]) for of in (actual, expected)]
        assert relative(*flat) <= BOUND, block
    moved = dict(own.named_buffers())  # by training: the statistics of batch norms
    for name, buffer in reference.named_buffers():
        assert relative(moved[name] + 1, buffer + 1) <= BOUND, name


@models("vit", "deit", "sam")
def test_dropout_is_where_the_references_is(case: Case) -> None:
    """With eager attention: with sdpa, the reference of `sam` trains as if its dropout were 0."""
    names = ("hidden_dropout_prob", "attention_probs_dropout_prob", "attention_dropout")
    dropouts = {name: 0.3 for name in names if hasattr(case.configs()[1], name)}
    case = Case(case.model, case.cased, "dropout", dropouts, case.sizes)
    found = []
    for model in case.pair("Model", "eager"):
        torch.manual_seed(5)
        found.append(model.train()(pixels(case)).last_hidden_state)
    assert relative(*found) <= BOUND


@attentions()
def test_bfloat16_is_rounded_where_the_reference_rounds(case: Case, attention: str) -> None:
    own, reference = case.pair("Model", attention, torch.bfloat16)
    given = pixels(case).bfloat16()
    with torch.no_grad():
        actual, expected = tensors(own(given)), tensors(reference(given))
    for name in expected:
        assert actual[name].dtype == torch.bfloat16
        assert torch.equal(actual[name], expected[name]), name


@models("vit", "deit", "resnet")
@pytest.mark.parametrize("problem", ["regression", "multi_label_classification"])
def test_losses_of_other_problems(case: Case, problem: str) -> None:
    own, reference = case.pair("ForImageClassification")
    labels = torch.rand(3, 5, generator=torch.Generator().manual_seed(1))
    for model in (own, reference):
        model.config.problem_type = problem
    losses = (model(pixels(case), labels=labels).loss for model in (own, reference))
    assert relative(*losses) <= BOUND


@all_heads
def test_checkpoints_load_both_ways(case: Case, head: str, tmp_path: Path) -> None:
    """The reference may write other names than those of its modules: the published ones."""
    own, reference = case.pair(head)
    own.save_pretrained(tmp_path / "own")
    reference.save_pretrained(tmp_path / "reference")
    case.own(head).from_pretrained(tmp_path / "reference").save_pretrained(tmp_path / "again")
    for model, folder in (
        (case.own(head), "own"),
        (case.own(head), "reference"),
        (case.reference(head), "own"),
        (case.reference(head), "again"),
    ):
        loaded, information = model.from_pretrained(tmp_path / folder, output_loading_info=True)
        assert not any(information.values()), information
        for name, weight in reference.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], weight), name


@all_heads
def test_fresh_weights_are_drawn_as_the_references(case: Case, head: str) -> None:
    own_config, reference_config = case.configs()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(20201022)
        own = case.own(head)(own_config).state_dict()
        reference = case.reference(head)(reference_config).state_dict()
    for name, weight in reference.items():
        actual, expected = own[name].double(), weight.double()
        spread = expected.std(correction=0).item()
        rough = 0.5 if expected.numel() > 30 else 0.9
        assert actual.std(correction=0).item() == pytest.approx(spread, rel=rough), name
        allowed = 6 * spread / expected.numel() ** 0.5
        assert actual.mean().item() == pytest.approx(expected.mean().item(), abs=allowed), name


@models("vit", "deit", "sam")
def test_gradient_checkpointing_changes_nothing(case: Case) -> None:
    found = []
    for checkpointed in (False, True):
        own, _ = case.pair("Model")
        if checkpointed:
            own.activation_checkpointing_enable()
        score(own.train()(pixels(case))).backward()
        found.append(gradients(own))
    for name, gradient in found[0].items():
        assert torch.equal(gradient, found[1][name]), name


@models("vit", "deit", "resnet", "sam")
def test_compiled_in_one_graph(case: Case) -> None:
    own, _ = case.pair("Model")
    with torch.no_grad():
        compiled = torch.compile(own, backend="eager", fullgraph=True)
        assert worst(compiled(pixels(case)), own(pixels(case))) <= BOUND


@models("vit", "deit")
def test_positions_are_stretched_over_images_of_other_sizes(case: Case) -> None:
    # The reference stretches square images only.
    case = Case(case.model, case.cased, "square", {"image_size": 16}, case.sizes)
    own, reference = case.pair("ForImageClassification")
    with torch.no_grad():
        for height, width in ((16, 16), (12, 24), (21, 31), (8, 32)):
            given = pixels(case, height, width)
            actual, expected = (
                model(given, interpolate_pos_encoding=True).logits for model in (own, reference)
            )
            assert relative(actual, expected) <= BOUND, (height, width)


@models("vit", "deit")
def test_positions_of_images_that_are_not_square_are_stretched(case: Case) -> None:
    own, _ = case.pair("Model")
    embeddings, first = own.embeddings, FIRST_TOKENS[case.model]
    with torch.no_grad():
        # Positions that tell rows only: more columns change nothing, wherever columns are columns.
        rows = torch.arange(3.0)[:, None, None].expand(3, 7, 48)
        embeddings.position_embeddings[:, first:] = rows[:, :5].flatten(0, 1)
        stretched = embeddings.interpolate_positions(12, 28)
    assert torch.equal(stretched[:, :first], embeddings.position_embeddings[:, :first])
    assert relative(stretched[0, first:], rows.flatten(0, 1)) <= BOUND


@models("vit", "deit")
def test_masked_patches(case: Case) -> None:
    own_config, reference_config = case.configs()
    reference = case.reference("Model")(reference_config, use_mask_token=True)
    own = case.own("Model")(own_config, use_mask_token=True)
    with torch.no_grad():
        reference.embeddings.mask_token.normal_()
    own.load_state_dict(reference.state_dict(), strict=True)
    assert list(own.state_dict()) == list(reference.state_dict())
    masked = torch.arange(3 * 15).view(3, 15) % 4 == 1
    found = []
    for model in (own.eval(), reference.eval()):
        outputs = model(pixels(case), bool_masked_pos=masked)
        score(outputs).backward()
        found.append((outputs.last_hidden_state, model.embeddings.mask_token.grad))
    for actual, expected in zip(*found, strict=True):
        assert relative(actual, expected) <= BOUND


@models("vit", "deit")
def test_images_that_are_not_square_are_painted(case: Case) -> None:
    case = Case(case.model, case.cased, "painter", {"encoder_stride": 4}, case.sizes)
    config, _ = case.configs()
    own = case.own("ForMaskedImageModeling")(config).eval()
    given = inputs(case, "ForMaskedImageModeling")
    with torch.no_grad():
        outputs = own(**given)
        behind = given["bool_masked_pos"].unflatten(1, (3, 5))
        behind = torch.kron(behind.long(), torch.ones(1, 4, 4).long()).bool()
        differences = (outputs.reconstruction - given["pixel_values"]).abs().mean(1)
        assert relative(outputs.loss, differences[behind].mean()) <= BOUND
        larger = own(pixels(case, 16, 24), interpolate_pos_encoding=True)
    assert larger.reconstruction.shape == (3, 2, 16, 24)
    config.encoder_stride = 2
    with pytest.raises(ValueError, match=r"encoder_stride \(2\) and patch_size \(4\) differ"):
        case.own("ForMaskedImageModeling")(config)(**given)


@models("resnet")
def test_a_backbone_shows_the_stages_that_are_asked_for(case: Case) -> None:
    case = Case(
        case.model,
        case.cased,
        "backbone",
        {"out_features": ["stem", "stage2"]},
        case.sizes,
        case.attentions,
    )
    own, reference = case.pair("Backbone")
    assert own.channels == reference.channels == [8, 20]
    with torch.no_grad():
        actual, expected = own(pixels(case)), reference(pixels(case))
        assert worst(actual, expected) <= BOUND
        assert [each.shape[1] for each in actual.feature_maps] == own.channels
        own.out_indices = [1, 3]
        assert [each.shape[1] for each in own(pixels(case)).feature_maps] == [12, 28]


@models("vit", "deit", "resnet", "sam")
def test_images_that_do_not_fit_are_refused(case: Case) -> None:
    own, _ = case.pair("Model")
    with pytest.raises(ValueError, match="1 channels, but num_channels is 2"):
        own(pixels(case)[:, :1])
    with pytest.raises(ValueError, match="pixel_values are needed"):
        own()


@models("vit", "deit")
def test_what_a_vision_transformer_cannot_do_is_refused(case: Case) -> None:
    own, _ = case.pair("Model")
    with pytest.raises(ValueError, match=r"\(16, 20\) high and wide, but image_size is \(12, 20\)"):
        own(pixels(case, 16, 20))
    with pytest.raises(ValueError, match="mask token"):
        own(pixels(case), bool_masked_pos=torch.zeros(3, 15))
    config, _ = case.configs()
    config.num_attention_heads = 7
    with pytest.raises(ValueError, match=r"hidden_size \(48\) .* num_attention_heads \(7\)"):
        case.own("Model")(config)


@models("resnet")
def test_what_a_residual_network_cannot_be_is_refused(case: Case) -> None:
    with pytest.raises(StrictDataclassClassValidationError, match=r"layer_type must be .* 'wide'"):
        case.own("Config")(layer_type="wide")
    config = case.own("Config")(depths=[1, 2])
    with pytest.raises(ValueError, match=r"hidden_sizes \(4 stages\) and depths \(2 stages\)"):
        case.own("Model")(config)


@models("sam")
def test_an_image_on_its_side_is_encoded_on_its_side(case: Case) -> None:
    """The reference takes square images only."""
    upright, turned = (
        case.own("Model")(case.own("Config")(**{**case.sizes, "image_size": size})).eval()
        for size in ([20, 28], [28, 20])
    )
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(7)
        perturb(upright)
        weights = {}
        for name, weight in upright.state_dict().items():
            is_of_places = weight.ndim == 4 and not name.endswith("pos_embed")
            weights[name] = weight.transpose(2, 3) if is_of_places else weight
            if name.endswith("pos_embed"):
                weights[name] = weight.transpose(1, 2)
            elif ".rel_pos_" in name:
                other = {"h": "w", "w": "h"}[name[-1]]
                weights[name] = upright.get_parameter(name[:-1] + other)
        turned.load_state_dict(weights, strict=True)
        given = torch.randn(3, 2, 20, 28)
        expected = upright(given).last_hidden_state
        found = turned(given.transpose(2, 3)).last_hidden_state
    assert expected.shape == (3, 10, 5, 7)
    assert relative(found.transpose(2, 3), expected) <= BOUND


@models("sam")
def test_what_an_image_encoder_cannot_do_is_refused(case: Case) -> None:
    own, _ = case.pair("Model")
    with pytest.raises(ValueError, match=r"\(32, 28\) high and wide, but image_size is \(28, 28\)"):
        own(pixels(case, 32, 28))
    config, _ = case.configs()
    config.num_attention_heads = 7
    with pytest.raises(ValueError, match=r"hidden_size \(48\) .* num_attention_heads \(7\)"):
        case.own("Model")(config)
