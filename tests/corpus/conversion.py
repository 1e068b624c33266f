"""Run `unravel convert` over a tree, as a user would, and measure it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.corpus.release import REPOSITORY

FINDING = re.compile(r"(?P<path>\S+\.py)(?::\d+:\d+)?: [A-Z]+\d+ ")


@dataclass(frozen=True)
class Run:
    """How a conversion ended, what it printed and what it took."""

    exit_code: int
    output: str
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    """The largest resident size that any one of its processes reached."""


def command(tree: Path, ruff: Path, arguments: Sequence[str] = ()) -> list[str]:
    """The command line that converts `tree`."""
    convert = [sys.executable, "-m", "unravel", "convert", "--profile", "transformers"]
    return [*convert, "--root", str(tree), "--ruff", str(ruff), "--no-cache", "--quiet", *arguments]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process' environment, less what would make the output differ between terminals."""
    # The package that is tried is this repository's, also where another one is installed.
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "200", **(extra or {})}


def convert(
    tree: Path,
    ruff: Path,
    arguments: Sequence[str] = (),
    *,
    variables: Mapping[str, str] | None = None,
) -> Run:
    """Convert `tree` in a process of its own."""
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command(tree, ruff, arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(variables),
            cwd=tree,
        )
        # Of this child and the children that it waited for, and of no other process.
        _, status, used = os.wait4(process.pid, 0)
        wall_seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    return Run(
        exit_code=process.returncode,
        output=text,
        wall_seconds=wall_seconds,
        cpu_seconds=used.ru_utime + used.ru_stime,
        # Linux counts in KiB, macOS in bytes.
        peak_bytes=used.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    )


def findings(output: str) -> dict[str, list[str]]:
    """The diagnostics in `output`, each with the lines below it, by the path that they name."""
    found: dict[str, list[str]] = {}
    block: list[str] | None = None
    for line in output.splitlines():
        match = FINDING.match(line)
        if match:
            block = found.setdefault(match["path"], [])
        elif not line.startswith(" "):
            block = None
        if block is not None:
            block.append(line)
    return found
