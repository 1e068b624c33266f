"""Which generated file a class belongs to."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache

from unravel.types import Settings

# Suffixes of class names by kind; the longest that fits decides.
_SUFFIXES: dict[str, tuple[str, ...]] = {
    "configuration": ("Config",),
    "tokenization": ("Tokenizer",),
    "processing": ("Processor", "ProcessorKwargs", "VideosKwargs", "ImagesKwargs", "TextKwargs"),
    "image_processing": ("ImageProcessor", "ImageProcessorKwargs"),
    "image_processing_pil": ("ImageProcessorPil",),
    "video_processing": ("VideoProcessor", "VideoProcessorInitKwargs", "VideoProcessorKwargs"),
    "feature_extraction": ("FeatureExtractor",),
}

MODELING = "modeling"
KINDS: tuple[str, ...] = (MODELING, *_SUFFIXES)

APART = {"image_processing", "image_processing_pil"}
"""Kinds that never import each other: one needs torchvision, the other must do without."""

_BY_SUFFIX = sorted(
    ((suffix, kind) for kind, suffixes in _SUFFIXES.items() for suffix in suffixes),
    key=lambda pair: len(pair[0]),
    reverse=True,
)
_ENDINGS = tuple(suffix for suffix, _ in _BY_SUFFIX)
_FILE = re.compile("(" + "|".join(sorted(KINDS, key=len, reverse=True)) + r")_(\w+)\Z")


@lru_cache(maxsize=4096)
def kind_of(name: str, cased_model: str) -> str:
    """The kind of the class `name`; `cased_model` is no part of the ending that decides."""
    rest = name.replace(cased_model, "") if cased_model else name
    if not rest.endswith(_ENDINGS):
        return MODELING
    for suffix, kind in _BY_SUFFIX:
        if rest.endswith(suffix):
            return kind
    return MODELING


@lru_cache(maxsize=4096)
def split_module(module: str) -> tuple[str, str] | None:
    """`a.b.image_processing_detr` -> (`image_processing`, `detr`); None for other modules."""
    found = _FILE.match(module.rpartition(".")[2])
    return (found[1], found[2]) if found else None


def target(settings: Settings, source: str, kind: str) -> str:
    """The path of the generated file of `kind`, relative to the root."""
    return _of_any_kind(settings.target, source).replace(_ANY_KIND, kind)


_ANY_KIND = "\x1f"
"""Stands for the kind: a run asks for all kinds of each modular file, and paths are made slowly."""


@lru_cache(maxsize=8192)
def _of_any_kind(template: str, source: str) -> str:
    model = posixpath.basename(source).removesuffix(".py").removeprefix("modular_")
    folder = posixpath.dirname(source) or "."
    return posixpath.normpath(template.format(folder=folder, model=model, kind=_ANY_KIND))
