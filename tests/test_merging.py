"""A child class laid over its renamed parent class."""

from __future__ import annotations

import sys

import pytest

from unravel.merging import context_of, merge
from unravel.naming import cased_names
from unravel.outline import class_outline, read_outline
from unravel.renaming import Renaming
from unravel.types import Refused, Settings

RENAMING = Renaming("old", "Old", "new", "New")


def merged(
    child: str, parent: str, *, head: str = "class NewA(OldA):", of: str = "class OldA:"
) -> str:
    """The generated class, of two class bodies."""
    module = read_outline("modular/modular_new.py", head + "\n" + child)
    theirs = read_outline("models/old/modeling_old.py", of + "\n" + parent)
    mine, other = next(iter(module.definitions.values())), next(iter(theirs.definitions.values()))
    context = context_of(
        class_outline(module, mine),
        class_outline(theirs, other),
        module,
        theirs,
        RENAMING,
        lambda text: text,
        "OldA",
        cased_names(()),
        Settings(),
    )
    return merge(context)[0]


def body(child: str, parent: str) -> str:
    return merged(child, parent).removeprefix("class NewA:\n")


PASS = "    pass\n"


@pytest.mark.parametrize(
    "parent",
    [
        "    pass\n",
        '    """Doc."""\n',
        "    x = 1\n    y: int\n",
        "    def m(self):\n        return 1\n\n    # about n\n    def n(self): pass\n",
        "    @p\n    def m(self):  # head\n        return 1\n",
    ],
)
def test_an_empty_child_copies_its_parent(parent: str) -> None:
    assert body(PASS, parent) == parent


def test_an_empty_child_copies_the_head() -> None:
    found = merged(PASS, PASS, of="@dataclass\nclass OldA(OldBase, m.Mixin, metaclass=OldMeta):")
    assert found == "@dataclass\nclass NewA(NewBase, m.Mixin, metaclass=NewMeta):\n    pass\n"


@pytest.mark.parametrize(
    ("child", "parent", "wanted"),
    [
        ("    x = 2\n", "    x = 1\n    y = 1\n", "    x = 2\n    y = 1\n"),
        ("    z = 2\n    y = 3\n", "    x = 1\n    y = 1\n", "    x = 1\n    y = 3\n    z = 2\n"),
        ("    x = AttributeError()\n", "    x = 1\n    y = 1\n", "    y = 1\n"),
        ("    x = AttributeError()\n", "    x = 1\n", "    pass\n"),
        ("    x: int = 2\n", "    x = 1\n", "    x: int = 2\n"),
        ("    new_x = 2\n", "    old_x = 1\n", "    new_x = 2\n"),
        ("    m = 1\n", "    def m(self): pass\n", "    m = 1\n"),
        ('    """Mine."""\n', '    """Theirs."""\n    x = 1\n', '    """Mine."""\n    x = 1\n'),
        ("    ...\n", "    x = 1\n", "    x = 1\n"),
    ],
)
def test_attributes(child: str, parent: str, wanted: str) -> None:
    assert body(child, parent) == wanted


@pytest.mark.parametrize(
    ("child", "parent", "wanted"),
    [
        # replaced in its place
        (
            "    def a(self):\n        return 2\n",
            "    def a(self):\n        return 1\n    def b(self):\n        return 1\n",
            "    def a(self):\n        return 2\n    def b(self):\n        return 1\n",
        ),
        # new ones behind
        (
            "    def c(self):\n        return 2\n",
            "    def a(self):\n        return 1\n",
            "    def a(self):\n        return 1\n    def c(self):\n        return 2\n",
        ),
        # removed
        (
            "    def a(self):\n        raise AttributeError('no')\n",
            "    def a(self):\n        return 1\n    x = 1\n",
            "    x = 1\n",
        ),
        # return annotation and docstring of the parent, where the child has none
        (
            "    def a(self):\n        return 2\n",
            '    def a(self) -> "OldA":\n        """Old."""\n        return 1\n',
            '    def a(self) -> "NewA":\n        """New."""\n        return 2\n',
        ),
        # its own, where it has them
        (
            '    def a(self) -> int:\n        """Mine."""\n        return 2\n',
            '    def a(self) -> "OldA":\n        """Old."""\n        return 1\n',
            '    def a(self) -> int:\n        """Mine."""\n        return 2\n',
        ),
    ],
)
def test_methods(child: str, parent: str, wanted: str) -> None:
    assert body(child, parent) == wanted


@pytest.mark.parametrize(
    ("child", "parent", "wanted"),
    [
        ("(OldA)", "", ""),
        ("(OldA)", "(nn.Module)", "(nn.Module)"),
        ("(OldA)", "(OldBase, Mixin)", "(NewBase, Mixin)"),
        ("(OldA, Extra)", "(OldBase)", "(NewBase, Extra)"),
        ("(OldA, GradientCheckpointingLayer)", "(nn.Module)", "(GradientCheckpointingLayer)"),
        ("(OldA, Mixin)", "(Mixin)", "(Mixin)"),
    ],
)
def test_bases(child: str, parent: str, wanted: str) -> None:
    found = merged(PASS, PASS, head=f"class NewA{child}:", of=f"class OldA{parent}:")
    assert found == f"class NewA{wanted}:\n    pass\n"


@pytest.mark.parametrize(
    ("child", "parent", "code", "line", "message"),
    [
        (
            "    def __init__(self):\n        super().__init__()\n        del self.size\n",
            "    def __init__(self):\n        self.sizes = 1\n",
            "UNR201",
            4,
            "`OldA` never sets `self.size`",
        ),
        (
            "    def __init__(self):\n        super().__init__()\n        del self.x\n",
            "    def __init__(self):\n        self.x = 1\n    def m(self): return self.x\n",
            "UNR204",
            4,
            "`self.x` is deleted, but still used: models/old/modeling_old.py:4 (`m`)",
        ),
        (
            "    def b(self):\n        raise AttributeError\n",
            "    def a(self): return self.b()\n    def b(self): pass\n",
            "UNR204",
            2,
            "`b` is removed, but still used: models/old/modeling_old.py:2 (`a`)",
        ),
    ],
)
def test_removals_that_are_refused(
    child: str, parent: str, code: str, line: int, message: str
) -> None:
    with pytest.raises(Refused) as refused:
        merged(child, parent)
    found = refused.value.diagnostic
    assert (found.code, found.line, found.message) == (code, line, message)


def test_the_nearest_name_is_offered() -> None:
    with pytest.raises(Refused) as refused:
        merged(
            "    def __init__(self):\n        super().__init__()\n        del self.size\n",
            "    def __init__(self):\n        self.sizes = 1\n",
        )
    assert refused.value.diagnostic.hint == "did you mean `sizes`?"


def test_type_parameters_of_both() -> None:
    """`class A[T]` and `def m[K]`, which only a Python that knows them can read."""
    parent = "    def m[K](self, k: K) -> T:\n        return k\n"
    child = "    def m(self, k):\n        return super().m(k)\n"
    if sys.version_info < (3, 12):
        with pytest.raises(Refused, match="UNR003"):
            merged(child, parent, of="class OldA[T: int, *Ts]:")
    else:
        wanted = "class NewA[T: int, *Ts]:\n    def m[K](self, k) -> T:\n        return k\n"
        assert merged(child, parent, of="class OldA[T: int, *Ts]:") == wanted
        assert merged(child, parent, head="class NewA[T](OldA[T]):", of="class OldA[T]:") == (
            wanted.replace("T: int, *Ts", "T")
        )
        with pytest.raises(Refused, match="type parameters of its own"):
            merged(child, parent, head="class NewA[U](OldA[U]):", of="class OldA[T]:")
