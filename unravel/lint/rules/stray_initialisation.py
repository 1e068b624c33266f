"""Weights that are initialised outside of `_init_weights`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from unravel.lint.model import ModelFile
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity

_RANDOM = re.compile(
    "(normal|uniform|xavier_normal|xavier_uniform|kaiming_normal|kaiming_uniform|trunc_normal|"
    "orthogonal)_"
)


def check(file: ModelFile) -> Iterator[Finding]:
    if file.kind != "modeling":
        return
    called = {
        node.attr
        for function in file.functions
        if function.name == "_init_weights"
        for node in function.all(ast.Attribute)
    }
    for function in file.functions:
        if function.name in called:
            continue
        is_home = function.name.startswith(("_init", "init", "_reset", "reset_", "resize"))
        if function.cls is None or is_home or "init" in function.name.strip("_").split("_")[1:]:
            continue
        for node in function.all(ast.Call):
            target = node.func
            if isinstance(target, ast.Attribute) and _RANDOM.fullmatch(target.attr):
                of_weights = ast.unparse(target.value)
                if of_weights in ("nn.init", "init", "torch.nn.init") or of_weights.endswith(
                    ".data"
                ):
                    yield Finding(
                        node,
                        f"`{function.full_name}` initialises weights",
                        "do it in `_init_weights` of the model's `PreTrainedModel`",
                    )


RULE = Rule(
    code="UNS210",
    name="stray-initialisation",
    severity=Severity.WARNING,
    summary="A module gives its weights random values outside of `_init_weights`.",
    why="""\
A model is often made on the meta device and filled from a checkpoint: then `__init__` has no
weights to fill, and what is missing in the checkpoint is initialised by `_init_weights` alone.
Elsewhere it costs time, and is overwritten or skipped.""",
    examples=(
        Example(
            bad="""\
import torch
from torch import nn


class NewMLP(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        nn.init.normal_(self.linear.weight)
""",
            good="""\
import torch
from torch import nn
from transformers import PreTrainedModel


class NewMLP(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)


class NewPreTrainedModel(PreTrainedModel):
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight)
""",
        ),
    ),
    check=check,
)
