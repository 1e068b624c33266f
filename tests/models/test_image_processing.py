"""Image processors give the reference's pixels; they need numpy and pillow, not torchvision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import ConvNextImageProcessorPil

from models.resnet.image_processing_resnet import ResNetImageProcessor

PUBLISHED = {
    "crop_pct": 0.875,
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "ConvNextFeatureExtractor",
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "resample": 3,
    "size": 224,
}
"""What config files of residual networks say, in the words of when they were written."""


def picture(height: int, width: int) -> np.ndarray:
    """Random colours, (height, width, 3)."""
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "given",
    [
        picture(300, 411),
        Image.fromarray(picture(90, 70)),
        Image.fromarray(picture(90, 70)).convert("L").convert("RGB"),
        torch.from_numpy(picture(57, 300)).permute(2, 0, 1),
        [picture(31, 40), Image.fromarray(picture(64, 64))],
    ],
    ids=["array", "pillow", "grey", "tensor", "several"],
)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"size": {"shortest_edge": 48}, "crop_pct": 0.7},
        {"size": 400, "resample": 2},
        {"size": 24, "do_rescale": False, "do_normalize": False},
        {"size": 24, "image_mean": [0.1, 0.2, 0.3], "image_std": 0.5},
    ],
    ids=["plain", "cropped", "large", "raw", "normalised"],
)
def test_residual_networks_see_what_the_references_see(given: Any, options: Any) -> None:
    reference = ConvNextImageProcessorPil(**{**PUBLISHED, **options})
    expected = reference(given, return_tensors="pt").pixel_values
    for own in (
        ResNetImageProcessor(**{**PUBLISHED, **options})(given, return_tensors="pt"),
        ResNetImageProcessor()(given, return_tensors="pt", **options),
    ):
        assert list(own) == ["pixel_values"]
        assert torch.equal(own.pixel_values, expected)


def test_published_settings_are_read_and_written(tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PUBLISHED))
    loaded = ResNetImageProcessor.from_pretrained(tmp_path)
    assert loaded.size == {"shortest_edge": 224}
    loaded.crop_pct = 0.5
    loaded.save_pretrained(tmp_path / "again")
    again = ResNetImageProcessor.from_pretrained(tmp_path / "again")
    assert again.to_dict() == loaded.to_dict()
    assert ConvNextImageProcessorPil.from_pretrained(tmp_path / "again").crop_pct == 0.5


def test_a_size_without_a_shortest_edge_is_refused() -> None:
    with pytest.raises(ValueError, match="shortest_edge"):
        ResNetImageProcessor()(picture(8, 8), size={"height": 4, "width": 4})
