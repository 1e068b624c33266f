"""A residual network with the three tweaks of ResNet-D, and its life on the Hub."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from models.hub import save_with_code
from models.resnet50d.configuration_resnet50d import ResNet50dConfig
from models.resnet50d.image_processing_resnet50d import ResNet50dImageProcessor
from models.resnet50d.modeling_resnet50d import ResNet50dForImageClassification
from tests.models.elsewhere import run_elsewhere
from tests.models.parity import BOUND, gradients, perturb, relative

SIZES = {
    "num_channels": 3,
    "stem_size": 6,
    "embedding_size": 8,
    "hidden_sizes": [12, 20, 28],
    "depths": [1, 2, 2],
    "num_labels": 5,
}


def normed(channels: int, out: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(channels, out, kernel, stride, padding=kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(out)]


class PlainLayer(nn.Module):
    """Figure 2 (d) of arXiv:1812.01187."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        mean = nn.AvgPool2d(2, 2, ceil_mode=True) if stride == 2 else nn.Identity()
        same = channels == out and stride == 1
        self.right = nn.Identity() if same else nn.Sequential(mean, *normed(channels, out, 1))
        self.left = nn.Sequential(
            *normed(channels, out // 4, 1),
            nn.ReLU(),
            *normed(out // 4, out // 4, 3, stride),
            nn.ReLU(),
            *normed(out // 4, out, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.left(x) + self.right(x))


def plain(config: ResNet50dConfig) -> nn.Sequential:
    """What the paper describes, of torch's own layers."""
    stem, embedded = config.stem_size, config.embedding_size
    layers: list[nn.Module] = []
    for convolution in (
        normed(config.num_channels, stem, 3, 2),
        normed(stem, stem, 3),
        normed(stem, embedded, 3),
    ):
        layers += [*convolution, nn.ReLU()]
    layers.append(nn.MaxPool2d(3, 2, padding=1))
    channels = embedded
    for stage, (out, depth) in enumerate(zip(config.hidden_sizes, config.depths, strict=True)):
        for layer in range(depth):
            layers.append(PlainLayer(channels, out, 2 if stage > 0 and layer == 0 else 1))
            channels = out
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, config.num_labels)
    return nn.Sequential(*layers, *head)


def pair() -> tuple[ResNet50dForImageClassification, nn.Sequential]:
    """Our model and the plain one, with the same weights: they stand in the same order."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(20181204)
        own = ResNet50dForImageClassification(ResNet50dConfig(**SIZES))
        perturb(own)
    reference = plain(own.config)
    with torch.no_grad():
        pairs = zip(reference.state_dict().values(), own.state_dict().values(), strict=True)
        for target, weight in pairs:
            assert target.shape == weight.shape
            target.copy_(weight)
    return own.eval(), reference.eval()


def pixels(height: int = 96, width: int = 64) -> Tensor:
    return torch.randn(3, 3, height, width, generator=torch.Generator().manual_seed(5))


even_or_odd = pytest.mark.parametrize("size", [(96, 64), (37, 45)], ids=["even", "odd"])
evaluation_or_training = pytest.mark.parametrize("training", [False, True])


@even_or_odd
@evaluation_or_training
def test_it_is_what_the_paper_describes(training: bool, size: tuple[int, int]) -> None:
    own, reference = (model.train(training) for model in pair())
    with torch.no_grad():
        assert relative(own(pixels(*size)).logits, reference(pixels(*size))) <= BOUND
    for actual, expected in zip(own.buffers(), reference.buffers(), strict=True):
        assert relative(actual + 1, expected + 1) <= BOUND  # statistics; none of them is -1


@even_or_odd
@evaluation_or_training
def test_its_loss_and_gradients(training: bool, size: tuple[int, int]) -> None:
    own, reference = (model.train(training) for model in pair())
    labels = torch.tensor([0, 3, 4])
    losses = (
        own(pixels(*size), labels=labels).loss,
        nn.functional.cross_entropy(reference(pixels(*size)), labels),
    )
    assert relative(*losses) <= BOUND
    for loss in losses:
        loss.backward()
    of = [torch.cat([each.flatten() for each in gradients(m).values()]) for m in (own, reference)]
    assert relative(*of) <= BOUND


def test_the_published_size() -> None:
    """25.6 million parameters, as of all published weights of this network."""
    with torch.device("meta"):
        model = ResNet50dForImageClassification(ResNet50dConfig(num_labels=1000))
    assert sum(parameter.numel() for parameter in model.parameters()) == 25_576_264


def test_images_are_normalised_as_the_paper_says() -> None:
    given = np.full((300, 400, 3), (200, 100, 50), dtype=np.uint8)
    found = ResNet50dImageProcessor()(given, return_tensors="pt").pixel_values
    assert found.shape == (1, 3, 224, 224)
    expected = [(200 - 123.68) / 58.393, (100 - 116.779) / 57.12, (50 - 103.939) / 57.375]
    assert found[0, :, 100, 100].tolist() == pytest.approx(expected)


ELSEWHERE = """
import sys

import numpy as np
import torch
from transformers import (
    AutoBackbone,
    AutoConfig,
    AutoImageProcessor,
    AutoModel,
    AutoModelForImageClassification,
    pipeline,
)

folder, given = sys.argv[1], np.load(sys.argv[2])
trust = {"trust_remote_code": True}
config = AutoConfig.from_pretrained(folder, **trust)
assert type(config).__name__ == "ResNet50dConfig" and config.stem_size == 6
backbone = AutoBackbone.from_config(config, **trust)
assert backbone.channels == [28], backbone.channels
model = AutoModelForImageClassification.from_pretrained(folder, **trust)
assert type(model).__module__.startswith("transformers_modules."), type(model).__module__
processor = AutoImageProcessor.from_pretrained(folder, **trust)
inputs = processor(given, return_tensors="pt")
with torch.no_grad():
    logits = model(**inputs).logits
    base = AutoModel.from_pretrained(folder, **trust)(**inputs).last_hidden_state
torch.save({"logits": logits, "base": base, **inputs}, sys.argv[3])
# What was loaded can be saved, with its code, and loaded again.
model.save_pretrained(folder + "-again")
processor.save_pretrained(folder + "-again")
again = AutoModelForImageClassification.from_pretrained(folder + "-again", **trust)
with torch.no_grad():
    assert torch.equal(again(**inputs).logits, logits)
classify = pipeline("image-classification", model=folder + "-again", **trust)
from PIL import Image
scores = {each["label"]: each["score"] for each in classify(Image.fromarray(given), top_k=5)}
for label, score in enumerate(logits.softmax(-1)[0]):
    assert abs(scores[f"LABEL_{label}"] - score) < 1e-5
"""


def test_a_folder_is_all_that_the_hub_needs(tmp_path: Path) -> None:
    own, _ = pair()
    processor = ResNet50dImageProcessor(size=40)
    save_with_code(tmp_path / "hub", own, processor)
    given = np.random.default_rng(3).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    np.save(tmp_path / "given.npy", given)
    arguments = (tmp_path / "hub", tmp_path / "given.npy", tmp_path / "found.pt")
    run_elsewhere(tmp_path, ELSEWHERE, *arguments)
    found = torch.load(tmp_path / "found.pt")
    inputs = processor(Image.fromarray(given), return_tensors="pt")
    assert torch.equal(found["pixel_values"], inputs.pixel_values)
    with torch.no_grad():
        assert relative(found["logits"], own(**inputs).logits) <= BOUND
        assert relative(found["base"], own.resnet50d(**inputs).last_hidden_state) <= BOUND
