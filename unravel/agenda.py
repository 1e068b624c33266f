"""In which order models are converted: parents first, and the longest chains before all others."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter


def cut_cycles(graph: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Take each cycle out of `graph` and yield it, first member last once more.

    `graph` maps each modular file to those that generate its parents.
    """
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            cycle = _from_smallest(error.args[1])
            for source in cycle:
                graph.pop(source, None)
            for source, parents in graph.items():
                graph[source] = tuple(each for each in parents if each not in cycle)
            yield cycle
        else:
            return


def _from_smallest(cycle: Sequence[str]) -> tuple[str, ...]:
    """graphlib gives the members from child to parent or back, starting anywhere."""
    members = list(reversed(cycle[:-1]))
    start = members.index(min(members))
    return (*members[start:], *members[:start], members[start])


def shares(
    graph: Mapping[str, Sequence[str]],
    reads: Mapping[str, Collection[str]],
    sizes: Mapping[str, int],
    count: int,
) -> dict[str, int]:
    """The worker that should convert each model: the one that will be done first.

    What a worker has read for one model it need not read for another, so those that read the same
    come to be together.
    """
    homes, known = {}, [set[str]() for _ in range(count)]
    load = [0] * count
    for source in TopologicalSorter(graph).static_order():
        needed = reads.get(source, ())
        new = [sum(sizes[path] for path in needed if path not in each) for each in known]
        home = min(range(count), key=lambda worker: load[worker] + new[worker])
        homes[source] = home
        load[home] += new[home] + sizes[source]
        known[home].update(needed)
    return homes


class Agenda:
    """Hands out models whose parents are done, to each worker first those that are its own.

    `homes` names the worker that should convert each: see `shares`.
    """

    def __init__(
        self,
        graph: Mapping[str, Sequence[str]],
        weights: Mapping[str, int],
        homes: Mapping[str, int],
    ) -> None:
        self._sorter = TopologicalSorter(graph)
        self._sorter.prepare()
        self._urgency = _urgency(graph, weights)
        self._extended = {parent for parents in graph.values() for parent in parents}
        self._homes = homes
        self._ready: dict[int, list[tuple[int, str]]] = {home: [] for home in homes.values()}
        self._count = 0
        self._fill()

    def __len__(self) -> int:
        """How many models could be converted right now."""
        return self._count

    def is_awaited(self, source: str) -> bool:
        """Does another model extend this one?"""
        return source in self._extended

    def take(self, worker: int) -> str | None:
        """The most urgent model of `worker`, or else of the worker with most of them."""
        queue = self._ready.get(worker) or max(self._ready.values(), key=len, default=[])
        if not queue:
            return None
        self._count -= 1
        return heapq.heappop(queue)[1]

    def done(self, source: str) -> None:
        """What extends `source` alone, or what is done already, can now be converted."""
        self._sorter.done(source)
        self._fill()

    def _fill(self) -> None:
        for source in self._sorter.get_ready():
            heapq.heappush(self._ready[self._homes[source]], (-self._urgency[source], source))
            self._count += 1


def _urgency(graph: Mapping[str, Sequence[str]], weights: Mapping[str, int]) -> dict[str, int]:
    """What is to be converted from each model to the end of the longest chain that begins there."""
    longest = dict.fromkeys(graph, 0)
    for source in reversed(tuple(TopologicalSorter(graph).static_order())):
        longest[source] += weights.get(source, 0)
        for parent in graph[source]:
            longest[parent] = max(longest[parent], longest[source])
    return longest
