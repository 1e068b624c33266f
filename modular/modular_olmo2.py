import torch
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs

from models.llama.modeling_llama import LlamaRMSNorm
from models.olmo.configuration_olmo import OlmoConfig
from models.olmo.modeling_olmo import (
    OlmoAttention,
    OlmoDecoderLayer,
    OlmoForCausalLM,
    OlmoForSequenceClassification,
    OlmoModel,
)


class Olmo2Config(OlmoConfig):
    """Sizes and switches of an OLMo 2 decoder; as it stands, of the sizes of OLMo 7B.

    Paper: 2 OLMo 2 Furious (Team OLMo 2024, arXiv:2501.00656). The defaults are what the published
    `config.json` files leave unsaid.
    """

    model_type = "olmo2"
    base_model_tp_plan = {
        # the norms of queries and keys run over all heads, so their projections are gathered first
        "layers.*.self_attn.q_proj": "colwise_gather_output",
        "layers.*.self_attn.k_proj": "colwise_gather_output",
        "layers.*.self_attn.v_proj": "colwise_gather_output",
        "layers.*.self_attn.o_proj": "rowwise_split_input",
        "layers.*.mlp.gate_proj": "colwise",
        "layers.*.mlp.up_proj": "colwise",
        "layers.*.mlp.down_proj": "rowwise",
    }

    rms_norm_eps: float = 1e-5
    clip_qkv = AttributeError()


class Olmo2RMSNorm(LlamaRMSNorm):
    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        # float32, the weight's product included
        return (self.weight * self.unscaled(hidden_states)).to(hidden_states.dtype)


class Olmo2Attention(OlmoAttention):
    """Causal self-attention with rotary positions; a token's queries are normed as one vector."""

    def __init__(self, config: Olmo2Config, layer_idx: int):
        super().__init__(config, layer_idx)
        self.q_norm = Olmo2RMSNorm(
            config.num_attention_heads * self.head_dim, eps=config.rms_norm_eps
        )
        self.k_norm = Olmo2RMSNorm(
            config.num_key_value_heads * self.head_dim, eps=config.rms_norm_eps
        )

    def project(
        self, hidden_states: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        query, key = (
            self.q_norm(self.q_proj(hidden_states)),
            self.k_norm(self.k_proj(hidden_states)),
        )
        return query, key, self.v_proj(hidden_states)


class Olmo2DecoderLayer(OlmoDecoderLayer):
    """Attention, then feed-forward, each normed on the way out and added to what it was given."""

    def __init__(self, config: Olmo2Config, layer_idx: int):
        super().__init__(config, layer_idx)
        del self.input_layernorm
        self.post_attention_layernorm = Olmo2RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.post_feedforward_layernorm = Olmo2RMSNorm(config.hidden_size, eps=config.rms_norm_eps)

    def forward(
        self, hidden_states: torch.Tensor, **kwargs: Unpack[TransformersKwargs]
    ) -> torch.Tensor:
        attended, _ = self.self_attn(hidden_states, **kwargs)
        hidden_states = hidden_states + self.post_attention_layernorm(attended)
        return hidden_states + self.post_feedforward_layernorm(self.mlp(hidden_states))


class Olmo2Model(OlmoModel):
    def __init__(self, config: Olmo2Config):
        super().__init__(config)
        self.norm = Olmo2RMSNorm(config.hidden_size, eps=config.rms_norm_eps)


class Olmo2ForCausalLM(OlmoForCausalLM):
    pass


class Olmo2ForSequenceClassification(OlmoForSequenceClassification):
    pass


__all__ = [
    "Olmo2Config",
    "Olmo2ForCausalLM",
    "Olmo2ForSequenceClassification",
    "Olmo2Model",
]
