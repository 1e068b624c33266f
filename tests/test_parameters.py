"""Parameters, split and merged."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path

import pytest

from tests.stdlib_files import STDLIB_FILES
from unravel.outline import function_outline, read_outline
from unravel.parameters import merged_parameters, parameter_texts, takes_super_kwargs
from unravel.types import DefinitionKind, Method


def method(parameters: str) -> Method:
    outline = read_outline("a.py", f"def f({parameters}): pass\n")
    return function_outline(outline.lines, outline.definitions["f"].statement)


@pytest.mark.parametrize(
    ("parameters", "wanted"),
    [
        ("", {}),
        ("a", {"a": "a"}),
        ("a, b=1", {"a": "a,", "b": " b=1"}),
        ("a, *, c", {"a": "a,", "*": " *,", "c": " c"}),
        ("a=(1, 2), *b, **c", {"a": "a=(1, 2),", "*b": " *b,", "**c": " **c"}),
        ("a='x, y', b=lambda x: 1", {"a": "a='x, y',", "b": " b=lambda x: 1"}),
        ("a: dict[str, int] = {},", {"a": "a: dict[str, int] = {},"}),
        ("\n  a,  # a, the first\n  b\n", {"a": "\n  a,  # a, the first", "b": "\n  b\n"}),
    ],
)
def test_split(parameters: str, wanted: dict[str, str]) -> None:
    assert parameter_texts(method(parameters)) == wanted


def test_split_of_positional_parameters() -> None:
    assert list(parameter_texts(method("a, /, b"))) == ["a", "/", "b"]


@pytest.mark.parametrize(
    "default",
    ["lambda x, y: 1", "lambda x, y=lambda z, w: {1: 2}, *v: x", "[lambda: 1, lambda x, y: 1]"],
)
def test_split_of_a_lambda(default: str) -> None:
    assert list(parameter_texts(method(f"a: int={default}, lambdas: int=2"))) == ["a", "lambdas"]


def test_split_of_a_format() -> None:
    assert list(parameter_texts(method("a=f'{1:>{2}}', b=2"))) == ["a", "b"]


@pytest.mark.parametrize(
    ("parameters", "wanted"),
    [
        ("self, **super_kwargs", True),
        ("self, ** super_kwargs", True),
        ("self, **super_kwargs: int", True),
        ("self, **kwargs", False),
        ("self, a=2. **super_kwargs", False),
        ("self, a='**super_kwargs'", False),
    ],
)
def test_takes_super_kwargs(parameters: str, wanted: bool) -> None:
    assert takes_super_kwargs(method(parameters)) is wanted


@pytest.mark.parametrize("file", STDLIB_FILES, ids=lambda file: file.name)
def test_parts_make_up_the_parameters(file: Path) -> None:
    text = file.read_text("utf-8")
    outline = read_outline(file.name, text)
    for definition in outline.definitions.values():
        if definition.kind is not DefinitionKind.FUNCTION or "lambda" in definition.text:
            continue
        found = function_outline(outline.lines, definition.statement)
        texts = parameter_texts(found)
        joined = "".join(texts.values())
        assert found.parameters.startswith(joined)
        assert not found.parameters.removeprefix(joined).strip()
        assert [name.lstrip("*") for name in texts if name.strip("*/")] == _names(found.node)


def _names(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    found = node.args
    args = [*found.posonlyargs, *found.args, *([found.vararg] if found.vararg else [])]
    return [a.arg for a in [*args, *found.kwonlyargs, *([found.kwarg] if found.kwarg else [])]]


@pytest.mark.parametrize(
    ("parent", "child", "wanted"),
    [
        ("self, a", "self, **super_kwargs", "self, a"),
        ("self, a, b=1", "self, b=2, **super_kwargs", "self, a, b=2"),
        ("self, a=1, **kw", "self, a=2, **super_kwargs", "self, a=2, **kw"),
        ("self, a", "self, c=3, **super_kwargs", "self, a, c=3"),
        ("self, a, **kw", "self, c=3, **super_kwargs", "self, a, c=3, **kw"),
        ("self, a, *, b=1", "self, c=3, **super_kwargs", "self, a, *, b=1, c=3"),
        ("self, a: OldA = 1", "self, **super_kwargs", "self, a: NewA = 1"),
        pytest.param(
            "\n self,\n a,  # of old\n",
            "self, c=3, **super_kwargs",
            "self, a, c=3",
        ),
    ],
)
def test_merge(parent: str, child: str, wanted: str) -> None:
    def rename(text: str) -> str:
        return text.replace("Old", "New")

    merged = merged_parameters(method(child), method(parent), rename)
    assert _arguments(merged) == _arguments(wanted)


def _arguments(parameters: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return ast.unparse(ast.parse(f"def f({parameters}\n): pass"))
