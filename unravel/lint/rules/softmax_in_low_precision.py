"""A router's softmax or a norm in the precision of its input."""

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
        if re.search("Router|Gate|TopK", function.full_name):
            yield from _softmax(function)
        if function.name == "forward" and "RMSNorm" in function.full_name:
            yield from _norm(function)


def _softmax(function: Function) -> Iterator[Finding]:
    source = ast.unparse(function.node)
    if "float32" in source or ".float()" in source or "topk" not in source:
        return
    for node in function.all(ast.Call):
        if last_name(node.func) == "softmax" and not any(k.arg == "dtype" for k in node.keywords):
            yield Finding(
                node,
                f"`{function.full_name}` chooses by a softmax in the precision of its input",
                "pass `dtype=torch.float32`, and go back to the input's dtype",
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
    summary="The softmax of a router, or the mean square of a norm, is computed in half precision.",
    why="""\
In float16 a square overflows beyond 255, so the mean square of a norm is infinite for states that
are not. In bfloat16 the scores of a router have three digits, and rounding decides which expert
gets a token. Reference implementations compute such islands in float32.""",
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
