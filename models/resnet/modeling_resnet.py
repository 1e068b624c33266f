from itertools import pairwise

import torch
from torch import nn
from transformers import initialization as init
from transformers.activations import ACT2FN
from transformers.backbone_utils import BackboneMixin, filter_output_hidden_states
from transformers.modeling_outputs import (
    BackboneOutput,
    BaseModelOutputWithPoolingAndNoAttention,
    ImageClassifierOutputWithNoAttention,
)
from transformers.modeling_utils import PreTrainedModel
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple
from transformers.utils.generic import merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs

from .configuration_resnet import ResNetConfig


class ResNetConvLayer(nn.Module):
    """A convolution, normed over the batch, and an activation unless that is None."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        activation: str | None = "relu",
    ):
        super().__init__()
        self.convolution = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            bias=False,
        )
        self.normalization = nn.BatchNorm2d(out_channels)
        self.activation = nn.Identity() if activation is None else ACT2FN[activation]

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, in_channels, height, width) -> (batch, out_channels, height / stride, ...)"""
        return self.activation(self.normalization(self.convolution(hidden_states)))


class ResNetEmbeddings(nn.Module):
    """The stem: a wide convolution and a pooling, each of which halves both sides."""

    def __init__(self, config: ResNetConfig):
        super().__init__()
        self.num_channels = config.num_channels
        self.embedder = ResNetConvLayer(
            config.num_channels,
            config.embedding_size,
            kernel_size=7,
            stride=2,
            activation=config.hidden_act,
        )
        self.pooler = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """(batch, channels, height, width) -> (batch, embedding_size, height / 4, width / 4)"""
        if pixel_values.shape[1] != self.num_channels:
            raise ValueError(
                f"pixel_values have {pixel_values.shape[1]} channels, but num_channels is "
                f"{self.num_channels}"
            )
        return self.pooler(self.embedder(pixel_values))


class ResNetShortCut(nn.Module):
    """Takes a layer's input to the shape of its output: the projection B of section 3.3."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 2):
        super().__init__()
        self.convolution = nn.Conv2d(
            in_channels, out_channels, kernel_size=1, stride=stride, bias=False
        )
        self.normalization = nn.BatchNorm2d(out_channels)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, in_channels, height, width) -> (batch, out_channels, height / stride, ...)"""
        return self.normalization(self.convolution(hidden_states))


def shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """What a layer's input goes through before it is added: nothing, if the shapes are the same."""
    if in_channels == out_channels and stride == 1:
        return nn.Identity()
    return ResNetShortCut(in_channels, out_channels, stride)


class ResNetBasicLayer(nn.Module):
    """Two convolutions beside a shortcut (figure 5, left)."""

    def __init__(self, config: ResNetConfig, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__()
        self.shortcut = shortcut(in_channels, out_channels, stride)
        self.layer = nn.Sequential(
            ResNetConvLayer(in_channels, out_channels, stride=stride),
            ResNetConvLayer(out_channels, out_channels, activation=None),
        )
        self.activation = ACT2FN[config.hidden_act]

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, in_channels, height, width) -> (batch, out_channels, height / stride, ...)"""
        outputs = self.layer(hidden_states)
        outputs += self.shortcut(hidden_states)
        return self.activation(outputs)


class ResNetBottleNeckLayer(nn.Module):
    """Three convolutions, the middle one with a quarter of the channels (figure 5, right)."""

    def __init__(self, config: ResNetConfig, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__()
        inner_channels = out_channels // 4
        strides = (stride, 1) if config.downsample_in_bottleneck else (1, stride)
        self.shortcut = shortcut(in_channels, out_channels, stride)
        self.layer = nn.Sequential(
            ResNetConvLayer(in_channels, inner_channels, kernel_size=1, stride=strides[0]),
            ResNetConvLayer(inner_channels, inner_channels, stride=strides[1]),
            ResNetConvLayer(inner_channels, out_channels, kernel_size=1, activation=None),
        )
        self.activation = ACT2FN[config.hidden_act]

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, in_channels, height, width) -> (batch, out_channels, height / stride, ...)"""
        outputs = self.layer(hidden_states)
        outputs += self.shortcut(hidden_states)
        return self.activation(outputs)


class ResNetStage(nn.Module):
    """Layers of one width; the first one changes the shape."""

    def __init__(
        self, config: ResNetConfig, in_channels: int, out_channels: int, stride: int, depth: int
    ):
        super().__init__()
        layer = ResNetBasicLayer if config.layer_type == "basic" else ResNetBottleNeckLayer
        self.layers = nn.Sequential(
            layer(config, in_channels, out_channels, stride),
            *(layer(config, out_channels, out_channels) for _ in range(depth - 1)),
        )

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, in_channels, height, width) -> (batch, out_channels, height / stride, ...)"""
        return self.layers(hidden_states)


class ResNetEncoder(nn.Module):
    """The stages, one after the other."""

    def __init__(self, config: ResNetConfig):
        super().__init__()
        if len(config.hidden_sizes) != len(config.depths):
            raise ValueError(
                f"hidden_sizes ({len(config.hidden_sizes)} stages) and depths "
                f"({len(config.depths)} stages) must be as long as each other"
            )
        channels = pairwise((config.embedding_size, *config.hidden_sizes))
        strides = (2 if config.downsample_in_first_stage else 1, *(2 for _ in config.depths[1:]))
        self.stages = nn.ModuleList(
            ResNetStage(config, *in_and_out, stride, depth)
            for in_and_out, stride, depth in zip(channels, strides, config.depths, strict=True)
        )

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, embedding_size, height, width) -> (batch, hidden_sizes[-1], ...)"""
        for stage in self.stages:
            hidden_states = stage(hidden_states)
        return hidden_states


class ResNetPreTrainedModel(PreTrainedModel):
    """What the library needs to know to initialise, load, split and run these models."""

    config: ResNetConfig
    base_model_prefix = "resnet"
    main_input_name = "pixel_values"
    input_modalities = ("image",)
    _no_split_modules = ["ResNetConvLayer", "ResNetShortCut"]
    _can_compile_fullgraph = True
    _can_record_outputs = {"hidden_states": ResNetStage}

    def _init_weights(self, module: nn.Module):
        if isinstance(module, nn.Conv2d):
            # arXiv:1502.01852, section 2.2, for what flows backwards
            init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            bound = module.in_features**-0.5  # that of torch
            init.uniform_(module.weight, -bound, bound)
            init.uniform_(module.bias, -bound, bound)
        else:
            super()._init_weights(module)


class ResNetModel(ResNetPreTrainedModel):
    """Stem, stages, and the mean over all places."""

    def __init__(self, config: ResNetConfig):
        super().__init__(config)
        self.embedder = ResNetEmbeddings(config)
        self.encoder = ResNetEncoder(config)
        self.pooler = nn.AdaptiveAvgPool2d((1, 1))
        self.post_init()

    @merge_with_config_defaults
    @capture_outputs
    def forward(
        self, pixel_values: torch.Tensor | None = None, **kwargs: Unpack[TransformersKwargs]
    ) -> BaseModelOutputWithPoolingAndNoAttention:
        """(batch, channels, height, width) -> (batch, hidden_sizes[-1], height / 32, width / 32).

        The pooled output is (batch, hidden_sizes[-1], 1, 1), the hidden states are those behind the
        stem and each stage.
        """
        if pixel_values is None:
            raise ValueError("pixel_values are needed")
        hidden_states = self.encoder(self.embedder(pixel_values))
        return BaseModelOutputWithPoolingAndNoAttention(
            last_hidden_state=hidden_states, pooler_output=self.pooler(hidden_states)
        )


class ResNetForImageClassification(ResNetPreTrainedModel):
    """The network with a linear head on the mean over all places."""

    def __init__(self, config: ResNetConfig):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.resnet = ResNetModel(config)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(config.hidden_sizes[-1], config.num_labels)
            if config.num_labels
            else nn.Identity(),
        )
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        pixel_values: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> ImageClassifierOutputWithNoAttention:
        """(batch, channels, height, width) -> logits (batch, num_labels), the loss if labelled.

        `labels` are classes (batch,), numbers for regression, or (batch, num_labels) of 0 and 1.
        """
        outputs = self.base_model(pixel_values, **kwargs)
        logits = self.classifier(outputs.pooler_output)
        loss = None
        if labels is not None:
            loss = self.loss_function(
                labels=labels, pooled_logits=logits, config=self.config, **kwargs
            )
        return ImageClassifierOutputWithNoAttention(
            loss=loss, logits=logits, hidden_states=outputs.hidden_states
        )


class ResNetBackbone(BackboneMixin, ResNetPreTrainedModel):
    """The network without a head, for models that look at several stages: at `out_features`."""

    has_attentions = False

    def __init__(self, config: ResNetConfig):
        super().__init__(config)
        self.num_features = [config.embedding_size, *config.hidden_sizes]
        self.embedder = ResNetEmbeddings(config)
        self.encoder = ResNetEncoder(config)
        self.post_init()

    @can_return_tuple
    @filter_output_hidden_states
    def forward(
        self, pixel_values: torch.Tensor, **kwargs: Unpack[TransformersKwargs]
    ) -> BackboneOutput:
        """(batch, channels, height, width) -> feature maps (batch, `channels`, ...), one a stage."""
        hidden_states = [self.embedder(pixel_values)]
        for stage in self.encoder.stages:
            hidden_states.append(stage(hidden_states[-1]))
        return BackboneOutput(
            feature_maps=tuple(hidden_states[stage] for stage in self.out_indices),
            hidden_states=tuple(hidden_states),
        )


__all__ = ["ResNetBackbone", "ResNetForImageClassification", "ResNetModel", "ResNetPreTrainedModel"]
