"""The imports that a generated file gets."""

from __future__ import annotations

import pytest

from unravel.imports import Candidate, modular_candidates, needed_imports, parent_candidates
from unravel.outline import read_outline
from unravel.parents import Parent, parent_imports
from unravel.renaming import Renaming
from unravel.types import Settings

RENAMING = Renaming("old", "Old", "new", "New")
TARGET = "models/new/modeling_new.py"


def needed(imports: str, used: str, defined: str = "") -> str:
    """The imports that are left of the modular file's `imports`."""
    outline = read_outline("modular/modular_new.py", imports)
    statements = parent_imports(outline, Settings(), lambda path: False)
    parents = [Parent(outline, "modeling", "old", statements=list(statements))]
    found = modular_candidates(outline, parents, Settings(), "modeling", TARGET)
    return needed_imports(found, set(used.split()), defined.split(), False)


@pytest.mark.parametrize(
    ("imports", "used", "defined"),
    [
        ("", "a", ""),
        ("import a\n", "b", ""),
        ("import a as b\n", "a", ""),
        ("import a\n", "a", "a"),
        ("from a import b\n", "a", ""),
        ("from models.old.modeling_old import OldA\n", "OldA", ""),
        ("if is_x_available():\n    import x\n", "y", ""),
    ],
)
def test_nothing_is_imported(imports: str, used: str, defined: str) -> None:
    assert needed(imports, used, defined) == ""


@pytest.mark.parametrize(
    ("imports", "used", "wanted"),
    [
        ("import a\n", "a", "import a\n"),
        ("import a.b\n", "a", "import a.b\n"),
        ("import a as b\n", "b", "import a as b\n"),
        ("from a import b, c, d\n", "b d", "from a import b, d\n"),
        ("from a import b as c\n", "c", "from a import b as c\n"),
        ("from ..a import b\n", "b", "from a import b\n"),  # the file lies elsewhere
        ("# why\nfrom a import b\n", "b", "from a import b\n"),
        ("import z\n# why\nfrom a import b\n", "b", "# why\nfrom a import b\n"),
        ("from a import x\nfrom b import x\n", "x", "from a import x\n"),
        (
            "if is_x_available():\n    import x\n    import y\nimport z\n",
            "x z",
            "import z\nif is_x_available():\n    import x\n",
        ),
        (
            "try:\n    import x\nexcept ImportError:\n    x = None\n",
            "x",
            "try:\n    import x\nexcept ImportError:\n    x = None\n",
        ),
    ],
)
def test_imported(imports: str, used: str, wanted: str) -> None:
    assert needed(imports, used) == wanted


def test_imports_of_a_parent() -> None:
    text = (
        "import torch\nfrom old_kernels import old_scan\n"
        "from ..base.modeling_base import OldStyle\nfrom .configuration_old import OldConfig\n"
    )
    parent = Parent(read_outline("models/old/modeling_old.py", text), "modeling", "old", {})
    found = parent_candidates(parent, RENAMING, Settings(), "new", TARGET)
    assert [(candidate.module, candidate.names) for candidate in found] == [
        ("", (("torch", "torch"),)),
        ("old_kernels", (("old_scan", "old_scan"),)),
        ("..base.modeling_base", (("OldStyle", "OldStyle"),)),
        (".configuration_new", (("NewConfig", "NewConfig"),)),
    ]


def test_the_first_candidate_wins() -> None:
    found = [Candidate("a", (("x", "x"),)), Candidate("b", (("x", "x"), ("y", "y")))]
    text = needed_imports(found, {"x", "y"}, (), False)
    assert text == "from a import x\nfrom b import y\n"
