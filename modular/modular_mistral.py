from typing import ClassVar

from transformers.masking_utils import create_causal_mask, create_sliding_window_causal_mask

from models.llama.configuration_llama import LlamaConfig
from models.llama.modeling_llama import (
    LlamaAttention,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    LlamaModel,
)


class MistralConfig(LlamaConfig):
    """Sizes and switches of a Mistral decoder; as it stands, Mistral 7B.

    Paper: Mistral 7B (Jiang et al. 2023, arXiv:2310.06825). Sizes and window are those of its
    table 1; the largest position is how far the last layer sees back according to its section 2,
    32 windows of 4096 tokens.
    """

    model_type = "mistral"

    intermediate_size: int = 14336
    num_key_value_heads: int | None = 8  # None: as many as attention heads
    max_position_embeddings: int = 131072
    sliding_window: int | None = 4096  # how many tokens one sees, itself included; None: all
    attention_bias: ClassVar[bool] = False  # no field: there never is any
    mlp_bias: ClassVar[bool] = False
    pretraining_tp = AttributeError()


class MistralAttention(LlamaAttention):
    """Causal self-attention with rotary positions over a sliding window."""

    def __init__(self, config: MistralConfig, layer_idx: int):
        super().__init__(config, layer_idx)
        self.attention_options = {"sliding_window": config.sliding_window}


class MistralModel(LlamaModel):
    def layer_masks(self, **inputs) -> list:
        windowed = self.config.sliding_window is not None
        create_mask = create_sliding_window_causal_mask if windowed else create_causal_mask
        return [create_mask(self.config, **inputs)] * self.config.num_hidden_layers


class MistralForCausalLM(LlamaForCausalLM):
    pass


class MistralForSequenceClassification(LlamaForSequenceClassification):
    pass


__all__ = [
    "MistralConfig",
    "MistralForCausalLM",
    "MistralForSequenceClassification",
    "MistralModel",
]
