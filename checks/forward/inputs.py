"""What a model is given: made from the signature of its `forward` and from its configuration."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from checks.forward import media
from checks.forward.configs import LENGTH
from checks.forward.media import generator, looked_up

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
    layout: int = 0
    """Which of the layouts that an input may have: the first is the likeliest."""
    image_rows: int = 0
    """So many tokens of each text stand for its images."""
    length: int = LENGTH
    batch: int = BATCH

    @property
    def of_text(self) -> Request:
        """The same without images."""
        return replace(self, without=(*self.without, *media.IMAGES), image_rows=0)

    @property
    def needs_images(self) -> bool:
        """Can it not be asked without images?"""
        found = self.parameters.get("pixel_values")
        return found is not None and found.default is found.empty

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
    def longest(self) -> int:
        """So many tokens a text has, but for images: no more than there are positions."""
        most = getattr(self.text, "max_position_embeddings", None)
        return min(self.length, most) if isinstance(most, int) and most > 0 else self.length

    @property
    def is_causal(self) -> bool:
        """Does a token see those before it alone: then padding goes to the left."""
        if not getattr(self.config, "is_decoder", True):
            return False
        return self.model_class.__name__.endswith("ForCausalLM") or (
            "past_key_values" in self.parameters
            and not getattr(self.config, "is_encoder_decoder", False)
        )


def make(request: Request, *, padded: bool = False) -> Inputs:
    """Inputs without labels. Raises a LookupError naming a required input that no rule makes."""
    found: Inputs = {}
    for name in _wanted(request):
        if name in request.overrides:
            found[name] = _overridden(request, name)
            continue
        made = _MAKERS[name](request) if name in _MAKERS else None
        if made is not None:
            found[name] = made
        elif request.parameters[name].default is inspect.Parameter.empty:
            raise LookupError(f"no rule makes the input `{name}`")
    if _takes_anything(request.parameters):
        found |= {
            name: _overridden(request, name) for name in request.overrides if name not in found
        }
    if padded and "input_ids" in found and "attention_mask" in request.parameters:
        found |= _padded(request, found["input_ids"])
    if request.is_pooled_by_end and "input_ids" in found:
        found["input_ids"] = _ended(request, found["input_ids"], found.get("attention_mask"))
    return found


def of_images(request: Request, model: Any) -> Request:
    """`request` with as many tokens for the images as `model` makes rows of them."""
    if "input_ids" not in request.parameters or _image_token(request) is None:
        return request
    given = make(replace(request, image_rows=0))
    if "pixel_values" not in given:
        return request
    rows = media.image_rows(model, given)
    return replace(request, image_rows=rows // request.batch)


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
        scored = tokens.masked_fill(torch.arange(tokens.shape[-1]) % 5 == 3, -100)
        found = _by_codebook(request, scored)
    else:
        found = None
    if found is None:
        return {}
    extra = {"next_sentence_label": rows % 2} if "next_sentence_label" in names else {}
    return {"labels": found, **extra}


CHOICES = 2


def _by_codebook(request: Request, ids: Tensor) -> Tensor:
    """`ids` with a column for each codebook, where each has had a row of its own."""
    if ids.ndim != 2 or ids.shape[0] == request.batch or ids.shape[0] % request.batch:
        return ids
    return ids.view(request.batch, -1, ids.shape[1]).transpose(1, 2).contiguous()


def _wanted(request: Request) -> list[str]:
    """The inputs to make: what is required, what the model is about, what changes its outputs."""
    names = request.parameters
    main = getattr(request.model_class, "main_input_name", "input_ids")
    mains = {main} if isinstance(main, str) else set(main)
    if mains.isdisjoint(names) and "input_ids" in names:
        mains = {"input_ids"}
    asked = {*mains, *_ALWAYS, *request.overrides}
    if "return_loss" in names:  # two towers: both
        asked |= {"input_features", "input_values"}
    if request.image_rows:
        asked.add("mm_token_type_ids")
    required = {name for name, each in names.items() if each.default is each.empty}
    for name, more in media.WITH.items():
        if name not in request.without and name in (asked | required) & names.keys():
            asked.update(more)
    wanted = [
        name
        for name, parameter in names.items()
        if name != "self"
        and (name not in request.without or parameter.default is parameter.empty)
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        and (parameter.default is parameter.empty or name in asked)
    ]
    if not isinstance(main, str) or main in names or main not in _MAKERS:
        return wanted
    return [main, *wanted] if _takes_anything(names) and "input_ids" not in names else wanted


def _takes_anything(names: Mapping[str, inspect.Parameter]) -> bool:
    return any(each.kind is each.VAR_KEYWORD for each in names.values())


_ALWAYS = (
    "input_ids",
    "token_type_ids",
    "decoder_input_ids",
    "pixel_values",
    "bbox",
    "visual_feats",
    "question_positions",
)


def _ids(request: Request) -> Tensor:
    """Token ids above the special ones; those that stand for images in their midst."""
    shape: tuple[int, ...] = (request.batch, request.longest)
    if request.model_class.__name__.endswith("MultipleChoice"):
        shape = (request.batch, CHOICES, request.longest)
    if not getattr(request.config, "is_encoder_decoder", False):
        shape = _with_codebooks(request, shape, request.text)
    allowed = torch.tensor(_ordinary(request))
    chosen = torch.randint(0, len(allowed), shape, generator=generator("input_ids"))
    found = allowed[chosen]
    image = _image_token(request)
    if not request.image_rows or image is None:
        return found
    # Not where padding goes, which takes up to BEFORE tokens of a side.
    images = torch.full((*shape[:-1], request.image_rows), image)
    return torch.cat([found[..., :BEFORE], images, found[..., BEFORE:]], -1)


BEFORE = 8


def _ordinary(request: Request) -> list[int]:
    size = getattr(request.text, "vocab_size", None) or looked_up(request.config, "vocab_size")
    special = {
        value
        for config in (request.config, request.text)
        for name, value in vars(config).items()
        if name.endswith(("_token_id", "_token_index", "_token")) and isinstance(value, int)
    }
    return [n for n in range(size or 97) if n not in special] or [0]


def _image_token(request: Request) -> int | None:
    names = ("image_token_id", "image_token_index", "image_token", "media_placeholder_token_id")
    found = looked_up(request.config, *names)
    return found if isinstance(found, int) else None


def _with_codebooks(request: Request, shape: tuple[int, ...], config: Any) -> tuple[int, ...]:
    """Sound is written in several books at a time, where a configuration says in how many."""
    count = looked_up(config, *_CODEBOOKS)
    if not request.layout or not isinstance(count, int):
        return shape
    return (shape[0] * count, *shape[1:]) if request.layout == 1 else (*shape, count)


_CODEBOOKS = ("num_codebooks", "num_channels")


def _image_types(request: Request) -> Tensor:
    return torch.eq(_ids(request), _image_token(request) or 0).long()


def _questions(request: Request) -> Tensor:
    return torch.tensor([[3, 7]] * request.batch)


def _embeddings(request: Request) -> Tensor:
    width = looked_up(request.text, "hidden_size", "d_model") or 64
    shape = (request.batch, request.longest, width)
    return torch.randn(shape, generator=generator("inputs_embeds"))


def _token_types(request: Request) -> Tensor | None:
    if getattr(request.text, "type_vocab_size", 2) < 2:
        return None
    ids = _ids(request)
    if request.image_rows:
        return _image_types(request)
    return (torch.arange(ids.shape[-1]) > request.length // 2).long().expand(ids.shape).contiguous()


def _decoder_ids(request: Request) -> Tensor | None:
    """Shorter than what the encoder is given."""
    sound = {"input_features", "input_values"} & request.parameters.keys()
    is_encoded = getattr(request.config, "is_encoder_decoder", False) or sound
    if not is_encoded or request.is_pooled_by_end:
        return None
    if request.layout and looked_up(request.config, *_CODEBOOKS):
        shape = _with_codebooks(request, (request.batch, request.length - 6), request.config)
        return torch.randint(4, 40, shape, generator=generator("decoder_input_ids"))
    return _ids(replace(request, image_rows=0)).flip(-1)[..., : request.length - 6].contiguous()


def _whole(request: Request) -> Tensor | None:
    """A mask that hides nothing, where one is required."""
    is_text = "input_ids" in request.parameters
    return torch.ones(_ids(request).shape, dtype=torch.long) if is_text else None


def _encoded(request: Request) -> Tensor | None:
    """What an encoder would have made: only where it is required."""
    width = looked_up(request.config, "encoder_hidden_size", "cross_attention_dim")
    if not isinstance(width, int):
        return None
    shape = (request.batch, 6, width)
    return torch.randn(shape, generator=generator("encoder_hidden_states"))


def _short_ids(request: Request) -> Tensor:
    return torch.randint(4, 40, (request.batch, 5), generator=generator("short"))


def _boxes(request: Request) -> Tensor:
    """Where each token stands on its page: left, top, right, bottom."""
    corner = torch.randint(0, 40, (*_ids(request).shape, 2), generator=generator("bbox"))
    return torch.cat([corner, corner + 9], dim=-1)


_MAKERS: dict[str, Callable[[Request], Tensor | None]] = {
    **media.MAKERS,
    "input_ids": _ids,
    "token_type_ids": _token_types,
    "mm_token_type_ids": _image_types,
    "decoder_input_ids": _decoder_ids,
    "qformer_input_ids": _short_ids,
    "task_inputs": _short_ids,
    "encoder_hidden_states": _encoded,
    "inputs_embeds": _embeddings,
    "attention_mask": _whole,
    "bbox": _boxes,
    "question_positions": _questions,
}


def _overridden(request: Request, name: str) -> Any:
    value = request.overrides[name]
    if isinstance(value, Mapping) and "shape" in value:
        shape = tuple(value["shape"])
        if "value" in value:
            return torch.full(shape, value["value"])
        if "below" in value:
            return torch.randint(0, value["below"], shape, generator=generator(name))
        return torch.randn(shape, generator=generator(name))
    return torch.tensor(value) if isinstance(value, list) else value


def mask_shape(request: Request, ids: Tensor) -> tuple[int, ...]:
    """Of a mask for `ids`: sound has a column for each codebook behind each of its places.

    Several choices are texts of their own.
    """
    has_columns = ids.ndim == 3 and not request.model_class.__name__.endswith("MultipleChoice")
    return tuple(ids.shape[:2] if has_columns else ids.shape)


def _padded(request: Request, ids: Tensor) -> Inputs:
    """Padding of another length in each row but the last; on the left for causal models."""
    if ids.shape[0] != request.batch:  # several rows are one text
        return {}
    shape = mask_shape(request, ids)
    length = shape[-1]
    lost = (torch.arange(request.batch).flip(0) * 4).view(-1, *[1] * (len(shape) - 1))
    places = torch.arange(length).expand(shape)
    mask = (places >= lost) if request.is_causal else (places < length - lost)
    pad = getattr(request.text, "pad_token_id", None) or 0
    return {
        "input_ids": ids.masked_fill(~(mask[..., None] if ids.ndim > len(shape) else mask), pad),
        "attention_mask": mask.long().contiguous(),
    }


def _ended(request: Request, ids: Tensor, mask: Tensor | None) -> Tensor:
    """`ids` with the token that ends a text as the last of each."""
    end = getattr(request.text, "eos_token_id", None) or 0
    seen = torch.ones_like(ids) if mask is None else mask
    last = (torch.arange(ids.shape[-1]) * seen).argmax(-1, keepdim=True)
    return ids.scatter(-1, last, end[0] if isinstance(end, list) else end)
