from typing import ClassVar

import torch
from torch import nn
from transformers.masking_utils import create_causal_mask, create_sliding_window_causal_mask

from models.llama.configuration_llama import LlamaConfig
from models.llama.modeling_llama import (
    LlamaAttention,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    LlamaModel,
)


class Qwen2Config(LlamaConfig):
    """Sizes and switches of a Qwen2 decoder.

    Paper: Qwen2 Technical Report (Yang et al. 2024, arXiv:2407.10671). The defaults are what the
    published `config.json` files leave unsaid; they are no model of the paper's table 1.
    """

    model_type = "qwen2"

    vocab_size: int = 151936
    intermediate_size: int = 22016
    num_key_value_heads: int | None = 32  # None: as many as attention heads
    max_position_embeddings: int = 32768
    use_sliding_window: bool = False
    sliding_window: int | None = 4096  # how many tokens one sees, itself included
    max_window_layers: int = 28  # how many of the first layers have no window even so
    layer_types: list[str] | None = None  # full_attention, sliding_attention; None: by the above
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None
    head_dim = AttributeError()
    attention_bias: ClassVar[bool] = True  # no field: always
    mlp_bias: ClassVar[bool] = False
    pretraining_tp = AttributeError()

    def __post_init__(self, **kwargs):
        if not self.use_sliding_window:
            self.sliding_window = None
        if self.layer_types is None:
            full = self.num_hidden_layers if self.sliding_window is None else self.max_window_layers
            self.layer_types = [
                "full_attention" if layer < full else "sliding_attention"
                for layer in range(self.num_hidden_layers)
            ]
        super().__post_init__(**kwargs)


class Qwen2Attention(LlamaAttention):
    """Causal self-attention with rotary positions; queries, keys and values have biases."""

    def __init__(self, config: Qwen2Config, layer_idx: int):
        windowed = config.layer_types[layer_idx] == "sliding_attention"
        super().__init__(config, layer_idx)
        self.attention_options = {"sliding_window": config.sliding_window if windowed else None}
        self.o_proj = nn.Linear(
            config.num_attention_heads * self.head_dim, config.hidden_size, bias=False
        )


def masks_by_type(
    config: Qwen2Config, attention_mask: torch.Tensor | dict | None, **inputs
) -> list:
    """One attention mask for each layer, by the layer's type.

    `attention_mask` may already hold a mask for each type. The rest of the inputs is what the
    library makes masks from.
    """
    masks = attention_mask
    if not isinstance(attention_mask, dict):
        kinds = {
            "full_attention": create_causal_mask,
            "sliding_attention": create_sliding_window_causal_mask,
        }
        masks = {
            kind: create_mask(config, attention_mask=attention_mask, **inputs)
            for kind, create_mask in kinds.items()
            if kind in config.layer_types
        }
    return [masks[kind] for kind in config.layer_types]


class Qwen2Model(LlamaModel):
    def layer_masks(self, attention_mask: torch.Tensor | dict | None, **inputs) -> list:
        return masks_by_type(self.config, attention_mask, **inputs)


class Qwen2ForCausalLM(LlamaForCausalLM):
    pass


class Qwen2ForSequenceClassification(LlamaForSequenceClassification):
    pass


__all__ = [
    "Qwen2Config",
    "Qwen2ForCausalLM",
    "Qwen2ForSequenceClassification",
    "Qwen2Model",
]
