"""Relative imports of code that is copied into another folder."""

from __future__ import annotations

import pytest

from unravel.relative import moved

ROOTS = (".", "src")

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
]


@pytest.mark.parametrize(("module", "level", "source"), STAYS)
def test_stays(module: str, level: int, source: str) -> None:
    target = "src/library/models/new/modeling_new.py"
    assert moved(module, level, source, target, ROOTS) == "." * level + module


@pytest.mark.parametrize(("module", "level", "source", "target", "expected"), CHANGES)
def test_changes(module: str, level: int, source: str, target: str, expected: str) -> None:
    assert moved(module, level, source, target, ROOTS) == expected
