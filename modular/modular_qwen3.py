import torch
from torch import nn

from models.qwen2.configuration_qwen2 import Qwen2Config
from models.qwen2.modeling_qwen2 import (
    Qwen2Attention,
    Qwen2ForCausalLM,
    Qwen2ForSequenceClassification,
    Qwen2Model,
    Qwen2RMSNorm,
)


class Qwen3Config(Qwen2Config):
    """Sizes and switches of a Qwen3 decoder.

    Paper: Qwen3 Technical Report (Yang et al. 2025, arXiv:2505.09388). The defaults are what the
    published `config.json` files leave unsaid; they are no model of the paper's table 1.
    """

    model_type = "qwen3"
    base_model_tp_plan = {
        "layers.*.self_attn.q_proj": "colwise",
        "layers.*.self_attn.k_proj": "colwise",
        "layers.*.self_attn.v_proj": "colwise",
        "layers.*.self_attn.q_norm": "replicated_with_grad_allreduce",
        "layers.*.self_attn.k_norm": "replicated_with_grad_allreduce",
        "layers.*.self_attn.o_proj": "rowwise",
        "layers.*.mlp.gate_proj": "colwise",
        "layers.*.mlp.up_proj": "colwise",
        "layers.*.mlp.down_proj": "rowwise",
    }

    head_dim: int = 128
    attention_bias: bool = False


class Qwen3Attention(Qwen2Attention):
    """Causal self-attention with rotary positions; each head's queries and keys are normed."""

    def __init__(self, config: Qwen3Config, layer_idx: int):
        super().__init__(config, layer_idx)
        self.o_proj = nn.Linear(
            config.num_attention_heads * self.head_dim,
            config.hidden_size,
            bias=config.attention_bias,
        )
        self.q_norm = Qwen2RMSNorm(self.head_dim, eps=config.rms_norm_eps)
        self.k_norm = Qwen2RMSNorm(self.head_dim, eps=config.rms_norm_eps)

    def project(
        self, hidden_states: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        query, key = (
            norm(proj(hidden_states).unflatten(-1, (-1, self.head_dim))).flatten(-2)
            for norm, proj in ((self.q_norm, self.q_proj), (self.k_norm, self.k_proj))
        )
        return query, key, self.v_proj(hidden_states)


class Qwen3Model(Qwen2Model):
    pass


class Qwen3ForCausalLM(Qwen2ForCausalLM):
    pass


class Qwen3ForSequenceClassification(Qwen2ForSequenceClassification):
    pass


__all__ = [
    "Qwen3Config",
    "Qwen3ForCausalLM",
    "Qwen3ForSequenceClassification",
    "Qwen3Model",
]
