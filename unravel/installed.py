"""What is installed in a Python environment: where its packages lie, and whose they are.

Everything is read as text: no package is imported, and no `.pth` file is executed.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_SITE = ("site-packages", "dist-packages")
_LAYOUTS = ("lib/python*/site-packages", "lib/python*/dist-packages", "Lib/site-packages")


@dataclass(frozen=True, slots=True)
class Package:
    """An installed distribution; its metadata lie in the file `metadata`, if it has any."""

    name: str
    version: str = ""
    licence: str = ""
    metadata: str = ""

    def __str__(self) -> str:
        """`transformers 5.23.0 (Apache 2.0 License)`"""
        return f"{self.name} {self.version}".strip() + f" ({self.licence or 'licence not stated'})"


def site_folders(environment: str = "") -> tuple[str, ...]:
    """The folders into which packages are installed, in the order of the import path.

    `environment` is the folder of a virtual environment; without it, the one that runs unravel is
    meant. Nothing else of this process' path counts: neither its folder nor `PYTHONPATH`.
    """
    if not environment:
        named = (path for path in sys.path if os.path.basename(path) in _SITE)
        return tuple(dict.fromkeys(os.path.abspath(path) for path in named))
    found = (path for layout in _LAYOUTS for path in sorted(Path(environment).glob(layout)))
    return tuple(os.path.abspath(path) for path in found)


def search_folders(sites: Iterable[str]) -> tuple[str, ...]:
    """The folders of `sites` and those that their `.pth` files name, in the order of the path."""
    found: dict[str, None] = {}
    for site in sites:
        found[site] = None
        for pth in _pth_files(site):
            found.update(dict.fromkeys(_folders_of(pth)))
    return tuple(found)


def _pth_files(site: str) -> Iterator[Path]:
    if os.path.isdir(site):
        names = sorted(name for name in os.listdir(site) if name.endswith(".pth"))
        yield from (Path(site, name) for name in names)


def _folders_of(pth: Path) -> Iterator[str]:
    """The folders that a `.pth` file puts on the path, those of an editable install included."""
    for line in _text(pth).splitlines():
        finder = re.match(r"import (__editable__\w+_finder)\b", line)
        if finder:
            yield from _mapped(pth.with_name(f"{finder[1]}.py"))
        elif line.strip() and not line.startswith(("#", "import ", "import\t")):
            folder = os.path.abspath(pth.parent / line.rstrip())
            if os.path.isdir(folder):
                yield folder


def _mapped(finder: Path) -> Iterator[str]:
    """The folders in which the packages lie that setuptools' editable finder maps to a folder."""
    found = re.search(r"^MAPPING\b[^=\n]*= (\{.*\})$", _text(finder), re.MULTILINE)
    try:
        mapping = ast.literal_eval(found[1]) if found else {}
    except (ValueError, SyntaxError):
        return
    for package, folder in mapping.items():
        # Only a folder that is called like its package can be found by its path.
        if str(folder).replace(os.sep, "/").endswith("/" + package.replace(".", "/")):
            yield os.path.abspath(Path(folder).parents[package.count(".")])


# -- whose a module is ---------------------------------------------------------------------------


def owner(path: str, folders: Sequence[str]) -> Package:
    """The installed package that the module at `path`, in one of `folders`, belongs to.

    A package without metadata goes by the name of its folder.
    """
    home = next((each for each in folders if path.startswith(each + "/")), "")
    inside = path.removeprefix(home + "/")
    top = inside.partition("/")[0].removesuffix(".py")
    files = [(home, inside)]
    # The record of an editable install lists the `.pth` file alone.
    files += [
        (site, pth.name) for site in folders for pth in _pth_files(site) if home in _folders_of(pth)
    ]
    found = (_by_record(site, file, top) for site, file in files)
    return next((each for each in found if each is not None), Package(top))


def _by_record(site: str, file: str, top: str) -> Package | None:
    """The distribution whose record lists `file`; the one that is called like `top` first."""
    infos = sorted(Path(site).glob("*.dist-info"))
    infos.sort(key=lambda info: _plain(info.name.partition("-")[0]) != _plain(top))
    for info in infos:
        if re.search(rf"^\"?{re.escape(file)}\"?,", _text(info / "RECORD"), re.MULTILINE):
            return _package(info / "METADATA")
    return None


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def _package(metadata: Path) -> Package:
    fields: dict[str, list[str]] = {}
    for line in _text(metadata).partition("\n\n")[0].splitlines():
        name, colon, value = line.partition(": ")
        if colon and not line[0].isspace():
            fields.setdefault(name.lower(), []).append(value.strip())

    def first(name: str) -> str:
        return fields.get(name, [""])[0]

    given = first("license-expression") or _brief(first("license"))
    licence = given or ", ".join(_classified(fields.get("classifier", [])))
    return Package(first("name"), first("version"), licence, str(metadata))


def _brief(licence: str) -> str:
    """`licence`, unless somebody has put the whole text there."""
    return licence if len(licence) <= 60 and licence.upper() != "UNKNOWN" else ""


def _classified(classifiers: Iterable[str]) -> Iterator[str]:
    """`License :: OSI Approved :: MIT License` -> `MIT License`"""
    for classifier in classifiers:
        if classifier.startswith("License ::"):
            yield classifier.rpartition(":: ")[2]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
