"""Ways to run a model that the checks do not know: does a change change what it computes?

The checks ask few things, and compare programs. Probes ask many, and compare bits: other lengths,
batches, masks, precisions, configurations and ways to call, what is refused, what is drawn before
weights are loaded, what is generated. They share with the checks how inputs are made, and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from checks.forward import configs, numerics, scenarios, session
from checks.forward.inputs import Inputs, Request, labels, make
from checks.forward.instances import Instance
from checks.forward.leaves import leaves
from checks.forward.session import Subject


@dataclass(frozen=True, slots=True)
class Probe:
    """`ask` gives nested outputs of a model of the class `head`, built from `options`.

    Models of the same class and `variant` are built alike, and may be shared.
    """

    name: str
    head: str
    variant: str
    options: configs.Options
    ask: Callable[[Instance], Any]


Answer = Mapping[str, Any]


def answer(probe: Probe, one: Instance) -> Answer:
    """The leaves of what came out, or of which kind the error was."""
    try:
        return dict(leaves(probe.ask(one)))
    except Exception as error:
        return refusal(error)


def refusal(error: Exception) -> Answer:
    return {"raises": type(error).__name__}


def differ(one: Answer, other: Answer) -> bool:
    """In any bit."""
    return numerics.furthest(one, other) is not None


def probes(subject: Subject) -> Iterator[Probe]:
    """All of them, for every class of the model; of the first class all configurations."""
    first = session.in_order(subject.generated.classes)[0]
    for head in session.in_order(subject.generated.classes):
        for variant, options in _variants(subject, head, is_first=head == first):
            ways = _WAYS if variant == "tiny" or (variant, head) == ("moved", first) else _FEW
            for name, way in ways.items():
                yield Probe(name, head, variant, options, partial(way, subject))
        tiny = session.for_head(head, subject.options["tiny"])
        for name, way in _CHANGING.items():
            yield Probe(name, head, name, tiny, partial(way, subject))


# -- configurations ------------------------------------------------------------------------------


def _variants(
    subject: Subject, head: str, *, is_first: bool
) -> Iterator[tuple[str, configs.Options]]:
    kind = subject.generated.config
    tiny = session.for_head(head, subject.options["tiny"])
    yield "tiny", tiny
    names = configs.fields(configs.build(kind, tiny))

    def moved(*moves: str) -> configs.Options:
        return configs.moved(kind, tiny, frozenset(moves))

    yield "moved", moved("flags", "sizes", "rotary", "activations", "floats")
    yield "no padding token", {**tiny, "pad_token_id": None}
    if not is_first:
        yield "one label", {**tiny, "num_labels": 1}
        yield "many labels at once", {**tiny, "problem_type": "multi_label_classification"}
        return
    yield "absent", moved("absences")
    for name in names:
        if isinstance(getattr(configs.build(kind, tiny), name), bool):
            yield f"other {name}", {**tiny, name: not getattr(configs.build(kind, tiny), name)}
    for name in ("num_key_value_heads", "num_attention_heads"):
        if name in names:
            yield f"three {name}", {**tiny, name: 3}
            yield f"one of {name}", {**tiny, name: 1}
    if "rope_parameters" in names:
        for rotary in _ROTARY:
            rope_type = rotary["rope_type"]
            yield f"rotary {rope_type}", {**tiny, "rope_parameters": {"rope_theta": 1e4, **rotary}}
    for name in names:
        if getattr(configs.build(kind, tiny), name) is None:
            for value in (0.375, True):
                yield f"{name} = {value}", {**tiny, name: value}


_ROTARY: tuple[dict[str, Any], ...] = (
    {"rope_type": "linear", "factor": 2.0},
    {"rope_type": "dynamic", "factor": 2.0},
    {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16},
    {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16,
    },
)


# -- ways to call --------------------------------------------------------------------------------


def _request(subject: Subject, one: Instance, length: int = 11, batch: int = 2) -> Request:
    request = session.request_of(subject, one)
    is_fixed = "input_ids" not in request.parameters
    return (
        replace(request, batch=batch) if is_fixed else replace(request, length=length, batch=batch)
    )


def _called(one: Instance, given: Inputs, **options: Any) -> Any:
    """One run; what is not the model's argument is left out."""
    return one.run(replace(scenarios.SCENARIOS[0], **options), given)


def _way(
    change: Callable[[Request, Inputs], Inputs] = lambda request, given: given,
    *,
    length: int = 11,
    batch: int = 2,
    **options: Any,
) -> Callable[[Subject, Instance], Any]:
    """One call with inputs that are `change`d; of what does not apply to a model nothing comes."""

    def ask(subject: Subject, one: Instance) -> Any:
        request = _request(subject, one, length, batch)
        given = make(request)
        changed = change(request, dict(given))
        return _called(one, changed, **options)

    return ask


def _masked(request: Request, given: Inputs, mask: torch.Tensor) -> Inputs:
    return {**given, "attention_mask": mask} if "attention_mask" in request.parameters else given


def _mask(pattern: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Request, Inputs], Inputs]:
    """A mask by place and row; nothing is put in the place of what it hides."""

    def change(request: Request, given: Inputs) -> Inputs:
        ids = given.get("input_ids")
        if not isinstance(ids, torch.Tensor):
            return given
        place = torch.arange(ids.shape[-1]).expand(ids.shape).clone()
        row = torch.arange(ids.shape[0]).view(-1, *[1] * (ids.ndim - 1))
        return _masked(request, given, pattern(place + 100 * row).long())

    return change


def _with(**more: Any) -> Callable[[Request, Inputs], Inputs]:
    """More arguments, of those that the model names."""

    def change(request: Request, given: Inputs) -> Inputs:
        names = request.parameters
        is_open = any(each.kind is each.VAR_KEYWORD for each in names.values())
        added = {k: v for k, v in more.items() if k in names or (is_open and "output_" in k)}
        return {**given, **added}

    return change


def _placed(request: Request, given: Inputs) -> Inputs:
    ids = given.get("input_ids")
    if not isinstance(ids, torch.Tensor) or "position_ids" not in request.parameters:
        return given
    places = torch.arange(ids.shape[-1]).flip(0) * 3 % 13 + 2
    return {**given, "position_ids": places.expand(ids.shape)}


def _answered(request: Request, given: Inputs) -> Inputs:
    return {**given, **labels(request, given)}


def _embedded(subject: Subject, one: Instance, *, beside: tuple[str, ...] = ()) -> Any:
    request = _request(subject, one)
    given = make(request)
    ids = given.get("input_ids")
    if not isinstance(ids, torch.Tensor):
        return None
    with torch.no_grad():
        given["inputs_embeds"] = one.model.get_input_embeddings()(ids)
    given = {name: value for name, value in given.items() if name != "input_ids" or name in beside}
    return _called(one, given)


def _neither(request: Request, given: Inputs) -> Inputs:
    return {name: value for name, value in given.items() if name != "input_ids"}


def _untyped(request: Request, given: Inputs) -> Inputs:
    """Without what has a default."""
    return {name: value for name, value in given.items() if name != "token_type_ids"}


def _stepwise(subject: Subject, one: Instance, *, sizes: tuple[int, ...], embedded: bool) -> Any:
    """With a cache, several tokens at a time; nothing is said of positions and masks."""
    request = _request(subject, one, length=sum(sizes))
    given = make(request)
    ids = given.get("input_ids")
    if not isinstance(ids, torch.Tensor) or "past_key_values" not in request.parameters:
        return None
    past, outputs = None, []
    for part in torch.split(ids, list(sizes), dim=-1):
        with torch.no_grad():
            tokens: Inputs = {"input_ids": part}
            if embedded:
                tokens = {"inputs_embeds": one.model.get_input_embeddings()(part)}
        out = _called(one, {**tokens, "past_key_values": past, "use_cache": True})
        past = out.past_key_values
        outputs.append(out)
    return outputs


def _learnt(
    subject: Subject, one: Instance, *, attention: str = "", checkpointed: bool = False
) -> Any:
    """In training mode, of other inputs than the checks'; the sum of the gradients' squares too."""
    request = _request(subject, one)
    given = _answered(request, make(request, padded=True))
    learning = next(each for each in scenarios.SCENARIOS if each.training)
    if checkpointed:
        one.model.gradient_checkpointing_enable()
    try:
        return one.run(replace(learning, attention=attention), given)
    finally:
        if checkpointed:
            one.model.gradient_checkpointing_disable()


def _halved(subject: Subject, one: Instance, *, dtype: torch.dtype, attention: str = "") -> Any:
    given = make(_request(subject, one), padded=True)
    return _called(one, given, dtype=dtype, attention=attention)


def _generated(subject: Subject, one: Instance, **options: Any) -> Any:
    if not callable(getattr(one.model, "generate", None)) or not one.model.can_generate():
        return None
    given = make(_request(subject, one), padded=True)
    return _called(one, given, run=partial(_generate, options))


def _generate(options: Mapping[str, Any], model: Any, given: Inputs) -> Any:
    with torch.no_grad():
        return model.generate(**given, max_new_tokens=5, **options)


_Ways = dict[str, Callable[[Subject, Instance], Any]]

_WAYS: _Ways = {
    "two": _way(),
    "one": _way(batch=1),
    "a single token": _way(length=1),
    "long": _way(length=40),
    "one, long": _way(length=29, batch=1),
    "without defaults": _way(_untyped),
    "labelled": _way(_answered),
    "holes": _way(_mask(lambda place: place % 3 != 1)),
    "padded on the left": _way(_mask(lambda place: place % 100 >= place // 100 * 4)),
    "padded on the right": _way(_mask(lambda place: place % 100 < 11 - place // 100 * 4)),
    "all hidden": _way(_mask(lambda place: place < 0)),
    "placed": _way(_placed),
    "embedded": partial(_embedded),
    "both": partial(_embedded, beside=("input_ids",)),
    "neither": _way(_neither),
    "not cached": _way(_with(use_cache=False)),
    "cached": _way(_with(use_cache=True)),
    "last three": _way(_with(logits_to_keep=3)),
    "chosen": _way(_with(logits_to_keep=torch.tensor([1, 4, 7]))),
    "tuple": _way(_with(return_dict=False)),
    "hidden states": _way(_with(output_hidden_states=True)),
    "attentions": _way(_with(output_attentions=True), attention="eager"),
    "router": _way(_with(output_router_logits=True)),
    "router, holes": _way(
        lambda request, given: _with(output_router_logits=True)(
            request, _mask(lambda place: place % 3 != 1)(request, given)
        )
    ),
    "eager": _way(attention="eager"),
    "eager, holes": _way(_mask(lambda place: place % 3 != 1), attention="eager"),
    "step by step": partial(_stepwise, sizes=(5, 1, 1, 3), embedded=False),
    "beyond the window": partial(_stepwise, sizes=(13, 1, 4, 1), embedded=False),
    "embedded steps": partial(_stepwise, sizes=(4, 1, 2), embedded=True),
    "learning": partial(_learnt),
    "learning, eager": partial(_learnt, attention="eager"),
    "checkpointed": partial(_learnt, checkpointed=True),
    "bfloat16": partial(_halved, dtype=torch.bfloat16),
    "bfloat16, eager": partial(_halved, dtype=torch.bfloat16, attention="eager"),
    "float16": partial(_halved, dtype=torch.float16),
    "greedy": partial(_generated, do_sample=False),
    "beams": partial(_generated, do_sample=False, num_beams=2),
    "sampled": partial(_generated, do_sample=True),
}
_FEW: _Ways = {
    name: _WAYS[name] for name in ("one", "long", "padded on the left", "eager, holes", "learning")
}


# -- what changes the model ----------------------------------------------------------------------


def _drawn(subject: Subject, one: Instance) -> Any:
    """Weights as they are before any are loaded."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        return type(one.model)(one.config).state_dict()


def _resized(subject: Subject, one: Instance) -> Any:
    """With a larger vocabulary, whose new rows are zero."""
    embedding = one.model.get_input_embeddings()
    if not isinstance(embedding, torch.nn.Embedding):
        return None
    one.model.resize_token_embeddings(embedding.num_embeddings + 3, mean_resizing=False)
    head = one.model.get_output_embeddings()
    with torch.no_grad():
        for each in (one.model.get_input_embeddings(), head):
            if each is not None:
                each.weight[-3:] = 0.0
    return [one.model.state_dict(), _way()(subject, one)]


def _replaced(subject: Subject, one: Instance) -> Any:
    """With other embeddings in the place of its own, on both ends."""
    embedding = one.model.get_input_embeddings()
    if not isinstance(embedding, torch.nn.Embedding):
        return None
    other = torch.nn.Embedding(*embedding.weight.shape)
    with torch.no_grad():
        other.weight.copy_(embedding.weight.flip(0))
    one.model.set_input_embeddings(other)
    head = one.model.get_output_embeddings()
    if head is not None:
        end = torch.nn.Linear(head.in_features, head.out_features, bias=head.bias is not None)
        with torch.no_grad():
            for number, parameter in enumerate(end.parameters()):
                parameter.fill_(0.5).view(-1)[number::3] = 0.25
        one.model.set_output_embeddings(end)
    return [one.model.state_dict(), _way()(subject, one)]


_CHANGING: _Ways = {"drawn": _drawn, "resized": _resized, "replaced": _replaced}
