"""The vision models: their tiny configs, their heads, and what each head is given."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.models.parity import Case

VIT_SIZES = {
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "image_size": [12, 20],
    "patch_size": 4,
    "num_channels": 2,
    "num_labels": 5,
}
VIT_OTHER_SIZES = {
    "layer_norm_eps": 1e-3,
    "hidden_act": "relu",
    "qkv_bias": False,
    "image_size": 16,
    "pooler_output_size": 7,
    "pooler_act": "gelu",
    "num_labels": 0,
}

CASES = (
    Case("vit", "ViT", "plain", sizes=VIT_SIZES),
    Case("vit", "ViT", "everything", VIT_OTHER_SIZES, VIT_SIZES),
    Case("deit", "DeiT", "plain", sizes=VIT_SIZES),
    Case("deit", "DeiT", "everything", VIT_OTHER_SIZES, VIT_SIZES),
)
MODELS = tuple({case.model: case for case in reversed(CASES)}.values())
"""The first case of each model, for what does not depend on the variant."""

HEADS = {
    "vit": ("Model", "ForImageClassification"),
    "deit": ("Model", "ForImageClassification", "ForImageClassificationWithTeacher"),
}

FIRST_TOKENS = {"vit": 1, "deit": 2}
"""How many tokens stand in front of the patches, where there are any."""


def pixels(case: Case, height: int | None = None, width: int | None = None) -> Tensor:
    """Three random images, of the config's size if no other is given."""
    config = case.configs()[1]
    size = config.image_size
    rows, columns = (size, size) if isinstance(size, int) else size
    generator = torch.Generator().manual_seed(11)
    shape = (3, config.num_channels, height or rows, width or columns)
    return torch.randn(shape, generator=generator)


def inputs(case: Case, *, masked: bool = False) -> dict[str, Tensor]:
    """Three random images; if masked, without some of their patches."""
    found = {"pixel_values": pixels(case)}
    if masked:
        *_, height, width = found["pixel_values"].shape
        tokens = FIRST_TOKENS[case.model] + height // 4 * (width // 4)
        seen = (torch.arange(tokens) * torch.arange(2, 5)[:, None]) % 5 != 3
        found["attention_mask"] = seen.long()
    return found
