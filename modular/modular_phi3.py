import torch
from torch import nn
from transformers.activations import ACT2FN
from transformers.cache_utils import Cache
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs

from models.mistral.configuration_mistral import MistralConfig
from models.mistral.modeling_mistral import (
    MistralAttention,
    MistralDecoderLayer,
    MistralForCausalLM,
    MistralForSequenceClassification,
    MistralMLP,
    MistralModel,
    MistralRotaryEmbedding,
)


class Phi3Config(MistralConfig):
    """Sizes and switches of a Phi-3 decoder; as it stands, Phi-3-mini with a context of 4096.

    Paper: Phi-3 (Abdin et al. 2024, arXiv:2404.14219). Layers, heads and hidden size are those of
    its section 2; the rest is what the published `config.json` files leave unsaid.
    """

    model_type = "phi3"
    base_model_tp_plan = {
        # several projections are one matrix, so what they give is gathered before it is split
        "layers.*.self_attn.qkv_proj": "colwise_gather_output",
        "layers.*.self_attn.o_proj": "rowwise_split_input",
        "layers.*.mlp.gate_up_proj": "colwise_gather_output",
        "layers.*.mlp.down_proj": "rowwise_split_input",
    }

    vocab_size: int = 32064
    hidden_size: int = 3072
    intermediate_size: int = 8192
    num_key_value_heads: int | None = None  # None: as many as attention heads
    max_position_embeddings: int = 4096
    original_max_position_embeddings: int = 4096
    rms_norm_eps: float = 1e-5
    resid_pdrop: float | int = 0.0
    embd_pdrop: float | int = 0.0  # kept for old config files  # unravel: ignore[UNM114]
    sliding_window: int | None = None  # how many tokens one sees, itself included; None: all
    pad_token_id: int | None = 32000
    eos_token_id: int | list[int] | None = 32000
    head_dim = AttributeError()

    def __post_init__(self, **kwargs):
        super().__post_init__(**kwargs)
        share = kwargs.get("partial_rotary_factor", 1.0)
        self.rope_parameters.setdefault("partial_rotary_factor", share)


class Phi3RotaryEmbedding(MistralRotaryEmbedding):
    """Cosines and sines of rotary positions for the first part of each head's features.

    `partial_rotary_factor` of `rope_parameters` says how large it is.
    """

    @staticmethod
    def rotated_features(config: Phi3Config) -> int:
        """How many features of a head are turned: the first ones."""
        head_dim = config.hidden_size // config.num_attention_heads
        return int(head_dim * config.rope_parameters["partial_rotary_factor"])


def rotate(states: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Turns each pair of the first features by its angle; the others stay.

    `states` is (batch, heads, length, head_dim), `cos` and `sin` are (batch, length, rotated).
    What comes back has the shape and dtype of `states`; the arithmetic has the wider dtype.
    """
    rotated, rest = states.split([cos.shape[-1], states.shape[-1] - cos.shape[-1]], dim=-1)
    first, second = rotated.chunk(2, dim=-1)
    quarter_turned = torch.cat((-second, first), dim=-1)
    rotated = (rotated * cos[:, None] + quarter_turned * sin[:, None]).to(states.dtype)
    return torch.cat((rotated, rest), dim=-1)


class Phi3Attention(MistralAttention):
    """Causal self-attention with rotary positions; one matrix projects queries, keys and values."""

    def __init__(self, config: Phi3Config, layer_idx: int):
        super().__init__(config, layer_idx)
        heads = config.num_attention_heads, config.num_key_value_heads, config.num_key_value_heads
        self.sizes = [each * self.head_dim for each in heads]
        del self.q_proj
        del self.k_proj
        del self.v_proj
        self.qkv_proj = nn.Linear(config.hidden_size, sum(self.sizes), bias=False)

    def project(
        self, hidden_states: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.qkv_proj(hidden_states).split(self.sizes, dim=-1)


class Phi3MLP(MistralMLP):
    """Gated feed-forward network whose gate and up projections are one matrix."""

    def __init__(self, config: Phi3Config):
        nn.Module.__init__(self)
        self.gate_up_proj = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)
        self.act_fn = ACT2FN[config.hidden_act]

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        gate, up = self.gate_up_proj(hidden_states).chunk(2, dim=-1)
        return self.down_proj(up * self.act_fn(gate))


class Phi3DecoderLayer(MistralDecoderLayer):
    def __init__(self, config: Phi3Config, layer_idx: int):
        super().__init__(config, layer_idx)
        self.resid_attn_dropout = nn.Dropout(config.resid_pdrop)
        self.resid_mlp_dropout = nn.Dropout(config.resid_pdrop)

    def forward(
        self, hidden_states: torch.Tensor, **kwargs: Unpack[TransformersKwargs]
    ) -> torch.Tensor:
        attended, _ = self.self_attn(self.input_layernorm(hidden_states), **kwargs)
        hidden_states = hidden_states + self.resid_attn_dropout(attended)
        fed = self.mlp(self.post_attention_layernorm(hidden_states))
        return hidden_states + self.resid_mlp_dropout(fed)


class Phi3Model(MistralModel):
    pass


class Phi3ForCausalLM(MistralForCausalLM):
    def prepare_inputs_for_generation(
        self,
        input_ids: torch.LongTensor,
        next_sequence_length: int | None = None,
        past_key_values: Cache | None = None,
        attention_mask: torch.Tensor | None = None,
        **kwargs,
    ) -> dict:
        """Inputs of the next step: the new tokens, or all when a text outgrows the short factors.

        Keys that were turned by the short factors do not fit queries turned by the long ones.
        """
        scaled = self.config.rope_parameters["rope_type"] == "longrope"
        limit = self.config.original_max_position_embeddings
        seen = 0 if past_key_values is None else past_key_values.get_seq_length()
        if scaled and 0 < seen <= limit < input_ids.shape[1]:
            next_sequence_length = past_key_values = None
        return super().prepare_inputs_for_generation(
            input_ids, next_sequence_length, past_key_values, attention_mask, **kwargs
        )


class Phi3ForSequenceClassification(MistralForSequenceClassification):
    pass


__all__ = [
    "Phi3Config",
    "Phi3ForCausalLM",
    "Phi3ForSequenceClassification",
    "Phi3Model",
]
