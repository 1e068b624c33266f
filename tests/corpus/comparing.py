"""A converted tree against what the release ships."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.corpus.generated import Difference, first_difference
from tests.corpus.tree import Corpus, blanked, read

DIFFERING = Path(__file__).with_name("differing.txt")


@dataclass(frozen=True)
class Comparison:
    """Which generated files are as shipped, which differ, and which were not written at all."""

    identical: tuple[str, ...]
    differing: dict[str, Difference]
    missing: tuple[str, ...]

    @property
    def unlike(self) -> frozenset[str]:
        """All that is not as shipped."""
        return frozenset(self.differing) | frozenset(self.missing)


def compare(corpus: Corpus, tree: Path) -> Comparison:
    """Compare every generated file, banner included: a conversion has to keep it."""
    identical, differing, missing = [], {}, []
    for path in corpus.generated:
        target = tree / path
        got = read(target) if target.is_file() else ""
        difference = first_difference(read(corpus.expected / path), got)
        if difference is None:
            identical.append(path)
        elif not got or got == blanked(corpus, path):
            missing.append(path)
        else:
            differing[path] = difference
    return Comparison(tuple(identical), differing, tuple(missing))


def listed(path: Path = DIFFERING) -> dict[str, str]:
    """The files that are known to differ, each with the whole line that lists it."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    entries = {line.partition("#")[0].strip(): line for line in lines}
    return {entry: line for entry, line in entries.items() if entry}


@dataclass(frozen=True)
class Drift:
    """How the files that differ are not those that are listed."""

    unlisted: tuple[str, ...]
    """Differ and are not listed: something got worse."""
    solved: tuple[str, ...]
    """Are listed and no longer differ: the list must shrink."""

    def __str__(self) -> str:
        parts = []
        if self.unlisted:
            parts.append(_paragraph("These files differ and are not listed:", self.unlisted))
        if self.solved:
            parts.append(
                _paragraph(
                    "These files no longer differ; strike them with `make corpus-list`:",
                    self.solved,
                )
            )
        return "\n".join(parts)


def drift(unlike: Iterable[str], listing: Iterable[str]) -> Drift | None:
    """How `unlike` and `listing` disagree, or None where they agree."""
    now, before = frozenset(unlike), frozenset(listing)
    if now == before:
        return None
    return Drift(tuple(sorted(now - before)), tuple(sorted(before - now)))


def _paragraph(title: str, paths: Iterable[str]) -> str:
    return "\n".join([title, *(f"  {path}" for path in paths)])


def write_list(
    unlike: Iterable[str], *, path: Path = DIFFERING, may_grow: bool = False
) -> tuple[str, ...]:
    """Strike from the list what is not in `unlike`; add what is new only if it `may_grow`.

    Returns what was not added. What is written after a `#` in a line that stays, stays.
    """
    now, before = sorted(unlike), listed(path)
    kept = [before.get(entry, entry) for entry in now if may_grow or entry in before]
    header = "# Generated files of the corpus that still differ. This list may only shrink.\n"
    path.write_text(header + "".join(f"{line}\n" for line in kept), encoding="utf-8")
    return tuple(entry for entry in now if not may_grow and entry not in before)
