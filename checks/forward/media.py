"""Inputs other than text: images, video, sound, series of numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import PreTrainedConfig

if TYPE_CHECKING:
    from checks.forward.inputs import Request

FRAMES = 48
"""Of features of sound."""
SAMPLES = 2400
"""Of a sound wave."""
GRID = (1, 4, 6)
"""Frames, rows and columns of patches, where images come cut up: multiples of what is merged."""


def generator(name: str) -> torch.Generator:
    """Random numbers for one input: each has its own, so that none depends on another's size."""
    return torch.Generator().manual_seed(sum(map(ord, name)) + 7)


def looked_up(config: Any, *names: str) -> Any:
    """What the configuration, or one inside of it, says first under one of these names."""
    for each in configs_of(config):
        for name in names:
            value = getattr(each, name, None)
            if value is not None:
                return value
    return None


def configs_of(config: Any) -> Iterator[Any]:
    """A configuration, and those inside of it."""
    yield config
    for value in vars(config).values():
        if isinstance(value, PreTrainedConfig):
            yield from configs_of(value)


# -- images --------------------------------------------------------------------------------------


def pixels(request: Request) -> Tensor:
    """Images: as such, several for each text, as frames of a video, or cut into patches."""
    config = request.vision
    names = request.parameters
    if names.keys() & {"grid_thw", "image_grid_thw"}:
        return _cut_up(request, "pixel_values")
    if "spatial_shapes" in names:
        return _drawn("pixel_values", request.batch, _patches(), _patch(config))
    size = looked_up(config, "image_size", "img_size") or 64
    height, width = size if isinstance(size, list | tuple) else (size, size)
    shape = (_channels(config), height, width)
    return _drawn("pixel_values", request.batch, *_several(request), *shape)


def _several(request: Request) -> tuple[int, ...]:
    """How many images stand in the place of one; nothing where there is one alone."""
    config, names = request.config, request.parameters
    frames = looked_up(config, "num_frames", "frames_per_clip")
    if getattr(config, "image_grid_pinpoints", None):
        layouts: tuple[tuple[int, ...], ...] = ((3,), ())
    elif isinstance(frames, int):
        layouts = ((frames,), ())
    elif "pixel_attention_mask" in names or "image_attention_mask" in names:
        layouts = ((1,), ())
    else:
        layouts = ((), (2,), (1,))
    return layouts[request.layout % len(layouts)]


def video(request: Request) -> Tensor:
    if request.parameters.keys() & {"grid_thw", "video_grid_thw"}:
        return _cut_up(request, "pixel_values_videos")
    frames = looked_up(request.config, "num_frames", "frames_per_clip") or 4
    size = looked_up(request.vision, "image_size", "crop_size") or 64
    height, width = size if isinstance(size, list | tuple) else (size, size)
    shape = (frames, _channels(request.vision), height, width)
    return _drawn("pixel_values_videos", request.batch, *shape)


def _cut_up(request: Request, name: str) -> Tensor:
    """The patches of all images: as rows, each as a small image, or by image."""
    config, count = request.vision, request.batch * _patches()
    side = looked_up(config, "patch_size") or 16
    layouts: tuple[tuple[int, ...], ...] = (
        (count, _patch(config)),
        (count, _channels(config), side, side),
        (request.batch, _patches(), _patch(config)),
    )
    return _drawn(name, *layouts[request.layout % len(layouts)])


def _channels(config: Any) -> int:
    found = looked_up(config, "num_channels", "in_channels", "in_chans", "input_channels")
    return found if isinstance(found, int) else 3


def _patches() -> int:
    return GRID[0] * GRID[1] * GRID[2]


def _patch(config: Any) -> int:
    """How many numbers a patch has."""
    side = looked_up(config, "patch_size") or 16
    height, width = side if isinstance(side, list | tuple) else (side, side)
    times = looked_up(config, "temporal_patch_size", "patch_temporal") or 1
    return int(_channels(config) * times * height * width)


def _grid(request: Request) -> Tensor:
    return torch.tensor([GRID] * request.batch)


def _shapes(request: Request) -> Tensor:
    return torch.tensor([GRID[1:]] * request.batch)


def _whole_images(request: Request) -> Tensor:
    made = pixels(request)
    if "spatial_shapes" in request.parameters:
        return torch.ones(made.shape[:2], dtype=torch.long)
    return torch.ones((*made.shape[:-3], *made.shape[-2:]), dtype=torch.long)


def _image_sizes(request: Request) -> Tensor | None:
    """Where images come in tiles, or in sizes of their own."""
    is_tiled = getattr(request.config, "image_grid_pinpoints", None)
    if not is_tiled and "vision_feature_layer" in request.parameters:
        return None
    return torch.tensor([pixels(request).shape[-2:]] * request.batch)


def _merges(request: Request) -> Tensor:
    return torch.tensor([2] * request.batch)


def _images_of_text(request: Request) -> Tensor:
    """Each token of a text sees its image."""
    return torch.ones((request.batch, request.longest, 1), dtype=torch.long)


def _flattened(request: Request) -> Tensor:
    """Patches, each after its row and its column."""
    rows = torch.arange(_patches()) // GRID[2] + 1
    columns = torch.arange(_patches()) % GRID[2] + 1
    places = torch.stack([rows, columns], -1).float().expand(request.batch, -1, -1)
    patches = _drawn("flattened_patches", request.batch, _patches(), _patch(request.vision))
    return torch.cat([places, patches], -1)


def _hidden_patches(request: Request) -> Tensor | None:
    """What some call hidden states are the pixels."""
    if "grid_thw" not in request.parameters:
        return None
    return _cut_up(request, "hidden_states")


def _masked_patches(request: Request) -> Tensor | None:
    """Which patches are hidden: as many in each row."""
    config = request.vision
    size, side = looked_up(config, "image_size"), looked_up(config, "patch_size")
    if not isinstance(size, int) or not isinstance(side, int):
        return None
    times = (looked_up(config, "num_frames") or 1) // (looked_up(config, "tubelet_size") or 1)
    count = (size // side) ** 2 * max(1, times)
    return (torch.arange(count) % 2 == 1).expand(request.batch, -1).clone()


# -- sound ---------------------------------------------------------------------------------------


def waves(request: Request) -> Tensor:
    """Sound as it is, or with a dimension for its channels, or its spectrum over time."""
    config = request.config
    bins = looked_up(config, "num_mel_bins")
    is_coded = looked_up(config, "codebook_size", "downsampling_ratios", "audio_channels")
    plain = (request.batch, SAMPLES)
    coded = (request.batch, 1, SAMPLES)
    spectral = (request.batch, looked_up(config, "max_length") or FRAMES, bins or 16)
    layouts = [coded, plain] if is_coded is not None else [plain, coded]
    if isinstance(bins, int):
        layouts = [spectral, plain, coded]
    return _drawn("input_values", *layouts[request.layout % len(layouts)])


def spectra(request: Request) -> Tensor:
    """Features of sound: as many frames as there are positions, where that is fixed."""
    config, bins = _sound(request), _bins(request)
    positions = looked_up(config, "max_source_positions") or 0
    is_fixed = bool(positions) and looked_up(config, "encoder_ffn_dim") is not None
    frames = 2 * positions if is_fixed else FRAMES
    layouts = [(bins, frames), (frames, bins), (1, frames, bins)]
    if not is_fixed:
        layouts = [layouts[1], layouts[0], layouts[2]]
    return _drawn("input_features", request.batch, *layouts[request.layout % len(layouts)])


def _sound(request: Request) -> Any:
    return getattr(request.config, "audio_config", None) or request.config


def _bins(request: Request) -> int:
    """How many features a frame has."""
    names = (
        "num_mel_bins",
        "input_feat_per_channel",
        "feature_projection_input_dim",
        "feature_size",
        "input_feat_size",
    )
    return int(looked_up(_sound(request), *names) or 80)


def _all_frames(request: Request) -> Tensor:
    """A mask of the frames: as many as the rules make, if what settings give has as many."""
    made = _frames(spectra(request).shape[1:], request)
    given = request.overrides.get("input_features")
    if isinstance(given, Mapping) and made not in given["shape"][1:]:
        made = _frames(given["shape"][1:], request)
    return torch.ones((request.batch, made), dtype=torch.long)


def _frames(sizes: Sequence[int], request: Request) -> int:
    """Which of the sizes of a sound counts frames: the larger that is not what each of them has."""
    rest = list(sizes)
    if (bins := _bins(request)) in rest:
        rest.remove(bins)
    return max(rest)


def _mel(request: Request) -> Tensor:
    bins = looked_up(request.config, "input_feat_size", "num_mel_bins") or 16
    return _drawn("audio_mel", request.batch, FRAMES, bins)


def _no_mel_is_padding(request: Request) -> Tensor:
    return torch.zeros((request.batch, FRAMES), dtype=torch.bool)


# -- series --------------------------------------------------------------------------------------


def _past(request: Request) -> Tensor:
    """Values so far: of several channels, or of one that looks back at what was before."""
    config = request.config
    length = looked_up(config, "context_length") or 16
    channels = looked_up(config, "num_input_channels")
    if isinstance(channels, int):
        return _drawn("past_values", request.batch, length, channels)
    width = looked_up(config, "input_size")
    more = (width,) if isinstance(width, int) and width > 1 else ()
    return _drawn("past_values", request.batch, _looked_back(request), *more)


def _looked_back(request: Request) -> int:
    config = request.config
    lags = getattr(config, "lags_sequence", None) or [0]
    return int((looked_up(config, "context_length") or 16) + max(lags))


def _past_times(request: Request) -> Tensor:
    count = looked_up(request.config, "num_time_features") or 0
    return _drawn("past_time_features", request.batch, _looked_back(request), count)


def _past_seen(request: Request) -> Tensor:
    return torch.ones(_past(request).shape)


def _future(request: Request) -> Tensor:
    length = looked_up(request.config, "prediction_length") or 6
    return _drawn("future_values", request.batch, length)


def _future_times(request: Request) -> Tensor:
    count = looked_up(request.config, "num_time_features") or 0
    length = looked_up(request.config, "prediction_length") or 6
    return _drawn("future_time_features", request.batch, length, count)


def _steps(name: str, *width: str) -> Callable[[Request], Tensor]:
    """One row for each step: of the width that the configuration has under such a name, or 1."""

    def make(request: Request) -> Tensor:
        size = looked_up(request.config, *width) if width else 1
        return _drawn(name, request.batch, request.length, int(size or 1))

    return make


def _numbered(request: Request) -> Tensor:
    return torch.arange(request.length).expand(request.batch, -1).clone()


def _regions(request: Request) -> Tensor:
    return _drawn("visual_feats", request.batch, 5, looked_up(request.config, "visual_feat_dim"))


def _region_boxes(request: Request) -> Tensor:
    width = looked_up(request.config, "visual_pos_dim") or 4
    return torch.rand((request.batch, 5, width), generator=generator("visual_pos"))


def _queries(request: Request) -> Tensor:
    width = looked_up(request.config, "hidden_size") or 64
    return _drawn("query_embeds", request.batch, 5, width)


def _drawn(name: str, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator(name))


MAKERS: Mapping[str, Callable[[Request], Tensor | None]] = {
    "pixel_values": pixels,
    "pixel_values_videos": video,
    "high_res_pixel_values": pixels,
    "grid_thw": _grid,
    "image_grid_thw": _grid,
    "video_grid_thw": _grid,
    "merge_sizes": _merges,
    "image_merge_sizes": _merges,
    "spatial_shapes": _shapes,
    "target_sizes": _shapes,
    "pixel_attention_mask": _whole_images,
    "image_attention_mask": _images_of_text,
    "image_sizes": _image_sizes,
    "flattened_patches": _flattened,
    "hidden_states": _hidden_patches,
    "bool_masked_pos": _masked_patches,
    "input_values": waves,
    "input_features": spectra,
    "input_features_mask": _all_frames,
    "feature_attention_mask": _all_frames,
    "audio_mel": _mel,
    "audio_mel_mask": _no_mel_is_padding,
    "past_values": _past,
    "past_time_features": _past_times,
    "past_observed_mask": _past_seen,
    "future_values": _future,
    "future_time_features": _future_times,
    "states": _steps("states", "state_dim"),
    "actions": _steps("actions", "act_dim"),
    "rewards": _steps("rewards"),
    "returns_to_go": _steps("returns_to_go"),
    "timesteps": _numbered,
    "visual_feats": _regions,
    "visual_pos": _region_boxes,
    "query_embeds": _queries,
}
WITH = {
    "pixel_values": (
        "image_grid_thw",
        "image_sizes",
        "spatial_shapes",
        "target_sizes",
        "pixel_attention_mask",
        "high_res_pixel_values",
        "image_merge_sizes",
        "image_attention_mask",
    ),
    "past_values": (
        "past_time_features",
        "past_observed_mask",
        "future_values",
        "future_time_features",
    ),
    "states": ("actions", "rewards", "returns_to_go", "timesteps"),
    "visual_feats": ("visual_pos",),
    "query_embeds": ("encoder_hidden_states",),
    "input_features": ("input_features_mask", "feature_attention_mask"),
}
"""Optional inputs that are made if another is."""
IMAGES = ("pixel_values", *WITH["pixel_values"])


def image_rows(model: Any, given: Mapping[str, Any]) -> int:
    """How many rows the model makes of all the images, for tokens of the text to hold."""
    towers = (each for each in model.modules() if hasattr(each, "get_image_features"))
    tower = next(towers, None)
    if tower is None:
        return 0
    takes = tower.get_image_features
    names = inspect.signature(takes).parameters
    wanted = {name: value for name, value in given.items() if name in names}
    images = wanted.get("pixel_values")
    with torch.no_grad():
        try:
            found = takes(**wanted)
        except ValueError:
            if images is None or images.ndim != 5:
                raise
            found = takes(**{**wanted, "pixel_values": images.flatten(0, 1)})  # one by one
    found = getattr(found, "pooler_output", None) if isinstance(found, Mapping) else found
    parts = found if isinstance(found, list | tuple) else [found]
    return sum(each.numel() // each.shape[-1] for each in parts if isinstance(each, Tensor))
