"""The wheel: what it ships, and that it converts where neither torch nor transformers is."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

PARENT = """\
import torch
from torch import nn


class DoveConfig:
    hidden_size = 8


class DoveNorm(nn.Module):
    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return states


class DoveModel(nn.Module):
    def __init__(self, config: DoveConfig):
        super().__init__()
        self.norm = DoveNorm()
"""
MODULAR = """\
from models.dove.modeling_dove import DoveModel


class HawkModel(DoveModel):
    pass
"""
HEAVY = {"libcst", "jinja2", "torch", "transformers", "unravel.converter"}
"""What a command line that only answers `--help` must not wait for."""

# One environment is enough: all these tests go to one process.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a release would be."""
    folder = tmp_path_factory.mktemp("wheel")
    # hatchling is among the `dev` requirements: nothing has to be fetched to build.
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=repository)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment that holds the wheel and what it requires."""
    folder = tmp_path_factory.mktemp("environment")
    _run([sys.executable, "-m", "venv", folder], cwd=folder)
    interpreter = folder / "bin" / "python"
    _run([interpreter, "-m", "pip", "install", "--quiet", wheel], cwd=folder)
    return interpreter


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A hand-written model, a modular file that extends it, and no settings."""
    for path, text in {
        "models/dove/modeling_dove.py": PARENT,
        "modular/modular_hawk.py": MODULAR,
    }.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_the_wheel_ships_the_packages_alone(wheel: Path, repository: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    shipped = {name.partition("/")[0] for name in names}
    metadata = next(name for name in shipped if name.endswith(".dist-info"))
    assert shipped == {"unravel", "checks", metadata}
    sources = {
        path.relative_to(repository).as_posix()
        for package in ("unravel", "checks")
        for path in (repository / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sources <= names
    assert "unravel/py.typed" in names
    assert f"{metadata}/licenses/LICENSE" in names


def test_it_converts_without_torch_and_transformers(python: Path, project: Path) -> None:
    for library in ("torch", "transformers"):
        failed = subprocess.run([python, "-c", f"import {library}"], capture_output=True)
        assert b"ModuleNotFoundError" in failed.stderr
    unravel = python.with_name("unravel")
    _run([unravel, "convert"], cwd=project)
    generated = (project / "models/hawk/modeling_hawk.py").read_text()
    assert "class HawkNorm(nn.Module):" in generated
    assert "class HawkModel(nn.Module):" in generated
    assert "Dove" not in generated
    _run([unravel, "check"], cwd=project)


@pytest.mark.parametrize(
    "statement",
    [
        "import unravel",
        "from unravel.cli import run; assert run(['--help']) == 0",
        "from unravel.cli import run; assert run(['--version']) == 0",
    ],
)
def test_it_starts_light(python: Path, tmp_path: Path, statement: str) -> None:
    script = textwrap.dedent(
        f"""\
        import sys
        {statement}
        print("loaded:", *sorted(sys.modules))
        """
    )
    printed = _run([python, "-c", script], cwd=tmp_path)
    loaded = set(printed.rpartition("loaded:")[2].split())
    assert "unravel" in loaded
    assert not loaded & HEAVY


def test_help_and_version(python: Path, tmp_path: Path, repository: Path) -> None:
    unravel = python.with_name("unravel")
    assert "convert" in _run([unravel, "--help"], cwd=tmp_path)
    version = _run([unravel, "--version"], cwd=tmp_path).split()[-1]
    assert f'version = "{version}"' in (repository / "pyproject.toml").read_text()
    assert _run([python, "-m", "unravel", "--version"], cwd=tmp_path).split()[-1] == version


def _run(command: Sequence[str | Path], *, cwd: Path) -> str:
    """What the command prints; it must succeed, and must not find this repository by itself."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        command, cwd=cwd, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert result.returncode == 0, f"{command}:\n{result.stdout}\n{result.stderr}"
    return result.stdout
