import torch
from torch import nn
from transformers.activations import ACT2FN
from transformers.configuration_utils import PreTrainedConfig
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs

from models.gemma.configuration_gemma import GemmaConfig
from models.gemma.modeling_gemma import (
    GemmaAttention,
    GemmaDecoderLayer,
    GemmaForCausalLM,
    GemmaForSequenceClassification,
    GemmaMLP,
    GemmaModel,
    GemmaPreTrainedModel,
    GemmaRMSNorm,
)
from models.qwen2.modeling_qwen2 import masks_by_type


class Gemma2Config(GemmaConfig):
    """Sizes and switches of a Gemma 2 decoder; as it stands, Gemma 2 2B.

    Paper: Gemma 2 (Riviere et al. 2024, arXiv:2408.00118). Sizes are those of its table 1, window
    and caps those of section 2; the feed-forward size there counts both halves of the gated network.
    """

    model_type = "gemma2"

    hidden_size: int = 2304
    intermediate_size: int = 9216
    num_hidden_layers: int = 26
    num_attention_heads: int = 8
    num_key_value_heads: int = 4
    hidden_activation: str = "gelu_pytorch_tanh"
    query_pre_attn_scalar: int = 256  # queries are divided by its square root
    sliding_window: int | None = 4096  # how many tokens one sees, itself included
    layer_types: list[str] | None = None  # None: sliding_attention, full_attention, and so on
    final_logit_softcapping: float | None = 30.0  # None: logits are not capped
    attn_logit_softcapping: float | None = 50.0
    hidden_act = AttributeError()

    def __post_init__(self, **kwargs):
        if self.layer_types is None:
            self.layer_types = [
                "full_attention" if layer % 2 else "sliding_attention"
                for layer in range(self.num_hidden_layers)
            ]
        PreTrainedConfig.__post_init__(self, **kwargs)


def soft_cap(scores: torch.Tensor, cap: float | None) -> torch.Tensor:
    """Keeps scores between plus and minus `cap`, smoothly."""
    return scores if cap is None else torch.tanh(scores / cap) * cap


def attention_scores(
    query: torch.Tensor,
    key: torch.Tensor,
    scaling: float,
    softcap: float | None = None,
    **kwargs,
) -> torch.Tensor:
    """Llama's scores, capped."""
    return soft_cap(query @ key.transpose(2, 3) * scaling, softcap)


class Gemma2MLP(GemmaMLP):
    def __init__(self, config: Gemma2Config):
        nn.Module.__init__(self)
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)
        self.act_fn = ACT2FN[config.hidden_activation]


class Gemma2Attention(GemmaAttention):
    """Causal self-attention with rotary positions and capped scores, in turn over a window."""

    def __init__(self, config: Gemma2Config, layer_idx: int):
        windowed = config.layer_types[layer_idx] == "sliding_attention"
        super().__init__(config, layer_idx)
        self.scaling = config.query_pre_attn_scalar**-0.5
        self.attention_options = {
            "sliding_window": config.sliding_window if windowed else None,
            "softcap": config.attn_logit_softcapping,
        }


class Gemma2DecoderLayer(GemmaDecoderLayer):
    """Attention, then feed-forward, each normed on the way in and on the way out."""

    def __init__(self, config: Gemma2Config, layer_idx: int):
        super().__init__(config, layer_idx)
        self.pre_feedforward_layernorm = GemmaRMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.post_feedforward_layernorm = GemmaRMSNorm(config.hidden_size, eps=config.rms_norm_eps)

    def forward(
        self, hidden_states: torch.Tensor, **kwargs: Unpack[TransformersKwargs]
    ) -> torch.Tensor:
        attended, _ = self.self_attn(self.input_layernorm(hidden_states), **kwargs)
        hidden_states = hidden_states + self.post_attention_layernorm(attended)
        fed = self.mlp(self.pre_feedforward_layernorm(hidden_states))
        return hidden_states + self.post_feedforward_layernorm(fed)


class Gemma2PreTrainedModel(GemmaPreTrainedModel):
    _supports_sdpa = False  # it could not cap the scores


class Gemma2Model(GemmaModel):
    def layer_masks(self, attention_mask: torch.Tensor | dict | None, **inputs) -> list:
        return masks_by_type(self.config, attention_mask, **inputs)


class Gemma2ForCausalLM(GemmaForCausalLM):
    def vocabulary_logits(
        self, hidden_states: torch.Tensor, logits_to_keep: int | torch.Tensor
    ) -> torch.Tensor:
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        return soft_cap(self.lm_head(hidden_states[:, kept]), self.config.final_logit_softcapping)


class Gemma2ForSequenceClassification(GemmaForSequenceClassification):
    pass


__all__ = [
    "Gemma2Config",
    "Gemma2ForCausalLM",
    "Gemma2ForSequenceClassification",
    "Gemma2Model",
    "Gemma2PreTrainedModel",
]
