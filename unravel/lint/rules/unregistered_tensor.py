"""A tensor that is a plain attribute of a module."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.code import self_targets
from unravel.lint.model import Function, ModelFile
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity

_MAKERS = ["arange", "empty", "eye", "full", "linspace", "ones", "rand", "randn", "tensor", "zeros"]


def check(file: ModelFile) -> Iterator[Finding]:
    if file.kind != "modeling":
        return
    for function in file.functions:
        if function.cls is None or function.name != "__init__" or not _is_module(file, function):
            continue
        registered = {
            node.args[0].value
            for node in function.all(ast.Call)
            if isinstance(node.func, ast.Attribute)
            and node.func.attr in ("register_buffer", "register_parameter")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        }
        for node in function.all(ast.Assign):
            names = self_targets(node)
            if names and names[0] not in registered and _is_tensor(node.value):
                yield Finding(
                    node,
                    f"`{function.cls.name}.{names[0]}` is a tensor and no buffer",
                    f'write `self.register_buffer("{names[0]}", ..., persistent=False)`',
                )


def _is_tensor(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "torch"
        and node.func.attr in _MAKERS
    )


def _is_module(file: ModelFile, function: Function) -> bool:
    assert function.cls is not None
    bases = file.outer_bases(function.cls.name)
    return any(base in ("nn.Module", "torch.nn.Module") or "Model" in base for base in bases)


RULE = Rule(
    code="UNS216",
    name="unregistered-tensor",
    severity=Severity.ERROR,
    summary="A module keeps a tensor that is neither a parameter nor a buffer.",
    why="""\
`model.to(device)` moves parameters and buffers. This tensor stays where it was made: the forward
pass fails on a GPU, and on the meta device, where checkpoints are loaded, it never gets its
values.""",
    examples=(
        Example(
            bad="""\
import torch
from torch import nn


class NewPositions(nn.Module):
    def __init__(self, length: int) -> None:
        super().__init__()
        self.positions = torch.arange(length)
""",
            good="""\
import torch
from torch import nn


class NewPositions(nn.Module):
    def __init__(self, length: int) -> None:
        super().__init__()
        self.register_buffer("positions", torch.arange(length), persistent=False)
""",
        ),
    ),
    check=check,
)
