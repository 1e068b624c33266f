"""The least that a conversion takes: read and parse each input once, lint and format the outputs.

`python -m benchmarks.floor MODULES RUFF FOLDER`: MODULES is a file that lists the modular files and
their parent modules, FOLDER holds all generated files, and the formatter's settings.
"""

from __future__ import annotations

import ast
import gc
import subprocess
import sys
from pathlib import Path


def main(modules: str, ruff: str, folder: str) -> None:
    # Trees hold no cycles: a floor has no time to look for some.
    gc.disable()
    for module in Path(modules).read_text("utf-8").splitlines():
        ast.parse(Path(module).read_bytes())
    options = ("--quiet", "--no-cache", ".")
    subprocess.run((ruff, "check", "--fix", *options), cwd=folder, check=True)
    subprocess.run((ruff, "format", *options), cwd=folder, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
