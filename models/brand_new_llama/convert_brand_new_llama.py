"""Turns a checkpoint in its authors' layout into a folder for the Hub, code included.

The checkpoint is a folder with `params.json` and `consolidated.00.pth`. Its queries, keys and values
are one matrix, as are the two inner projections of the feed-forward network, and rotary positions
turn neighbouring features, where the model turns halves.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from models.brand_new_llama.configuration_brand_new_llama import BrandNewLlamaConfig
from models.brand_new_llama.modeling_brand_new_llama import BrandNewLlamaForCausalLM
from models.conversion import Rule, convert, drop, halves_of_pairs, rename, split_rows
from models.hub import save_with_code

LAYERS = (
    ("tok_embeddings", "model.embed_tokens"),
    ("layers.{layer}.attention", "model.layers.{layer}.self_attn"),
    ("layers.{layer}.feed_forward", "model.layers.{layer}.mlp"),
    ("layers.{layer}", "model.layers.{layer}"),
    ("norm", "model.norm"),
    ("output", "lm_head"),
)
"""Which of the model's layers does what which of the original's does."""


def config_of(params: Mapping[str, object]) -> BrandNewLlamaConfig:
    """The config that `params.json` stands for; raises a ValueError for what it does not know."""
    names = {
        "vocab_size": "vocab_size",
        "dim": "hidden_size",
        "hidden_dim": "intermediate_size",
        "n_layers": "num_hidden_layers",
        "n_heads": "num_attention_heads",
        "n_kv_heads": "num_key_value_heads",
        "norm_eps": "rms_norm_eps",
        "max_seq_len": "max_position_embeddings",
        "attention_scale": "attention_scale",
    }
    if params.keys() != names.keys():
        raise ValueError(f"params.json has {sorted(params)}, not {sorted(names)}")
    return BrandNewLlamaConfig(**{names[name]: value for name, value in params.items()})


def rules(config: BrandNewLlamaConfig) -> tuple[Rule, ...]:
    """What becomes of each weight."""
    heads, key_value_heads = config.num_attention_heads, config.num_key_value_heads

    def split_attention(fused: Tensor) -> tuple[Tensor, ...]:
        sizes = (config.head_dim * each for each in (heads, key_value_heads, key_value_heads))
        query, key, value = split_rows(fused, *sizes)
        return halves_of_pairs(query, heads), halves_of_pairs(key, key_value_heads), value

    def split_feed_forward(fused: Tensor) -> tuple[Tensor, ...]:
        return split_rows(fused, config.intermediate_size, config.intermediate_size)

    layer, attention, mlp = (f"model.layers.{{layer}}{part}" for part in ("", ".self_attn", ".mlp"))
    return (
        rename("tok_embeddings.weight", "model.embed_tokens.weight"),
        Rule(
            ("layers.{layer}.attention.wqkv.weight",),
            tuple(f"{attention}.{name}_proj.weight" for name in "qkv"),
            split_attention,
        ),
        rename("layers.{layer}.attention.wo.weight", f"{attention}.o_proj.weight"),
        Rule(
            ("layers.{layer}.feed_forward.w13.weight",),
            (f"{mlp}.gate_proj.weight", f"{mlp}.up_proj.weight"),
            split_feed_forward,
        ),
        rename("layers.{layer}.feed_forward.w2.weight", f"{mlp}.down_proj.weight"),
        rename("layers.{layer}.attention_norm.weight", f"{layer}.input_layernorm.weight"),
        rename("layers.{layer}.ffn_norm.weight", f"{layer}.post_attention_layernorm.weight"),
        rename("norm.weight", "model.norm.weight"),
        rename("output.weight", "lm_head.weight"),
        drop("rope.freqs"),
    )


def load(checkpoint: Path) -> BrandNewLlamaForCausalLM:
    """The model with the checkpoint's weights; raises a ConversionError if they are not its own."""
    config = config_of(json.loads((checkpoint / "params.json").read_text()))
    weights = torch.load(checkpoint / "consolidated.00.pth", map_location="cpu", weights_only=True)
    model = BrandNewLlamaForCausalLM(config)
    model.load_state_dict(convert(weights, rules(config), model), strict=True)
    return model.eval()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="the folder to read")
    parser.add_argument("folder", type=Path, help="the folder to write")
    options = parser.parse_args(arguments)
    save_with_code(options.folder, load(options.checkpoint))


if __name__ == "__main__":
    main()
