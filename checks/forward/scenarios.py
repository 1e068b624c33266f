"""The ways in which a model is run. Each gives back nested outputs, which are then compared."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from checks.forward.devices import device_of, dtype_of, moved
from checks.forward.inputs import Inputs, Request, labels, make
from checks.forward.leaves import tensors

SEED = 20240229


@dataclass(frozen=True, slots=True)
class Scenario:
    """`applies` says of a request why it cannot be asked for this; empty where it can."""

    name: str
    inputs: Callable[[Request], Inputs]
    run: Callable[[Any, Inputs], Any]
    attention: str = ""
    """The attention implementation, where it is not the one that the model picks."""
    experts: str = ""
    """The implementation of a mixture of experts, likewise."""
    training: bool = False
    dtype: torch.dtype | None = None
    """Of the weights and inputs, where it is not the one that they were made in."""
    applies: Callable[[Request], str] = lambda request: ""


def run(scenario: Scenario, model: Any, given: Inputs) -> Any:
    """The outputs of `model`, which is given its inputs as it needs them.

    Dice are thrown as they were the last time.
    """
    model.train(scenario.training)
    model.zero_grad(set_to_none=True)
    random.seed(SEED)
    np.random.seed(SEED % 2**32)
    seed()
    return scenario.run(model, placed(given, model))


def placed(given: Inputs, model: Any) -> Inputs:
    """Inputs as a caller of `model` has to give them: on its device, real numbers in its dtype."""
    found = moved(given, device_of(model), dtype_of(model))
    assert isinstance(found, dict)
    return found


def seed() -> None:
    """Dice fall as they did the last time.

    `torch.manual_seed` does the same, and takes 3 ms to note for devices that there are not who
    asked for it.
    """
    torch.default_generator.manual_seed(SEED)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(SEED)


def _forward(model: Any, given: Inputs) -> Any:
    with torch.no_grad():
        return model(**given)


def _inside(model: Any, given: Inputs) -> Any:
    """With all that the model can tell of its inside."""
    with torch.no_grad():
        return model(**given, **_asks_inside(model))


def _asks_inside(model: Any) -> dict[str, bool]:
    """The arguments by which the model tells of its inside, as far as it takes them."""
    names = inspect.signature(type(model).forward).parameters
    is_open = any(each.kind is each.VAR_KEYWORD for each in names.values())
    return {
        name: True
        for name in ("output_hidden_states", "output_attentions")
        if is_open or name in names
    }


def _decode(model: Any, given: Inputs) -> Any:
    """The beginning in one go, then two steps of one token each, then two tokens at once."""
    given = dict(given)
    main = "decoder_input_ids" if "decoder_input_ids" in given else "input_ids"
    tokens = given.pop(main)
    mask = given.pop("attention_mask", None) if main == "input_ids" else None
    given.pop("token_type_ids", None)
    of_tokens = {name for name, each in given.items() if getattr(each, "shape", 0) == tokens.shape}
    outputs, past, done = [], None, 0
    places = 1 if tokens.ndim == 3 else -1  # sound has a column for each codebook behind
    with torch.no_grad():
        for step in (tokens.shape[places] - 4, 1, 1, 2):
            ids = tokens.narrow(places, done, step)
            part = {n: given[n].narrow(places, done, step) for n in of_tokens & given.keys()}
            done += step
            seen = {} if mask is None else {"attention_mask": mask[..., :done]}
            asked = {**given, **part, **seen, main: ids}
            out = model(**asked, past_key_values=past, use_cache=True)
            past = out.past_key_values
            outputs.append(out)
            if main == "input_ids":  # images are looked at once
                given = {}
    return outputs


def _choose(model: Any, given: Inputs) -> Any:
    """No cache is wanted, and the logits of some positions only."""
    names = inspect.signature(type(model).forward).parameters
    places = torch.tensor([0, 4], device=device_of(model))
    chosen = {"use_cache": False, "logits_to_keep": places}
    with torch.no_grad():
        return model(**given, **{name: chosen[name] for name in chosen if name in names})


def _embed(model: Any, given: Inputs) -> Any:
    """Embeddings in the place of tokens; what can be left out is left out."""
    names = inspect.signature(type(model).forward).parameters
    given = dict(given)
    ids = given.pop("input_ids")
    given.pop("token_type_ids", None)
    with torch.no_grad():
        given["inputs_embeds"] = model.get_input_embeddings()(ids)
        if "logits_to_keep" in names:
            given["logits_to_keep"] = 3
        return model(**given)


def _learn(model: Any, given: Inputs) -> Any:
    """Outputs, the inside, the loss, and its gradient for every parameter."""
    wanted = _asks_inside(model)
    if "output_router_logits" in inspect.signature(type(model).forward).parameters:
        # whose loss is a part of the loss
        wanted["output_router_logits"] = True
    outputs = model(**given, **wanted)
    loss = outputs.get("loss") if isinstance(outputs, Mapping) else None
    if not isinstance(loss, Tensor):
        loss = stand_in_loss(outputs)
    whole = loss.sum() if loss.ndim else loss  # a codec has one for each sound
    whole.backward()  # type: ignore[no-untyped-call]
    named = sorted(model.named_parameters(remove_duplicate=False), key=lambda each: each[0])
    gradients = {name: parameter.grad for name, parameter in named}
    return {"outputs": outputs, "loss": loss, "gradients": gradients}


def stand_in_loss(outputs: Any) -> Tensor:
    """Where a model has no loss: the sum of its outputs, each number weighted by its place.

    Attention weights and the like would drown the rest: what they add up to is rounding.
    """
    found = tensors(outputs)
    shown = [name for name in found if "hidden_states[" not in name and "attentions[" not in name]
    parts = [found[name] for name in shown or found if found[name].requires_grad]
    weighted = [
        (part.flatten() * torch.linspace(-1, 1, part.numel(), device=part.device)).sum()
        for part in parts
        if part.is_floating_point()
    ]
    if not weighted:
        raise LookupError("no output depends on the parameters")
    return torch.stack([each.float() for each in weighted]).sum()


def _labelled(request: Request) -> Inputs:
    """With labels, padding, and positions of its own, as far as there are such inputs."""
    given = make(request, padded=True)
    ids = given.get("input_ids")
    if ids is not None and "position_ids" in request.parameters:
        given["position_ids"] = (torch.arange(ids.shape[-1]) * 2 + 1).expand(ids.shape).clone()
    return {**given, **labels(request, given)}


def _needs_mask(request: Request) -> str:
    names = request.parameters
    return "" if {"attention_mask", "input_ids"} <= names.keys() else "it takes no padding"


def _needs_choice(request: Request) -> str:
    names = {"use_cache", "logits_to_keep"}
    return "" if names & request.parameters.keys() else "its callers have no choice"


def _needs_embeddings(request: Request) -> str:
    names = request.parameters
    if request.is_pooled_by_end:
        return "it finds a text's end by its token"
    if not {"inputs_embeds", "input_ids"} <= names.keys():
        return "it takes no embeddings"
    return "it takes no text without images" if request.needs_images else ""


def _needs_cache(request: Request) -> str:
    names = request.parameters
    takes_more = any(each.kind is each.VAR_KEYWORD for each in names.values())
    if names.keys().isdisjoint({"input_ids", "decoder_input_ids"}):
        return "it takes no tokens"
    if "past_key_values" not in names or not ("use_cache" in names or takes_more):
        return "it has no cache"
    if not request.is_causal and not getattr(request.config, "is_encoder_decoder", False):
        return "it does not decode"
    return ""


SCENARIOS = (
    Scenario("plain", make, _forward),
    Scenario("padded", lambda r: make(r, padded=True), _forward, applies=_needs_mask),
    Scenario("eager", lambda r: make(r, padded=True), _inside, attention="eager", experts="eager"),
    Scenario(
        "half",
        lambda r: make(r, padded=True),
        _forward,
        attention="eager",
        dtype=torch.bfloat16,
    ),
    Scenario("decoding", lambda r: make(r, padded=True), _decode, applies=_needs_cache),
    Scenario("choices", make, _choose, applies=_needs_choice),
    Scenario("embedded", lambda r: make(r.of_text), _embed, applies=_needs_embeddings),
    Scenario("learning", _labelled, _learn, attention="eager", training=True),
)
_ASKED_OF_ALL = ("padded", "decoding", "choices", "embedded", "learning")
BRIEF = tuple(each for each in SCENARIOS if each.name in _ASKED_OF_ALL)
"""For further heads: what is before them is asked in full of the first."""
