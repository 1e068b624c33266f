"""A golden case: one file that holds a small project, and what its modular file becomes.

The file begins with what the case shows. Each part follows a line `==> title <==`, where the title
is the path of a file, `probe`, `wanted` and the path of a generated file, `wanted warnings` or
`wanted diagnostics`.
A line `defect: ...` at the top marks a case that does not pass yet. With `run: all models`, the
case is a project of several modular files, converted on disk.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import unravel
from checks.live import live
from unravel.converter import convert
from unravel.diagnostics import Place, diagnose
from unravel.outline import read_outline
from unravel.parsing import PYTHON
from unravel.types import Converted, Diagnostic, Failed, Outline, Refused, Settings

_TITLE = re.compile(r"^==> (.+) <==\n", re.MULTILINE)
_WANTED = "wanted "
DIAGNOSTICS = "diagnostics"
WARNINGS = "warnings"


@dataclass(frozen=True)
class Case:
    """A case as it stands in its file; `wanted` maps generated paths, or `diagnostics`, to text."""

    about: str
    files: Mapping[str, str]
    probe: str
    wanted: Mapping[str, str]

    @property
    def modular(self) -> str:
        """The path of the modular file; the last one, where it extends another one's output."""
        return [path for path in self.files if Path(path).name.startswith("modular_")][-1]

    @property
    def defect(self) -> str:
        """Why the case does not pass yet; empty for one that does."""
        found = re.search(r"^defect: (.*)", self.about, re.MULTILINE)
        return found[1] if found else ""

    @property
    def is_whole_run(self) -> bool:
        """Are all modular files converted, as a user does it?"""
        return re.search(r"^run: all models$", self.about, re.MULTILINE) is not None


def read_case(text: str) -> Case:
    """The case that a file's text holds."""
    about, *parts = _TITLE.split(text)
    named = dict(zip(parts[::2], parts[1::2], strict=True))
    # The blank line above a title belongs to the layout of the case.
    named = {title: part.rstrip("\n") + "\n" for title, part in named.items()}
    wanted = {
        title.removeprefix(_WANTED): part
        for title, part in named.items()
        if title.startswith(_WANTED)
    }
    probe = named.pop("probe", "")
    files = {title: part for title, part in named.items() if not title.startswith(_WANTED)}
    return Case(about, files, probe, wanted)


def write_case(case: Case) -> str:
    """The text of a case's file; `read_case` gives the case back."""
    parts = dict(case.files)
    if case.probe:
        parts["probe"] = case.probe
    parts.update({_WANTED + title: part for title, part in case.wanted.items()})
    blocks = [f"==> {title} <==\n{part}" for title, part in parts.items()]
    return case.about.rstrip("\n") + "\n\n" + "\n".join(blocks)


def with_wanted(case: Case, wanted: Mapping[str, str]) -> Case:
    """The case with other expected parts."""
    return replace(case, wanted=dict(wanted))


def without_defect(case: Case) -> Case:
    """The case, marked as one that passes."""
    return replace(case, about=re.sub(r"^defect: .*\n?", "", case.about, flags=re.MULTILINE))


def converted(case: Case) -> Converted | Failed:
    """What the case's modular file becomes, with the default settings."""
    outlines: dict[str, Outline | None] = {}

    def load(path: str) -> Outline | None:
        if path not in outlines:
            text = case.files.get(path)
            outlines[path] = None if text is None else read_outline(path, text)
        return outlines[path]

    try:
        modular = read_outline(case.modular, case.files[case.modular])
    except Refused as refused:
        return Failed(case.modular, (refused.diagnostic,))
    try:
        return convert(modular, Settings(), load)
    except Exception as error:  # a run reports it so, and goes on
        return Failed(case.modular, (diagnose("UNR901", Place(case.modular, 0, 0), repr(error)),))


def run_of(case: Case, root: Path) -> dict[str, str]:
    """What a run over the case's project in the folder `root` writes, and what it says."""
    for path, text in case.files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    run = unravel.convert(root=root)
    written = (path.relative_to(root).as_posix() for path in sorted(root.rglob("*.py")))
    texts = {path: (root / path).read_text("utf-8") for path in written if path not in case.files}
    found = {path: _without_banner(text) for path, text in texts.items()}
    said = "".join(line_of(each) for failed in run.failed for each in failed.diagnostics)
    return {**found, DIAGNOSTICS: said} if said else found


def _without_banner(text: str) -> str:
    return re.sub(rf"\A(?:{Settings().banner_line}.*\n)*\n*", "", text)


def line_of(diagnostic: Diagnostic) -> str:
    """A diagnostic as a case's file has it: `path:line:col: CODE message`, and the hint below.

    The version of Python is left out: cases are for all.
    """
    place = f"{diagnostic.path}:{diagnostic.line}:{diagnostic.column}"
    message = diagnostic.message.replace(PYTHON, "Python")
    hint = f"    {diagnostic.hint}\n" if diagnostic.hint else ""
    return f"{place}: {diagnostic.code} {message}\n{hint}"


def behaviour(case: Case, files: Mapping[str, str]) -> Any:
    """What the case's `probe` sees of the generated `files`."""
    with importable({**_without_modular(case), **files}):
        seen = SimpleNamespace()
        for path in files:
            vars(seen).update(vars(_import(path)))
        return probed(case, seen)


def live_behaviour(case: Case) -> Any:
    """What the case's `probe` sees of the modular file as it stands, executed."""
    with importable(case.files), live(import_path(case.modular)) as module:
        return probed(case, module)


def _without_modular(case: Case) -> dict[str, str]:
    return {path: text for path, text in case.files.items() if path != case.modular}


def probed(case: Case, module: Any) -> Any:
    namespace: dict[str, Any] = {}
    exec(compile(case.probe, "<probe>", "exec"), namespace)
    return namespace["probe"](module)


class _Sources(MetaPathFinder, Loader):
    """Imports modules from texts, and takes the folders that they lie in for packages."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.modules = {import_path(path): (path, text) for path, text in files.items()}
        self.packages = {
            name.rpartition(".")[0][:end]
            for name in self.modules
            for end in [None, *(m.start() for m in re.finditer(r"\.", name.rpartition(".")[0]))]
        } - {""}

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        if fullname in self.modules or fullname in self.packages:
            return spec_from_loader(fullname, self, is_package=fullname in self.packages)
        return None

    def get_source(self, fullname: str) -> str:
        return self.modules[fullname][1]

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ in self.modules:
            path, text = self.modules[module.__name__]
            exec(compile(text, path, "exec", dont_inherit=True), vars(module))


@contextmanager
def importable(files: Mapping[str, str]) -> Iterator[None]:
    """Imports find `files`, and nothing of them is left behind."""
    finder = _Sources(files)
    ours = {name.partition(".")[0] for name in (*finder.modules, *finder.packages)}

    def taken_out() -> dict[str, ModuleType]:
        names = [name for name in sys.modules if name.partition(".")[0] in ours]
        return {name: sys.modules.pop(name) for name in names}

    before = taken_out()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        taken_out()
        sys.modules.update(before)


def import_path(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _import(path: str) -> ModuleType:
    from importlib import import_module

    return import_module(import_path(path))
