"""Puts a model into a folder with its code, for the Hub: who loads it needs no repository."""

from __future__ import annotations

import sys
from pathlib import Path

import transformers
from transformers import PreTrainedModel
from transformers.dynamic_module_utils import custom_object_save
from transformers.image_processing_base import ImageProcessingMixin


def reference(found: type) -> str:
    """A class by the name of its file, as a folder of custom code has it."""
    return f"{found.__module__.rpartition('.')[2]}.{found.__name__}"


def auto_classes(model: PreTrainedModel) -> dict[str, str]:
    """Which of its module's classes each Auto class is to load: the config, the model, its heads."""
    module = sys.modules[type(model).__module__]
    prefix = type(model.config).__name__.removesuffix("Config")
    found = {"AutoConfig": reference(type(model.config))}
    for name in module.__all__:
        head = name.removeprefix(prefix)
        auto = {"Model": "AutoModel", "Backbone": "AutoBackbone"}.get(head, f"AutoModel{head}")
        if hasattr(transformers, auto):
            found[auto] = reference(getattr(module, name))
    return found


def save_with_code(
    folder: str | Path,
    model: PreTrainedModel,
    image_processor: ImageProcessingMixin | None = None,
) -> None:
    """Writes weights, settings and the modules that define them.

    With `trust_remote_code=True`, `AutoConfig`, `AutoModel` and the Auto classes of the model's
    heads load from the folder, and `AutoImageProcessor`, if an image processor is given.
    """
    model.config.auto_map = auto_classes(model)
    model.save_pretrained(folder)
    custom_object_save(model, folder)
    if image_processor is not None:
        image_processor.auto_map = {"AutoImageProcessor": reference(type(image_processor))}
        image_processor.save_pretrained(folder)
        custom_object_save(image_processor, folder)
