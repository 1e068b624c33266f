"""A module that is made and replaced at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.code import self_targets
from unravel.lint.model import Function, ModelFile
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    if file.kind != "modeling":
        return
    for function in file.functions:
        if function.cls is None or function.name != "__init__":
            continue
        made: dict[str, ast.stmt] = {}
        inherited = _made_above(file, function)
        for statement in function.node.body:
            read = {
                n.attr
                for n in ast.walk(statement)
                if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)
            }
            for name in read:
                made.pop(name, None)
                inherited.pop(name, None)
            for name in self_targets(statement):
                if name in made:
                    yield Finding(
                        made.pop(name),
                        f"`self.{name}` is made here and replaced in line {statement.lineno}",
                        "delete the first one",
                    )
                elif name in inherited and _makes(statement):
                    yield Finding(
                        statement,
                        f"this replaces the `self.{name}` that `{inherited.pop(name)}` has made",
                        "let the base class not make it, or do not extend it",
                    )
                if _makes(statement):
                    made[name] = statement


def _makes(statement: ast.stmt) -> bool:
    """`self.x = nn.Linear(...)`, or any class"""
    value = getattr(statement, "value", None)
    if not isinstance(value, ast.Call):
        return False
    text = ast.unparse(value.func)
    return (text.startswith("nn.") and text[3:4].isupper()) or text[:1].isupper()


def _made_above(file: ModelFile, function: Function) -> dict[str, str]:
    """The modules that base classes of this file make in their `__init__`, which is called."""
    assert function.cls is not None
    if not any(isinstance(n, ast.Name) and n.id == "super" for n in function.all(ast.Name)):
        return {}
    found: dict[str, str] = {}
    for cls in file.lineage(function.cls.name)[1:]:
        init = file.methods[cls.name].get("__init__")
        for statement in init.node.body if init is not None else ():
            for name in self_targets(statement):
                if _makes(statement):
                    found.setdefault(name, cls.name)
    return found


RULE = Rule(
    code="UNS221",
    name="wasted-module",
    severity=Severity.WARNING,
    summary="A module is made, and at once another one takes its place.",
    why="""\
Its weights are allocated and filled with random numbers for nothing, which takes seconds for
large ones. It also draws from the generator, so that all later weights are others than in the
reference.""",
    examples=(
        Example(
            bad="""\
from torch import nn


class NewMLP(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.linear = nn.Linear(width, 2 * width)
""",
            good="""\
from torch import nn


class NewMLP(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 2 * width)
""",
        ),
    ),
    check=check,
)
