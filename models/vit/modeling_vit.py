from collections.abc import Callable

import torch
from torch import nn
from transformers import initialization as init
from transformers.activations import ACT2FN
from transformers.masking_utils import create_bidirectional_mask
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import (
    BaseModelOutputWithPooling,
    ImageClassifierOutput,
    MaskedImageModelingOutput,
)
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS, PreTrainedModel
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple
from transformers.utils.generic import merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs

from .configuration_vit import ViTConfig

# What published checkpoints call the modules, and what they are called here.
PUBLISHED_NAMES = {
    r"encoder\.layer\.": "layers.",
    r"attention\.attention\.query": "attention.q_proj",
    r"attention\.attention\.key": "attention.k_proj",
    r"attention\.attention\.value": "attention.v_proj",
    r"attention\.output\.dense": "attention.o_proj",
    r"intermediate\.dense": "mlp.fc1",
    r"output\.dense": "mlp.fc2",
}


def height_and_width(size: int | list[int] | tuple[int, int]) -> tuple[int, int]:
    """A size of the config: one number stands for both sides."""
    height, width = (size, size) if isinstance(size, int) else size
    return height, width


class ViTPatchEmbeddings(nn.Module):
    """Cuts an image into patches that do not overlap, and makes a vector of each."""

    def __init__(self, config: ViTConfig):
        super().__init__()
        self.image_size = height_and_width(config.image_size)
        self.patch_size = height_and_width(config.patch_size)
        self.num_channels = config.num_channels
        rows, columns = self.grid(*self.image_size)
        self.num_patches = rows * columns
        self.projection = nn.Conv2d(
            config.num_channels,
            config.hidden_size,
            kernel_size=self.patch_size,
            stride=self.patch_size,
        )

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """How many whole patches there are in an image, from top to bottom and from left to right."""
        return height // self.patch_size[0], width // self.patch_size[1]

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """(batch, channels, height, width) -> (batch, patches, hidden_size), row by row."""
        if pixel_values.shape[1] != self.num_channels:
            raise ValueError(
                f"pixel_values have {pixel_values.shape[1]} channels, but num_channels is "
                f"{self.num_channels}"
            )
        patches = self.projection(pixel_values.to(self.projection.weight.dtype))
        return patches.flatten(2).transpose(1, 2)


class ViTEmbeddings(nn.Module):
    """The patches behind the class token, each with a learned position."""

    def __init__(self, config: ViTConfig, use_mask_token: bool = False):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.hidden_size))
        self.mask_token = (
            nn.Parameter(torch.zeros(1, 1, config.hidden_size)) if use_mask_token else None
        )
        self.patch_embeddings = ViTPatchEmbeddings(config)
        self.position_embeddings = nn.Parameter(
            torch.zeros(1, self.patch_embeddings.num_patches + 1, config.hidden_size)
        )
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def draw(self, std: float):
        """Gives tokens and positions their initial values."""
        init.trunc_normal_(self.cls_token, std=std)
        init.trunc_normal_(self.position_embeddings, std=std)
        if self.mask_token is not None:
            init.zeros_(self.mask_token)

    def first_tokens(self) -> list[torch.Tensor]:
        """What stands in front of the patches, each (1, 1, hidden_size)."""
        return [self.cls_token]

    def interpolate_positions(self, height: int, width: int) -> torch.Tensor:
        """Positions for an image of another size: (1, tokens, hidden_size).

        Those of the patches are taken for an image of themselves and resized (arXiv:2010.11929, 3.2).
        """
        expected = self.patch_embeddings.grid(*self.patch_embeddings.image_size)
        given = self.patch_embeddings.grid(height, width)
        if given == expected:
            return self.position_embeddings
        count = len(self.first_tokens())
        first, patches = self.position_embeddings[:, :count], self.position_embeddings[:, count:]
        patches = patches.unflatten(1, expected).permute(0, 3, 1, 2)
        patches = nn.functional.interpolate(patches, given, mode="bicubic", align_corners=False)
        return torch.cat((first, patches.flatten(2).transpose(1, 2)), dim=1)

    def forward(
        self,
        pixel_values: torch.Tensor,
        bool_masked_pos: torch.Tensor | None = None,
        interpolate_pos_encoding: bool | None = None,
    ) -> torch.Tensor:
        """(batch, channels, height, width) -> (batch, tokens, hidden_size)."""
        given, expected = tuple(pixel_values.shape[-2:]), self.patch_embeddings.image_size
        if interpolate_pos_encoding:
            positions = self.interpolate_positions(*given)
        elif given == expected:
            positions = self.position_embeddings
        else:
            raise ValueError(
                f"pixel_values are {given} high and wide, but image_size is {expected}: other "
                "sizes need interpolate_pos_encoding=True"
            )
        patches = self.patch_embeddings(pixel_values)
        if bool_masked_pos is not None:
            if self.mask_token is None:
                raise ValueError("bool_masked_pos needs a model that has a mask token")
            patches = torch.where(bool_masked_pos[..., None].bool(), self.mask_token, patches)
        first = [token.expand(len(patches), -1, -1) for token in self.first_tokens()]
        return self.dropout(torch.cat((*first, patches), dim=1) + positions)


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
    scores = query @ key.transpose(2, 3) * scaling
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = nn.functional.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    weights = nn.functional.dropout(weights, p=dropout, training=module.training)
    return (weights @ value).transpose(1, 2).contiguous(), weights


class ViTAttention(nn.Module):
    """Each token attends to all tokens."""

    def __init__(self, config: ViTConfig):
        super().__init__()
        if config.hidden_size % config.num_attention_heads:
            raise ValueError(
                f"hidden_size ({config.hidden_size}) is not a multiple of num_attention_heads "
                f"({config.num_attention_heads})"
            )
        self.config = config
        self.head_dim = config.hidden_size // config.num_attention_heads
        self.scaling = self.head_dim**-0.5
        self.attention_dropout = config.attention_probs_dropout_prob
        self.is_causal = False
        self.q_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=config.qkv_bias)
        self.k_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=config.qkv_bias)
        self.v_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=config.qkv_bias)
        self.o_proj = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(batch, length, hidden_size) -> the same shape, and the weights or None."""
        batch_and_length = hidden_states.shape[:-1]
        query, key, value = (
            project(hidden_states).view(*batch_and_length, -1, self.head_dim).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        attention: Callable = ALL_ATTENTION_FUNCTIONS.get_interface(
            self.config._attn_implementation, eager_attention_forward
        )
        attended, weights = attention(
            self,
            query,
            key,
            value,
            attention_mask,
            dropout=self.attention_dropout if self.training else 0.0,
            scaling=self.scaling,
            **kwargs,
        )
        return self.o_proj(attended.reshape(*batch_and_length, -1)), weights


class ViTMLP(nn.Module):
    """The feed-forward network."""

    def __init__(self, config: ViTConfig):
        super().__init__()
        self.activation_fn = ACT2FN[config.hidden_act]
        self.fc1 = nn.Linear(config.hidden_size, config.intermediate_size)
        self.fc2 = nn.Linear(config.intermediate_size, config.hidden_size)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., hidden_size)"""
        return self.fc2(self.activation_fn(self.fc1(hidden_states)))


class ViTLayer(GradientCheckpointingLayer):
    """Attention, then feed-forward, each normed on the way in and added to what it was given."""

    def __init__(self, config: ViTConfig):
        super().__init__()
        self.attention = ViTAttention(config)
        self.layernorm_before = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.layernorm_after = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.mlp = ViTMLP(config)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> torch.Tensor:
        """(batch, length, hidden_size) -> the same shape; the rest goes to the attention."""
        attended, _ = self.attention(self.layernorm_before(hidden_states), attention_mask, **kwargs)
        hidden_states = self.dropout(attended) + hidden_states
        return self.dropout(self.mlp(self.layernorm_after(hidden_states))) + hidden_states


class ViTPooler(nn.Module):
    """One vector for the whole image, made from the class token's."""

    def __init__(self, config: ViTConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.pooler_output_size)
        self.activation = ACT2FN[config.pooler_act]

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, length, hidden_size) -> (batch, pooler_output_size)"""
        return self.activation(self.dense(hidden_states[:, 0]))


class ViTPreTrainedModel(PreTrainedModel):
    """What the library needs to know to initialise, load, split and run these models."""

    config: ViTConfig
    base_model_prefix = "vit"
    main_input_name = "pixel_values"
    input_modalities = ("image",)
    supports_gradient_checkpointing = True
    _input_embed_layer = "patch_embeddings"
    _no_split_modules = ["ViTEmbeddings", "ViTLayer"]
    _supports_flash_attn = True
    _supports_sdpa = True
    _supports_flex_attn = True
    _supports_attention_backend = True
    _can_compile_fullgraph = True
    _can_record_outputs = {"hidden_states": ViTLayer, "attentions": ViTAttention}

    @classmethod
    def from_pretrained(cls, *args, key_mapping: dict[str, str] | None = None, **kwargs):
        """As the library's; checkpoints may have the published names or those of the modules."""
        key_mapping = PUBLISHED_NAMES if key_mapping is None else key_mapping
        return super().from_pretrained(*args, key_mapping=key_mapping, **kwargs)

    def _init_weights(self, module: nn.Module):
        super()._init_weights(module)
        if isinstance(module, ViTEmbeddings):
            module.draw(self.config.initializer_range)


class ViTModel(ViTPreTrainedModel):
    """Patches, layers, final norm, and the pooled class token unless `add_pooling_layer` is false.

    With `use_mask_token`, patches can be hidden from the model.
    """

    def __init__(
        self, config: ViTConfig, add_pooling_layer: bool = True, use_mask_token: bool = False
    ):
        super().__init__(config)
        self.embeddings = ViTEmbeddings(config, use_mask_token=use_mask_token)
        self.layers = nn.ModuleList(ViTLayer(config) for _ in range(config.num_hidden_layers))
        self.layernorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.pooler = ViTPooler(config) if add_pooling_layer else None
        self.gradient_checkpointing = False
        self.post_init()

    @merge_with_config_defaults
    @capture_outputs(tie_last_hidden_states=False)  # the last ones are those before the norm
    def forward(
        self,
        pixel_values: torch.Tensor | None = None,
        bool_masked_pos: torch.BoolTensor | None = None,
        interpolate_pos_encoding: bool | None = None,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> BaseModelOutputWithPooling:
        """(batch, channels, height, width) -> (batch, tokens, hidden_size).

        `bool_masked_pos` is (batch, patches), true where the mask token takes a patch's place;
        `attention_mask` is (batch, tokens), 0 for tokens that are not to be seen. Images of another
        size than the config's need `interpolate_pos_encoding`.
        """
        if pixel_values is None:
            raise ValueError("pixel_values are needed")
        hidden_states = self.embeddings(pixel_values, bool_masked_pos, interpolate_pos_encoding)
        mask = create_bidirectional_mask(
            config=self.config, inputs_embeds=hidden_states, attention_mask=attention_mask
        )
        for layer in self.layers:
            hidden_states = layer(hidden_states, mask, **kwargs)
        hidden_states = self.layernorm(hidden_states)
        return BaseModelOutputWithPooling(
            last_hidden_state=hidden_states,
            pooler_output=None if self.pooler is None else self.pooler(hidden_states),
        )


def linear_head(config: ViTConfig) -> nn.Module:
    """One score a label; without labels, what comes in."""
    if config.num_labels == 0:
        return nn.Identity()
    return nn.Linear(config.hidden_size, config.num_labels)


class ViTForImageClassification(ViTPreTrainedModel):
    """The encoder with a linear head on the class token."""

    def __init__(self, config: ViTConfig):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.vit = ViTModel(config, add_pooling_layer=False)
        self.classifier = linear_head(config)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        pixel_values: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        interpolate_pos_encoding: bool | None = None,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> ImageClassifierOutput:
        """(batch, channels, height, width) -> logits (batch, num_labels), the loss if labelled.

        `labels` are classes (batch,), numbers for regression, or (batch, num_labels) of 0 and 1.
        """
        outputs = self.base_model(
            pixel_values,
            interpolate_pos_encoding=interpolate_pos_encoding,
            attention_mask=attention_mask,
            **kwargs,
        )
        logits = self.classifier(outputs.last_hidden_state[:, 0])
        loss = None
        if labels is not None:
            loss = self.loss_function(
                labels=labels, pooled_logits=logits, config=self.config, **kwargs
            )
        return ImageClassifierOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )


class ViTForMaskedImageModeling(ViTPreTrainedModel):
    """The encoder with a head that paints the patches, those behind mask tokens among them.

    Paper: SimMIM (Xie et al. 2021, arXiv:2111.09886).
    """

    def __init__(self, config: ViTConfig):
        super().__init__(config)
        self.vit = ViTModel(config, add_pooling_layer=False, use_mask_token=True)
        stride = config.encoder_stride
        self.decoder = nn.Sequential(
            nn.Conv2d(config.hidden_size, stride**2 * config.num_channels, kernel_size=1),
            nn.PixelShuffle(stride),
        )
        self.post_init()

    def painting_loss(
        self, painted: torch.Tensor, pixel_values: torch.Tensor, masked: torch.Tensor
    ) -> torch.Tensor:
        """The mean absolute difference of pixels where `masked`, (batch, rows, columns), is true."""
        stride = self.config.encoder_stride
        if painted.shape != pixel_values.shape:
            raise ValueError(
                f"encoder_stride ({stride}) and patch_size ({self.config.patch_size}) differ: what "
                f"is painted, {tuple(painted.shape)}, is no image of {tuple(pixel_values.shape)}"
            )
        masked = masked.repeat_interleave(stride, 1).repeat_interleave(stride, 2)[:, None]
        masked = masked.to(painted.dtype)
        difference = nn.functional.l1_loss(pixel_values, painted, reduction="none")
        return (difference * masked).sum() / (masked.sum() + 1e-5) / self.config.num_channels

    @can_return_tuple
    def forward(
        self,
        pixel_values: torch.Tensor | None = None,
        bool_masked_pos: torch.BoolTensor | None = None,
        interpolate_pos_encoding: bool | None = None,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> MaskedImageModelingOutput:
        """(batch, channels, height, width) -> the same shape, and the loss if patches are masked.

        `bool_masked_pos` is (batch, patches), true where the mask token takes a patch's place.
        """
        outputs = self.base_model(
            pixel_values,
            bool_masked_pos=bool_masked_pos,
            interpolate_pos_encoding=interpolate_pos_encoding,
            attention_mask=attention_mask,
            **kwargs,
        )
        embeddings = self.base_model.embeddings
        grid = embeddings.patch_embeddings.grid(*pixel_values.shape[-2:])
        patches = outputs.last_hidden_state[:, len(embeddings.first_tokens()) :]
        painted = self.decoder(patches.transpose(1, 2).unflatten(2, grid))
        loss = None
        if bool_masked_pos is not None:
            loss = self.painting_loss(painted, pixel_values, bool_masked_pos.unflatten(1, grid))
        return MaskedImageModelingOutput(
            loss=loss,
            reconstruction=painted,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )


__all__ = [
    "ViTForImageClassification",
    "ViTForMaskedImageModeling",
    "ViTModel",
    "ViTPreTrainedModel",
]
