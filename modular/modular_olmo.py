from typing import ClassVar

import torch
from torch import nn
from transformers.modeling_rope_utils import dynamic_rope_update

from models.llama.configuration_llama import LlamaConfig
from models.llama.modeling_llama import (
    LlamaAttention,
    LlamaDecoderLayer,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    LlamaModel,
    LlamaRotaryEmbedding,
)


class OlmoConfig(LlamaConfig):
    """Sizes and switches of an OLMo decoder; as it stands, OLMo 7B.

    Paper: OLMo (Groeneveld et al. 2024, arXiv:2402.00838). Sizes are those of its table 1; the
    vocabulary of 50,280 tokens is padded to a multiple of 128, as its section 2.1 says.
    """

    model_type = "olmo"

    vocab_size: int = 50304
    clip_qkv: float | None = None  # queries, keys and values are kept within plus and minus this
    pad_token_id: int | None = 1
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = 50279
    head_dim = AttributeError()
    rms_norm_eps = AttributeError()
    mlp_bias: ClassVar[bool] = False  # no field: there never is any
    pretraining_tp = AttributeError()


class OlmoLayerNorm(nn.Module):
    """Moves each vector to mean 0 and scales it to variance 1; nothing is learned."""

    def __init__(self, hidden_size: int):
        super().__init__()
        self.normalized_shape = (hidden_size,)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., hidden_size), of the same dtype."""
        # float32: a mean over thousands of squares is beyond bfloat16
        normed = nn.functional.layer_norm(hidden_states.float(), self.normalized_shape)
        return normed.to(hidden_states.dtype)


class OlmoRotaryEmbedding(LlamaRotaryEmbedding):
    @torch.no_grad()
    @dynamic_rope_update
    def forward(
        self, hidden_states: torch.Tensor, position_ids: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(batch, length) positions -> two tensors (batch, length, head_dim), always float32."""
        return self.cos_sin(position_ids)


class OlmoAttention(LlamaAttention):
    def project(
        self, hidden_states: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        states = self.q_proj(hidden_states), self.k_proj(hidden_states), self.v_proj(hidden_states)
        limit = self.config.clip_qkv
        return states if limit is None else tuple(state.clamp(-limit, limit) for state in states)


class OlmoDecoderLayer(LlamaDecoderLayer):
    def __init__(self, config: OlmoConfig, layer_idx: int):
        super().__init__(config, layer_idx)
        self.input_layernorm = OlmoLayerNorm(config.hidden_size)
        self.post_attention_layernorm = OlmoLayerNorm(config.hidden_size)


class OlmoModel(LlamaModel):
    def __init__(self, config: OlmoConfig):
        super().__init__(config)
        self.norm = OlmoLayerNorm(config.hidden_size)


class OlmoForCausalLM(LlamaForCausalLM):
    pass


class OlmoForSequenceClassification(LlamaForSequenceClassification):
    pass


__all__ = [
    "OlmoConfig",
    "OlmoForCausalLM",
    "OlmoForSequenceClassification",
    "OlmoModel",
]
