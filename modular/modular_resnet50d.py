import torch
from torch import nn
from transformers.image_utils import PILImageResampling

from models.resnet.configuration_resnet import ResNetConfig
from models.resnet.image_processing_resnet import ResNetImageProcessor
from models.resnet.modeling_resnet import (
    ResNetBackbone,
    ResNetConvLayer,
    ResNetEmbeddings,
    ResNetForImageClassification,
    ResNetModel,
    ResNetPreTrainedModel,
    ResNetShortCut,
)


class ResNet50dConfig(ResNetConfig):
    """Sizes and switches of a tweaked residual network; as it stands, ResNet-50-D.

    Paper: Bag of Tricks for Image Classification (He et al. 2018, arXiv:1812.01187). Sizes are those
    of its section 4 and figure 2: B downsamples in the convolution of 3 by 3, C has the deep stem, D
    pools in the shortcuts, and each includes the one before.
    """

    model_type = "resnet50d"

    stem_size: int = 32  # channels inside of the stem


class ResNet50dEmbeddings(ResNetEmbeddings):
    """The deep stem: three narrow convolutions instead of a wide one, and a pooling."""

    def __init__(self, config: ResNet50dConfig):
        super().__init__(config)
        self.embedder = nn.Sequential(
            ResNetConvLayer(
                config.num_channels, config.stem_size, stride=2, activation=config.hidden_act
            ),
            ResNetConvLayer(config.stem_size, config.stem_size, activation=config.hidden_act),
            ResNetConvLayer(config.stem_size, config.embedding_size, activation=config.hidden_act),
        )


class ResNet50dShortCut(ResNetShortCut):
    """Takes a layer's input to the shape of its output, by a mean that leaves nothing out."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 2):
        super().__init__(in_channels, out_channels, stride)
        # A last row or column without a partner is kept, as the layer's own stride does.
        self.pooler = (
            nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)
            if stride > 1
            else nn.Identity()
        )
        self.convolution = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return self.normalization(self.convolution(self.pooler(hidden_states)))


class ResNet50dPreTrainedModel(ResNetPreTrainedModel):
    pass


class ResNet50dModel(ResNetModel):
    pass


class ResNet50dForImageClassification(ResNetForImageClassification):
    pass


class ResNet50dBackbone(ResNetBackbone):
    pass


class ResNet50dImageProcessor(ResNetImageProcessor):
    """Resizes, crops, scales and normalises images; needs numpy and pillow.

    As it stands, the shorter side is resized to 256, the middle 224 by 224 are kept, and channels
    are normalised, by the numbers of the paper's section 2.1.
    """

    resample = PILImageResampling.BILINEAR
    image_mean = (123.68 / 255, 116.779 / 255, 103.939 / 255)
    image_std = (58.393 / 255, 57.12 / 255, 57.375 / 255)


__all__ = [
    "ResNet50dBackbone",
    "ResNet50dConfig",
    "ResNet50dForImageClassification",
    "ResNet50dImageProcessor",
    "ResNet50dModel",
    "ResNet50dPreTrainedModel",
]
