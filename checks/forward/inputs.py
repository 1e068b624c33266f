"""What a model is given: made from the signature of its `forward` and from its configuration."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from checks.forward.configs import LENGTH

BATCH = 3
Inputs = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """Which inputs are wanted of which model."""

    model_class: Any
    config: Any
    overrides: Mapping[str, Any]
    """By the name of the input, its shape or its value, where no rule gives it."""
    without: tuple[str, ...] = ()
    """Optional inputs that are not made."""
    length: int = LENGTH
    batch: int = BATCH

    @property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(self.model_class.forward).parameters

    @property
    def text(self) -> Any:
        """The part of the configuration that speaks of tokens."""
        getter = getattr(self.config, "get_text_config", None)
        return getter() if getter else self.config

    @property
    def vision(self) -> Any:
        return getattr(self.config, "vision_config", None) or self.config

    @property
    def is_pooled_by_end(self) -> bool:
        """Is the source read twice, and classified where its last token ends it: as by BART."""
        return self.model_class.__name__.endswith("ForSequenceClassification") and bool(
            getattr(self.config, "is_encoder_decoder", False)
        )

    @property
    def is_causal(self) -> bool:
        """Does a token see those before it alone: then padding goes to the left."""
        return self.model_class.__name__.endswith("ForCausalLM") or (
            "past_key_values" in self.parameters
            and getattr(self.config, "is_decoder", True)
            and not getattr(self.config, "is_encoder_decoder", False)
        )


def make(request: Request, *, padded: bool = False) -> Inputs:
    """Inputs without labels. Raises a LookupError naming a required input that no rule makes."""
    found: Inputs = {}
    for name in _wanted(request):
        if name in request.overrides:
            found[name] = _overridden(request, name)
        elif name in _MAKERS:
            made = _MAKERS[name](request)
            if made is not None:
                found[name] = made
        elif request.parameters[name].default is inspect.Parameter.empty:
            raise LookupError(f"no rule makes the input `{name}`")
    if padded and "input_ids" in found and "attention_mask" in request.parameters:
        found |= _padded(request, found["input_ids"])
    if request.is_pooled_by_end and "input_ids" in found:
        found["input_ids"] = _ended(request, found["input_ids"], found.get("attention_mask"))
    return found


def labels(request: Request, given: Mapping[str, Any]) -> Inputs:
    """What the model is to predict for these inputs; nothing where it takes no labels."""
    names = request.parameters
    rows = torch.arange(request.batch)
    if "start_positions" in names:
        return {"start_positions": rows + 2, "end_positions": rows * 5 + 3}
    if "labels" not in names:
        return {}
    kind = request.model_class.__name__
    count = getattr(request.config, "num_labels", 2)
    ids = given.get("decoder_input_ids", given.get("input_ids"))
    mask = given.get("attention_mask")
    tokens = None if ids is None else ids.clone()
    if tokens is not None and mask is not None and mask.shape == tokens.shape:
        tokens = tokens.masked_fill(mask == 0, -100)
    found: Tensor | None
    if kind.endswith(("SequenceClassification", "ImageClassification", "WithTeacher")):
        found = rows % count
    elif kind.endswith("MultipleChoice"):
        found = rows % CHOICES
    elif kind.endswith("TokenClassification") and tokens is not None:
        found = torch.where(tokens >= 0, tokens % count, tokens)
    elif kind.endswith("ForPreTraining") and "next_sentence_label" not in names:
        found = ids % 2 if ids is not None else None
    elif tokens is not None:
        # Some are not to be scored; that is for the loss to find out.
        found = tokens.masked_fill(torch.arange(tokens.shape[-1]) % 5 == 3, -100)
    else:
        found = None
    if found is None:
        return {}
    extra = {"next_sentence_label": rows % 2} if "next_sentence_label" in names else {}
    return {"labels": found, **extra}


CHOICES = 2


def generator(name: str) -> torch.Generator:
    """Random numbers for one input: each has its own, so that none depends on another's size."""
    return torch.Generator().manual_seed(sum(map(ord, name)) + 7)


def _wanted(request: Request) -> list[str]:
    """The inputs to make: what is required, what the model is about, what changes its outputs."""
    names = request.parameters
    main = getattr(request.model_class, "main_input_name", "input_ids")
    if main != "input_ids" and main not in names and "input_ids" in names:
        main = "input_ids"
    wanted = [
        name
        for name, parameter in names.items()
        if name != "self"
        and name not in request.without
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        and (parameter.default is parameter.empty or name in (main, *_ALWAYS, *request.overrides))
    ]
    if main in names or main not in _MAKERS or not _takes_anything(names):
        return wanted
    return [main, *wanted]


def _takes_anything(names: Mapping[str, inspect.Parameter]) -> bool:
    return any(each.kind is each.VAR_KEYWORD for each in names.values())


_ALWAYS = ("input_ids", "token_type_ids", "decoder_input_ids", "pixel_values")


def _ids(request: Request) -> Tensor:
    """Token ids above the special ones."""
    shape: tuple[int, ...] = (request.batch, request.length)
    if request.model_class.__name__.endswith("MultipleChoice"):
        shape = (request.batch, CHOICES, request.length)
    config = request.text
    size = getattr(config, "vocab_size", None) or 97
    special = {
        value
        for name, value in [*vars(request.config).items(), *vars(config).items()]
        if name.endswith(("_token_id", "_token_index")) and isinstance(value, int)
    }
    allowed = torch.tensor([n for n in range(size) if n not in special] or [0])
    chosen = torch.randint(0, len(allowed), shape, generator=generator("input_ids"))
    return allowed[chosen]


def _token_types(request: Request) -> Tensor | None:
    if getattr(request.text, "type_vocab_size", 2) < 2:
        return None
    ids = _ids(request)
    return (torch.arange(ids.shape[-1]) > request.length // 2).long().expand(ids.shape).contiguous()


def _decoder_ids(request: Request) -> Tensor | None:
    if not getattr(request.config, "is_encoder_decoder", False) or request.is_pooled_by_end:
        return None
    return _ids(request).flip(-1)[..., : request.length - 6].contiguous()


def _pixels(request: Request) -> Tensor:
    config = request.vision
    size = getattr(config, "image_size", None) or 64
    height, width = size if isinstance(size, list | tuple) else (size, size)
    channels = getattr(config, "num_channels", None) or getattr(config, "in_channels", None) or 3
    shape = (request.batch, channels, height, width)
    return torch.randn(shape, generator=generator("pixel_values"))


def _waves(request: Request) -> Tensor:
    """Sound: as long as the strides of its layers ask for."""
    return torch.randn((request.batch, 2400), generator=generator("input_values"))


def _spectra(request: Request) -> Tensor:
    """Features of sound: as many frames as there are positions, where that is fixed."""
    config = getattr(request.config, "audio_config", None) or request.config
    bins = getattr(config, "num_mel_bins", None) or getattr(config, "input_feat_per_channel", 80)
    positions = getattr(config, "max_source_positions", None) or 0
    is_fixed = bool(positions) and hasattr(config, "encoder_ffn_dim")
    frames = 2 * positions if is_fixed else 48
    sizes = (int(bins or 80), frames) if is_fixed else (frames, int(bins or 80))
    return torch.randn((request.batch, *sizes), generator=generator("input_features"))


def _whole(request: Request) -> Tensor | None:
    """A mask that hides nothing, where one is required."""
    is_text = "input_ids" in request.parameters
    return torch.ones(_ids(request).shape, dtype=torch.long) if is_text else None


def _boxes(request: Request) -> Tensor:
    """Where each token stands on its page: left, top, right, bottom."""
    corner = torch.randint(0, 40, (request.batch, request.length, 2), generator=generator("bbox"))
    return torch.cat([corner, corner + 9], dim=-1)


_MAKERS: dict[str, Callable[[Request], Tensor | None]] = {
    "input_ids": _ids,
    "token_type_ids": _token_types,
    "decoder_input_ids": _decoder_ids,
    "pixel_values": _pixels,
    "input_values": _waves,
    "input_features": _spectra,
    "attention_mask": _whole,
    "bbox": _boxes,
}


def _overridden(request: Request, name: str) -> Any:
    value = request.overrides[name]
    if isinstance(value, Mapping) and "shape" in value:
        shape = tuple(value["shape"])
        if "below" in value:
            return torch.randint(0, value["below"], shape, generator=generator(name))
        return torch.randn(shape, generator=generator(name))
    return torch.tensor(value) if isinstance(value, list) else value


def _padded(request: Request, ids: Tensor) -> Inputs:
    """Padding of another length in each row but the last; on the left for causal models."""
    length = ids.shape[-1]
    lost = (torch.arange(request.batch).flip(0) * 4).view(-1, *[1] * (ids.ndim - 1))
    places = torch.arange(length).expand(ids.shape)
    mask = (places >= lost) if request.is_causal else (places < length - lost)
    pad = getattr(request.text, "pad_token_id", None) or 0
    return {
        "input_ids": ids.masked_fill(~mask, pad),
        "attention_mask": mask.long().contiguous(),
    }


def _ended(request: Request, ids: Tensor, mask: Tensor | None) -> Tensor:
    """`ids` with the token that ends a text as the last of each."""
    end = getattr(request.text, "eos_token_id", None) or 0
    seen = torch.ones_like(ids) if mask is None else mask
    last = (torch.arange(ids.shape[-1]) * seen).argmax(-1, keepdim=True)
    return ids.scatter(-1, last, end[0] if isinstance(end, list) else end)
