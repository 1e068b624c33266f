"""What a model refuses: calls and configurations that it could only guess the meaning of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from checks.forward import configs
from checks.forward.inputs import Inputs, Request, make
from checks.forward.instances import Instance
from checks.forward.pairs import Question
from checks.forward.scenarios import SCENARIOS
from checks.forward.verdicts import Finding, Verdict

ACCEPTED = "accepted"
_LEGAL = "one without a padding token"
"""What must be accepted if the other accepts it."""


def compare(question: Question, one: Instance, other: Instance, request: Request) -> Finding:
    """Do both refuse the same? If not exactly, one must refuse what the other refuses."""
    try:
        theirs = calls(other, request) | (builds(other) if question.exactly else {})
    except Exception as error:
        note = f"{other.side.role} cannot be asked: {type(error).__name__}"
        return question.answer("refusals", Verdict.SKIPPED, note)
    mine = calls(one, request) | (builds(one) if question.exactly else {})
    for what, answer in theirs.items():
        if question.exactly:
            is_same = mine[what] == answer
        elif what == _LEGAL:
            is_same = answer != ACCEPTED or mine[what] == ACCEPTED
        else:
            is_same = answer == ACCEPTED or mine[what] != ACCEPTED
        if not is_same:
            note = f"{what}: {mine[what]}, {other.side.role} {answer}"
            return question.answer("refusals", Verdict.DIVERGED, note)
    if all(answer == ACCEPTED for answer in theirs.values()):
        return question.answer("refusals", Verdict.SKIPPED, "it refuses nothing that was tried")
    return question.answer("refusals", Verdict.PROVED)


def calls(one: Instance, request: Request) -> dict[str, str]:
    """What becomes of calls that lack something, or say it twice: `accepted`, or an error."""
    names, given = request.parameters, make(request)
    found = {}
    if {"input_ids", "inputs_embeds"} <= names.keys() and "input_ids" in given:
        rest = {name: value for name, value in given.items() if name != "input_ids"}
        with torch.no_grad():
            embeds = one.model.get_input_embeddings()(given["input_ids"])
        found["tokens and embeddings"] = _called(one, {**given, "inputs_embeds": embeds})
        found["neither tokens nor embeddings"] = _called(one, rest)
    if type(one.model).__name__.endswith("SequenceClassification"):
        single, two = ({name: value[:n] for name, value in given.items()} for n in (1, 2))
        with _without_padding_token(one.config):
            found["two without a padding token"] = _called(one, two)
            found[_LEGAL] = _called(one, single)
    return found


def builds(one: Instance) -> dict[str, str]:
    """What becomes of configurations that say what cannot be."""
    found = {}
    for name in configs.fields(one.config):
        value = getattr(one.config, name)
        if name in _SIZES and isinstance(value, int):
            found[f"{name} = 3"] = _built(one, {name: 3})
        elif name in _SWITCHES:
            found[f"{name} = {not value}"] = _built(one, {name: not value})
    return found


_SIZES = ("num_attention_heads", "num_key_value_heads")
_SWITCHES = ("is_decoder", "add_cross_attention")


def _called(one: Instance, given: Inputs) -> str:
    try:
        one.run(SCENARIOS[0], given)
    except Exception as error:
        return type(error).__name__
    return ACCEPTED


def _built(one: Instance, change: dict[str, Any]) -> str:
    options = {name: getattr(one.config, name) for name in configs.fields(one.config)} | change
    try:
        with torch.device("meta"):
            type(one.model)(configs.build(type(one.config), options))
    except Exception as error:
        return type(error).__name__
    return ACCEPTED


@contextmanager
def _without_padding_token(config: Any) -> Iterator[None]:
    before = getattr(config, "pad_token_id", None)
    config.pad_token_id = None
    try:
        yield
    finally:
        config.pad_token_id = before
