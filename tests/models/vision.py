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
    "encoder_stride": 4,
    "num_labels": 0,
}
RESNET_SIZES = {
    "num_channels": 2,
    "embedding_size": 8,
    "hidden_sizes": [12, 20, 28],
    "depths": [1, 2, 3],
    "num_labels": 5,
}
RESNET_OTHER_SIZES = {
    "hidden_act": "gelu",
    "downsample_in_first_stage": True,
    "downsample_in_bottleneck": True,
    "num_labels": 0,
    "out_features": ["stage1", "stage3"],
}
SAM_SIZES = {
    "hidden_size": 48,
    "mlp_dim": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "image_size": 28,
    "patch_size": 4,
    "num_channels": 2,
    "output_channels": 10,
    "window_size": 3,  # of 7 patches: some windows are not full
    "global_attn_indexes": [1],
    "initializer_range": 0.02,
}
SAM_OTHER_SIZES = {
    "mlp_dim": None,
    "mlp_ratio": 1.5,
    "hidden_act": "relu",
    "layer_norm_eps": 1e-3,
    "qkv_bias": False,
    "use_abs_pos": False,
    "use_rel_pos": False,
    "window_size": 4,
}

CASES = (
    Case("vit", "ViT", "plain", sizes=VIT_SIZES),
    Case("vit", "ViT", "everything", VIT_OTHER_SIZES, VIT_SIZES),
    Case("deit", "DeiT", "plain", sizes=VIT_SIZES),
    Case("deit", "DeiT", "everything", VIT_OTHER_SIZES, VIT_SIZES),
    Case("resnet", "ResNet", "bottleneck", {}, RESNET_SIZES, ("eager",)),
    Case("resnet", "ResNet", "basic", {"layer_type": "basic"}, RESNET_SIZES, ("eager",)),
    Case("resnet", "ResNet", "everything", RESNET_OTHER_SIZES, RESNET_SIZES, ("eager",)),
    Case("sam", "SamVision", "plain", sizes=SAM_SIZES),
    Case("sam", "SamVision", "everything", SAM_OTHER_SIZES, SAM_SIZES),
    Case("sam", "SamVision", "global", {"window_size": 0}, SAM_SIZES),
)
MODELS = tuple({case.model: case for case in reversed(CASES)}.values())
"""The first case of each model, for what does not depend on the variant."""

HEADS = {
    "vit": ("Model", "ForImageClassification"),
    "deit": ("Model", "ForImageClassification", "ForImageClassificationWithTeacher"),
    "resnet": ("Model", "ForImageClassification", "Backbone"),
    "sam": ("Model",),
}

FIRST_TOKENS = {"vit": 1, "deit": 2}
"""How many tokens stand in front of the patches, where there are any."""


def heads(case: Case) -> tuple[str, ...]:
    """The heads that the case's model has; the reference paints square images only."""
    painters = ("ForMaskedImageModeling",) if case.options is VIT_OTHER_SIZES else ()
    return (*HEADS[case.model], *painters)


def pixels(case: Case, height: int | None = None, width: int | None = None) -> Tensor:
    """Three random images, of the config's size if no other is given."""
    config = case.configs()[1]
    size = getattr(config, "image_size", (37, 45))
    rows, columns = (size, size) if isinstance(size, int) else size
    generator = torch.Generator().manual_seed(11)
    shape = (3, config.num_channels, height or rows, width or columns)
    return torch.randn(shape, generator=generator)


def inputs(
    case: Case, head: str, *, labelled: bool = False, masked: bool = False
) -> dict[str, Tensor]:
    """Images, and what is to be painted or found in them; if masked, without some of the tokens."""
    found = {"pixel_values": pixels(case)}
    *_, height, width = found["pixel_values"].shape
    patches = torch.arange(height // 4 * (width // 4))
    if head == "ForMaskedImageModeling":
        found["bool_masked_pos"] = (patches + torch.arange(3)[:, None]) % 3 == 1
    if masked:
        tokens = torch.arange(FIRST_TOKENS[case.model] + len(patches))
        found["attention_mask"] = (tokens * torch.arange(2, 5)[:, None] % 5 != 3).long()
    if labelled and head == "ForImageClassification" and case.configs()[1].num_labels:
        found["labels"] = torch.arange(3)
    return found
