"""Models flow through the workers, and in batches through what finishes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from unravel.agenda import Agenda
from unravel.types import Converted, Failed
from unravel.workers import Here, Workers, convert_one


class Outcome(Protocol):
    """What became of the modular file `source`."""

    @property
    def source(self) -> str: ...


T = TypeVar("T", bound=Outcome)

_AWAITED = 16
"""So many models that others extend are finished at once, even if workers have enough to do."""
_OTHERS = 128
"""So many others are finished at once; nobody waits for them."""
_RESERVE = 12
"""So many models should be left for each worker while those that others extend are finished."""


@dataclass(slots=True)
class Pipeline(Generic[T]):
    """Converts what is on the agenda.

    `known` says what there is of a model before it is converted: its outcome, or what an earlier
    run has converted. `finish` makes outcomes of converted models, in another thread where there
    are several workers.
    """

    agenda: Agenda
    workers: Workers
    known: Callable[[str], T | Failed | Converted | None]
    finish: Callable[[Sequence[Converted]], Sequence[T | Failed]]
    _converting: dict[Future[Converted | Failed], tuple[str, int]] = field(default_factory=dict)
    _converted: list[Converted] = field(default_factory=list)

    def run(self) -> Iterator[T | Failed]:
        """Yield the outcome of each model, and go on to those that extend it."""
        finishing: Future[Sequence[T | Failed]] | None = None
        with ThreadPoolExecutor(1) if self.workers.count > 1 else Here() as finisher:
            while True:
                yield from self._hand_out()
                if finishing is None and (batch := self._take_batch()):
                    finishing = finisher.submit(self.finish, batch)
                waiting: list[Future[Any]] = [*self._converting, *filter(None, [finishing])]
                if not waiting:
                    return
                done = wait(waiting, return_when=FIRST_COMPLETED).done
                if finishing in done:
                    yield from self._done(finishing.result())
                    finishing = None
                for future in self._converting.keys() & done:
                    yield from self._collect(future)

    def _hand_out(self) -> Iterator[T | Failed]:
        """Give each worker a model to convert, and one to go on with at once."""
        busy = Counter(worker for _, worker in self._converting.values())
        for worker in range(self.workers.count):
            while busy[worker] < 2 and (source := self.agenda.take(worker)) is not None:
                known = self.known(source)
                if isinstance(known, Converted):
                    self._converted.append(known)
                    continue
                if known is not None:
                    yield from self._done([known])
                    continue
                future = self.workers.submit(convert_one, source, worker)
                self._converting[future] = source, worker
                busy[worker] += 1

    def _take_batch(self) -> list[Converted]:
        """What to finish now; nothing, if more should come together first.

        Each batch costs two starts of the formatter, so only those that others wait for hurry, and
        they do not wait for the rest.
        """
        awaited = [each for each in self._converted if self.agenda.is_awaited(each.source)]
        others = [each for each in self._converted if not self.agenda.is_awaited(each.source)]
        is_short = len(self.agenda) <= _RESERVE * self.workers.count
        if not self._converting:
            self._converted = []
            return awaited + others
        if awaited and (is_short or len(awaited) >= _AWAITED):
            self._converted = others
            return awaited
        if len(others) >= _OTHERS:
            self._converted = awaited
            return others
        return []

    def _collect(self, future: Future[Converted | Failed]) -> Iterator[T | Failed]:
        source, _ = self._converting.pop(future)
        outcome = self.workers.result(future, convert_one, source)
        if isinstance(outcome, Failed):
            yield from self._done([outcome])
        else:
            self._converted.append(outcome)

    def _done(self, outcomes: Iterable[T | Failed]) -> Iterator[T | Failed]:
        for outcome in outcomes:
            yield outcome
            self.agenda.done(outcome.source)
