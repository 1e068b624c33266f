"""Tiny and perturbed configurations, and the weights that go with them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import Gemma2Config, LlamaConfig, LlamaForCausalLM, LlavaConfig, ResNetConfig

from checks.forward import configs, weights
from tests.forward.small import write


def test_tiny_is_small_and_sizes_differ() -> None:
    options = configs.tiny(LlamaConfig, {})
    config = configs.build(LlamaConfig, options)
    sizes = [config.hidden_size, config.intermediate_size, config.vocab_size, config.head_dim]
    assert len(set(sizes)) == 4
    assert max(sizes) < 100
    assert config.num_hidden_layers == 2


def test_tiny_has_every_kind_of_layer() -> None:
    config = configs.build(Gemma2Config, configs.tiny(Gemma2Config, {}))
    assert set(config.layer_types) == set(Gemma2Config().layer_types)
    assert config.sliding_window < configs.LENGTH
    assert configs.lacking(Gemma2Config(), [config]) == []
    config.layer_types = ["full_attention"] * 2
    assert configs.lacking(Gemma2Config(), [config]) == ["layer_types: sliding_attention"]


def test_special_tokens_stay_apart_and_inside_the_vocabulary() -> None:
    config = configs.build(LlavaConfig, configs.tiny(LlavaConfig, {}))
    text = config.text_config
    ids = [config.image_token_index, text.bos_token_id, text.eos_token_id]
    assert len(set(ids)) == 3
    assert max(ids) < text.vocab_size < 100
    assert config.vision_config.num_hidden_layers == 2


def test_stages_keep_their_number() -> None:
    config = configs.build(ResNetConfig, configs.tiny(ResNetConfig, {}))
    assert len(config.hidden_sizes) == len(config.depths) == 4
    assert len(set(config.hidden_sizes)) == 4
    assert max(config.hidden_sizes) <= 48


def test_arguments_of_a_configuration_are_its_fields(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    large = write(tmp_path, "small_arguments", ("hidden_size=32", "hidden_size=512"))
    config_class = importlib.import_module(large).SmallConfig
    assert configs.fields(config_class()) == ["vocab_size", "hidden_size", "num_layers", "eps"]
    tiny = configs.tiny(config_class, {})
    assert configs.build(config_class, tiny).hidden_size == 64
    assert configs.perturbed(config_class, tiny, {})["eps"] != config_class().eps


def test_perturbed_moves_what_is_computed_with() -> None:
    tiny = configs.tiny(LlamaConfig, {})
    moved = configs.build(LlamaConfig, configs.perturbed(LlamaConfig, tiny, {}))
    still = configs.build(LlamaConfig, tiny)
    for name in ("rms_norm_eps", "attention_bias", "mlp_bias", "hidden_act", "head_dim"):
        assert getattr(moved, name) != getattr(still, name), name
    assert moved.rope_parameters["rope_theta"] != still.rope_parameters["rope_theta"]
    assert moved.use_cache == still.use_cache
    assert moved.initializer_range == still.initializer_range


def test_what_does_not_work_gets_its_defaults_back() -> None:
    def why_not(options: configs.Options) -> str:
        return "too large" if "hidden_size" in options else ""

    options = configs.tiny(LlamaConfig, {}, why_not)
    assert "num_hidden_layers" in options
    with pytest.raises(ValueError, match="no tiny configuration works: never"):
        configs.tiny(LlamaConfig, {}, lambda options: "never")


def test_overrides_win() -> None:
    options = configs.tiny(LlavaConfig, {"text_config": {"num_hidden_layers": 3}})
    config = configs.build(LlavaConfig, options)
    assert (config.text_config.num_hidden_layers, config.vision_config.num_hidden_layers) == (3, 2)


def test_weights_depend_on_names_alone() -> None:
    like = torch.empty(3, 5)
    drawn = weights.drawn("model.layers.0.mlp.up_proj.weight", like)
    # Written down once: other numbers here would be other numbers on somebody's machine.
    assert drawn.flatten()[:3].tolist() == [0.8984375, 0.043701171875, -0.20654296875]
    assert not torch.equal(drawn, weights.drawn("model.layers.1.mlp.up_proj.weight", like))
    scaled = drawn * 2**13
    assert torch.equal(scaled, scaled.round())


def test_no_weight_hides() -> None:
    config = configs.build(LlamaConfig, {**configs.tiny(LlamaConfig, {}), "attention_bias": True})
    model = LlamaForCausalLM(config)
    weights.fill(model)
    for name, parameter in model.named_parameters():
        assert len(parameter.unique()) > 1, name
        assert parameter.abs().max() > 1 / 16, name


def test_tied_weights_have_one_value() -> None:
    options = {**configs.tiny(LlamaConfig, {}), "tie_word_embeddings": True}
    model = LlamaForCausalLM(configs.build(LlamaConfig, options))
    weights.fill(model)
    drawn = weights.drawn("lm_head.weight", model.lm_head.weight, 64)
    assert torch.equal(model.model.embed_tokens.weight, drawn)


def test_what_is_computed_stays_and_what_is_learned_does_not() -> None:
    model = nn.Module()
    model.register_buffer("table", torch.arange(6.0))
    model.register_buffer("running_mean", torch.zeros(6))
    weights.fill(model)
    assert torch.equal(model.get_buffer("table"), torch.arange(6.0))
    assert model.get_buffer("running_mean").all()
