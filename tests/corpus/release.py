"""A release of transformers on disk: its modules as they were shipped, and its ruff settings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
CORPUS = REPOSITORY / ".corpus"

VERSION = "5.23.0"
RUFF_VERSION = "0.14.10"
"""The ruff that the release was formatted with; another one formats some lines differently."""
COUNTS = {VERSION: (326, 667)}
"""How many modular and generated files a release is known to have."""


class FetchFailed(Exception):
    """Something of the corpus could not be fetched; the message says what and why."""


@dataclass(frozen=True)
class Release:
    """The folders of one release. `expected` is never written to once it is complete."""

    version: str = VERSION
    ruff_version: str = RUFF_VERSION

    @property
    def folder(self) -> Path:
        return CORPUS / self.version

    @property
    def expected(self) -> Path:
        return self.folder / "expected"

    @property
    def tree(self) -> Path:
        return self.folder / "tree"

    @property
    def ruff(self) -> Path:
        return CORPUS / f"ruff-{self.ruff_version}" / "bin" / "ruff"

    @property
    def is_complete(self) -> bool:
        return self.expected.is_dir() and self.ruff.is_file()


def fetch(release: Release) -> None:
    """Fetch what is not there yet. Raises FetchFailed; nothing half-fetched is left in place."""
    CORPUS.mkdir(exist_ok=True)
    if not release.expected.is_dir():
        with tempfile.TemporaryDirectory(dir=CORPUS, prefix="fetching-") as scratch:
            unpacked = _unpack(release.version, Path(scratch))
            release.folder.mkdir(exist_ok=True)
            os.replace(unpacked, release.expected)
    if not release.ruff.is_file():
        with tempfile.TemporaryDirectory(dir=CORPUS, prefix="fetching-") as scratch:
            target = Path(scratch) / "ruff"
            _pip("install", "--no-deps", "--target", target, f"ruff=={release.ruff_version}")
            shutil.rmtree(release.ruff.parents[1], ignore_errors=True)
            os.replace(target, release.ruff.parents[1])


def _unpack(version: str, scratch: Path) -> Path:
    """A folder with `pyproject.toml` and `src/transformers/**/*.py` of the release."""
    unpacked = scratch / "expected"
    unpacked.mkdir()
    requirement = f"transformers=={version}"
    _pip("download", "--no-deps", "--only-binary", ":all:", "--dest", scratch, requirement)
    _pip("download", "--no-deps", "--no-binary", ":all:", "--dest", scratch, requirement)
    with zipfile.ZipFile(scratch / f"transformers-{version}-py3-none-any.whl") as wheel:
        wheel.extractall(
            unpacked / "src",
            [
                name
                for name in wheel.namelist()
                if name.startswith("transformers/") and name.endswith(".py")
            ],
        )
    settings = f"transformers-{version}/pyproject.toml"
    # Its ruff settings are all that the corpus needs of the sdist: the wheel has none.
    with tarfile.open(scratch / f"transformers-{version}.tar.gz") as sdist:
        member = sdist.extractfile(settings)
        if member is None:
            raise FetchFailed(f"the sdist of {requirement} has no {settings}")
        (unpacked / "pyproject.toml").write_bytes(member.read())
    return unpacked


def _pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    except subprocess.CalledProcessError as error:
        words = " ".join(str(argument) for argument in arguments)
        raise FetchFailed(f"`pip {words}` failed with exit code {error.returncode}") from error
