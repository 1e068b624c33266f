# unravel: generated from modular/modular_resnet50d.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: 85509d3514dbbd4f

from huggingface_hub.dataclasses import strict
from transformers.backbone_utils import BackboneConfigMixin
from transformers.configuration_utils import PreTrainedConfig


@strict
class ResNet50dConfig(BackboneConfigMixin, PreTrainedConfig):
    """Sizes and switches of a tweaked residual network; as it stands, ResNet-50-D.

    Paper: Bag of Tricks for Image Classification (He et al. 2018, arXiv:1812.01187). Sizes are those
    of its section 4 and figure 2: B downsamples in the convolution of 3 by 3, C has the deep stem, D
    pools in the shortcuts, and each includes the one before.
    """

    model_type = "resnet50d"

    num_channels: int = 3
    embedding_size: int = 64  # channels behind the stem
    hidden_sizes: list[int] | tuple[int, ...] | None = (256, 512, 1024, 2048)  # by stage
    depths: list[int] | tuple[int, ...] | None = (3, 4, 6, 3)  # layers, by stage
    layer_type: str = "bottleneck"  # or basic, for networks of less than 50 layers
    hidden_act: str = "relu"  # of the stem and behind layers; inside of them it is always ReLU
    downsample_in_first_stage: bool = False
    downsample_in_bottleneck: bool = False

    stem_size: int = 32  # channels inside of the stem

    def __post_init__(self, **kwargs):
        self.stage_names = ["stem", *(f"stage{place}" for place, _ in enumerate(self.depths, 1))]
        self.set_output_features_output_indices(
            out_features=kwargs.pop("out_features", None),
            out_indices=kwargs.pop("out_indices", None),
        )
        super().__post_init__(**kwargs)

    def validate_layer_type(self):
        """The library calls this whenever a config is made."""
        if self.layer_type not in ("basic", "bottleneck"):
            raise ValueError(f"layer_type must be 'basic' or 'bottleneck', not {self.layer_type!r}")


__all__ = ["ResNet50dConfig"]
