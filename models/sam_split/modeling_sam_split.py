# unravel: generated from modular/modular_sam_split.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: 7777dc73975ec5e2

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers import initialization as init
from transformers.activations import ACT2FN
from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import Chunk, WeightConverter
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutput
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS, PreTrainedModel
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs
from transformers.utils.generic import merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs

from .configuration_sam_split import SamSplitVisionConfig


def eager_attention_forward(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **kwargs,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention written out, for `attn_implementation="eager"`: it can return its weights.

    `query`, `key` and `value` are (batch, heads, length, head_dim); the mask is added to the
    scores. Returns (batch, length, heads, head_dim) and the weights, (batch, heads, length, length).
    """
    scores = query * scaling @ key.transpose(2, 3)
    if attention_mask is not None:
        scores = scores + attention_mask
    # float32: the softmax's sum runs over thousands of patches
    weights = nn.functional.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    weights = nn.functional.dropout(weights, p=dropout, training=module.training)
    return (weights @ value).transpose(1, 2).contiguous(), weights


PROJECTIONS = ("q_proj", "k_proj", "v_proj")


def split_projections(module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Before a module's weights are loaded: makes three projections of one, where there is one."""
    for kind in ("weight", "bias"):
        together = state_dict.pop(f"{prefix}qkv.{kind}", None)
        if together is not None:
            for name, projection in zip(PROJECTIONS, together.chunk(3), strict=True):
                state_dict[f"{prefix}{name}.{kind}"] = projection


class SamSplitVisionAttention(nn.Module):
    """Each patch attends to all patches of its window, those nearby told from those far away.

    What a query adds to its score for a distance is learned, for rows and columns apart
    (arXiv:2112.01526, section 4.1, decomposed relative positions). `size` is that of the window.
    """

    def __init__(self, config: SamSplitVisionConfig, size: tuple[int, int]):
        super().__init__()
        if config.hidden_size % config.num_attention_heads:
            raise ValueError(
                f"hidden_size ({config.hidden_size}) is not a multiple of num_attention_heads "
                f"({config.num_attention_heads})"
            )
        self.config = config
        self.num_attention_heads = config.num_attention_heads
        self.head_dim = config.hidden_size // config.num_attention_heads
        self.scaling = self.head_dim**-0.5
        self.attention_dropout = config.attention_dropout
        self.is_causal = False
        self.use_rel_pos = config.use_rel_pos
        self.proj = nn.Linear(config.hidden_size, config.hidden_size)
        if self.use_rel_pos:
            self.rel_pos_h = nn.Parameter(torch.zeros(2 * size[0] - 1, self.head_dim))
            self.rel_pos_w = nn.Parameter(torch.zeros(2 * size[1] - 1, self.head_dim))
        self.q_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=config.qkv_bias)
        self.k_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=config.qkv_bias)
        self.v_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=config.qkv_bias)
        self.register_load_state_dict_pre_hook(split_projections)

    def project(
        self, hidden_states: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(..., hidden_size) -> query, key and value of the same shape."""
        return self.q_proj(hidden_states), self.k_proj(hidden_states), self.v_proj(hidden_states)

    def position_scores(self, query: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
        """(batch, heads, rows * columns, head_dim) -> (batch, heads, rows * columns, the same).

        Scores of distances, one a row and one a column apart, for each query and each key.
        """
        query = query.unflatten(2, (rows, columns))
        row, column = (torch.arange(size, device=query.device) for size in (rows, columns))
        of_rows = self.rel_pos_h[row[:, None] - row + rows - 1]
        of_columns = self.rel_pos_w[column[:, None] - column + columns - 1]
        row_scores = torch.einsum("bnrcd,rsd->bnrcs", query, of_rows)
        column_scores = torch.einsum("bnrcd,csd->bnrcs", query, of_columns)
        return (row_scores[..., None] + column_scores[..., None, :]).flatten(4).flatten(2, 3)

    def forward(
        self, hidden_states: torch.Tensor, **kwargs: Unpack[TransformersKwargs]
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(windows, rows, columns, hidden_size) -> the same shape, and the weights or None.

        The weights are (windows * heads, patches, patches).
        """
        rows, columns = hidden_states.shape[1:3]
        query, key, value = (
            states.flatten(1, 2).unflatten(-1, (self.num_attention_heads, -1)).transpose(1, 2)
            for states in self.project(hidden_states)
        )
        attention: Callable = ALL_ATTENTION_FUNCTIONS.get_interface(
            self.config._attn_implementation, eager_attention_forward
        )
        attended, weights = attention(
            self,
            query,
            key,
            value,
            self.position_scores(query, rows, columns) if self.use_rel_pos else None,
            dropout=self.attention_dropout if self.training else 0.0,
            scaling=self.scaling,
            **kwargs,
        )
        attended = self.proj(attended.reshape(hidden_states.shape))
        return attended, None if weights is None else weights.flatten(0, 1)


class SamSplitMLPBlock(nn.Module):
    """The feed-forward network."""

    def __init__(self, config: SamSplitVisionConfig):
        super().__init__()
        self.lin1 = nn.Linear(config.hidden_size, config.mlp_dim)
        self.lin2 = nn.Linear(config.mlp_dim, config.hidden_size)
        self.act = ACT2FN[config.hidden_act]

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., hidden_size)"""
        return self.lin2(self.act(self.lin1(hidden_states)))


def into_windows(hidden_states: torch.Tensor, window: int) -> torch.Tensor:
    """(batch, rows, columns, hidden_size) -> (batch * windows, window, window, hidden_size)

    Windows at the bottom and on the right are filled up with zeros.
    """
    _, rows, columns, _ = hidden_states.shape
    hidden_states = nn.functional.pad(
        hidden_states, (0, 0, 0, -columns % window, 0, -rows % window)
    )
    windows = hidden_states.unflatten(2, (-1, window)).unflatten(1, (-1, window))
    return windows.transpose(2, 3).flatten(0, 2)


def out_of_windows(windows: torch.Tensor, batch: int, rows: int, columns: int) -> torch.Tensor:
    """(batch * windows, window, window, hidden_size) -> (batch, rows, columns, hidden_size)"""
    windows_across = -(columns // -windows.shape[1])
    windows = windows.unflatten(0, (batch, -1, windows_across)).transpose(2, 3)
    return windows.flatten(3, 4).flatten(1, 2)[:, :rows, :columns].contiguous()


class SamSplitVisionLayer(GradientCheckpointingLayer):
    """Attention, then feed-forward, each normed on the way in and added to what it was given.

    The attention keeps to windows unless `window` is 0; `size` is that of the image, in patches.
    """

    def __init__(self, config: SamSplitVisionConfig, window: int, size: tuple[int, int]):
        super().__init__()
        self.layer_norm1 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.attn = SamSplitVisionAttention(config, (window, window) if window else size)
        self.layer_norm2 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.mlp = SamSplitMLPBlock(config)
        self.window = window

    def forward(
        self, hidden_states: torch.Tensor, **kwargs: Unpack[TransformersKwargs]
    ) -> torch.Tensor:
        """(batch, rows, columns, hidden_size) -> the same shape."""
        batch, rows, columns, _ = hidden_states.shape
        attended = self.layer_norm1(hidden_states)
        if self.window:
            attended = into_windows(attended, self.window)
        attended, _ = self.attn(attended, **kwargs)
        if self.window:
            attended = out_of_windows(attended, batch, rows, columns)
        hidden_states = hidden_states + attended
        return hidden_states + self.mlp(self.layer_norm2(hidden_states))


class SamSplitPreTrainedModel(PreTrainedModel):
    """What the library needs to know to initialise, load, split and run these models."""

    config: SamSplitVisionConfig
    base_model_prefix = "vision_encoder"
    main_input_name = "pixel_values"
    input_modalities = ("image",)
    supports_gradient_checkpointing = True
    _input_embed_layer = "patch_embed"
    _no_split_modules = ["SamSplitVisionLayer"]
    _supports_sdpa = True
    _can_compile_fullgraph = True
    _can_record_outputs = {
        "hidden_states": SamSplitVisionLayer,
        "attentions": SamSplitVisionAttention,
    }

    def _init_weights(self, module: nn.Module):
        super()._init_weights(module)
        if isinstance(module, SamSplitVisionAttention) and module.use_rel_pos:
            init.zeros_(module.rel_pos_h)
            init.zeros_(module.rel_pos_w)
        elif isinstance(module, SamSplitVisionEncoder) and module.pos_embed is not None:
            init.zeros_(module.pos_embed)

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


def height_and_width(size: int | list[int] | tuple[int, int]) -> tuple[int, int]:
    """A size of the config: one number stands for both sides."""
    height, width = (size, size) if isinstance(size, int) else size
    return height, width


class SamSplitPatchEmbeddings(nn.Module):
    """Cuts an image into patches that do not overlap, and makes a vector of each."""

    def __init__(self, config: SamSplitVisionConfig):
        super().__init__()
        self.image_size = height_and_width(config.image_size)
        self.patch_size = height_and_width(config.patch_size)
        self.num_channels = config.num_channels
        self.projection = nn.Conv2d(
            config.num_channels,
            config.hidden_size,
            kernel_size=self.patch_size,
            stride=self.patch_size,
        )

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """(batch, channels, height, width) -> (batch, rows, columns, hidden_size)"""
        _, channels, *size = pixel_values.shape
        if channels != self.num_channels:
            raise ValueError(
                f"pixel_values have {channels} channels, but num_channels is {self.num_channels}"
            )
        if tuple(size) != self.image_size:
            raise ValueError(
                f"pixel_values are {tuple(size)} high and wide, but image_size is {self.image_size}"
            )
        return self.projection(pixel_values).permute(0, 2, 3, 1)


class SamSplitLayerNorm(nn.LayerNorm):
    """Norms each place of an image over its channels."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, channels, height, width) -> the same shape."""
        return super().forward(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class SamSplitVisionNeck(nn.Module):
    """Two convolutions, each with a norm, that bring the patches to the decoder's width."""

    def __init__(self, config: SamSplitVisionConfig):
        super().__init__()
        self.conv1 = nn.Conv2d(
            config.hidden_size, config.output_channels, kernel_size=1, bias=False
        )
        self.layer_norm1 = SamSplitLayerNorm(config.output_channels, eps=1e-6)
        self.conv2 = nn.Conv2d(
            config.output_channels, config.output_channels, kernel_size=3, padding=1, bias=False
        )
        self.layer_norm2 = SamSplitLayerNorm(config.output_channels, eps=1e-6)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, rows, columns, hidden_size) -> (batch, output_channels, rows, columns)"""
        hidden_states = self.layer_norm1(self.conv1(hidden_states.permute(0, 3, 1, 2)))
        return self.layer_norm2(self.conv2(hidden_states))


class SamSplitVisionEncoder(SamSplitPreTrainedModel):
    """Patches with their positions, layers, and the neck."""

    def __init__(self, config: SamSplitVisionConfig):
        super().__init__(config)
        self.patch_embed = SamSplitPatchEmbeddings(config)
        image, patch = self.patch_embed.image_size, self.patch_embed.patch_size
        size = image[0] // patch[0], image[1] // patch[1]
        self.pos_embed = None
        if config.use_abs_pos:
            self.pos_embed = nn.Parameter(torch.zeros(1, *size, config.hidden_size))
        self.layers = nn.ModuleList(
            SamSplitVisionLayer(
                config, 0 if layer in config.global_attn_indexes else config.window_size, size
            )
            for layer in range(config.num_hidden_layers)
        )
        self.neck = SamSplitVisionNeck(config)
        self.gradient_checkpointing = False
        self.post_init()

    @merge_with_config_defaults
    @capture_outputs(tie_last_hidden_states=False)  # the last ones are those before the neck
    def forward(
        self, pixel_values: torch.Tensor | None = None, **kwargs: Unpack[TransformersKwargs]
    ) -> BaseModelOutput:
        """(batch, channels, height, width) -> (batch, output_channels, rows, columns)."""
        if pixel_values is None:
            raise ValueError("pixel_values are needed")
        hidden_states = self.patch_embed(pixel_values)
        if self.pos_embed is not None:
            hidden_states = hidden_states + self.pos_embed
        for layer in self.layers:
            hidden_states = layer(hidden_states, **kwargs)
        return BaseModelOutput(last_hidden_state=self.neck(hidden_states))


class SamSplitVisionModel(SamSplitPreTrainedModel):
    """The encoder, in the place that it has in checkpoints of the whole model."""

    def __init__(self, config: SamSplitVisionConfig):
        super().__init__(config)
        self.vision_encoder = SamSplitVisionEncoder(config)
        self.post_init()

    def forward(
        self, pixel_values: torch.Tensor | None = None, **kwargs: Unpack[TransformersKwargs]
    ) -> BaseModelOutput:
        """(batch, channels, height, width) -> (batch, output_channels, rows, columns)."""
        return self.vision_encoder(pixel_values, **kwargs)


__all__ = ["SamSplitPreTrainedModel", "SamSplitVisionEncoder", "SamSplitVisionModel"]
