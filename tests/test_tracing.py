"""What comes along with a class, and in which order it is printed."""

from __future__ import annotations

import re

import pytest

from tests.golden_case import Case, converted
from unravel.types import Converted

PARENT = """\
A = 1
B = A + 1
UNUSED = 2
def f(): return B
def g(): return f()
def unused(): pass
class OldBase: pass
class OldPart(OldBase):
    def m(self): return g()
class OldWhole(OldBase):
    part = OldPart
class OldOther: pass
"""


def definitions(modular: str, parent: str = PARENT) -> list[str]:
    """The names that the generated file defines, in order."""
    files = {"models/old/modeling_old.py": parent, "modular/modular_new.py": modular}
    result = converted(Case("", files, "", {}))
    assert isinstance(result, Converted)
    (generated,) = result.files
    found = re.findall(r"^(?:class |def )?(\w+)(?= =|\(|:)", generated.text, re.MULTILINE)
    return [name for name in found if name != "__all__"]


HEAD = "from models.old.modeling_old import OldBase, OldOther, OldPart, OldWhole, f\n"


@pytest.mark.parametrize(
    ("modular", "wanted"),
    [
        # nothing but the class
        ("class NewOther(OldOther): pass\n", "NewOther"),
        ("class Own: pass\n", "Own"),
        # what it needs, above it
        ("class NewPart(OldPart): pass\n", "NewBase A B f g NewPart"),
        ("class NewWhole(OldWhole): pass\n", "NewBase A B f g NewPart NewWhole"),
        ("class Own:\n    def m(self): return f()\n", "A B f Own"),
        # once, in the modular file's order
        (
            "class NewWhole(OldWhole): pass\nclass NewOther(OldOther): pass\n",
            "NewBase A B f g NewPart NewWhole NewOther",
        ),
        # a class of the modular file stands where the modular file has it
        (
            "class NewPart(OldPart): pass\nclass NewWhole(OldWhole): pass\n",
            "NewBase A B f g NewPart NewWhole",
        ),
        # what the modular file replaces takes what it needs along, and no more
        ("def f(): return 3\nclass NewPart(OldPart): pass\n", "NewBase g f NewPart"),
        (
            "C = 1\ndef h(): return C\nclass Own:\n    def m(self): return h()\n",
            "C h Own",
        ),
    ],
)
def test_definitions(modular: str, wanted: str) -> None:
    assert definitions(HEAD + modular) == wanted.split()


def test_what_is_exported_is_printed() -> None:
    assert definitions("def h(): pass\n__all__ = ['h']\n") == ["h"]


def test_the_modular_files_class_wins() -> None:
    modular = HEAD + "class NewPart:\n    pass\nclass NewWhole(OldWhole): pass\n"
    assert definitions(modular) == ["NewPart", "NewBase", "NewWhole"]


def test_names_in_strings_and_comments_bring_nothing() -> None:
    parent = "def f(): pass\nclass OldA:\n    x = 'f()'  # f()\n"
    modular = "from models.old.modeling_old import OldA\nclass NewA(OldA): pass\n"
    assert definitions(modular, parent) == ["NewA"]
