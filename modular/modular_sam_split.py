from typing import Any

import torch
from torch import nn
from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import Chunk, WeightConverter

from models.sam.configuration_sam import SamVisionConfig
from models.sam.modeling_sam import (
    SamPreTrainedModel,
    SamVisionAttention,
    SamVisionEncoder,
    SamVisionModel,
)

PROJECTIONS = ("q_proj", "k_proj", "v_proj")


class SamSplitVisionConfig(SamVisionConfig):
    """Sizes and switches of the Segment Anything Model's image encoder, its projections apart.

    Everything else is `sam`'s, and so are its checkpoints. Apart, each projection can be adapted,
    quantised and sharded by itself, as adapters that name `q_proj` and `v_proj` do.
    """

    model_type = "sam_split_vision_model"


def split_projections(module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Before a module's weights are loaded: makes three projections of one, where there is one."""
    for kind in ("weight", "bias"):
        together = state_dict.pop(f"{prefix}qkv.{kind}", None)
        if together is not None:
            for name, projection in zip(PROJECTIONS, together.chunk(3), strict=True):
                state_dict[f"{prefix}{name}.{kind}"] = projection


class SamSplitVisionAttention(SamVisionAttention):
    def __init__(self, config: SamSplitVisionConfig, size: tuple[int, int]):
        super().__init__(config, size)
        del self.qkv
        self.q_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=config.qkv_bias)
        self.k_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=config.qkv_bias)
        self.v_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=config.qkv_bias)
        self.register_load_state_dict_pre_hook(split_projections)

    def project(
        self, hidden_states: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.q_proj(hidden_states), self.k_proj(hidden_states), self.v_proj(hidden_states)


class SamSplitPreTrainedModel(SamPreTrainedModel):
    @classmethod
    def from_pretrained(cls, *args, **kwargs):
        """As the library's; checkpoints may have the projections together, as `sam`'s have."""
        converters = [
            WeightConverter(
                source_patterns=f"attn.qkv.{kind}",
                target_patterns=[f"attn.{name}.{kind}" for name in PROJECTIONS],
                operations=[Chunk(dim=0)],
            )
            for kind in ("weight", "bias")
        ]
        # Files are loaded tensor by tensor, without the hooks of modules.
        register_checkpoint_conversion_mapping(cls.__name__, converters, overwrite=True)
        return super().from_pretrained(*args, **kwargs)


class SamSplitVisionEncoder(SamVisionEncoder):
    pass


class SamSplitVisionModel(SamVisionModel):
    pass


__all__ = [
    "SamSplitPreTrainedModel",
    "SamSplitVisionConfig",
    "SamSplitVisionEncoder",
    "SamSplitVisionModel",
]
