"""A model of ours beside the reference's of the same name: the same weights, compared."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

BOUND = 32 * torch.finfo(torch.float32).eps
"""What float32 may differ by, relative to the largest value: another kernel, another batch."""

# Distinct sizes catch transposes; 2 key-value heads for 6 heads; a head is not hidden size / heads.
SIZES = {
    "vocab_size": 61,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": None,
    "num_labels": 5,
}


@dataclass(frozen=True)
class Case:
    """One tiny config of one model."""

    model: str
    """Name of the folder in `models/`."""
    cased: str
    """What its class names begin with."""
    variant: str
    options: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, Any] = field(default_factory=lambda: SIZES)
    attentions: tuple[str, ...] = ("eager", "sdpa")
    """The attention implementations that it has on the CPU; the last is what it takes unasked."""
    like: str = ""
    """What the reference's class names begin with, if not with the same."""

    def __str__(self) -> str:
        return f"{self.model}-{self.variant}"

    def own(self, name: str) -> Any:
        """Our class of that name; the model's own name is left out of it."""
        kind = "configuration" if name == "Config" else "modeling"
        module = importlib.import_module(f"models.{self.model}.{kind}_{self.model}")
        return getattr(module, self.cased + name)

    def reference(self, name: str) -> Any:
        """The reference's class of that name."""
        return getattr(transformers, (self.like or self.cased) + name)

    def configs(self) -> tuple[PreTrainedConfig, PreTrainedConfig]:
        """Our tiny config and the reference's; ours is read from what the reference's says."""
        reference = self.reference("Config")(**{**self.sizes, **self.options})
        settings = reference.to_dict()
        del settings["model_type"]
        return self.own("Config")(**settings), reference

    def pair(
        self, head: str, attention: str | None = None, dtype: torch.dtype = torch.float32
    ) -> tuple[PreTrainedModel, PreTrainedModel]:
        """Our model and the reference's, with the same perturbed weights, ready to evaluate.

        Attention is computed as the models do unless they are told otherwise.
        """
        own_config, reference_config = self.configs()
        if attention is not None:  # some references choose their layers by it
            reference_config._attn_implementation = attention
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(20240229)
            reference = self.reference(head)(reference_config)
            perturb(reference)
        own = self.own(head)(own_config)
        own.load_state_dict(reference.state_dict(), strict=True)
        for model in (own, reference):
            if attention is not None:
                model.set_attn_implementation(attention)
            assert model.config._attn_implementation == (attention or self.attentions[-1])
            model.to(dtype).eval()
        return own, reference


LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 500.0,
    "factor": 4.0,
    "original_max_position_embeddings": 16,
}
LONGROPE = {
    "rope_type": "longrope",
    "rope_theta": 500.0,
    "partial_rotary_factor": 0.5,
    "short_factor": [1.0, 1.1],
    "long_factor": [1.5, 3.0],
}
DYNAMIC = {"rope_type": "dynamic", "rope_theta": 100.0, "factor": 2.0}

PARTIAL = {"rope_type": "default", "rope_theta": 500.0, "partial_rotary_factor": 0.5}
# Caps so low that they bend what they cap.
GEMMA2_SIZES = {
    "head_dim": 10,
    "query_pre_attn_scalar": 7,
    "sliding_window": 5,
    "attn_logit_softcapping": 1.5,
    "final_logit_softcapping": 2.0,
}

CASES = (
    Case("llama", "Llama", "plain"),
    Case(
        "llama",
        "Llama",
        "everything",
        {
            "head_dim": 10,
            "attention_bias": True,
            "mlp_bias": True,
            "tie_word_embeddings": True,
            "rms_norm_eps": 1e-2,
            "rope_parameters": LLAMA3,
        },
    ),
    Case("llama", "Llama", "yarn", {"rope_parameters": YARN}),
    # Shorter than the inputs, which makes the frequencies change.
    Case("llama", "Llama", "dynamic", {"rope_parameters": DYNAMIC, "max_position_embeddings": 16}),
    Case("brand_new_llama", "BrandNewLlama", "plain", like="Llama"),
    Case("mistral", "Mistral", "window", {"sliding_window": 5, "head_dim": 10}),
    Case("mistral", "Mistral", "no-window", {"sliding_window": None}),
    Case("mixtral", "Mixtral", "plain", {"num_local_experts": 5, "sliding_window": 5}),
    Case(
        "mixtral",
        "Mixtral",
        "router-loss",
        {
            "head_dim": 10,
            "num_local_experts": 4,
            "num_experts_per_tok": 3,
            "output_router_logits": True,
            "router_aux_loss_coef": 0.5,
        },
    ),
    Case(
        "qwen2",
        "Qwen2",
        "window",
        {"use_sliding_window": True, "sliding_window": 5, "max_window_layers": 1},
    ),
    Case("qwen2", "Qwen2", "plain"),
    Case("qwen3", "Qwen3", "plain", {"head_dim": 10}),
    Case(
        "qwen3",
        "Qwen3",
        "everything",
        {
            "head_dim": 10,
            "attention_bias": True,
            "use_sliding_window": True,
            "sliding_window": 5,
            "max_window_layers": 1,
        },
    ),
    Case("gemma", "Gemma", "plain", {"head_dim": 10}),
    Case(
        "gemma",
        "Gemma",
        "bidirectional",
        {
            "head_dim": 10,
            "hidden_act": "gelu",  # which stands for its approximation
            "attention_bias": True,
            "use_bidirectional_attention": True,
        },
    ),
    Case("gemma2", "Gemma2", "capped", GEMMA2_SIZES, attentions=("eager",)),
    Case(
        "gemma2",
        "Gemma2",
        "uncapped",
        {
            **GEMMA2_SIZES,
            "attn_logit_softcapping": None,
            "final_logit_softcapping": None,
            "layer_types": ["full_attention", "full_attention", "sliding_attention"],
            "attention_bias": True,
        },
        attentions=("eager",),
    ),
    Case(
        "gemma2",
        "Gemma2",
        "bidirectional",
        {**GEMMA2_SIZES, "use_bidirectional_attention": True},
        attentions=("eager",),
    ),
    Case("phi3", "Phi3", "window", {"sliding_window": 5}),
    Case("phi3", "Phi3", "partial", {"rope_parameters": PARTIAL, "tie_word_embeddings": True}),
    # The inputs are longer than the model was trained on first, so the long factors hold.
    Case(
        "phi3",
        "Phi3",
        "longrope",
        {"rope_parameters": LONGROPE, "original_max_position_embeddings": 16},
    ),
    Case("olmo", "Olmo", "clipped", {"clip_qkv": 0.4}),
    Case("olmo", "Olmo", "biased", {"attention_bias": True}),
    Case("olmo2", "Olmo2", "plain"),
    Case("olmo2", "Olmo2", "biased", {"attention_bias": True, "rms_norm_eps": 1e-2}),
)
MODELS = tuple({case.model: case for case in reversed(CASES)}.values())
"""The first case of each model, for what does not depend on the variant."""

HEADS = ("ForCausalLM", "ForSequenceClassification")


def perturb(model: nn.Module) -> None:
    """Moves every parameter off its initial value: norms off one, biases off zero.

    So are the statistics that batch norms keep.
    """
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)


def tokens(*, padded: bool, batch: int = 3, length: int = 19) -> dict[str, Tensor]:
    """Random token ids; if padded, on the left, by another length in each row but the last."""
    generator = torch.Generator().manual_seed(7)
    input_ids = torch.randint(2, SIZES["vocab_size"], (batch, length), generator=generator)
    if not padded:
        return {"input_ids": input_ids}
    padding = torch.arange(batch - 1, -1, -1) * 4
    attention_mask = (torch.arange(length) >= padding[:, None]).long()
    return {"input_ids": input_ids * attention_mask, "attention_mask": attention_mask}


def labels(head: str, inputs: Mapping[str, Tensor]) -> Tensor:
    """What the head is to predict: the tokens themselves less the padding, or a class a row."""
    input_ids = inputs["input_ids"]
    if head == "ForCausalLM":
        return input_ids.masked_fill(input_ids == SIZES["pad_token_id"], -100)
    return torch.arange(len(input_ids)) % SIZES["num_labels"]


FOUND: list[float] = []
"""All that `relative` has found; the table of models reads it, test by test."""


def relative(actual: Tensor, expected: Tensor) -> float:
    """The largest difference, relative to the largest expected value, computed in float64.

    Raises an AssertionError where shape or dtype differ, or nothing finite is there to compare.
    """
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    actual, expected = actual.detach().double(), expected.detach().double()
    scale = expected.abs().max().item()
    assert 0 < scale < float("inf"), f"nothing to compare with: the largest value is {scale}"
    FOUND.append(((actual - expected).abs().max() / scale).item())
    return FOUND[-1]


def gradients(model: nn.Module) -> dict[str, Tensor]:
    """The gradient of each parameter, by all of its names."""
    return {
        name: parameter.grad for name, parameter in model.named_parameters(remove_duplicate=False)
    }


def blocks(names: Mapping[str, Tensor]) -> Iterator[tuple[str, list[str]]]:
    """The parameters of each layer, and those outside of all layers."""
    of: dict[str, list[str]] = {}
    for name in names:
        layer = re.search(r"\.layers?\.(\d+)\.", name)
        of.setdefault(layer[1] if layer else "outside", []).append(name)
    yield from of.items()
