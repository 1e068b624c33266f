"""Which files are looked at: each model's modular file with the files of that model."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from glob import iglob

from unravel.diagnostics import nearest
from unravel.naming import model_name
from unravel.routing import KINDS, split_module, target
from unravel.selection import Project, Selection, failed, relative
from unravel.types import Failed


@dataclass(frozen=True, slots=True)
class Unit:
    """What is looked at in one go: files of one model, by kind, and its modular file if any.

    Of the files, only those in `wanted` are reported.
    """

    name: str
    modular: str
    files: tuple[tuple[str, str], ...]
    wanted: frozenset[str]

    @property
    def paths(self) -> tuple[str, ...]:
        first = (self.modular,) if self.modular else ()
        return (*first, *(path for _, path in self.files))


def units(selection: Selection, requests: Sequence[str]) -> tuple[Unit, ...] | Failed:
    """The units that `requests` (models, modular files, models' files) name, or all of them."""
    every = {unit.name: unit for unit in _every(selection)}
    project = selection.project
    if not requests:
        return tuple(every.values()) or _nothing(project)
    chosen: dict[str, set[str]] = {}
    for request in requests:
        named = _named(request, every.values(), project)
        if isinstance(named, Failed):
            return named
        for unit, paths in named:
            chosen.setdefault(unit.name, set()).update(paths)
    return tuple(
        Unit(name, unit.modular, unit.files, frozenset(chosen[name]))
        for name, unit in every.items()
        if name in chosen
    )


def _every(selection: Selection) -> Iterator[Unit]:
    files: dict[str, dict[str, str]] = {}
    for path in _model_files(selection):
        kind, model = kind_and_model(path)
        files.setdefault(_key(path, model), {})[kind] = path
    modulars = {_key_of_modular(source, selection): source for source in selection.sources}
    for key in sorted(files.keys() | modulars.keys()):
        found = tuple(sorted(files.get(key, {}).items()))
        modular = modulars.get(key, "")
        unit = Unit(key, modular, found, frozenset())
        yield Unit(key, modular, found, frozenset(unit.paths))


def _key(path: str, model: str) -> str:
    """A model's name with its folder: two models may share a folder, or have the same name."""
    return posixpath.join(posixpath.dirname(path), model)


def _key_of_modular(source: str, selection: Selection) -> str:
    name = model_name(source)
    return _key(target(selection.project.settings, source, KINDS[0]), name)


def _model_files(selection: Selection) -> list[str]:
    """All files that are called and lie like a model's, generated or written by hand."""
    settings, root = selection.project.settings, str(selection.project.root)
    folders = {posixpath.dirname(source) for source in selection.sources}
    # Where there is no modular file yet, its folder is what the glob says.
    folders |= {posixpath.dirname(each.replace("**/", "")) for each in settings.sources}
    patterns = {
        posixpath.normpath(settings.target.format(folder=folder, model="*", kind=kind))
        for folder in folders
        for kind in KINDS
    }
    found: set[str] = set()
    for pattern in sorted(patterns):
        found.update(path.replace(os.sep, "/") for path in iglob(pattern, root_dir=root))
    return sorted(path for path in found if kind_and_model(path)[0])


def kind_and_model(path: str) -> tuple[str, str]:
    """`models/llama/modeling_llama.py` -> `modeling`, `llama`; two empty texts for other files."""
    return split_module(path.removesuffix(".py").replace("/", ".")) or ("", "")


def _named(
    request: str, every: Iterable[Unit], project: Project
) -> list[tuple[Unit, tuple[str, ...]]] | Failed:
    path = relative(request, project.root)
    by_path: list[tuple[Unit, tuple[str, ...]]] = [
        (unit, (path,)) for unit in every if path in unit.paths
    ]
    if by_path:
        return by_path
    by_name = [(unit, unit.paths) for unit in every if posixpath.basename(unit.name) == request]
    if by_name:
        return by_name
    known = [posixpath.basename(unit.name) for unit in every]
    if os.path.exists(request):
        hint = "name a model, a modular file or a file of a model"
        return failed("UNR004", request, "this is no file that is looked at", hint)
    return failed("UNR004", request, f"there is no model `{request}`", nearest(request, known))


def _nothing(project: Project) -> Failed:
    return failed("UNR004", str(project.root), "there is no modular file and no model here")
