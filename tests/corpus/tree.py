"""A copy of a release to convert in: every generated file is blanked down to its banner."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.corpus.generated import banner, source

MODELS = Path("src/transformers/models")


def read(path: Path) -> str:
    """The text of `path`, with its line endings as they are."""
    return path.read_bytes().decode("utf-8")


@dataclass(frozen=True)
class Corpus:
    """What a release holds. Paths are relative to the root of a tree, with forward slashes."""

    expected: Path
    modular: tuple[str, ...]
    sources: dict[str, str]
    """The generated files, sorted, each with the modular file that its banner names."""

    @cached_property
    def generated(self) -> tuple[str, ...]:
        return tuple(self.sources)

    def of_models(self, models: Iterable[str]) -> Corpus:
        """The same corpus, with the modular and generated files of `models` alone."""
        wanted = frozenset(models)
        modular = tuple(path for path in self.modular if model_of(path) in wanted)
        missing = wanted - {model_of(path) for path in modular}
        if missing:
            raise LookupError(f"no modular file for {', '.join(sorted(missing))}")
        sources = {path: of for path, of in self.sources.items() if of in modular}
        return Corpus(self.expected, modular, sources)


def model_of(path: str) -> str:
    """The model whose folder `path` lies in."""
    return path.rsplit("/", 2)[-2]


def survey(expected: Path) -> Corpus:
    """Find the modular and the generated files of a release in `expected`."""
    modular = sorted(expected.glob(f"{MODELS}/*/modular_*.py"))
    candidates = sorted(expected.glob(f"{MODELS}/*/*.py"))
    sources = {}
    for path in candidates:
        named = source(read(path))
        if named is not None:
            sources[path.relative_to(expected).as_posix()] = named
    return Corpus(
        expected, tuple(path.relative_to(expected).as_posix() for path in modular), sources
    )


def lay_out(corpus: Corpus, tree: Path) -> None:
    """Make `tree` a fresh copy of the release, blanked; what was there is removed."""
    if tree.exists():
        shutil.rmtree(tree)
    shutil.copytree(corpus.expected, tree, copy_function=shutil.copyfile)
    blank(corpus, tree)


def blank(corpus: Corpus, tree: Path) -> None:
    """Cut every generated file of `tree` down to its banner."""
    for path in corpus.generated:
        (tree / path).write_bytes(blanked(corpus, path).encode("utf-8"))


def blanked(corpus: Corpus, path: str) -> str:
    """What is left of the generated file `path` when it is blanked."""
    return banner(read(corpus.expected / path))


def snapshot(tree: Path, paths: Iterable[str]) -> dict[str, bytes]:
    """The bytes of each of `paths`."""
    return {path: (tree / path).read_bytes() for path in paths}


def files(tree: Path) -> frozenset[str]:
    """All files under `tree`, whatever they are."""
    return frozenset(
        path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()
    )
