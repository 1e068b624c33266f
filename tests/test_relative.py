"""Relative imports of code that is copied into another folder."""

from __future__ import annotations

import pytest

from unravel.outline import read_outline
from unravel.relative import moved, relocated

ROOTS = (".", "src", "one", "two", "../other", "/env/lib")

STAYS = [
    ("torch.nn", 0, "models/old/modeling_old.py"),
    ("cache_utils", 3, "src/library/models/old/modeling_old.py"),
    ("", 3, "src/library/models/old/modeling_old.py"),
    ("auto", 2, "src/library/models/old/modeling_old.py"),
]

CHANGES = [
    # From the folder of the modular files to that of the model.
    ("layers", 1, "modular/modular_new.py", "models/new/modeling_new.py", "modular.layers"),
    (
        "models.old.layers",
        2,
        "modular/modular_new.py",
        "models/new/modeling_new.py",
        "..old.layers",
    ),
    # A package around both keeps them relative to each other.
    (
        "layers",
        1,
        "library/modular/modular_new.py",
        "library/models/new/modeling_new.py",
        "...modular.layers",
    ),
    # The parent lies deeper than the child.
    ("layers", 2, "src/lib/a/b/modeling_b.py", "src/lib/c/modeling_c.py", "..a.layers"),
    ("", 1, "src/lib/a/b/modeling_b.py", "src/lib/c/modeling_c.py", "..a.b"),
    # Nothing but a root is shared.
    ("layers", 1, "src/one/modeling_b.py", "src/two/modeling_c.py", "one.layers"),
    # Two roots have each a part of one package.
    ("layers", 2, "one/lib/b/modeling_b.py", "two/lib/c/modeling_c.py", "lib.layers"),
    # Another package's code cannot import relatively any more.
    ("layers", 1, "/env/lib/one/modeling_b.py", "src/two/modeling_c.py", "one.layers"),
    ("", 2, "/env/lib/one/b/modeling_b.py", "src/two/modeling_c.py", "one"),
    ("layers", 2, "../other/one/b/modeling_b.py", "src/two/modeling_c.py", "one.layers"),
]


@pytest.mark.parametrize(("module", "level", "source"), STAYS)
def test_stays(module: str, level: int, source: str) -> None:
    target = "src/library/models/new/modeling_new.py"
    assert moved(module, level, source, target, ROOTS) == "." * level + module


@pytest.mark.parametrize(("module", "level", "source", "target", "expected"), CHANGES)
def test_changes(module: str, level: int, source: str, target: str, expected: str) -> None:
    assert moved(module, level, source, target, ROOTS) == expected


def test_imports_in_functions_move_too() -> None:
    text = """\
from .top import a

try:
    from .fast import b
except ImportError:
    from .slow import b


def f():
    from .deep import (
        c,
    )
    from .modeling_b import D
    import e
    return "from .text import g"
"""
    module = read_outline("/env/lib/one/modeling_b.py", text)
    found = relocated(
        module, "src/two/modeling_c.py", ROOTS, lambda name, level: name == "modeling_b"
    )
    wanted = text
    for name in ("fast", "slow", "deep"):
        wanted = wanted.replace(f"from .{name}", f"from one.{name}")
    assert "".join(found.lines).rstrip("\n") + "\n" == wanted


def test_a_module_without_such_imports_is_left_as_it_is() -> None:
    module = read_outline("src/one/b.py", "from .top import a\n")
    assert relocated(module, "src/two/c.py", ROOTS, lambda name, level: False) is module
