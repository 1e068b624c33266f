"""What findings depend on, as a digest: the same digest, the same findings.

Nothing is imported to find it out, torch and transformers least of all. Of a model there are the
files of both sides, and whatever of the project they import; the settings; the recording. For all
models together there are the checks themselves, the interpreter, what is installed, the devices,
and the variables of the environment that torch and transformers look at.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from checks.forward.project import Project

INSTALLED = ("site-packages", "dist-packages")
"""Folders of what is installed: that is known by its version, and not followed."""

VARIABLES = re.compile("ATEN_|CUBLAS_|CUDA_|CUDNN_|NVIDIA_|PYTORCH_|TORCH|TRANSFORMERS_")


@dataclass(frozen=True)
class Fingerprints:
    """Digests of what is on the disk now; what was read once is not read again.

    `options` are those of the run that findings depend on.
    """

    project: Project
    options: object = None
    around: str = ""
    """The digest of all that is outside of the project; empty to find it out."""
    _files: dict[str, tuple[tuple[str, Path], ...]] = field(default_factory=dict)
    _digests: dict[Path, str] = field(default_factory=dict)
    _imports: dict[Path, frozenset[str]] = field(default_factory=dict)

    def again(self) -> Fingerprints:
        """The same of what is on the disk by now; what is outside of the project is as it was."""
        return Fingerprints(self.project, self.options, self.outside)

    def of_model(self, model: str, settings: object) -> str:
        """Of a model of the project."""
        project = self.project
        folder = project.path(project.modeling, model).parent
        files = {file for file in folder.rglob("*") if file.is_file() and _is_source(file)}
        start = [template.format(model=model) for template in (project.modeling, project.modular)]
        files |= self._followed([*start, *_modules_of(settings)])
        files.add(project.golden(model))
        return self._digest("model", model, settings, self._contents(files))

    def of_modules(self, specs: Iterable[str], settings: object) -> str:
        """Of definitions that were named: `transformers:mistral`, `package.module:Class`."""
        specs = list(specs)
        files = self._followed(spec.partition(":")[0] for spec in specs)
        return self._digest("modules", specs, settings, self._contents(files))

    def _digest(self, *parts: object) -> str:
        text = json.dumps([*map(_plain, parts), _plain(self.options), self.outside], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def outside(self) -> str:
        return self.around or outside()

    @cached_property
    def _modular(self) -> dict[str, str]:
        """The modular file of each generated module, which is run in its stead."""
        project = self.project
        return {
            template.format(model=model): project.modular.format(model=model)
            for model in project.models()
            for template in (project.modeling, project.configuration)
        }

    # Files.

    def _contents(self, files: Iterable[Path]) -> dict[str, str]:
        """The digest of each file, by its path; where the project is makes no difference."""
        found = {}
        for file in sorted(files):
            inside = file.is_relative_to(self.project.root)
            name = file.relative_to(self.project.root) if inside else file
            found[name.as_posix()] = self._content(file)
        return found

    def _content(self, file: Path) -> str:
        if file not in self._digests:
            content = file.read_bytes() if file.is_file() else b""
            self._digests[file] = hashlib.sha256(content).hexdigest()
        return self._digests[file]

    def _followed(self, modules: Iterable[str]) -> set[Path]:
        """The files of `modules`, of what these import, and so on; and their modular files."""
        queue, seen, files = list(modules), set[str](), set[Path]()
        while queue:
            name = queue.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in self._modular:
                queue.append(self._modular[name])
            if name not in self._files:
                self._files[name] = tuple(self._find(name))
            for module, file in self._files[name]:
                if file not in files:
                    files.add(file)
                    queue += self._imported(file, module)
        return files

    def _find(self, module: str) -> Iterator[tuple[str, Path]]:
        """The file of a module and those of the packages that it is in, with their names.

        What is installed is left out. A package that finds its modules only when they are asked
        for is taken as a whole.
        """
        first, *rest = module.split(".")
        if first in sys.stdlib_module_names:
            return
        folders = _folders(first, self.project.root)
        home = ""
        for name in (first, *rest):
            inside = [folder / name for folder in folders]
            folders = [each for each in inside if each.is_dir()]
            file = next((each.with_name(f"{name}.py") for each in inside if _has(each)), None)
            package = next((each for each in folders if (each / "__init__.py").is_file()), None)
            home = f"{home}.{name}".lstrip(".")
            if package is not None and not _is_installed(package):
                yield home, package / "__init__.py"
                yield from _members(home, package) if _is_lazy(package) else ()
            elif file is not None and not _is_installed(file):
                yield home, file

    def _imported(self, file: Path, module: str) -> Iterator[str]:
        """The modules that `file` may import, by their full names."""
        if file not in self._imports:
            text = file.read_text("utf-8", "replace") if file.is_file() else ""
            self._imports[file] = frozenset(imported(text))
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        for name in self._imports[file]:
            level = len(name) - len(name.lstrip("."))
            if not level:
                yield name
                continue
            above = package.split(".")[: len(package.split(".")) + 1 - level]
            yield ".".join(filter(None, [*above, name[level:]]))


_IMPORT = re.compile(
    r"(?:^|[;:])[ \t]*(?:from[ \t]*(?P<home>[.\w]+)[ \t]+import[ \t]*(?P<names>\([^)]*\)|[^\n;]*)"
    r"|import[ \t]+(?P<modules>[^\n;]+))"
    r"|(?:import_module|__import__)\(\s*[\"'](?P<called>[.\w]+)",
    re.MULTILINE,
)


def imported(text: str) -> Iterator[str]:
    """The names of all modules that source code may import, and some that are none.

    What is imported from a package may be a module of it. This is ten times as fast as parsing.
    """
    plain = re.sub(r"#[^\n]*", "", text).replace("\\\n", " ")
    for found in _IMPORT.finditer(plain):
        home, called = found["home"], found["called"]
        if home:
            yield home
            dot = "" if home.endswith(".") else "."
            for each in found["names"].strip("()").split(","):
                if words := each.split():
                    yield f"{home}{dot}{words[0]}"
        elif called:
            yield called
        else:
            yield from (words[0] for each in found["modules"].split(",") if (words := each.split()))


def _folders(module: str, root: Path) -> list[Path]:
    """The folders in which a module that is in no package may be."""
    found = [Path(each or ".") for each in [str(root), *sys.path]]
    if any(_has(folder / module) or (folder / module).is_dir() for folder in found):
        return found
    # What is installed from where it is worked on has a finder of its own.
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return []
    places = [*(spec.submodule_search_locations or ()), spec.origin] if spec else []
    return [Path(each).parent for each in places[:1] if each]


def _has(module: Path) -> bool:
    return module.with_name(f"{module.name}.py").is_file()


def _is_installed(path: Path) -> bool:
    return any(part in INSTALLED for part in path.parts)


def _is_lazy(package: Path) -> bool:
    text = (package / "__init__.py").read_text("utf-8", "replace")
    return "__getattr__" in text or "_LazyModule" in text


def _members(name: str, package: Path) -> Iterator[tuple[str, Path]]:
    """All modules below a package."""
    for file in sorted(filter(_is_source, package.rglob("*.py"))):
        *folders, last = file.relative_to(package).with_suffix("").parts
        inside = [*folders] if last == "__init__" else [*folders, last]
        yield ".".join([name, *inside]), file


def _is_source(file: Path) -> bool:
    return "__pycache__" not in file.parts


def _modules_of(settings: object) -> list[str]:
    reference = str(getattr(settings, "reference", ""))
    return [reference.partition(":")[0]] if reference not in ("", "none") else []


def _plain(value: object) -> object:
    """What JSON can express, and all of `value` is in."""
    return value if isinstance(value, dict | list | str) else repr(value)


# -- all models ----------------------------------------------------------------------------------


def outside() -> str:
    """Of all that is not the project's: the digest."""
    parts = (sys.version, _checks(), _installed(), _changed("transformers"), _machine())
    variables = sorted(each for each in os.environ.items() if VARIABLES.match(each[0]))
    return hashlib.sha256(json.dumps([*parts, variables]).encode()).hexdigest()


def _checks() -> list[str]:
    """The checks' own sources, and what they know of the models of transformers."""
    home = Path(__file__).parent.parent
    files = sorted(each for each in home.rglob("*") if each.suffix in (".py", ".toml"))
    return [hashlib.sha256(each.read_bytes()).hexdigest() for each in files]


def _installed() -> list[str]:
    """Everything that is installed, with its version: `torch-2.13.0+cpu.dist-info`."""
    found = set[str]()
    for folder in map(Path, sys.path):
        if folder.is_dir():
            found.update(n for n in os.listdir(folder) if n.endswith((".dist-info", ".egg-info")))
    return sorted(found)


def _changed(package: str) -> list[str]:
    """The files of an installed package that are no older than its installation: changed since.

    All are where none was installed: a package may be used from where it is worked on. A file as
    old as the installation may be of it or not, as clocks of file systems tick every few
    milliseconds; to take it for changed costs nothing.
    """
    spec = importlib.util.find_spec(package)
    found = []
    for place in map(Path, (spec.submodule_search_locations or []) if spec else []):
        records = place.parent.glob(f"{package}-*.dist-info/RECORD")
        installed = max((each.stat().st_mtime_ns for each in records), default=0)
        for folder, _, names in os.walk(place):
            for name in names:
                if name.endswith(".py"):
                    stat = os.stat(os.path.join(folder, name))
                    if stat.st_mtime_ns >= installed:
                        path = os.path.relpath(os.path.join(folder, name), place)
                        found.append(f"{path} {stat.st_size} {stat.st_mtime_ns}")
    return sorted(found)


def _machine() -> list[str]:
    """The processor, by whose instruction set bits may differ, and the accelerators."""
    cores = Path("/proc/cpuinfo")
    lines = cores.read_text("utf-8", "replace").splitlines() if cores.is_file() else []
    told = ("model name", "flags", "Features", "CPU part")
    found = dict.fromkeys(line for line in lines if line.startswith(told))
    return [platform.machine(), *found, _accelerators()]


def _accelerators() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ", ".join(sorted(map(str, Path("/dev").glob("nvidia*"))))
    wanted = [program, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    return subprocess.run(wanted, capture_output=True, text=True, check=False).stdout
