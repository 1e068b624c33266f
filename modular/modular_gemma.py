from typing import ClassVar

import torch
from torch import nn
from transformers import initialization as init
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_utils import PreTrainedModel

from models.llama.configuration_llama import LlamaConfig
from models.llama.modeling_llama import (
    LlamaAttention,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    LlamaModel,
    LlamaPreTrainedModel,
    LlamaRMSNorm,
)


class GemmaConfig(LlamaConfig):
    """Sizes and switches of a Gemma decoder; as it stands, Gemma 7B.

    Paper: Gemma (Mesnard et al. 2024, arXiv:2403.08295). Sizes are those of its table 1; the
    feed-forward size there counts both halves of the gated network.
    """

    model_type = "gemma"

    vocab_size: int = 256000
    hidden_size: int = 3072
    intermediate_size: int = 24576
    num_hidden_layers: int = 28
    num_attention_heads: int = 16
    num_key_value_heads: int = 16
    head_dim: int = 256
    hidden_act: str = "gelu_pytorch_tanh"
    max_position_embeddings: int = 8192
    tie_word_embeddings: bool = True
    pad_token_id: int | None = 0
    bos_token_id: int | None = 2
    eos_token_id: int | list[int] | None = 1
    # Whether attention functions are told that it is not causal; masks, where they are made, stay so.
    use_bidirectional_attention: bool | None = None
    mlp_bias: ClassVar[bool] = False  # no field: there never is any
    pretraining_tp = AttributeError()

    def __post_init__(self, **kwargs):
        if self.hidden_act == "gelu":  # so the first files call the approximation that is meant
            self.hidden_act = "gelu_pytorch_tanh"
        PreTrainedConfig.__post_init__(self, **kwargs)


class GemmaRMSNorm(LlamaRMSNorm):
    """Divides each vector by its root mean square, times one plus a learned weight."""

    def __init__(self, hidden_size: int, eps: float = 1e-6):
        super().__init__(hidden_size, eps)
        self.weight = nn.Parameter(torch.zeros(hidden_size))

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        # float32, the weight's product included
        return (self.unscaled(hidden_states) * (1.0 + self.weight.float())).to(hidden_states.dtype)


class GemmaTextScaledWordEmbedding(nn.Embedding):
    """Word embeddings times a factor, which is rounded to their dtype first."""

    def __init__(self, num: int, size: int, padding_idx: int | None, embed_scale: float):
        super().__init__(num, size, padding_idx)
        self.scalar_embed_scale = embed_scale
        self.register_buffer("embed_scale", torch.tensor(embed_scale), persistent=False)

    def forward(self, input_ids: torch.LongTensor) -> torch.Tensor:
        """(batch, length) -> (batch, length, hidden_size)"""
        return super().forward(input_ids) * self.embed_scale.to(self.weight.dtype)


class GemmaAttention(LlamaAttention):
    def __init__(self, config: GemmaConfig, layer_idx: int):
        super().__init__(config, layer_idx)
        self.is_causal = not config.use_bidirectional_attention


class GemmaPreTrainedModel(LlamaPreTrainedModel):
    def _init_weights(self, module: nn.Module):
        PreTrainedModel._init_weights(self, module)
        if isinstance(module, GemmaRMSNorm):
            init.zeros_(module.weight)
        elif isinstance(module, GemmaTextScaledWordEmbedding):
            init.constant_(module.embed_scale, module.scalar_embed_scale)


class GemmaModel(LlamaModel):
    def __init__(self, config: GemmaConfig):
        super().__init__(config)
        self.embed_tokens = GemmaTextScaledWordEmbedding(
            config.vocab_size, config.hidden_size, config.pad_token_id, config.hidden_size**0.5
        )


class GemmaForCausalLM(LlamaForCausalLM):
    pass


class GemmaForSequenceClassification(LlamaForSequenceClassification):
    pass


__all__ = [
    "GemmaConfig",
    "GemmaForCausalLM",
    "GemmaForSequenceClassification",
    "GemmaModel",
    "GemmaPreTrainedModel",
]
