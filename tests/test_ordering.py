"""Definitions in an order in which Python can execute them."""

from __future__ import annotations

import ast
import re

import pytest

from unravel.ordering import in_order
from unravel.types import Origin, Piece, Refused


def order(text: str, *, lazy_annotations: bool = False) -> str:
    """The names that the statements of `text` define, in their new order."""
    pieces = {
        name: Piece(ast.unparse(node) + "\n", Origin("a.py", node.lineno))
        for node in ast.parse(text).body
        for name in re.findall(r"^(?:def |class )?(\w+)", ast.unparse(node))
    }
    return " ".join(in_order(pieces, lazy_annotations=lazy_annotations))


@pytest.mark.parametrize(
    "text",
    [
        # nothing is needed, or it stands above already
        "B = 1\nA = 2",
        "B = 1\nA = B",
        # bodies of functions are executed later
        "def f(): return g()\ndef g(): return f()",
        "f = lambda: A\nA = 1",
        "class B(): m = lambda self: A()\nclass A(): pass",
        # a name that nothing here defines
        "B = print\nA = len",
        # calls that need each other: the order stays
        "def f(x=1): return A\nA = f()\nB = f()",
    ],
)
def test_order_that_stays(text: str) -> None:
    assert order(text) == " ".join(re.findall(r"^(?:def |class )?(\w+)", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("B = A\nA = 1", "A B"),
        ("C = B\nB = A\nA = 1", "A B C"),
        ("class B(A): pass\nclass A(): pass", "A B"),
        ("class B(metaclass=A): pass\nclass A(type): pass", "A B"),
        ("class B(): x = A\nA = 1", "A B"),
        ("class B():\n    def m(self, x=A): pass\nA = 1", "A B"),
        ("def f(x: A): pass\nA = 1", "A f"),
        ("B = [A for x in ()]\nA = 1", "A B"),
        # what is called at once must find all that it needs
        ("B = f()\ndef f(): return A\nA = 1", "f A B"),
        ("B = f()\ndef f(): return g()\ndef g(): return A\nA = 1", "f g A B"),
        ("class B(C): pass\nclass C():\n    def __init_subclass__(cls): f()\ndef f(): 1", "C f B"),
        # what is only mentioned stays
        ("B = f\nA = 1\ndef f(): return C\nC = 1", "f B A C"),
    ],
)
def test_order_that_changes(text: str, wanted: str) -> None:
    assert order(text) == wanted


def test_annotations_that_nobody_evaluates_need_nothing() -> None:
    assert order("def f(x: A): pass\nA = 1", lazy_annotations=True) == "f A"


def test_two_that_need_each_other_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        order("A = B\nB = A")
    assert refused.value.diagnostic.line == 2
