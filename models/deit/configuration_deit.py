# unravel: generated from modular/modular_deit.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: 087a24abfc4c2840

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig


@strict
class DeiTConfig(PreTrainedConfig):
    """Sizes and switches of a data-efficient image transformer; as it stands, DeiT-B for 224 by 224.

    Paper: Training data-efficient image transformers & distillation through attention (Touvron et
    al. 2020, arXiv:2012.12877). Sizes are those of its table 1, the norm's epsilon is that of the
    published `config.json` files.
    """

    model_type = "deit"

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


__all__ = ["DeiTConfig"]
