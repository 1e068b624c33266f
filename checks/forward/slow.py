"""The slow tier: what takes seconds of each model, and is asked with `--slow`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from checks.forward import compiling, fullsize, generating, parallel, wide
from checks.forward.inputs import Request
from checks.forward.instances import Instance
from checks.forward.pairs import Question
from checks.forward.settings import ModelSettings, Slow
from checks.forward.verdicts import Finding, Verdict

Check = tuple[str, Callable[[Question], Finding]]


def check(
    question: Question,
    one: Instance,
    others: Sequence[Instance],
    request: Request,
    settings: ModelSettings,
    chosen: Slow,
) -> Iterator[Finding]:
    """All of it, of `one` beside each of `others`, and of `one` beside itself.

    `request` is for what the side that is trusted most asks for.
    """
    reason = generating.applies(one, request)
    if reason:
        yield question.answer("generation", Verdict.SKIPPED, reason)
    for other in others:
        pair = other.side.role
        asked = replace(question, pair=pair, exactly=pair == "live")
        sizes = fullsize.Published(one.side, other.side, one.name, request, settings.config)
        plans = partial(parallel.compare_plans, one, other)
        yield from _answers(asked, settings, iter([(parallel.PLANS, plans)]))
        yield from _answers(asked, settings, _of_sizes(sizes))
        if not reason:
            yield from _answers(asked, settings, _of_texts(one, other, request))
    own = replace(request, model_class=type(one.model), config=one.config)
    if not reason:
        yield from _answers(question, settings, _of_ways(one, own))
    yield from _answers(question, settings, _alone(one, own, chosen))


def _answers(
    question: Question, settings: ModelSettings, checks: Iterator[Check]
) -> Iterator[Finding]:
    for name, find in checks:
        reason = settings.skip.get(name)
        yield question.answer(name, Verdict.SKIPPED, reason) if reason else find(question)


def _of_sizes(sizes: fullsize.Published) -> Iterator[Check]:
    yield fullsize.MANIFEST, sizes.compare_manifests
    yield fullsize.PROGRAM, partial(compare_sizes, sizes)


def compare_sizes(sizes: fullsize.Published, question: Question) -> Finding:
    """By programs; where these prove nothing, by numbers."""
    found = sizes.compare_programs(question)
    if found.verdict is not Verdict.SKIPPED:
        return found
    widely = wide.compare_widely(sizes, question)
    is_compared = widely.verdict is not Verdict.SKIPPED
    how = "numbers compared, with fewer layers" if is_compared else ""
    told = (found.note, how, widely.note)
    return replace(widely, note="; ".join(filter(None, told)))


def _of_texts(one: Instance, other: Instance, request: Request) -> Iterator[Check]:
    for name, options in generating.OPTIONS.items():
        yield name, partial(generating.compare, name, options, one, other, request)


def _of_ways(one: Instance, request: Request) -> Iterator[Check]:
    for name, ways in generating.WAYS.items():
        yield name, partial(generating.compare_ways, name, ways, one, request)


def _alone(one: Instance, request: Request, chosen: Slow) -> Iterator[Check]:
    yield compiling.CHECK, partial(compiling.compare, one, request, chosen.backend)
    yield parallel.CHECK, partial(parallel.compare, one, request)
