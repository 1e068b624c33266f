from dataclasses import dataclass

import torch
from torch import nn
from transformers import initialization as init
from transformers.modeling_outputs import ModelOutput
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple

from models.vit.configuration_vit import ViTConfig
from models.vit.modeling_vit import (
    ViTEmbeddings,
    ViTForImageClassification,
    ViTForMaskedImageModeling,
    ViTModel,
    ViTPreTrainedModel,
    linear_head,
)


class DeiTConfig(ViTConfig):
    """Sizes and switches of a data-efficient image transformer; as it stands, DeiT-B for 224 by 224.

    Paper: Training data-efficient image transformers & distillation through attention (Touvron et
    al. 2020, arXiv:2012.12877). Sizes are those of its table 1, the norm's epsilon is that of the
    published `config.json` files.
    """

    model_type = "deit"


class DeiTEmbeddings(ViTEmbeddings):
    """The patches behind the class and distillation tokens, each with a learned position."""

    def __init__(self, config: DeiTConfig, use_mask_token: bool = False):
        super().__init__(config, use_mask_token)
        self.distillation_token = nn.Parameter(torch.zeros(1, 1, config.hidden_size))
        self.position_embeddings = nn.Parameter(
            torch.zeros(1, self.patch_embeddings.num_patches + 2, config.hidden_size)
        )

    def draw(self, std: float):
        for parameter in self.parameters(recurse=False):
            init.zeros_(parameter)

    def first_tokens(self) -> list[torch.Tensor]:
        return [self.cls_token, self.distillation_token]


class DeiTPreTrainedModel(ViTPreTrainedModel):
    pass


class DeiTModel(ViTModel):
    pass


class DeiTForImageClassification(ViTForImageClassification):
    pass


class DeiTForMaskedImageModeling(ViTForMaskedImageModeling):
    pass


@dataclass
class DeiTForImageClassificationWithTeacherOutput(ModelOutput):
    """The mean of two heads' scores, and each one's, (batch, num_labels)."""

    logits: torch.Tensor | None = None
    cls_logits: torch.Tensor | None = None
    distillation_logits: torch.Tensor | None = None
    hidden_states: tuple[torch.Tensor, ...] | None = None
    attentions: tuple[torch.Tensor, ...] | None = None


class DeiTForImageClassificationWithTeacher(DeiTPreTrainedModel):
    """The encoder with a head on the class token and one, trained by a teacher, on the other.

    For inference: training needs the teacher, and a loss of its own (section 4 of the paper).
    """

    def __init__(self, config: DeiTConfig):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.deit = DeiTModel(config, add_pooling_layer=False)
        self.cls_classifier = linear_head(config)
        self.distillation_classifier = linear_head(config)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        pixel_values: torch.Tensor | None = None,
        interpolate_pos_encoding: bool | None = None,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> DeiTForImageClassificationWithTeacherOutput:
        """(batch, channels, height, width) -> three logits (batch, num_labels)."""
        outputs = self.deit(
            pixel_values,
            interpolate_pos_encoding=interpolate_pos_encoding,
            attention_mask=attention_mask,
            **kwargs,
        )
        cls_logits = self.cls_classifier(outputs.last_hidden_state[:, 0])
        distillation_logits = self.distillation_classifier(outputs.last_hidden_state[:, 1])
        return DeiTForImageClassificationWithTeacherOutput(
            logits=(cls_logits + distillation_logits) / 2,
            cls_logits=cls_logits,
            distillation_logits=distillation_logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )


__all__ = [
    "DeiTConfig",
    "DeiTForImageClassification",
    "DeiTForImageClassificationWithTeacher",
    "DeiTForMaskedImageModeling",
    "DeiTModel",
    "DeiTPreTrainedModel",
]
