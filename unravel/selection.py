"""Which modular files a project has, and which of them are meant."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from glob import iglob
from pathlib import Path

from unravel.config import FILE, find_root, locate, read_settings
from unravel.diagnostics import Place, diagnose, nearest
from unravel.installed import Package, search_folders, site_folders
from unravel.naming import model_name
from unravel.profiles import MARKERS, PROFILES
from unravel.routing import KINDS, target
from unravel.types import Failed, Settings
from unravel.writing import banner_of, is_generated


@dataclass(frozen=True, slots=True)
class Project:
    root: Path
    settings: Settings


@dataclass(frozen=True, slots=True)
class Selection:
    """The project's modular files, and those that were asked for.

    `owners` names, for each path that a modular file may generate, that modular file.
    """

    project: Project
    sources: tuple[str, ...]
    selected: tuple[str, ...]
    unknown: tuple[Failed, ...]
    owners: Mapping[str, str]


def open_here(root: str | Path | None, profile: str | None, ruff: str = "") -> Project | Failed:
    """The project at `root`, or the one that the current folder is in."""
    folder = Path(os.path.abspath(root)) if root else find_root(Path.cwd(), profile=profile)
    return open_project(folder, profile, None, ruff)


def open_project(
    root: Path, profile: str | None, settings: Settings | None, ruff: str
) -> Project | Failed:
    if not root.is_dir():
        message = "the root is not a folder" if root.exists() else "there is no such folder"
        return failed("UNR001", str(root), message)
    read = settings or read_settings(root, profile=profile)
    if isinstance(read, Failed):
        return read
    wrong = _wrong_banner(read)
    if wrong:
        found = diagnose("UNR010", locate(root, "banner"), wrong[0], hint=wrong[1])
        return Failed(FILE, (found,))
    if not read.corpus_rules and not read.installed:
        located = _with_environment(read, root)
        if isinstance(located, Failed):
            return located
        read = located
    return Project(root, replace(read, ruff=ruff or read.ruff))


def _with_environment(settings: Settings, root: Path) -> Settings | Failed:
    """`settings` with the folders in which installed packages lie.

    A folder of this project's own, which an editable install of it names, is one more root.
    """
    sites = site_folders(str(root / settings.environment) if settings.environment else "")
    if not sites:
        message = f"`{settings.environment}` is no environment: it has no `site-packages`"
        hint = "name the folder of a virtual environment, such as `.venv`"
        found = diagnose("UNR010", locate(root, "environment"), message, hint=hint)
        return Failed(FILE, (found,))
    top = str(root)
    folders = search_folders(sites)
    own = [each for each in folders if _is_inside(each, top) and each not in sites]
    roots = dict.fromkeys(
        [*settings.roots, *(Path(each).relative_to(top).as_posix() for each in own)]
    )
    installed = tuple(Path(each).as_posix() for each in folders if each not in own)
    return replace(settings, roots=tuple(roots), installed=installed)


def _is_inside(folder: str, top: str) -> bool:
    return folder == top or folder.startswith(top.rstrip(os.sep) + os.sep)


def _wrong_banner(settings: Settings) -> tuple[str, str] | None:
    """Message and hint where files with this banner could not be told from hand-written ones."""
    given = (settings.banner, settings.banner_line)
    if any(given == (each.banner, each.banner_line) for each in PROFILES.values()):
        return None
    from unravel.printing import banner

    source = "modular/modular_x.py"
    try:
        package = Package("y", "1.0", "MIT")
        text = banner(settings, source, "x", "modeling", [package], "0123456789abcdef")
    except Exception as error:  # jinja2 has many
        hint = "it may name `source`, `model`, `kind`, `packages` and `digest`"
        return f"`banner` is not a template: {error}", hint
    if banner_of(text, line=settings.banner_line) != text:
        return "a line of `banner` does not match `banner-line`", "let every line match it"
    if not is_generated(text, source=source, line=settings.banner_line):
        return "`banner` does not name the modular file", "write `{{ source }}` somewhere in it"
    return None


def select(project: Project, requests: Sequence[str]) -> Selection:
    """The modular files that `requests` name, or all of them. One unknown name selects nothing."""
    sources = _find(project.root, project.settings.sources)
    owners = _owners(sources, project.settings)
    if not requests:
        nothing = () if sources else (_nothing(project),)
        return Selection(project, sources, sources, nothing, owners)
    models: dict[str, list[str]] = {}
    for source in sources:
        models.setdefault(model_name(source), []).append(source)
    named = [_named(request, project, models, owners) for request in requests]
    unknown = tuple(each for each in named if isinstance(each, Failed))
    selected = {path for each in named if not isinstance(each, Failed) for path in each}
    sources = tuple(sorted({*sources, *selected}))
    owners = _owners(sources, project.settings)
    return Selection(project, sources, () if unknown else tuple(sorted(selected)), unknown, owners)


def _find(root: Path, patterns: Iterable[str]) -> tuple[str, ...]:
    found = {path for each in patterns for path in iglob(each, root_dir=root, recursive=True)}
    paths = sorted(map(os.path.normpath, found), key=lambda path: (path.count(os.sep), path))
    # A link to a folder further up would bring each file again and again.
    places: dict[tuple[int, int, str], str] = {}
    for path in paths:
        file = os.path.join(root, path)
        # A link that leads nowhere is somebody's model all the same, and is said to be missing.
        if os.path.isfile(file) or (os.path.islink(file) and not os.path.exists(file)):
            folder, name = os.path.split(file)
            there = os.stat(folder)  # tells folders apart in one look, their real paths in many
            places.setdefault((there.st_dev, there.st_ino, name), path.replace(os.sep, "/"))
    return tuple(sorted(places.values()))


def _owners(sources: Iterable[str], settings: Settings) -> dict[str, str]:
    return {target(settings, source, kind): source for source in sources for kind in KINDS}


def _nothing(project: Project) -> Failed:
    patterns = " or ".join(f"`{pattern}`" for pattern in project.settings.sources)
    hint = f"write one, such as `{_example(project.settings.sources[0])}`; or give the project's "
    hint += "folder with `--root`, or set `sources` in [tool.unravel]"
    if project.settings.profile == "default" and (project.root / MARKERS["transformers"]).is_dir():
        hint = "this looks like transformers: use `--profile transformers`"
    return failed("UNR004", str(project.root), f"there is no modular file {patterns} here", hint)


def _example(pattern: str) -> str:
    """A path that the glob `pattern` finds."""
    return pattern.replace("**/", "").replace("*", "<model>")


def _named(
    request: str, project: Project, models: Mapping[str, list[str]], owners: Mapping[str, str]
) -> tuple[str, ...] | Failed:
    """The modular files of the model `request`, or the one at the path `request`."""
    if request in models:
        return tuple(models[request])
    if not (os.path.exists(request) or "/" in request or os.sep in request or ".py" in request):
        hint = nearest(request, models) or _models_hint(models)
        return failed("UNR004", request, f"there is no model `{request}`", hint)
    path = relative(request, project.root)
    if path in models.get(model_name(path), ()):
        return (path,)
    return _unlisted(request, path, project, models, owners)


def _models_hint(models: Iterable[str]) -> str:
    names = sorted(models)
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"the models are {shown}" if names else ""


def _unlisted(
    request: str,
    path: str,
    project: Project,
    models: Mapping[str, list[str]],
    owners: Mapping[str, str],
) -> tuple[str, ...] | Failed:
    """A path that no glob of the settings has found: a modular file all the same, or a mistake."""
    file = project.root / path
    if file.is_dir():
        return failed("UNR001", request, "this is a folder", "name a model or a modular file")
    if path in owners and file.exists():
        hint = f"name the modular file: {owners[path]}"
        return failed("UNR004", request, "this is not a modular file but a generated one", hint)
    if not file.exists():
        known = [source for sources in models.values() for source in sources]
        return failed("UNR001", request, "there is no such file", nearest(path, known))
    if path.startswith("../") or os.path.isabs(path):
        return failed("UNR004", request, f"this lies outside of the root {project.root}")
    if not re.fullmatch(r"modular_\w.*\.py", file.name):
        hint = "modular files are called modular_<model>.py"
        return failed("UNR004", request, "this is not a modular file", hint)
    return (path,)


def relative(request: str, root: Path) -> str:
    """`request`, which is relative to the current folder, relative to `root`."""
    path = Path(os.path.relpath(request, root)).as_posix()
    if path.startswith("../"):
        real = os.path.relpath(os.path.realpath(request), os.path.realpath(root))
        return Path(real).as_posix()
    return path


def failed(code: str, path: str, message: str, hint: str = "") -> Failed:
    return Failed(path, (diagnose(code, Place(path, 0, 0), message, hint=hint),))
