"""A model compared with itself: the same question asked in two ways must have one answer."""

from __future__ import annotations

import copy
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from checks.forward import numerics, scenarios
from checks.forward.conditions import CHECKS
from checks.forward.devices import device_of
from checks.forward.inputs import Inputs, Request, make
from checks.forward.instances import Instance, place
from checks.forward.leaves import tensors
from checks.forward.pairs import Question, first_line
from checks.forward.program import same_program
from checks.forward.verdicts import Finding, Verdict


class NotAskedError(Exception):
    """The model cannot be asked this, and why."""


class VacuousError(Exception):
    """Both answers would agree whatever the model did, and why."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`ask` gives one answer and the other, as nested tensors."""

    name: str
    ask: Callable[[Instance, Request], tuple[Any, Any]]
    exactly: bool = False
    """Not a bit may differ: the same is run twice."""


def check_itself(
    question: Question,
    one: Instance,
    request: Request,
    skip: Mapping[str, str],
    more: Sequence[Comparison] = (),
) -> Iterator[Finding]:
    """A finding for each of the comparisons, and of `more`."""
    for comparison in (*COMPARISONS, *more):
        if comparison.name in skip:
            yield question.answer(comparison.name, Verdict.SKIPPED, skip[comparison.name])
        else:
            yield answer(question, comparison, one, request)


def answer(question: Question, comparison: Comparison, one: Instance, request: Request) -> Finding:
    """What one comparison finds. Nothing is raised."""

    def compare() -> Finding:
        actual, expected = comparison.ask(one, request)
        asked = replace(question, exactly=question.exactly or comparison.exactly)
        return judge(asked, comparison.name, one, actual, expected, again)

    def again() -> Any:
        return comparison.ask(one.afresh(), request)[1]

    return caught(question, comparison.name, compare)


def caught(question: Question, name: str, compare: Callable[[], Finding]) -> Finding:
    """What `compare` finds, or why it finds nothing."""
    try:
        return compare()
    except NotAskedError as reason:
        return question.answer(name, Verdict.SKIPPED, str(reason))
    except VacuousError as reason:
        return question.answer(name, Verdict.VACUOUS, str(reason))
    except NotImplementedError as error:
        note = f"it says that it is not implemented: {first_line(error)}"
        return question.answer(name, Verdict.SKIPPED, note)
    except Exception as error:
        note = f"{type(error).__name__}: {first_line(error)}"
        return question.answer(name, Verdict.BROKEN, note)


def judge(
    question: Question,
    name: str,
    one: Instance,
    actual: Any,
    expected: Any,
    again: Callable[[], Any],
) -> Finding:
    """How far `actual` is from `expected`, and whether it may be.

    `again` gives what is expected once more, of weights that are a last bit off. Where not a bit
    may differ, it is not asked for.
    """
    if not any(each.numel() for each in tensors(expected).values()):
        return question.answer(name, Verdict.VACUOUS, "there is nothing to compare")
    found = numerics.furthest(actual, expected)
    if found is None:
        return question.answer(name, Verdict.EQUAL_BITS)
    if question.exactly:
        return question.answer(name, Verdict.DIVERGED, found.message, (), found.error)
    bound = max(numerics.bound_of(torch.float32), question.tolerance)
    note = question.reason if question.tolerance else ""
    if bound < found.error < float("inf"):
        with numerics.nudged(one.model):
            moved = numerics.furthest(again(), expected)
        response = 0.0 if moved is None or moved.error == float("inf") else moved.error
        bound = max(bound, numerics.RESPONSE * response)
        note = numerics.answers(response)
    if bound > numerics.SENSELESS:
        return question.answer(name, Verdict.VACUOUS, note, (), found.error, bound)
    verdict = Verdict.WITHIN_NOISE if found.error <= bound else Verdict.DIVERGED
    note = found.message if verdict is Verdict.DIVERGED else note
    return question.answer(name, verdict, note, (), found.error, bound)


# -- asking --------------------------------------------------------------------------------------


def _plain(one: Instance, given: Inputs, attention: str = "") -> Tensor:
    """The main output."""
    return main_output(one.run(replace(_PLAIN, attention=attention), given))


_PLAIN = scenarios.SCENARIOS[0]
_LEARNING = next(each for each in scenarios.SCENARIOS if each.training)


def main_output(outputs: Any) -> Tensor:
    """The first tensor of real numbers that a model gives back."""
    found = (
        each
        for name, each in tensors(outputs).items()
        if each.is_floating_point() and not name.endswith("loss")
    )
    first = next(found, None)
    if first is None:
        raise NotAskedError("it gives back no numbers")
    return first


def _tokens(one: Instance, request: Request) -> Tensor:
    """Token ids of which each has a row in the main output."""
    given = make(request.of_text)
    ids = given.get("input_ids")
    if not isinstance(ids, Tensor) or ids.ndim != 2 or "decoder_input_ids" in given:
        raise NotAskedError("its output has no row for each token")
    try:
        output = _plain(one, given)
    except Exception as error:
        if request.image_rows or "pixel_values" in make(request):
            raise NotAskedError("it takes no text without images") from error
        raise
    if output.shape[:2] != ids.shape:
        raise NotAskedError("its output has no row for each token")
    return ids


def _cached(one: Instance, request: Request) -> tuple[Any, Any]:
    """A text in two halves of which the second comes a token at a time, and all at once."""
    return _in_steps(one, request, (8, *[1] * 5))


def _in_parts(one: Instance, request: Request) -> tuple[Any, Any]:
    """Several tokens at once may follow what a cache holds, too."""
    return _in_steps(one, request, (8, 5))


def _in_steps(one: Instance, request: Request, steps: Sequence[int]) -> tuple[Any, Any]:
    ids = _tokens(one, request)[:, : sum(steps)]
    decoding = next(each for each in scenarios.SCENARIOS if each.name == "decoding")
    reason = decoding.applies(request)
    if reason:
        raise NotAskedError(reason)
    found, past, done = [], None, 0
    for count in steps:
        given = {"input_ids": ids[:, done : done + count], "past_key_values": past}
        out = one.run(_PLAIN, {**given, "use_cache": True})
        past, done = out.past_key_values, done + count
        if past is None:
            raise VacuousError("it gives back no cache")
        found.append(main_output(out))
    full = _plain(one, {"input_ids": ids})
    return {"steps": torch.cat(found, 1)}, {"steps": full}


def _again(one: Instance, request: Request) -> tuple[Any, Any]:
    """A run leaves nothing behind in the model that changes the next."""

    def asked() -> Any:
        try:
            return _cached(one, request)[0]
        except Exception:  # how it decodes is asked elsewhere
            return {"output": _plain(one, make(request))}

    before = asked()
    _plain(one, make(replace(request, length=request.length - 5)))
    _plain(one, make(request))
    return asked(), before


def _single(one: Instance, request: Request) -> tuple[Any, Any]:
    given = make(request)
    whole = _by_input(one, given, request.batch)
    if not whole:
        raise NotAskedError("its output has no row for each input")
    rows = [
        _by_input(
            one, {name: _row(value, n, request.batch) for name, value in given.items()}, 1, whole
        )
        for n in range(request.batch)
    ]
    if any(row[name].shape[1:] != each.shape[1:] for row in rows for name, each in whole.items()):
        raise NotAskedError("the size of its output depends on what is in a batch")
    return {name: torch.cat([row[name] for row in rows]) for name in whole}, whole


def _by_input(
    one: Instance, given: Inputs, batch: int, among: Iterable[str] = ()
) -> dict[str, Tensor]:
    """The main output; where it holds each input against each, what has a row for each instead."""
    outputs = one.run(_PLAIN, given)
    if among:
        found = tensors(outputs)
        return {name: main_output(outputs) if name == "rows" else found[name] for name in among}
    main = main_output(outputs)
    if main.ndim == 0 or main.shape[0] != batch:
        return {}
    if main.shape != (batch, batch):
        return {"rows": main}
    return {
        name: each
        for name, each in tensors(outputs).items()
        if each.ndim > 1 and each.shape[0] == batch and each.shape != main.shape
    }


def _row(value: Any, index: int, batch: int) -> Any:
    """The part that belongs to one input: where images come as patches, it has several rows."""
    if not isinstance(value, Tensor) or not value.ndim or value.shape[0] % batch:
        return value
    count = value.shape[0] // batch
    return value[index * count : (index + 1) * count]


def _padding(one: Instance, request: Request) -> tuple[Any, Any]:
    """What stands beside a text to fill the row must not change what is said of the text."""
    ids = _tokens(one, request)
    if "attention_mask" not in request.parameters:
        raise NotAskedError("it takes no padding")
    given = make(request.of_text, padded=True)
    if given.get("attention_mask") is None or given["attention_mask"].all():
        raise NotAskedError("it takes no padding")
    mask = given["attention_mask"].bool()
    if request.is_causal and "position_ids" in request.parameters:
        given["position_ids"] = (mask.long().cumsum(-1) - 1).clamp(min=0)
    padded = _plain(one, given)
    bare = _plain(one, {**given, "attention_mask": torch.ones_like(mask).long()})
    if torch.equal(bare[0, mask[0]], padded[0, mask[0]]):
        raise VacuousError("the mask changes nothing")
    if request.is_causal and "position_ids" not in given and places_of(one.model):
        # Padding on the left moves the text, and nobody can say so: it has another answer alone.
        other = {**given, "input_ids": torch.where(mask, given["input_ids"], ids.flip(0))}
        return {"text": _plain(one, other)[mask]}, {"text": padded[mask]}
    found, wanted = {}, {}
    for row in range(request.batch - 1):
        kept = mask[row]
        alone = {
            name: ids[row : row + 1, kept] if name == "input_ids" else each[row : row + 1, kept]
            for name, each in given.items()
            if isinstance(each, Tensor) and each.shape[:2] == ids.shape
            if name not in ("attention_mask", "position_ids")
        }
        if "position_ids" in given:
            alone["position_ids"] = given["position_ids"][row : row + 1, kept]
        found[f"row {row}"] = padded[row, kept]
        wanted[f"row {row}"] = _plain(one, alone)[0]
    return found, wanted


def places_of(model: Any) -> str:
    """The table of absolute positions that a model adds to its tokens; empty if it has none."""
    names = (name for name, module in model.named_modules() if hasattr(module, "weight"))
    return next((name for name in names if _PLACES.search(name)), "")


_PLACES = re.compile(
    r"(^|\.)(embed_positions?|position(al)?_embed\w*|pos(ition)?_emb\w*|wpe|positions_embed)$"
)


def _causal(one: Instance, request: Request) -> tuple[Any, Any]:
    if not request.is_causal:
        raise NotAskedError("it sees what follows")
    ids = _tokens(one, request)
    other = ids.clone()
    other[:, -3:] = ids[:, -3:].flip(0)
    before, after = (_plain(one, {"input_ids": each}) for each in (ids, other))
    if torch.equal(before[:, -1], after[:, -1]):
        raise VacuousError("other tokens change nothing at all")
    return {"before": after[:, :-3]}, {"before": before[:, :-3]}


def _eager(one: Instance, request: Request) -> tuple[Any, Any]:
    given = make(request, padded="input_ids" in request.parameters)
    default = one.model.config._attn_implementation
    if default == "eager":
        raise NotAskedError("it has eager attention only")
    runs = []
    for attention in ("eager", ""):
        scenario = replace(_PLAIN, name=f"plain, {attention or default}", attention=attention)
        runs.append(one.record(scenario, given))
    if same_program(runs[0].program, runs[1].program):
        raise VacuousError("both attention implementations are one program")
    mask = given.get("attention_mask")
    return tuple(of_text(main_output(each.outputs), mask) for each in runs)  # type: ignore[return-value]


def of_text(output: Tensor, mask: Tensor | None) -> dict[str, Tensor]:
    """A row of padding alone attends to nothing; what it gives is up to the implementation."""
    if mask is not None and output.shape[: mask.ndim] == mask.shape:
        return {"text": output[mask.bool()]}
    return {"all": output}


def _saved(one: Instance, request: Request) -> tuple[Any, Any]:
    given = make(request)
    with tempfile.TemporaryDirectory() as folder:
        one.model.save_pretrained(folder)
        loaded = type(one.model).from_pretrained(folder)
    # What it says is not saved, it makes anew: here it was given other values.
    unsaved = one.model._keys_to_ignore_on_save or ()
    loaded.load_state_dict({name: one.model.state_dict()[name] for name in unsaved}, strict=False)
    loaded.eval()
    place(loaded, device_of(one.model))
    return loaded.state_dict() | {"output": main_output(scenarios.run(_PLAIN, loaded, given))}, (
        one.model.state_dict() | {"output": _plain(one, given)}
    )


def _checkpointed(one: Instance, request: Request) -> tuple[Any, Any]:
    if not getattr(one.model, "supports_gradient_checkpointing", False):
        raise NotAskedError("it does not support that")
    given = _LEARNING.inputs(request)
    if "past_key_values" in request.parameters:  # it keeps no cache then, which is an output
        given["use_streaming" if "use_streaming" in request.parameters else "use_cache"] = False
    plain = one.record(replace(_LEARNING, name="not checkpointed"), given)
    with _checkpointing(one.model):
        other = one.record(replace(_LEARNING, name="checkpointed"), given)
    if len(other.program.operations) <= len(plain.program.operations):
        raise VacuousError("nothing was computed a second time")
    found, expected = (each.outputs["gradients"] for each in (other, plain))
    return {"gradients": found}, {"gradients": expected}


@contextmanager
def _checkpointing(model: Any) -> Iterator[None]:
    """Raises a NotAskedError where the model refuses, whatever its class says."""
    try:
        model.gradient_checkpointing_enable()
    except ValueError as error:
        raise NotAskedError(first_line(error)) from None
    try:
        yield
    finally:
        model.gradient_checkpointing_disable()


def _replaced(one: Instance, request: Request) -> tuple[Any, Any]:
    """With other embeddings, on both ends; or with their values in its own."""
    given = make(request)
    put, written = (replace(one, model=copy.deepcopy(one.model)) for _ in range(2))
    others = [_reversed(each) for each in _embeddings(one)]
    setters = (put.model.set_input_embeddings, put.model.set_output_embeddings)
    for setter, other in zip(setters, others, strict=False):
        setter(other)
    # Weights are tied to whichever is new: one that was not taken would not show.
    taken = [own is other for own, other in zip(_embeddings(put), others, strict=True)]
    put.model.tie_weights()
    for own, other in zip(_embeddings(written), others, strict=True):
        own.load_state_dict(other.state_dict())
    answer, expected = _plain(put, given), _plain(written, given)
    if torch.equal(_plain(one, given), expected):
        raise VacuousError("other embeddings change nothing")
    return {"taken": taken, "answer": answer}, {"taken": [True] * len(taken), "answer": expected}


def _embeddings(one: Instance) -> list[Any]:
    """The module that makes vectors of tokens, and that which makes tokens of vectors, if any."""
    try:
        found = [one.model.get_input_embeddings(), one.model.get_output_embeddings()]
    except NotImplementedError:
        found = []
    if not found or not isinstance(found[0], nn.Embedding):
        raise NotAskedError("it has no embeddings of tokens")
    return found if isinstance(found[1], nn.Linear) else found[:1]


def _reversed(module: Any) -> Any:
    other = copy.deepcopy(module)
    with torch.no_grad():
        for each in other.parameters():
            each.copy_(each.flip(0))
    return other


COMPARISONS = (
    Comparison("cached ↔ full", _cached),
    Comparison("in parts ↔ full", _in_parts),
    Comparison("again ↔ before", _again, exactly=True),
    Comparison("single ↔ batched", _single),
    Comparison("padded ↔ not", _padding),
    Comparison("causal", _causal),
    Comparison("eager ↔ sdpa", _eager),
    Comparison("saved ↔ not", _saved),
    Comparison("checkpointed ↔ not", _checkpointed),
    Comparison("other embeddings ↔ own", _replaced),
)


def scenario_names() -> tuple[str, ...]:
    """Everything that can be skipped by name."""
    names = (each.name for of in (scenarios.SCENARIOS, COMPARISONS) for each in of)
    return (*names, *CHECKS)
