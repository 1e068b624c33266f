"""Softmax or a norm in the precision of its input."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from unravel.lint.code import last_name
from unravel.lint.model import Function, ModelFile
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    if file.kind != "modeling":
        return
    for function in file.functions:
        if _is_attention(function):
            yield from _softmax(function)
        if (
            function.cls is not None
            and "RMSNorm" in function.cls.name
            and function.name == "forward"
        ):
            yield from _norm(function)


def _is_attention(function: Function) -> bool:
    return bool(re.search("attention|attn", function.full_name, re.IGNORECASE))


def _softmax(function: Function) -> Iterator[Finding]:
    """Weights of attention: a sum over many small numbers."""
    source = ast.unparse(function.node)
    if "float32" in source or ".float()" in source:
        return
    for node in function.all(ast.Call):
        if last_name(node.func) != "softmax" or any(k.arg == "dtype" for k in node.keywords):
            continue
        yield Finding(
            node,
            f"`{function.full_name}` sums up in the precision of its input",
            "pass `dtype=torch.float32`, and go back with `.to(query.dtype)`",
        )


def _norm(function: Function) -> Iterator[Finding]:
    source = ast.unparse(function.node)
    if "float32" in source or ".float()" in source or "upcast" in source or "rms_norm(" in source:
        return
    squares = [n for n in function.all(ast.Attribute) if n.attr in ("pow", "square", "rsqrt")]
    if squares:
        yield Finding(
            squares[0],
            f"`{function.full_name}` squares in the precision of its input",
            "go to `torch.float32` first, and back at the end",
        )


RULE = Rule(
    code="UNS214",
    name="softmax-in-low-precision",
    severity=Severity.WARNING,
    summary="Attention's softmax, or the mean square of a norm, is computed in half precision.",
    why="""\
In float16 a square overflows beyond 255, and a sum of many small numbers loses most of them. The
reference computes such islands in float32; without them a model drifts from its checkpoint's
results as sequences grow.""",
    examples=(
        Example(
            bad="""\
import torch
from torch import nn


class NewRMSNorm(nn.Module):
    def forward(self, hidden_states):
        variance = hidden_states.pow(2).mean(-1, keepdim=True)
        return hidden_states * torch.rsqrt(variance + 1e-6)
""",
            good="""\
import torch
from torch import nn


class NewRMSNorm(nn.Module):
    def forward(self, hidden_states):
        # In float32: squares overflow in half precision.
        states = hidden_states.to(torch.float32)
        variance = states.pow(2).mean(-1, keepdim=True)
        return (states * torch.rsqrt(variance + 1e-6)).to(hidden_states.dtype)
""",
        ),
    ),
    check=check,
)
