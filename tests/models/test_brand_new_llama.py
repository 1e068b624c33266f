"""A model from its authors' checkpoint to a folder on the Hub, each step checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import LlamaForCausalLM

from models.brand_new_llama.convert_brand_new_llama import LAYERS, config_of, load, main, rules
from models.brand_new_llama.modeling_brand_new_llama import BrandNewLlamaForCausalLM
from models.conversion import (
    ConversionError,
    convert,
    layer_differences,
    rename,
    require_equal_layers,
)
from tests.models.elsewhere import run_elsewhere
from tests.models.parity import BOUND, perturb, relative, tokens

PARAMS = {
    "vocab_size": 61,
    "dim": 48,
    "hidden_dim": 80,
    "n_layers": 3,
    "n_heads": 6,
    "n_kv_heads": 2,
    "norm_eps": 1e-5,
    "max_seq_len": 64,
    "attention_scale": 0.2,
}
HEADS, KEY_VALUE_HEADS, HEAD_DIM = 6, 2, 8


class Attention(nn.Module):
    """Neighbouring features are a complex number each, which its position turns."""

    def __init__(self) -> None:
        super().__init__()
        self.wqkv = nn.Linear(48, (HEADS + 2 * KEY_VALUE_HEADS) * HEAD_DIM, bias=False)
        self.wo = nn.Linear(HEADS * HEAD_DIM, 48, bias=False)

    def forward(self, x: Tensor, turns: Tensor) -> Tensor:
        states = self.wqkv(x).unflatten(-1, (-1, HEAD_DIM)).transpose(1, 2)
        q, k, v = states.split([HEADS, KEY_VALUE_HEADS, KEY_VALUE_HEADS], dim=1)
        q, k = (
            torch.view_as_real(
                torch.view_as_complex(each.unflatten(-1, (-1, 2)).contiguous()) * turns
            ).flatten(-2)
            for each in (q, k)
        )
        k, v = (each.repeat_interleave(HEADS // KEY_VALUE_HEADS, dim=1) for each in (k, v))
        scale = PARAMS["attention_scale"]
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)
        return self.wo(mixed.transpose(1, 2).flatten(-2))


class FeedForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w13 = nn.Linear(48, 160, bias=False)
        self.w2 = nn.Linear(80, 48, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.w13(x).chunk(2, dim=-1)
        return self.w2(nn.functional.silu(gate) * up)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.feed_forward = FeedForward()
        self.attention_norm = nn.RMSNorm(48, eps=1e-5)
        self.ffn_norm = nn.RMSNorm(48, eps=1e-5)

    def forward(self, x: Tensor, turns: Tensor) -> Tensor:
        x = x + self.attention(self.attention_norm(x), turns)
        return x + self.feed_forward(self.ffn_norm(x))


class Original(nn.Module):
    """The authors' model, as far as anything of it is known: names, shapes and what it computes."""

    def __init__(self) -> None:
        super().__init__()
        self.tok_embeddings = nn.Embedding(61, 48)
        self.layers = nn.ModuleList(Block() for _ in range(3))
        self.norm = nn.RMSNorm(48, eps=1e-5)
        self.output = nn.Linear(48, 61, bias=False)
        self.rope = nn.Module()
        self.rope.register_buffer("freqs", 10000.0 ** -(torch.arange(0, HEAD_DIM, 2) / HEAD_DIM))

    def forward(self, input_ids: Tensor) -> Tensor:
        angles = torch.outer(torch.arange(input_ids.shape[1]), self.rope.freqs)
        turns = torch.polar(torch.ones_like(angles), angles)
        x = self.tok_embeddings(input_ids)
        for layer in self.layers:
            x = layer(x, turns)
        return self.output(self.norm(x))


@pytest.fixture(scope="module")
def original() -> Original:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(20230227)
        model = Original()
        perturb(model)
    return model.eval()


@pytest.fixture(scope="module")
def checkpoint(original: Original, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the authors published."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "params.json").write_text(json.dumps(PARAMS))
    torch.save(original.state_dict(), folder / "consolidated.00.pth")
    return folder


def run(model: nn.Module) -> object:
    return model(tokens(padded=False)["input_ids"])


def test_every_layer_does_what_the_original_does(original: Original, checkpoint: Path) -> None:
    differences = layer_differences(original, load(checkpoint), LAYERS, run)
    require_equal_layers(differences)
    assert [each.original for each in differences] == [
        "tok_embeddings",
        *(f"layers.{n}{part}" for n in range(3) for part in (".attention", ".feed_forward", "")),
        "norm",
        "output",
    ]
    assert all(each.difference <= BOUND for each in differences)


def test_a_rotation_of_the_wrong_pairs_is_found(original: Original, checkpoint: Path) -> None:
    """All names and shapes are right; only a comparison of layers tells."""
    model = load(checkpoint)
    fused = original.layers[0].attention.wqkv.weight
    model.model.layers[0].self_attn.q_proj.weight.data.copy_(fused[: HEADS * HEAD_DIM])
    with pytest.raises(ConversionError) as error:
        require_equal_layers(layer_differences(original, model, LAYERS, run))
    assert error.value.problems[0].startswith(
        "model.layers.0.self_attn differs from layers.0.attention by "
    )


def test_what_does_not_fit_is_listed(original: Original) -> None:
    weights = original.state_dict()
    weights["layers.0.attention.bias"] = torch.zeros(48)
    weights["output.weight"] = weights["output.weight"][:60]
    weights["layers.1.attention.wqkv.weight"] = weights["layers.1.attention.wqkv.weight"][1:]
    del weights["layers.2.ffn_norm.weight"]
    config = config_of(PARAMS)
    table = (*rules(config), rename("norm.{name}", "model.norm.{name}"))
    with torch.device("meta"):
        model = BrandNewLlamaForCausalLM(config)
    with pytest.raises(ConversionError) as error:
        convert(weights, table, model)
    assert error.value.problems == (
        "layers.1.attention.wqkv.weight: 79 rows are not 48 + 16 + 16",
        "ambiguous: norm.weight (norm.weight, norm.{name})",
        "unused: layers.0.attention.bias",
        *(f"missing: model.layers.1.self_attn.{name}_proj.weight" for name in "qkv"),
        "missing: model.layers.2.post_attention_layernorm.weight",
        "missing: model.norm.weight",
        "lm_head.weight: the shape (60, 48) is not the model's, (61, 48)",
    )


def test_settings_that_nobody_knows_are_refused() -> None:
    with pytest.raises(ValueError, match="n_experts"):
        config_of({**PARAMS, "n_experts": 8})


def test_a_scale_is_part_of_the_queries(checkpoint: Path) -> None:
    """The new setting, against the reference, which lacks it: its queries make up for it."""
    own = load(checkpoint)
    config = own.config.to_dict()
    llama = LlamaForCausalLM._from_config(
        LlamaForCausalLM.config_class(**{**config, "model_type": "llama"})
    )
    weights = own.state_dict()
    for name, weight in weights.items():
        if name.endswith("q_proj.weight"):
            weights[name] = weight * (0.2 * HEAD_DIM**0.5)
    llama.load_state_dict(weights, strict=True)
    with torch.no_grad():
        assert relative(run(own).logits, run(llama.eval()).logits) <= BOUND


ELSEWHERE = """
import torch
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

folder, given, found = sys.argv[1:]
trust = {"trust_remote_code": True}
config = AutoConfig.from_pretrained(folder, **trust)
assert type(config).__name__ == "BrandNewLlamaConfig" and config.attention_scale == 0.2
model = AutoModelForCausalLM.from_pretrained(folder, **trust)
assert type(model).__module__.startswith("transformers_modules."), type(model).__module__
input_ids = torch.load(given)
with torch.no_grad():
    logits = model(input_ids).logits
    base = AutoModel.from_pretrained(folder, **trust)(input_ids).last_hidden_state
generated = model.generate(input_ids, max_new_tokens=5, do_sample=False)
torch.save({"logits": logits, "base": base, "generated": generated}, found)
# What was loaded can be saved, with its code, and loaded again.
model.save_pretrained(folder + "-again")
again = AutoModelForCausalLM.from_pretrained(folder + "-again", **trust)
with torch.no_grad():
    assert torch.equal(again(input_ids).logits, logits)
"""


def test_a_folder_is_all_that_the_hub_needs(
    original: Original, checkpoint: Path, tmp_path: Path
) -> None:
    main([str(checkpoint), str(tmp_path / "hub")])
    input_ids = tokens(padded=False)["input_ids"]
    torch.save(input_ids, tmp_path / "given.pt")
    arguments = (tmp_path / "hub", tmp_path / "given.pt", tmp_path / "found.pt")
    run_elsewhere(tmp_path, ELSEWHERE, *arguments)
    found = torch.load(tmp_path / "found.pt")
    with torch.no_grad():
        assert relative(found["logits"], original(input_ids)) <= BOUND
    own = load(checkpoint)
    with torch.no_grad():
        assert relative(found["base"], own.model(input_ids).last_hidden_state) <= BOUND
    generated = own.generate(input_ids, max_new_tokens=5, do_sample=False)
    assert torch.equal(found["generated"], generated)
