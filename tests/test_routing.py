"""Which generated file a class belongs to, and what that file is called."""

from __future__ import annotations

import pytest

from unravel.routing import kind_of, split_module, target
from unravel.types import Settings


@pytest.mark.parametrize(
    ("name", "cased", "wanted"),
    [
        ("NewModel", "New", "modeling"),
        ("NewConfigMixin", "New", "modeling"),
        ("", "New", "modeling"),
        ("NewConfig", "New", "configuration"),
        ("NewTextConfig", "New", "configuration"),
        ("NewTokenizer", "New", "tokenization"),
        ("NewProcessor", "New", "processing"),
        ("NewProcessorKwargs", "New", "processing"),
        ("NewTextKwargs", "New", "processing"),
        ("NewImageProcessor", "New", "image_processing"),
        ("NewImageProcessorKwargs", "New", "image_processing"),
        ("NewImageProcessorPil", "New", "image_processing_pil"),
        ("NewVideoProcessor", "New", "video_processing"),
        ("NewVideoProcessorInitKwargs", "New", "video_processing"),
        ("NewFeatureExtractor", "New", "feature_extraction"),
        # The model's own name is no part of the ending.
        ("Sam2VideoProcessor", "Sam2Video", "processing"),
        ("Sam2VideoVideoProcessor", "Sam2Video", "video_processing"),
        ("Sam2VideoProcessor", "Sam2", "video_processing"),
    ],
)
def test_kind_of_a_class(name: str, cased: str, wanted: str) -> None:
    assert kind_of(name, cased) == wanted


@pytest.mark.parametrize(
    ("module", "wanted"),
    [
        ("torch", None),
        ("modeling", None),
        ("modeling_old.extra", None),
        ("a.modeling_old", ("modeling", "old")),
        ("a.configuration_a_b", ("configuration", "a_b")),
        ("a.image_processing_old", ("image_processing", "old")),
        ("a.image_processing_pil_old", ("image_processing_pil", "old")),
        ("a.processing_old", ("processing", "old")),
        ("modeling_flax_old", ("modeling", "flax_old")),
    ],
)
def test_module_of_a_kind(module: str, wanted: tuple[str, str] | None) -> None:
    assert split_module(module) == wanted


@pytest.mark.parametrize(
    ("pattern", "source", "wanted"),
    [
        (Settings().target, "modular/modular_new.py", "models/new/modeling_new.py"),
        (Settings().target, "a/modular/modular_x.py", "a/models/x/modeling_x.py"),
        ("{folder}/{kind}_{model}.py", "src/new/modular_new.py", "src/new/modeling_new.py"),
        ("{folder}/{kind}_{model}.py", "modular_new.py", "modeling_new.py"),
        ("out/{model}.py", "modular/modular_new.py", "out/new.py"),
    ],
)
def test_target(pattern: str, source: str, wanted: str) -> None:
    assert target(Settings(target=pattern), source, "modeling") == wanted
