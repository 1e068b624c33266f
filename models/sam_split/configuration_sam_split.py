# unravel: generated from modular/modular_sam_split.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: f2c9b5cf72c85518

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig


@strict
class SamSplitVisionConfig(PreTrainedConfig):
    """Sizes and switches of the Segment Anything Model's image encoder, its projections apart.

    Everything else is `sam`'s, and so are its checkpoints. Apart, each projection can be adapted,
    quantised and sharded by itself, as adapters that name `q_proj` and `v_proj` do.
    """

    model_type = "sam_split_vision_model"
    base_config_key = "vision_config"

    hidden_size: int = 768
    output_channels: int = 256
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    num_channels: int = 3
    image_size: int | list[int] | tuple[int, int] = 1024  # both sides, or height and width
    patch_size: int | list[int] | tuple[int, int] = 16
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-6
    attention_dropout: float | int = 0.0
    initializer_range: float = 1e-10
    qkv_bias: bool = True
    mlp_ratio: float = 4.0
    use_abs_pos: bool = True
    use_rel_pos: bool = True
    window_size: int = 14  # 0: each patch sees all others in each layer
    global_attn_indexes: list[int] | tuple[int, ...] = (2, 5, 8, 11)  # layers without windows
    num_pos_feats: int = 128  # kept for config files, like scale: of the prompt encoder
    mlp_dim: int | None = None  # None: mlp_ratio * hidden_size

    def __post_init__(self, **kwargs):
        if self.mlp_dim is None:
            self.mlp_dim = int(self.hidden_size * self.mlp_ratio)
        self.scale = self.hidden_size // 2
        super().__post_init__(**kwargs)


__all__ = ["SamSplitVisionConfig"]
