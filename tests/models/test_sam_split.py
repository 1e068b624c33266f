"""`sam_split` computes what `sam` does, with `sam`'s checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from models.sam_split.configuration_sam_split import SamSplitVisionConfig
from models.sam_split.modeling_sam_split import SamSplitVisionEncoder, SamSplitVisionModel
from tests.models.parity import BOUND, Case, gradients, relative
from tests.models.vision import CASES, pixels

SAM = tuple(case for case in CASES if case.model == "sam")
all_cases = pytest.mark.parametrize("sam", SAM, ids=str)


def pair(sam: Case, attention: str = "sdpa") -> tuple[SamSplitVisionModel, torch.nn.Module]:
    """The split model and the parent, with the same weights."""
    parent, _ = sam.pair("Model", attention)
    split = SamSplitVisionModel(SamSplitVisionConfig(**parent.config.to_diff_dict()))
    split.set_attn_implementation(attention)
    split.load_state_dict(parent.state_dict(), strict=True)
    return split.eval(), parent


@all_cases
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_outputs_equal_the_parents(sam: Case, attention: str) -> None:
    split, parent = pair(sam, attention)
    asked = {"output_hidden_states": True, "output_attentions": attention == "eager"}
    with torch.no_grad():
        actual, expected = (model(pixels(sam), **asked) for model in (split, parent))
    assert list(actual) == list(expected)
    assert relative(actual.last_hidden_state, expected.last_hidden_state) <= BOUND
    for name in ("hidden_states", "attentions"):
        for layers in zip(actual.get(name, ()), expected.get(name, ()), strict=True):
            assert relative(*layers) <= BOUND


@all_cases
def test_gradients_equal_the_parents(sam: Case) -> None:
    split, parent = pair(sam)
    for model in (split, parent):
        outputs = model(pixels(sam)).last_hidden_state
        (outputs * torch.arange(outputs.numel()).view(outputs.shape).sin()).sum().backward()
    of_split = gradients(split)
    for name, expected in gradients(parent).items():
        if ".qkv." in name:
            names = [name.replace("qkv", f"{each}_proj") for each in "qkv"]
            actual = torch.cat([of_split[each] for each in names])
        else:
            actual = of_split[name]
        assert relative(actual, expected) <= BOUND, name


@all_cases
def test_state_dicts_are_split_on_the_way_in(sam: Case) -> None:
    split, parent = pair(sam)
    given = parent.state_dict()
    before = list(given)
    split.load_state_dict(given, strict=True)
    assert list(given) == before
    assert not any(".qkv." in name for name in split.state_dict())
    own = SamSplitVisionModel(split.config)
    own.load_state_dict(split.state_dict(), strict=True)
    for name, weight in split.state_dict().items():
        assert torch.equal(own.state_dict()[name], weight), name
    del given["vision_encoder.layers.1.attn.qkv.weight"]
    with pytest.raises(RuntimeError, match=r"Missing.*layers.1.attn.q_proj.weight"):
        own.load_state_dict(given, strict=True)


@all_cases
def test_files_are_split_on_the_way_in(sam: Case, tmp_path: Path) -> None:
    split, parent = pair(sam)
    parent.save_pretrained(tmp_path / "parent")
    split.save_pretrained(tmp_path / "split")
    of_parent = SamSplitVisionModel.from_pretrained(tmp_path / "parent")
    of_parent.save_pretrained(tmp_path / "again")
    for folder in ("parent", "split", "again"):
        for of, prefix in ((SamSplitVisionModel, ""), (SamSplitVisionEncoder, "vision_encoder.")):
            loaded, information = of.from_pretrained(tmp_path / folder, output_loading_info=True)
            assert not any(information.values()), (folder, information)
            for name, weight in loaded.state_dict().items():
                assert torch.equal(split.state_dict()[prefix + name], weight), (folder, name)
    # What came with the projections together is saved so: the parent can have it back.
    with safe_open(tmp_path / "again" / "model.safetensors", "pt") as file:
        assert set(file.keys()) == set(parent.state_dict())
