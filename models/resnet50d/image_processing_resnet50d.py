# unravel: generated from modular/modular_resnet50d.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: 36377658babe5e81

import numpy as np
from transformers.image_processing_backends import PilBackend
from transformers.image_processing_utils import BatchFeature
from transformers.image_utils import PILImageResampling, SizeDict
from transformers.processing_utils import ImagesKwargs


class ResNet50dImageProcessorKwargs(ImagesKwargs, total=False):
    """crop_pct (`float`): how much of the resized image's shorter side is kept."""

    crop_pct: float


class ResNet50dImageProcessor(PilBackend):
    """Resizes, crops, scales and normalises images; needs numpy and pillow.

    As it stands, the shorter side is resized to 256, the middle 224 by 224 are kept, and channels
    are normalised, by the numbers of the paper's section 2.1.
    """

    valid_kwargs = ResNet50dImageProcessorKwargs
    model_input_names = ["pixel_values"]

    do_resize = True
    size = {"shortest_edge": 224}
    default_to_square = False
    crop_pct = 224 / 256
    resample = PILImageResampling.BILINEAR
    do_rescale = True
    do_normalize = True
    image_mean = (123.68 / 255, 116.779 / 255, 103.939 / 255)
    image_std = (58.393 / 255, 57.12 / 255, 57.375 / 255)

    def resize_and_crop(
        self, image: np.ndarray, size: SizeDict, resample: int, crop_pct: float
    ) -> np.ndarray:
        """(channels, height, width) -> (channels, edge, edge), where the size says edge.

        From 384 on nothing is cropped: the image is squeezed, as networks for large images are
        evaluated.
        """
        edge = size.shortest_edge
        if not edge:
            raise ValueError(f"size must have a shortest_edge, which {dict(size)} has not")
        square = SizeDict(height=edge, width=edge)
        if edge >= 384:
            return self.resize(image, square, resample)
        image = self.resize(image, SizeDict(shortest_edge=int(edge / crop_pct)), resample)
        return self.center_crop(image, square)

    def _preprocess(
        self,
        images: list[np.ndarray],
        do_resize: bool,
        size: SizeDict,
        resample: int,
        crop_pct: float,
        **kwargs,
    ) -> BatchFeature:
        """Images (channels, height, width) -> `pixel_values` of the same dimensions, each."""
        if do_resize:
            images = [self.resize_and_crop(image, size, resample, crop_pct) for image in images]
        return super()._preprocess(images, do_resize=False, size=size, resample=resample, **kwargs)


__all__ = ["ResNet50dImageProcessor"]
