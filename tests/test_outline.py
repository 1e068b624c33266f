"""Modules, classes and functions in parts, whose texts make up the whole."""

from __future__ import annotations

import ast
import warnings
from itertools import pairwise
from pathlib import Path

import pytest

from tests.stdlib_files import STDLIB_FILES
from unravel.outline import class_outline, function_outline, place, read_outline, split_block
from unravel.types import ClassOutline, DefinitionKind, MemberKind, Method, Outline, Refused


def outline(text: str) -> Outline:
    return read_outline("a.py", text)


def only_class(text: str) -> ClassOutline:
    module = outline(text)
    return class_outline(module, next(iter(module.definitions.values())))


def only_function(text: str) -> Method:
    module = outline(text)
    return function_outline(module.lines, next(iter(module.definitions.values())).statement)


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "# no line end"])
def test_a_module_without_statements(text: str) -> None:
    found = outline(text)
    assert (found.header, found.imports, found.definitions, found.others) == (text, (), {}, ())


def test_a_module_in_parts() -> None:
    found = outline('# licence\n"""Doc."""\nimport a\n\n# about X\nX = 1\nprint(X)\n')
    assert found.header == "# licence\n"
    assert found.docstring is not None
    assert [statement.names for statement in found.imports] == [(("a", "a"),)]
    assert found.definitions["X"].text == "\n# about X\nX = 1\n"
    assert [statement.text for statement in found.others] == ["print(X)\n"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x()\n", []),
        ("x[0] = 1\n", []),
        ("x += 1\n", []),
        ("x = 1\n", ["x"]),
        ("x = y = 1\n", ["x", "y"]),
        ("x, (y, *z) = 1, (2, 3)\n", ["x", "y", "z"]),
        ("x: int = 1\n", ["x"]),
        ("def f(): pass\n", ["f"]),
        ("async def f(): pass\n", ["f"]),
        ("@g\nclass A: pass\n", ["A"]),
    ],
)
def test_names_that_a_statement_defines(text: str, names: list[str]) -> None:
    assert list(outline(text).definitions) == names


def test_what_is_set_on_a_name_goes_with_it() -> None:
    found = outline("X = {}\nX[0] = 1\nX.y.z = 2\n")
    assert found.definitions["X"].text == "X = {}\nX[0] = 1\nX.y.z = 2\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("import a.b\n", [("", 0, (("a.b", "a.b"),), False)]),
        ("import a as b\n", [("", 0, (("a", "b"),), False)]),
        ("from ..a import b as c, d\n", [("a", 2, (("b", "c"), ("d", "d")), False)]),
        ("from . import a\n", [("", 1, (("a", "a"),), False)]),
        ("if t():\n    import a\n", [("", 0, (("a", "a"),), True)]),
        (
            "try:\n    import a\nexcept ImportError:\n    import b\n",
            [("", 0, (("a", "a"),), True), ("", 0, (("b", "b"),), True)],
        ),
        ("if t():\n    import a\n    def f(): pass\n", []),
    ],
)
def test_imports(text: str, wanted: list[tuple[str, int, object, bool]]) -> None:
    found = outline(text).imports
    assert [(i.module, i.level, i.names, i.guard is not None) for i in found] == wanted


@pytest.mark.parametrize(
    ("text", "line", "column", "excerpt"),
    [
        ("x = = 1\n", 1, 5, "x = = 1"),
        ("class A:\n", 1, 9, "class A:"),
        ("def f():\n    return (\n", 2, 12, "    return ("),
        ("a\0b\n", 0, 0, ""),
        ("(" * 2000 + ")" * 2000 + "\n", None, None, None),
    ],
)
def test_what_is_not_python_is_refused(
    text: str, line: int | None, column: int | None, excerpt: str | None
) -> None:
    with pytest.raises(Refused) as refused:
        outline(text)
    found = refused.value.diagnostic
    assert found.code == "UNR003"
    if line is not None:
        assert (found.path, found.line, found.column) == ("a.py", line, column)
        assert found.excerpt == excerpt


def test_columns_count_characters() -> None:
    module = outline("'é'; x = 1\n")
    at = place(module, ast.parse("'é'; x = 1\n").body[1])
    assert (at.line, at.column, at.excerpt) == (1, 6, "'é'; x = 1")


def test_a_class_in_parts() -> None:
    found = only_class(
        "# above\n@d\nclass A(B, m.C, metaclass=M):\n"
        '    """Doc."""\n\n    # about x\n    x = 1\n\n    @p\n    def m(self): pass\n    # end\n'
    )
    assert (found.name, found.lead, found.decorators) == ("A", "", "@d\n")
    assert (found.bases, found.keywords) == (("B", "m.C"), ("metaclass=M",))
    assert found.docstring is not None
    assert [(m.kind, m.name) for m in found.members] == [
        (MemberKind.ATTRIBUTE, "x"),
        (MemberKind.METHOD, "m"),
    ]
    assert found.members[0].statement.lead == "\n    # about x\n"


def test_a_function_in_parts() -> None:
    found = only_function(
        '@d(1)\nasync def f(\n    a,  # first\n    b="):",\n) -> "x":  # head\n'
        '    """Doc."""\n    # first\n    return a\n    # end\n'
    )
    assert (found.name, found.keyword, found.returns) == ("f", "async def", '"x"')
    assert found.parameters == '\n    a,  # first\n    b="):",\n'
    assert (found.head_comment, found.decorators) == ("  # head", "@d(1)\n")
    assert found.decorator_names == ("d(1)",)
    assert found.docstring is not None
    assert [(s.lead, s.text) for s in found.body] == [("    # first\n", "    return a\n")]
    assert found.footer == "    # end\n"


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("def f(): return 1\n", ["        return 1\n"]),
        ("def f(): a = 1; return a\n", ["        a = 1\n", "        return a\n"]),
        ("def f():\n    a = 1; return a\n", ["    a = 1\n", "    return a\n"]),
        ("def f(\n    x\n): return x\n", ["        return x\n"]),
        ("def f():\n    return '''\n  a'''\n", ["    return '''\n  a'''\n"]),
    ],
)
def test_bodies_on_few_lines(text: str, body: list[str]) -> None:
    assert [statement.text for statement in only_function(text).body] == body


@pytest.mark.parametrize("file", STDLIB_FILES, ids=lambda file: file.name)
def test_statements_make_up_the_module(file: Path) -> None:
    text = file.read_text("utf-8")
    lines = [line + "\n" for line in text.split("\n")]
    body = _parsed(text).body
    statements, footer = split_block(lines, body, 1, len(lines))
    shared = {node.lineno for node in body} & {
        node.end_lineno for node, following in pairwise(body) if following.lineno == node.end_lineno
    }  # `a = 1; b = 2` is divided, each with a line of its own
    joined = "".join(statement.lead + statement.text for statement in statements) + footer
    assert shared or joined == text + "\n"
    assert [statement.node for statement in statements] == body


@pytest.mark.parametrize("file", STDLIB_FILES, ids=lambda file: file.name)
def test_members_make_up_each_class(file: Path) -> None:
    module = read_outline(file.name, file.read_text("utf-8"))
    for definition in module.definitions.values():
        text = definition.statement.text
        if definition.kind is not DefinitionKind.CLASS or text.count("\n") == 1:
            continue  # a body on the line of its head gets lines of its own
        found = class_outline(module, definition)
        parts = [found.docstring] if found.docstring else []
        parts += [member.statement for member in found.members]
        joined = "".join(part.lead + part.text for part in parts) + found.footer
        assert text.endswith(joined)
        head = text.removesuffix(joined).removeprefix(found.decorators)
        assert head.startswith(f"class {found.name}")


@pytest.mark.parametrize("file", STDLIB_FILES, ids=lambda file: file.name)
def test_parts_make_up_each_function(file: Path) -> None:
    module = read_outline(file.name, file.read_text("utf-8"))
    for definition in module.definitions.values():
        if definition.kind is not DefinitionKind.FUNCTION:
            continue
        found = function_outline(module.lines, definition.statement)
        returns = f" -> {found.returns}" if found.returns else ""
        head = f"{found.keyword} {found.name}{found.type_parameters}({found.parameters}){returns}:"
        parts = [found.docstring] if found.docstring else []
        body = "".join(part.lead + part.text for part in [*parts, *found.body]) + found.footer
        printed = f"{found.decorators}{head}{found.head_comment}\n{body}"
        assert ast.dump(_parsed(printed)) == ast.dump(_parsed(definition.statement.text))


def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def test_a_body_behind_its_head_leaves_the_indentation_as_it_is() -> None:
    before = "class A:\n    y = {\n        1: 2,\n        # three\n        3: 4,\n    }\n"
    text = before + "\n    def f(\n        x,\n    ): ...\n"
    assert "".join(outline(text).lines) == text + "\n"
