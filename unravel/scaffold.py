"""A new model to begin with: a modular file that changes nothing yet, its test and its page."""

from __future__ import annotations

import keyword
import os
import posixpath
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from unravel.diagnostics import nearest
from unravel.formatting import format_batch
from unravel.naming import CasedNames, model_name
from unravel.printing import exported
from unravel.reading import Loader
from unravel.relative import absolute_name
from unravel.routing import KINDS, MODELING, kind_of, target
from unravel.selection import Project, Selection, failed, select
from unravel.types import DefinitionKind, Failed, Outline, Refused


@dataclass(frozen=True, slots=True)
class ParentModule:
    """A module of the model to build on, and the classes that it exports."""

    path: str
    kind: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A file to write, by its path relative to the root."""

    path: str
    text: str


def parent_modules(project: Project, parent: str) -> tuple[ParentModule, ...] | Failed:
    """The modules of the model `parent`, which is the project's or a package's.

    `llama` is a model of this project; `transformers.models.llama` is a package that is installed.
    """
    selection = select(project, ())
    loader = Loader(str(project.root), "", project.settings, selection.owners)
    found: list[ParentModule] = []
    try:
        for kind, path in _places(project, selection, parent):
            outline = loader.load(path)
            if outline is not None and not path.endswith("__init__.py"):
                found.append(ParentModule(path, kind, tuple(_exports(outline))))
    except Refused as refused:
        return Failed(parent, (refused.diagnostic,))
    found = [module for module in found if module.classes]
    if not found:
        hint = nearest(parent, _known(project, selection)) or (
            "name a model of this project, or a package such as `transformers.models.llama`"
        )
        return failed("UNR101", parent, f"no module of the model `{parent}` was found", hint)
    return tuple(found)


def _places(project: Project, selection: Selection, parent: str) -> Iterator[tuple[str, str]]:
    """Where the modules of `parent` may lie, by their kinds."""
    settings, name = project.settings, parent.rpartition(".")[2]
    if "." in parent:
        folders = [*settings.roots, *settings.installed]
        inner = parent.replace(".", "/")
        for kind in KINDS:
            paths = (posixpath.normpath(f"{each}/{inner}/{kind}_{name}.py") for each in folders)
            yield from ((kind, path) for path in paths if (project.root / path).is_file())
        return
    sources = [each for each in selection.sources if model_name(each) == name]
    for source in sources or [_source(project, name)]:
        for kind in KINDS:
            path = target(settings, source, kind)
            if (project.root / path).is_file():
                yield kind, path


def _known(project: Project, selection: Selection) -> set[str]:
    """The models of the project, generated or by hand."""
    pattern = re.compile(rf"(?:{'|'.join(KINDS)})_(\w+)\.py")
    folder = posixpath.dirname(
        posixpath.dirname(target(project.settings, _source(project, "x"), MODELING))
    )
    by_hand = {
        found[1]
        for path in (project.root / folder).glob("*/*.py")
        if (found := pattern.fullmatch(path.name))
    }
    return by_hand | {model_name(source) for source in selection.sources}


def _exports(outline: Outline) -> Iterator[str]:
    names = exported(outline) or [name for name in outline.definitions if not name.startswith("_")]
    for name in names:
        definition = outline.definitions.get(name)
        if definition is not None and definition.kind is DefinitionKind.CLASS:
            yield name


def _source(project: Project, model: str) -> str:
    """Where the modular file of a new model goes: as the first glob of the settings has it."""
    pattern = project.settings.sources[0].replace("**/", "")
    folder, file = posixpath.split(pattern)
    # `models/*/modular_*.py` has a folder for each model, `modular/modular_*.py` one for all.
    return posixpath.join(folder.replace("*", model), file.replace("*", model))


def name_problem(project: Project, name: str) -> str:
    """Why no model can be called `name`; empty where one can."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name.endswith("_") or "__" in name:
        return "a model's name is made of lower-case letters, digits and single underscores"
    if keyword.iskeyword(name):
        return f"`{name}` is a word of Python's"
    for each in select(project, ()).sources:
        if model_name(each) == name:
            return f"there is a model of that name: {each}"
    for path in (
        _source(project, name),
        *(target(project.settings, _source(project, name), kind) for kind in KINDS),
    ):
        if os.path.lexists(project.root / path):
            return f"{path} exists"
    return ""


def cased_name(name: str) -> str:
    """`brand_new` -> `BrandNew`."""
    return CasedNames({}, {}).cased_name(name)


def old_prefix(modules: Sequence[ParentModule]) -> str:
    """What the names of the parent's classes begin with: that of its configuration or model."""
    names = [name for module in modules for name in module.classes]
    for ending in ("Config", "PreTrainedModel", "Model"):
        starts = [name.removesuffix(ending) for name in names if name.endswith(ending)]
        starts = [start for start in starts if start]
        if starts:
            return min(starts, key=len)
    return posixpath.commonprefix(names)


def renamed(base: str, prefix: str, cased: str) -> str:
    """The name of the new model's class that is built on `base`."""
    return cased + base.removeprefix(prefix) if base.startswith(prefix) else cased + base


def drafts(
    project: Project,
    name: str,
    parent: str,
    modules: Sequence[ParentModule],
    *,
    prefix: str,
    cased: str,
    description: str,
    tests: str,
    docs: str,
) -> tuple[Draft, ...]:
    """The files of the new model `name`, built on the classes of `modules`.

    Their names have `cased` where the parent's have `prefix`. `tests` and `docs` are folders
    relative to the root; empty for none.
    """
    source, settings = _source(project, name), project.settings
    classes = [
        (renamed(base, prefix, cased), base) for module in modules for base in module.classes
    ]
    classes.sort(key=lambda pair: not pair[0].endswith("Config"))
    homes = [
        (_module(target(settings, source, kind_of(each, cased)), settings.roots), each)
        for each, _ in classes
    ]
    values = {
        "model": name,
        "cased": cased,
        "parent": parent,
        "description": description,
        "source": source,
        "classes": classes,
        "exported": sorted(each for each, _ in classes),
        "homes": sorted(homes),
        "imports": sorted(
            (_imported(each.path, source, project), sorted(each.classes)) for each in modules
        ),
        "runs": any(module.kind == MODELING for module in modules),
        "root": next((r for r in settings.roots if r != "." and source.startswith(f"{r}/")), "."),
    }
    found = [Draft(source, _rendered("modular.py", values))]
    if tests:
        depth = len(Path(tests).parts)
        path = posixpath.join(tests, f"test_{name}.py")
        found.append(Draft(path, _rendered("test.py", {**values, "depth": depth})))
    if docs:
        link = posixpath.relpath(source, docs)
        found.append(
            Draft(
                posixpath.join(docs, f"{name}.md"), _rendered("page.md", {**values, "link": link})
            )
        )
    return tuple(_formatted(found, project))


def _formatted(drafts: Sequence[Draft], project: Project) -> Iterator[Draft]:
    texts = {draft.path: draft.text for draft in drafts if draft.path.endswith(".py")}
    with tempfile.TemporaryDirectory(prefix="unravel-new-") as scratch:
        done = format_batch(
            texts, root=project.root, settings=project.settings, scratch=Path(scratch)
        )
    for draft in drafts:
        text = done.get(draft.path, draft.text)
        yield Draft(draft.path, text if isinstance(text, str) else draft.text)


def _module(path: str, roots: Sequence[str]) -> str:
    return absolute_name(path.removesuffix(".py"), roots)


def _imported(path: str, source: str, project: Project) -> str:
    """The module to import, as the modular file would: in a package of models, relatively."""
    if project.settings.corpus_rules and not posixpath.isabs(path):
        folder, file = posixpath.split(path)
        return f"..{posixpath.basename(folder)}.{file.removesuffix('.py')}"
    for folder in project.settings.installed:
        if path.startswith(folder.rstrip("/") + "/"):
            return _module(path.removeprefix(folder.rstrip("/") + "/"), ())
    return _module(path, project.settings.roots)


def _rendered(template: str, values: Mapping[str, object]) -> str:
    import jinja2

    text = files("unravel").joinpath(f"templates/new/{template}.jinja").read_text("utf-8")
    made = jinja2.Template(text, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    return re.sub(r"\n{4,}", "\n\n\n", made.render(values)).rstrip("\n") + "\n"
