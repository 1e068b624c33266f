"""A repository in a folder of its own, and what its code does in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import unravel


@dataclass(frozen=True)
class Repository:
    root: Path
    path: Sequence[str] = (".",)
    """The folders that are put on Python's path, relative to the root."""

    def read(self, name: str) -> str:
        return (self.root / name).read_text("utf-8")

    def run(self, code: str) -> Any:
        """What `code` calls `result`, from a new process, as JSON has it."""
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                textwrap.dedent(code) + "\nimport json; print(json.dumps(result))",
            ],
            cwd=self.root,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join(str(self.root / folder) for folder in self.path),
                "HF_HOME": str(self.root / ".hub"),
                "HF_HUB_OFFLINE": "1",
                "OMP_NUM_THREADS": "1",
            },
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


def repository(root: Path, files: Mapping[str, str], path: Sequence[str] = (".",)) -> Repository:
    """A repository of these files, converted; converting once more changes nothing."""
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")
    run = unravel.convert(root=root, jobs=1)
    said = [f"{d.path}:{d.line}: {d.message}" for each in run.failed for d in each.diagnostics]
    assert run.finished and not said, said
    assert unravel.check(root=root, jobs=1).in_sync
    return Repository(root, path)
