"""What statements bind and read."""

from __future__ import annotations

import ast

import pytest

from unravel import effects


def body(text: str) -> list[ast.stmt]:
    return ast.parse(text).body


@pytest.mark.parametrize(
    "text",
    [
        "f(x)",
        "self.x = 1",
        "x[0] = 1",
        "lambda y: y",
        "[lambda: (z := 1)]",
        "global_ == 1",
    ],
)
def test_nothing_is_bound(text: str) -> None:
    assert effects.bound_names(body(text)) == set()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x = 1", {"x"}),
        ("x, (y, *z) = a", {"x", "y", "z"}),
        ("x += 1", {"x"}),
        ("x: int = 1", {"x"}),
        ("for x in y:\n    z = x", {"x", "z"}),
        ("with a as (x, y):\n    pass", {"x", "y"}),
        ("(x := 1)", {"x"}),
        ("[(x := i) for i in y]", {"x", "i"}),  # `i` too: to be on the safe side
        ("def f(x):\n    y = 1", {"f"}),
        ("class A:\n    y = 1", {"A"}),
        ("import a.b, c as d\nfrom e import f as g", {"a", "d", "g"}),
        ("try:\n    pass\nexcept E as e:\n    x = 1", {"e", "x"}),
        ("del x", {"x"}),
        ("match a:\n    case [x, *y]:\n        z = 1", {"x", "y", "z"}),
    ],
)
def test_bound_names(text: str, wanted: set[str]) -> None:
    assert effects.bound_names(body(text)) == wanted


def test_bound_by_the_rest_of_a_mapping() -> None:
    assert effects.bound_names(body("match a:\n    case {'k': x, **rest}:\n        pass")) == {
        "x",
        "rest",
    }


@pytest.mark.xfail(reason="the heads of nested scopes are skipped", strict=True)
@pytest.mark.parametrize(
    "text", ["def f(a=(x := 1)): pass", "class A((x := B)): pass", "lambda a=(x := 1): a"]
)
def test_bound_in_the_head_of_a_nested_scope(text: str) -> None:
    assert "x" in effects.bound_names(body(text))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x = 1", set()),
        ("x = y.z", {"y"}),
        ("def f():\n    return x", {"x"}),
        ("x[y] = z", {"x", "y", "z"}),
    ],
)
def test_read_names(text: str, wanted: set[str]) -> None:
    assert effects.read_names(body(text)) == wanted


def test_augmented_assignment_reads() -> None:
    assert "x" in effects.read_names(body("x += 1"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("self.x", set()),
        ("other.x = 1", set()),
        ("self.x.y = 1", set()),
        ("self.x = 1", {"x"}),
        ("self.x, self.y = a", {"x", "y"}),
        ("if a:\n    self.x: int = 1", {"x"}),
        ("del self.x", {"x"}),
        ("self.x += 1", {"x"}),
    ],
)
def test_stored_attributes(text: str, wanted: set[str]) -> None:
    assert effects.stored_attributes(body(text), "self") == wanted


METHODS = {
    "m": ast.parse("def m(self):\n    return self.n() + self.a").body[0],
    "n": ast.parse("def n(self):\n    self.b = self.m()").body[0],
}


@pytest.mark.parametrize(
    ("text", "reads", "changes"),
    [
        ("x = other.y", set(), set()),
        ("self.x = 1", set(), {"x"}),
        ("self.x.y", {"x"}, set()),
        ("self.x.append(1)", {"x"}, {"x"}),
        ("self.x[0] = 1", {"x"}, {"x"}),
        ("self.x.y.z = 1", {"x"}, {"x"}),
        ("self.post_init()", {"post_init"}, set()),
        ("self.m()", {"m", "n", "a"}, {"b"}),
        ("f = self.m", {"m", "n", "a"}, {"b"}),
    ],
)
def test_reach(text: str, reads: set[str], changes: set[str]) -> None:
    found = effects.reach(body(text), "self", METHODS)
    assert (found.reads, found.changes, found.is_open) == (reads, changes, False)


@pytest.mark.parametrize(
    "text", ["f(self)", "me = self", "getattr(self, 'x')", "self.library()", "super().__init__()"]
)
def test_reach_that_cannot_be_told(text: str) -> None:
    assert effects.reach(body(text), "self", METHODS).is_open


def test_reach_of_an_augmented_assignment() -> None:
    assert effects.reach(body("self.x += 1"), "self", METHODS).reads == {"x"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x = 1", set()),
        ("f(x)", set()),
        ("x.y.z = 1", {"x"}),
        ("x[0] = 1", {"x"}),
        ("del x[0]", {"x"}),
        ("x.append(1)", {"x"}),
        ("x += [1]", {"x"}),
    ],
)
def test_changed_names(text: str, wanted: set[str]) -> None:
    assert effects.changed_names(body(text)) == wanted


@pytest.mark.parametrize(
    ("text", "closures", "frame"),
    [
        ("x = [y for y in z]", False, False),
        ("f = lambda: 1", True, False),
        ("x = (y for y in z)", True, False),
        ("def f(): pass", True, False),
        ("x = locals()", False, True),
        ("x.locals()", False, False),
    ],
)
def test_what_sees_later_values(text: str, closures: bool, frame: bool) -> None:
    assert effects.has_closures(body(text)) == closures
    assert effects.sees_frame(body(text)) == frame


def test_returns_and_yields_are_those_of_the_body() -> None:
    inner = "def f():\n    return 1\n    yield\n"
    assert effects.returns(body(inner)) == []
    assert not effects.yields(body(inner))
    function = ast.parse("def f():\n    if a:\n        return (yield)\n").body[0]
    assert isinstance(function, ast.FunctionDef)
    assert len(effects.returns(function.body)) == 1
    assert effects.yields(function.body)
