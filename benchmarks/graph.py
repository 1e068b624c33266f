"""Which modular files of a release are built on which: some are taken with their ancestors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from math import gcd
from pathlib import Path

from tests.corpus.tree import Corpus
from unravel.profiles import PROFILES
from unravel.reading import Loader
from unravel.routing import KINDS, target
from unravel.workers import Read, read_one


@dataclass(frozen=True)
class Graph:
    """The parent modules of each modular file, and which modular files generate modules."""

    parents: Mapping[str, tuple[str, ...]]
    owners: Mapping[str, str]

    def modules(self, sources: Iterable[str]) -> list[str]:
        """The modular files and their parent modules, each once."""
        found = {path for source in sources for path in (source, *self.parents[source])}
        return sorted(found)

    def ancestors(self, source: str) -> set[str]:
        """`source` and the modular files that it is built on."""
        found, waiting = set(), [source]
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                owners = (self.owners.get(path) for path in self.parents[each])
                waiting += [owner for owner in owners if owner is not None]
        return found

    def some(self, number: int) -> list[str]:
        """About evenly spread modular files, with all that they are built on: `number` of them."""
        every = sorted(self.parents)
        stride = next(n for n in count(len(every) * 5 // 8 + 1) if gcd(n, len(every)) == 1)
        found: set[str] = set()
        for position in range(len(every)):
            family = found | self.ancestors(every[position * stride % len(every)])
            if len(family) <= number:
                found = family
        return sorted(found)


def read_graph(corpus: Corpus, tree: Path) -> Graph:
    """The graph of the release that lies in `tree`."""
    settings = PROFILES["transformers"]
    owners = {target(settings, source, kind): source for source in corpus.modular for kind in KINDS}
    loader = Loader(str(tree), str(tree / "nowhere"), settings, owners)
    parents = {}
    for source in corpus.modular:
        read = read_one(source, loader)
        assert isinstance(read, Read), read
        parents[source] = read.parents
    return Graph(parents, owners)
