"""A small project in plain Python: `llama` by hand, `mistral` built on it, `qwen` on `mistral`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.corpus.release import REPOSITORY

LLAMA = '''\
import math
import os


class LlamaConfig:
    size = 8


class LlamaNorm:
    """A norm."""

    def __init__(self, size):
        self.size = size
        self.eps = 1e-6

    def forward(self, x):
        return math.sqrt(x + self.eps)


class LlamaModel:
    def __init__(self, config):
        self.norm = LlamaNorm(config.size)
'''

MISTRAL = """\
from models.llama.modeling_llama import LlamaConfig, LlamaModel, LlamaNorm


class MistralConfig(LlamaConfig):
    pass


class MistralNorm(LlamaNorm):
    def __init__(self, size):
        super().__init__(size)
        self.eps = 1e-5


class MistralModel(LlamaModel):
    pass
"""

QWEN = """\
from models.mistral.modeling_mistral import MistralModel


class QwenModel(MistralModel):
    pass
"""

BANNER = """\
# unravel: generated from modular/modular_{model}.py; do not edit.
# unravel: change that file and run `unravel convert`.
"""
"""What the banner of a generated file begins with; the digest of what follows comes next."""

GENERATED = (
    "models/mistral/configuration_mistral.py",
    "models/mistral/modeling_mistral.py",
    "models/qwen/modeling_qwen.py",
)


@dataclass(frozen=True)
class Project:
    """A folder with `modular/` and `models/`, and a way to run unravel in it."""

    root: Path

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def read(self, path: str) -> str:
        return (self.root / path).read_bytes().decode()

    def files(self) -> dict[str, bytes]:
        """All that lies in the folder, hidden files included."""
        found = (path for path in self.root.rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in found}

    def run(
        self, *arguments: str, code: int = 0, cwd: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run unravel as a user does; it must end with `code`, and never with a traceback."""
        done = subprocess.run(
            command(*arguments),
            cwd=self.root / cwd,
            env=self.environment(variables),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done

    def environment(self, variables: Mapping[str, str] = {}) -> dict[str, str]:
        outside = self.root.with_name(f"{self.root.name}-outside")
        (outside / "tmp").mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
        return {
            **kept,
            "PYTHONPATH": str(REPOSITORY),
            "XDG_CACHE_HOME": str(outside / "cache"),
            "TMPDIR": str(outside / "tmp"),
            **variables,
        }


def command(*arguments: str) -> Sequence[str]:
    return (sys.executable, "-m", "unravel", *arguments)


def small_project(root: Path) -> Project:
    """The small project, not converted yet."""
    project = Project(root)
    project.write("models/llama/modeling_llama.py", LLAMA)
    project.write("modular/modular_mistral.py", MISTRAL)
    project.write("modular/modular_qwen.py", QWEN)
    return project
