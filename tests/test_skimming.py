"""Outlines made without parsing everything equal those of a parser."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.stdlib_files import STDLIB_FILES
from unravel.outline import base_names, class_outline, read_outline
from unravel.reading import decode
from unravel.skimming import skim
from unravel.types import Definition, DefinitionKind, Method, Outline, Statement

REPOSITORY = Path(__file__).parents[1]
FORMATTED = sorted(
    path for name in ("unravel", "checks", "models") for path in (REPOSITORY / name).rglob("*.py")
)


def plain(outline: Outline) -> list[object]:
    """All that an outline says, with the trees as text."""
    return [
        (outline.path, outline.lines, outline.header, outline.footer),
        _plain(filter(None, [outline.docstring])),
        [(i.module, i.level, i.names, i.lead, i.line) for i in outline.imports],
        [
            (key, d.name, d.kind, d.order, _plain([d.statement, *d.extras]))
            for found in (outline.definitions, outline.blocks)
            for key, d in found.items()
        ],
        _plain(outline.others),
    ]


def _plain(statements: Iterable[Statement]) -> list[object]:
    return [
        (s.lead, s.text, s.line, s.end, ast.dump(s.node, include_attributes=True))
        for s in statements
    ]


def _class(outline: Outline, definition: Definition) -> list[object]:
    found = class_outline(outline, definition)
    return [
        (found.name, found.lead, found.decorators, found.bases, found.keywords, found.head_comment),
        (ast.dump(found.node, include_attributes=True), found.footer),
        _plain(filter(None, [found.docstring])),
        [(m.kind, m.name, *_plain([m.statement]), *_method(m.method)) for m in found.members],
    ]


def _method(found: Method | None) -> list[object]:
    if found is None:
        return []
    body = _plain(filter(None, [found.docstring, *found.body]))
    names = found.name, found.decorators, found.decorator_names
    head = found.keyword, found.parameters, found.returns, found.head_comment
    return [names, head, found.written(), body, found.footer]


def check(path: str, text: str) -> None:
    whole = read_outline(path, text)
    for whole_classes in (False, True):
        skimmed = skim(path, text, whole_classes=whole_classes)
        assert skimmed is not None
        assert plain(skimmed) == plain(whole)
        for name, definition in skimmed.definitions.items():
            if definition.kind is DefinitionKind.CLASS:
                expected = whole.definitions[name]
                assert base_names(skimmed, definition) == base_names(whole, expected)
                assert _class(skimmed, definition) == _class(whole, expected)


@pytest.mark.parametrize("path", FORMATTED, ids=lambda path: path.stem)
def test_our_own_modules(path: Path) -> None:
    check("a.py", path.read_text("utf-8"))


@pytest.mark.parametrize("path", STDLIB_FILES, ids=lambda path: path.stem)
def test_modules_of_any_layout(path: Path) -> None:
    """They are read as the parser reads them, or left to it."""
    text = decode(path.read_bytes(), path.name).text
    if skim(path.name, text) is not None:
        check(path.name, text)


def test_modules_of_the_standard_library(tmp_path: Path) -> None:
    """Code of all kinds, once the formatter has been over it."""
    for path in STDLIB_FILES:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--quiet", str(tmp_path)]
    subprocess.run(command, check=True)
    skimmed = 0
    for path in sorted(tmp_path.glob("*.py")):
        text = path.read_text("utf-8")
        if skim(path.name, text) is not None:
            check(path.name, text)
            skimmed += 1
    assert skimmed > len(STDLIB_FILES) * 0.9


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment\n",
        '"""Doc."""\n\n\nclass A:\n    pass\n',
        'class A:\n    """\nclass B:\n    no code\n"""\n\n    x = 1\n\n\nclass C:\n    pass\n',
        'X = 1\n"""About X."""\n\n\nclass A:\n    pass\n\n\n"""A string below."""\n',
        "@one\n@two(\n    3,\n)\n# between\nclass A(\n    B,\n):\n    pass\n    # of A\n\n\n"
        "# of f\nasync def f(\n    x,\n):\n    return x\n# last\n",
        "if X:\n\n    class A:\n        pass\n\nelse:\n\n    class A:\n        x = 1\n\n\n"
        "def f(): ...\n",
        "class A:\n    pass\n\n\nA.x = 1\n\n\nclass A:\n    y = 2\n",
        'def f():\n    return f"""\nclass {1}:\n"""\n\n\nasync def g():\n    pass\n',
        "class Ä:\n    ö = 'ü'  # ß\n\n    def é(self):\n        return 'ñ'\n",
        "class A:\n    x = '# no comment'  # a comment\n\n    # the end\n",
        "class A:\n    x = [\n        1\n]\n\n    def f(self,\n        x): return x\n",
        "class A:\n    x = 1;   y = 2\n    def f(self): pass\n# of f\n    z = 3\n",
        "class A:\n    def f(self) -> (\n        int\n    ):  # of f\n        'Doc.'; return 1\n",
        "class A:\n    def f(self) -> dict[\n        str,  # a\n        int,\n    ]:\n        0\n",
        "class A:\n    def f(self):\n        # no docstring\n        'a' 'b'\n        # the end\n",
        "class A:\n    def f(self, x=lambda: 0):\n        f'no {self}'\n        return x\n",
        "class A:\n    async def f(self, x: 'int' = 0) -> 'int':\n        r'''Doc.'''\n",
    ],
)
def test_what_may_stand_in_a_module(text: str) -> None:
    check("a.py", text)


@pytest.mark.parametrize(
    "text",
    [
        "class A:\n  x = 1\n",
        "class A:\n\tx = 1\n",
        "class A:\n        x = 1\n",
        "class A:\n    def f(self):\n            return 1\n",
        "def f(x,\ny):\n    return 1\n",
        "def f(): return 1 + \\\n2\n",
        "class A:\n    \N{FULLWIDTH LATIN SMALL LETTER F} = 1\n",
        "class A:\n    x = (\n",
    ],
)
def test_another_layout_is_left_to_the_parser(text: str) -> None:
    assert skim("a.py", text) is None


def test_most_trees_are_never_made(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    monkeypatch.setattr("unravel.outline.parse", lambda path, text: parsed.append(text))
    outline = skim("a.py", "class A:\n    def f(self): pass\n\n\ndef b():\n    pass\n")
    assert outline is not None
    assert [outline.definitions[name].text for name in "Ab"] == [
        "class A:\n    def f(self): pass\n",
        "\n\ndef b():\n    pass\n",
    ]
    assert parsed == []
