"""A model compiled by torch.compile, and the same model as it stands."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch._dynamo import config as dynamo_config
from torch._dynamo.utils import counters
from torch._inductor import config as inductor_config

from checks.forward.inputs import Inputs, Request
from checks.forward.instances import Instance
from checks.forward.itself import VacuousError, caught, judge
from checks.forward.pairs import Question, first_line
from checks.forward.scenarios import SCENARIOS
from checks.forward.verdicts import Finding

CHECK = "compiled ↔ not"
_LEARNING = next(each for each in SCENARIOS if each.training)
SCENARIO = replace(_LEARNING, name="learning, no dropout", training=False)
"""Outputs, loss and gradients; compiled code throws its dice in another order."""


def best_backend() -> str:
    """`inductor`, which translates into C++ on a CPU, or what needs no C++ compiler."""
    compilers = ("c++", "g++", "clang++")
    has_compiler = torch.cuda.is_available() or any(map(shutil.which, compilers))
    return "inductor" if has_compiler else "aot_eager"


def compare(one: Instance, request: Request, backend: str, question: Question) -> Finding:
    """Outputs, loss and gradients of the compiled model. The note says by what, and how whole."""
    backend = backend or best_backend()
    told = [backend]

    def find() -> Finding:
        given = SCENARIO.inputs(request)
        expected = one.run(SCENARIO, given)
        actual, breaks = compiled(one, given, backend)
        told.extend(breaks)
        return judge(question, CHECK, one, actual, expected, lambda: one.run(SCENARIO, given))

    found = caught(question, CHECK, find)
    return replace(found, note="; ".join(filter(None, [*told, found.note])))


def compiled(one: Instance, given: Inputs, backend: str) -> tuple[Any, list[str]]:
    """What the compiled model computes, and where its graph breaks.

    It is to be one graph; if it cannot be, it may be several. Raises what compiling raises, and a
    VacuousError if nothing is compiled at all.
    """
    breaks: list[str] = []
    try:
        return _run(one, given, backend, whole=True), breaks
    except Exception as error:
        reason = first_line(error)
    found = _run(one, given, backend, whole=False)
    count = sum(counters["graph_break"].values())
    breaks.append(f"graph breaks: {count}, the first: {reason}" if count else reason)
    if not counters["stats"]["unique_graphs"]:
        raise VacuousError("nothing of it could be compiled")
    return found, breaks


def _run(one: Instance, given: Inputs, backend: str, *, whole: bool) -> Any:
    with _compiling(one.model, backend, whole=whole):
        return one.run(SCENARIO, given)


@contextmanager
def _compiling(model: Any, backend: str, *, whole: bool) -> Iterator[None]:
    """Calls of `model` are compiled while this lasts, in this process, and from the beginning."""
    torch._dynamo.reset()
    counters.clear()
    model.compile(backend=backend, fullgraph=whole, dynamic=False)
    try:
        with inductor_config.patch(compile_threads=1), dynamo_config.patch(suppress_errors=False):
            yield
    finally:
        model._compiled_call_impl = None
        torch._dynamo.reset()
