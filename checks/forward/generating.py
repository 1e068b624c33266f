"""Texts that models write: compared by the log-probabilities of each step, not by tokens alone.

Where two tokens are equally likely, a last bit decides which is taken, and from there on the texts
are different ones. So each row is compared up to the first token that differs; that step is, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from checks.forward import scenarios
from checks.forward.inputs import Inputs, Request, make
from checks.forward.instances import Instance
from checks.forward.itself import NotAskedError, VacuousError, caught, judge
from checks.forward.pairs import Question, first_line
from checks.forward.verdicts import Finding

STEPS = 6
BEAMS = 3


@dataclass(frozen=True, slots=True)
class Text:
    """`tokens` (rows, steps) that were written, and `scores` (rows, steps, vocabulary) before each.

    With beams the scores are those of whole texts: (rows,). `cache` is the kind that was used.
    """

    tokens: Tensor
    scores: Tensor
    cache: str


Ways = Callable[[Instance, Inputs], tuple[Text, Text]]
"""Two ways to write the same text."""

OPTIONS: dict[str, dict[str, Any]] = {
    "generation": {},
    "generation, beams": {"num_beams": BEAMS},
}


def compare(
    name: str,
    options: dict[str, Any],
    one: Instance,
    other: Instance,
    request: Request,
    question: Question,
) -> Finding:
    """What `one` writes beside what `other` does."""

    def find() -> Finding:
        given = prompts(request)
        try:
            expected = written(other, given, **options)
        except Exception as error:
            note = f"{other.side.role}: {type(error).__name__}: {first_line(error)}"
            raise NotAskedError(note) from error
        actual = written(one, given, **options)
        return _judged(
            question, name, other, actual, expected, lambda: written(other, given, **options)
        )

    return caught(question, name, find)


def compare_ways(
    name: str, ways: Ways, one: Instance, request: Request, question: Question
) -> Finding:
    """What one model writes in two ways, which must be the same text."""

    def find() -> Finding:
        given = prompts(request)
        actual, expected = ways(one, given)
        return _judged(question, name, one, actual, expected, lambda: ways(one, given)[1])

    return caught(question, name, find)


def applies(one: Instance, request: Request) -> str:
    """Why the model cannot be asked for a text; empty if it can."""
    can = getattr(one.model, "can_generate", None)
    is_able = can is not None and can() and "input_ids" in request.parameters
    return "" if is_able else "it does not write texts"


def prompts(request: Request) -> Inputs:
    """Texts to go on with, padded as the model has it."""
    given = make(request, padded=True)
    given.pop("decoder_input_ids", None)
    return given


def written(one: Instance, given: Inputs, **options: Any) -> Text:
    """What the model writes behind `given`, always taking what is likeliest."""

    def generate(model: Any, inputs: Inputs) -> Any:
        with torch.no_grad():
            return model.generate(
                **inputs,
                do_sample=False,
                min_new_tokens=STEPS,
                max_new_tokens=STEPS,
                return_dict_in_generate=True,
                output_logits=True,
                output_scores=True,
                disable_compile=True,
                **_start(model),
                **options,
            )

    found = one.run(scenarios.Scenario("generation", make, generate), given)
    tokens = found.sequences[:, -STEPS:]
    past = found.get("past_key_values")
    past = getattr(past, "self_attention_cache", past)
    cache = "" if past is None else type(past).__name__
    if options.get("num_beams", 1) > 1:
        return Text(tokens, found.sequences_scores, cache)
    return Text(tokens, torch.stack(found.logits, 1).log_softmax(-1), cache)


def _start(model: Any) -> dict[str, int]:
    """The token that a decoder begins with, where neither configuration names one."""
    known = model.generation_config
    named = (known.decoder_start_token_id, known.bos_token_id)
    if not getattr(model.config, "is_encoder_decoder", False) or named != (None, None):
        return {}
    return {"decoder_start_token_id": known.pad_token_id or 0}


def _judged(
    question: Question,
    name: str,
    one: Instance,
    actual: Text,
    expected: Text,
    again: Callable[[], Text],
) -> Finding:
    if expected.scores.ndim > 1 and torch.equal(expected.scores[:, :1], expected.scores[:, 1:2]):
        raise VacuousError("what it has written changes nothing for it")
    return judge(
        question,
        name,
        one,
        _comparable(actual, expected),
        {"log-probabilities": expected.scores},
        lambda: _comparable(again(), expected),
    )


def _comparable(text: Text, other: Text) -> dict[str, Tensor]:
    """The scores of `text`; those of `other` where the texts before are not the same."""
    if text.scores.shape != other.scores.shape or text.scores.ndim < 2:
        return {"log-probabilities": text.scores}
    same = (text.tokens == other.tokens).long().cumprod(-1).bool()
    before = torch.cat([torch.ones_like(same[:, :1]), same[:, :-1]], -1)
    return {"log-probabilities": torch.where(before[..., None], text.scores, other.scores)}


# -- in several ways -----------------------------------------------------------------------------


def _cached(one: Instance, given: Inputs) -> tuple[Text, Text]:
    return _of_two_caches(one, given, {"use_cache": True}, {"use_cache": False})


def _cached_beams(one: Instance, given: Inputs) -> tuple[Text, Text]:
    if getattr(one.model, "_is_stateful", False):
        raise NotAskedError("its state cannot be put into the order of other beams")
    beams = {"num_beams": BEAMS}
    return _of_two_caches(one, given, {"use_cache": True, **beams}, {"use_cache": False, **beams})


def _static(one: Instance, given: Inputs) -> tuple[Text, Text]:
    if not getattr(one.model, "_can_compile_fullgraph", False):
        raise NotAskedError("it does not say that it can do with a cache of fixed size")
    return _of_two_caches(one, given, {"cache_implementation": "static"}, {})


def _of_two_caches(
    one: Instance, given: Inputs, options: dict[str, Any], others: dict[str, Any]
) -> tuple[Text, Text]:
    actual, expected = written(one, given, **options), written(one, given, **others)
    if actual.cache == expected.cache:
        raise VacuousError(f"both have the same cache: {actual.cache or 'none'}")
    return actual, expected


def _padded(one: Instance, given: Inputs) -> tuple[Text, Text]:
    """All rows at once, filled up on the left, and each alone."""
    mask = given.get("attention_mask")
    if mask is None or getattr(one.config, "is_encoder_decoder", False):
        raise NotAskedError("its texts are not filled up on the left")
    alone = []
    for row in range(mask.shape[0]):
        kept = mask[row].bool()
        text = {
            name: value[row : row + 1, kept] if value.shape == mask.shape else value[row : row + 1]
            for name, value in given.items()
        }
        alone.append(written(one, text))
    tokens, scores = torch.cat([e.tokens for e in alone]), torch.cat([e.scores for e in alone])
    return written(one, given), Text(tokens, scores, alone[0].cache)


WAYS: dict[str, Ways] = {
    "generation: cached ↔ not": _cached,
    "generation: beams cached ↔ not": _cached_beams,
    "generation: static ↔ growing cache": _static,
    "generation: padded ↔ alone": _padded,
}
