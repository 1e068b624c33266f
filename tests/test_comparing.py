"""What has changed between two versions of a file: code, names or comments."""

from __future__ import annotations

import pytest

from unravel.comparing import Change, How, compare

BEFORE = '''\
import math

SIZE = 3


class Norm(Base):
    """Doc."""

    eps = 1e-6

    def forward(self, states):
        # why
        return math.sqrt(states + self.eps)

    def other(self):
        return 1


def helper(states):
    return states
'''


def changed(*pairs: tuple[str, str]) -> Change:
    after = BEFORE
    for old, new in pairs:
        assert old in after
        after = after.replace(old, new)
    return compare(BEFORE, after)


def test_nothing() -> None:
    assert compare(BEFORE, BEFORE) == Change(How.NOTHING)


@pytest.mark.parametrize("pair", [("# why", "# why not"), ('"""Doc."""', '"""Docs."""')])
def test_comments_and_docstrings(pair: tuple[str, str]) -> None:
    assert changed(pair) == Change(How.TEXT)


def test_a_docstring_that_is_taken_away() -> None:
    assert changed(('    """Doc."""\n\n', "")) != Change(How.NOTHING)
    assert changed(('    """Doc."""\n\n', "")).how is not How.NAMES


def test_names() -> None:
    found = changed(("Norm", "RMSNorm"), ("states", "hidden"))
    assert found == Change(How.NAMES, renamed=(("Norm", "RMSNorm"), ("states", "hidden")))


def test_two_names_that_become_one_are_code() -> None:
    assert changed(("math", "states"), ("import states", "import math")).how is How.CODE
    before, after = "a = 1\nb = 2\nf(a, b)\n", "a = 1\na = 2\nf(a, a)\n"
    assert compare(before, after).how is How.CODE


def test_one_name_that_becomes_two_is_code() -> None:
    assert compare("f(a, a)\n", "f(a, b)\n").how is How.CODE


@pytest.mark.parametrize(
    ("pair", "definitions"),
    [
        (("1e-6", "1e-5"), ("Norm",)),
        (("+ self.eps", "- self.eps"), ("Norm.forward",)),
        (("return 1", "return 2"), ("Norm.other",)),
        (("return states\n", "return 2 * states\n"), ("helper",)),
        (("SIZE = 3", "SIZE = 4"), ("SIZE",)),
        (("import math", "import math, os"), ("imports",)),
        (("class Norm(Base)", "class Norm(Base, Mixin)"), ("Norm",)),
        (("    def other", "    @property\n    def other"), ("Norm.other",)),
        (("def helper(states):\n    return states\n", ""), ("helper",)),
    ],
)
def test_code(pair: tuple[str, str], definitions: tuple[str, ...]) -> None:
    assert changed(pair) == Change(How.CODE, definitions)


def test_what_is_new_is_named() -> None:
    after = BEFORE + "\n\ndef more():\n    pass\n"
    assert compare(BEFORE, after) == Change(How.CODE, ("more",))
