from models.llama.configuration_llama import LlamaConfig
from models.llama.modeling_llama import (
    LlamaAttention,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    LlamaModel,
)


class BrandNewLlamaConfig(LlamaConfig):
    """Sizes and switches of a Llama decoder whose attention may be sharper or flatter.

    It is made up, to show how a model is added; its defaults are those of Llama 7B
    (arXiv:2302.13971), which it then equals.
    """

    model_type = "brand_new_llama"

    attention_scale: float | None = None  # what scores are multiplied by; None: 1 / sqrt(head_dim)
    pretraining_tp = AttributeError()


class BrandNewLlamaAttention(LlamaAttention):
    def __init__(self, config: BrandNewLlamaConfig, layer_idx: int):
        super().__init__(config, layer_idx)
        if config.attention_scale is not None:
            self.scaling = config.attention_scale


class BrandNewLlamaModel(LlamaModel):
    pass


class BrandNewLlamaForCausalLM(LlamaForCausalLM):
    pass


class BrandNewLlamaForSequenceClassification(LlamaForSequenceClassification):
    pass


__all__ = [
    "BrandNewLlamaConfig",
    "BrandNewLlamaForCausalLM",
    "BrandNewLlamaForSequenceClassification",
    "BrandNewLlamaModel",
]
