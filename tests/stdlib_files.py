"""Real Python files that every machine has: a part of the standard library's own."""

from __future__ import annotations

import os
from pathlib import Path

_FOLDER = Path(os.__file__).parent
_TRICKY = ("argparse.py", "dataclasses.py", "enum.py", "inspect.py", "typing.py", "this.py")

STDLIB_FILES = sorted(
    {*sorted(_FOLDER.glob("[a-z]*.py"))[::8], *(_FOLDER / name for name in _TRICKY)}
)
