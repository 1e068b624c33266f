"""Runs code where this repository is not installed, as those do who load a model from the Hub."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PRELUDE = """
import importlib.util, sys
from pathlib import Path

# Wherever this repository is installed from.
sys.path[:] = [entry for entry in sys.path if not Path(entry, "unravel", "cli.py").exists()]
for name in ("models", "modular", "unravel"):
    assert importlib.util.find_spec(name) is None, name
"""


def run_elsewhere(folder: Path, code: str, *arguments: Path) -> None:
    """Runs the code in a process that cannot import this repository and has no network.

    `folder` gets the code and the process' caches. Raises a CalledProcessError if the code fails.
    """
    script = folder / "elsewhere.py"
    script.write_text(PRELUDE + code)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(
        [sys.executable, script, *arguments],
        env={**environment, "HF_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "1"},
        cwd=folder,
        check=True,
    )
