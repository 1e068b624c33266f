"""Where the parent's body can take the place of a super call, and what stands there then."""

from __future__ import annotations

import ast

import pytest

from unravel.outline import function_outline, read_outline
from unravel.splicing import deletions, method_kind, obstacle, splice, super_call, super_uses
from unravel.types import Method


def method(text: str) -> Method:
    outline = read_outline("a.py", text)
    return function_outline(outline.lines, next(iter(outline.definitions.values())).statement)


def same(text: str) -> str:
    """The renaming of a parent that is called like its child."""
    return text


def hindrance(child: Method, parent: Method) -> str:
    return obstacle(child, parent, same)


def spliced(child: str, parent: str, rest: str = "") -> str:
    """The new body; `rest` holds the parent's other methods."""
    others = {node.name: node for node in ast.parse(rest).body if isinstance(node, ast.FunctionDef)}
    mine, theirs = method(child), method(parent)
    assert hindrance(mine, theirs) == ""
    lines = splice(mine, theirs, same, same, others)
    return "".join(line.lead + line.text for line in lines)


@pytest.mark.parametrize(
    ("text", "is_call"),
    [
        ("m()", False),
        ("self.m()", False),
        ("super().other()", False),
        ("x = super().m()", False),
        ("super().m().n()", False),
        ("super().m", False),
        ("super().m()", True),
        ("return super().m(a, b=c)", True),
        ("super(A, self).m()", True),
    ],
)
def test_a_call_that_is_a_statement(text: str, is_call: bool) -> None:
    assert (super_call(ast.parse(text).body[0], "m") is not None) == is_call


def test_super_uses_are_found_anywhere() -> None:
    text = "def m(self):\n    with super().a() as x:\n        return [super().b for _ in x]\n"
    assert sorted(use.attr for use in super_uses(ast.parse(text))) == ["a", "b"]


@pytest.mark.parametrize(
    ("decorators", "wanted"),
    [
        ("", ""),
        ("@cache\n", ""),
        ("@classmethod\n", "classmethod"),
        ("@a\n@property\n", "property"),
    ],
)
def test_method_kind(decorators: str, wanted: str) -> None:
    assert method_kind(method(f"{decorators}def f(self): pass\n")) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("x = 1", ()), ("del x", ("x",)), ("del self.x, y[0]", ("self.x", "y[0]"))],
)
def test_deletions(text: str, wanted: tuple[str, ...]) -> None:
    assert deletions(ast.parse(text).body[0]) == wanted


PARENT = "def m(self, x, y=1, *args, **kw):\n    self.z = (x, y, args, kw)\n"


@pytest.mark.parametrize(
    ("child", "parent"),
    [
        ("def m(self): super().m()\n", "def m(self): self.x = 1\n"),
        ("def m(self): return super().m()\n", "def m(self):\n if a: return 1\n return 2\n"),
        ("def m(self, x): super().m(x)\n", "def m(self, x): self.x = x\n"),
        ("def m(self, x): super().m(x=x)\n", "def m(self, x): self.x = x\n"),
        ("def m(self, x):\n x = 2\n super().m(x)\n", "def m(self, x): self.x = x\n"),
        ("def m(self, x, z): super().m(x)\n", "def m(self, x): self.x = x\n"),
        ("def m(self, x, y, *args, **kw): super().m(x, y, *args, **kw)\n", PARENT),
        ("def m(self, y=2, **super_kwargs): super().m(**super_kwargs)\n", PARENT),
        ("@classmethod\ndef m(cls): super().m()\n", "@classmethod\ndef m(cls): cls.x = 1\n"),
        ("def m(self): super().m()\n", "def m(self, unread=1): self.x = 1\n"),
    ],
)
def test_no_obstacle(child: str, parent: str) -> None:
    assert hindrance(method(child), method(parent)) == ""


@pytest.mark.parametrize(
    ("child", "parent", "wanted"),
    [
        ("def m(self): x = super().m()\n", "def m(self): pass\n", "one statement"),
        ("def m(self):\n super().m()\n super().m()\n", "def m(self): pass\n", "one statement"),
        ("def m(self):\n if a: super().m()\n", "def m(self): pass\n", "one statement"),
        ("async def m(self): super().m()\n", "def m(self): pass\n", "same kind"),
        ("@classmethod\ndef m(cls): super().m()\n", "def m(self): pass\n", "same kind"),
        ("def m(self): super().m()\n", "def m(self):\n if a: return\n b()\n", "returns or yields"),
        ("def m(self): return super().m()\n", "def m(self): yield 1\n", "returns or yields"),
        ("def m(self, x): super().m(x + 1)\n", "def m(self, x): self.x = x\n", "not the parameter"),
        ("def m(self, x): super().m(y=x)\n", "def m(self, y): self.y = y\n", "not the parameter"),
        ("def m(self, y): super().m(y)\n", "def m(self, x): self.x = x\n", "not the parameter"),
        ("def m(self, x, *a): super().m(x, *a)\n", PARENT, "unpacked"),
        ("def m(self, x, **k): super().m(x, **k)\n", PARENT, "unpacked"),
        ("def m(self, x): super().m(x)\n", PARENT, "not passed on"),
        ("def m(self):\n y = 1\n super().m()\n", "def m(self):\n y = 2\n", "both bodies"),
        ("def m(self):\n f = 1\n super().m()\n", "def m(self): f()\n", "both bodies"),
        ("def m(self):\n super().m()\n return y\n", "def m(self): y = 2\n", "read behind it"),
        ("def m(self): super().m()\n", "def m(this): this.x = 1\n", "first parameters"),
        ("def m(self):\n a()\n super().m()\n", "@d\ndef m(self): pass\n", "decorators"),
    ],
)
def test_obstacle(child: str, parent: str, wanted: str) -> None:
    assert wanted in hindrance(method(child), method(parent))


@pytest.mark.parametrize(
    ("child", "parent", "wanted"),
    [
        ("super().m()", "a()", "a()"),
        ("before()\nsuper().m()\nafter()", "a()\nb()", "before()\na()\nb()\nafter()"),
        # In place of the parent's assignment:
        ("super().m()\nself.x = 2", "self.x = 1\na()", "self.x = 2\na()"),
        ("super().m()\nself.x: int = 2", "self.x = 1\na()", "self.x: int = 2\na()"),
        ("super().m()\ndel self.x", "self.x = 1\na()", "a()"),
        # Left behind it, since somebody would notice:
        (
            "super().m()\nself.x = self.x + 1",
            "self.x = 1\na()",
            "self.x = 1\na()\nself.x = self.x + 1",
        ),
        (
            "super().m()\nself.x = 2",
            "self.x = 1\nself.y = self.x",
            "self.x = 1\nself.y = self.x\nself.x = 2",
        ),
        (
            "super().m()\nself.x = self.y",
            "self.x = 1\nself.y = 2",
            "self.x = 1\nself.y = 2\nself.x = self.y",
        ),
        ("super().m()\nz = 1\nself.x = z", "self.x = 1\na()", "self.x = 1\na()\nz = 1\nself.x = z"),
        ("super().m()\nself.x = 2", "self.x = 1\nself.x = 3", "self.x = 1\nself.x = 3\nself.x = 2"),
        ("super().m()\nself.x = 2", "if a:\n     self.x = 1", "if a:\n     self.x = 1\nself.x = 2"),
        (
            "super().m()\ndel self.x",
            "self.x = 1\nself.y = self.x",
            "self.x = 1\nself.y = self.x\ndel self.x",
        ),
    ],
)
def test_splice(child: str, parent: str, wanted: str) -> None:
    def indented(text: str) -> str:
        return "".join(f"    {line}\n" for line in text.split("\n"))

    child = child.replace(".m()", ".__init__()")
    found = spliced(
        f"def __init__(self):\n{indented(child)}", f"def __init__(self):\n{indented(parent)}"
    )
    assert found == indented(wanted)


def test_only_init_is_left_before_anybody_has_the_object() -> None:
    child = "def m(self):\n    super().m()\n    self.x = 2\n"
    parent = "def m(self):\n    self.x = 1\n    a()\n"
    assert spliced(child, parent) == "    self.x = 1\n    a()\n    self.x = 2\n"


@pytest.mark.parametrize(
    ("theirs", "mine", "moves"),
    [
        ("nn.Linear(1, 2)", "Norm(size)", True),
        ("torch.ones(len(a))", "None", True),
        ("register(1)", "2", False),
        ("1", "config.take()", False),
        ("(t := 1)", "2", False),
    ],
)
def test_values_that_may_do_more_stay_where_they_are(theirs: str, mine: str, moves: bool) -> None:
    child = f"def __init__(self):\n    super().__init__()\n    self.x = {mine}\n"
    parent = f"def __init__(self):\n    self.x = {theirs}\n    self.y = 1\n"
    first = mine if moves else theirs
    assert spliced(child, parent).startswith(f"    self.x = {first}\n    self.y = 1\n")


def test_a_method_that_reads_the_attribute_is_looked_into() -> None:
    child = "def __init__(self):\n    super().__init__()\n    self.x = 2\n"
    parent = "def __init__(self):\n    self.x = 1\n    self.setup()\n"
    setup = "def setup(self):\n    self.y = self.x\n"
    assert spliced(child, parent, setup).endswith("self.setup()\n    self.x = 2\n")


def test_comments_above_statements_come_along() -> None:
    child = "def m(self):\n    # c1\n    a()\n    super().m()\n    # c2\n    b()\n"
    parent = "def m(self):\n    # p1\n    x()\n"
    wanted = "    # c1\n    a()\n    # p1\n    x()\n    # c2\n    b()\n"
    assert spliced(child, parent) == wanted
