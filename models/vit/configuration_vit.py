from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig


@strict
class ViTConfig(PreTrainedConfig):
    """Sizes and switches of a vision transformer; as it stands, ViT-B/16 for images of 224 by 224.

    Paper: An Image is Worth 16x16 Words (Dosovitskiy et al. 2020, arXiv:2010.11929). Layers, heads
    and sizes are those of its table 1, without dropout, as in its fine-tuning; the norm's epsilon is
    that of the published `config.json` files, which the field names are those of, too.
    """

    model_type = "vit"

    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float | int = 0.0
    attention_probs_dropout_prob: float | int = 0.0
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    image_size: int | list[int] | tuple[int, int] = 224  # both sides, or height and width
    patch_size: int | list[int] | tuple[int, int] = 16
    num_channels: int = 3
    qkv_bias: bool = True
    encoder_stride: int = 16  # of masked image modelling: the patch size, again
    pooler_output_size: int | None = None  # None: hidden_size
    pooler_act: str = "tanh"

    def __post_init__(self, **kwargs):
        if self.pooler_output_size is None:
            self.pooler_output_size = self.hidden_size
        super().__post_init__(**kwargs)


__all__ = ["ViTConfig"]
