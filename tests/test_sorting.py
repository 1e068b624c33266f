"""What we sort, the formatter leaves as it is."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from unravel import Settings
from unravel.formatting import find_ruff
from unravel.sorting import sorted_imports

Imports = list[tuple[str, list[tuple[str, str]]]]


def same(*names: str) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


CASES: dict[str, tuple[Imports, str]] = {
    "nothing": ([], ""),
    "sections": (
        [("torch", same("nn")), (".x", same("a")), ("mine.x", same("a")), ("", same("os"))],
        "import os\n\nfrom torch import nn\n\nfrom mine.x import a\n\nfrom .x import a\n",
    ),
    "modules first": (
        [("os", same("path")), ("", same("sys", "re"))],
        "import re\nimport sys\nfrom os import path\n",
    ),
    "further away first": (
        [(".x", same("a")), ("..y", same("a")), ("...z", same("a")), (".", same("b"))],
        "from ...z import a\nfrom ..y import a\nfrom . import b\nfrom .x import a\n",
    ),
    "one line a module": (
        [("a", same("c")), ("a", same("b", "c"))],
        "from a import b, c\n",
    ),
    "constants, classes, all else": (
        [("a", same("b", "B", "Bc", "BC", "A1", "c10", "c2"))],
        "from a import A1, BC, B, Bc, b, c2, c10\n",
    ),
    "aliases stand alone": (
        [("a", [("b", "c"), ("d", "d")]), ("", [("e", "f")])],
        "import e as f\nfrom a import b as c\nfrom a import d\n",
    ),
    "too long": (
        [("a", same("b" * 60, "c" * 60))],
        f"from a import (\n    {'b' * 60},\n    {'c' * 60},\n)\n",
    ),
}


@pytest.mark.parametrize(("imports", "wanted"), CASES.values(), ids=CASES)
def test_order(imports: Imports, wanted: str) -> None:
    assert sorted_imports(imports, first_party="mine") == wanted
    assert sorted_imports(imports[::-1], first_party="mine") == wanted


def test_below_a_guard() -> None:
    text = sorted_imports([("torch", same("nn")), ("", same("re"))], first_party="", indent="    ")
    assert text == "    import re\n\n    from torch import nn\n"


def test_the_formatter_has_nothing_to_sort(tmp_path: Path) -> None:
    generator = random.Random(1)
    modules = ["", ".", ".a", "..b2", "..b10", "...c.d", "os", "os.path", "torch", "Torch", "mine"]
    names = ["a", "A", "AB", "Ab", "a2", "a10", "_a", "A1", "is_b", "b" * 50, "Cc" * 30]
    for number in range(60):
        imports: Imports = []
        for module in generator.choices(modules, k=8):
            name = generator.choice(names if module else ["re", "os", "torch", "mine.a"])
            bound = generator.choice([name, name, "other"])
            imports.append((module, [(name, bound)]))
        text = sorted_imports(imports, first_party="mine")
        (tmp_path / f"{number}.py").write_text(text)
    settings = ("lint.isort.known-first-party = ['mine']", "line-length = 119")
    ruff = find_ruff(Settings(), tmp_path)
    options = [each for setting in settings for each in ("--config", setting)]
    done = subprocess.run(
        [ruff, "check", "--isolated", "--no-cache", "--select", "I", "--diff", *options, "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
