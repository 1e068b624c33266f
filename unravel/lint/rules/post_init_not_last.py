"""`post_init()` that is missing, or has something after it."""

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
    for name in file.classes:
        init = file.methods[name].get("__init__")
        if init is None or not _is_model(file, name):
            continue
        calls = [number for number, each in enumerate(init.node.body) if _is_post_init(each)]
        if calls:
            for statement in init.node.body[calls[-1] + 1 :]:
                made = [n for n in ast.walk(statement) if self_targets(n) and _makes_module(n)]
                if made:
                    yield Finding(
                        made[0],
                        f"this comes after `post_init()`, which initialises all of `{name}`",
                        "call `self.post_init()` last",
                    )
        elif any(_makes_module(each) for each in ast.walk(init.node)) and not init_calls(init):
            yield Finding(
                init.node,
                f"`{name}` makes modules and never calls `post_init()`",
                "end with `self.post_init()`",
            )


def init_calls(init: Function) -> bool:
    """Does `post_init` stand somewhere deeper, under a condition?"""
    return any(isinstance(n, ast.Attribute) and n.attr == "post_init" for n in ast.walk(init.node))


def _is_model(file: ModelFile, name: str) -> bool:
    """Is this a model as a whole, and no base class of others?"""
    is_base = name.endswith("PreTrainedModel")
    return not is_base and any("PreTrainedModel" in base for base in file.outer_bases(name))


def _is_post_init(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "post_init"
    )


def _makes_module(node: ast.AST) -> bool:
    """`self.x = nn.Linear(...)`, or any class"""
    value = getattr(node, "value", None) if self_targets(node) else None
    if not isinstance(value, ast.Call):
        return False
    text = ast.unparse(value.func)
    is_module = text.startswith("nn.") or text[:1].isupper()
    return is_module and not text.endswith(("Loss", "Dropout", "Identity", "ReLU", "GELU", "Tanh"))


RULE = Rule(
    code="UNS209",
    name="post-init-not-last",
    severity=Severity.ERROR,
    summary="A model does not end its `__init__` with `self.post_init()`.",
    why="""\
`post_init` initialises the weights of all modules that are there, ties those that are shared and
prepares what loading a checkpoint needs. What is made after it keeps PyTorch's own initial
values; without it, all do.""",
    examples=(
        Example(
            bad="""\
from torch import nn
from transformers import PreTrainedModel


class NewModel(PreTrainedModel):
    def __init__(self, config) -> None:
        super().__init__(config)
        self.norm = nn.LayerNorm(config.hidden_size)
        self.post_init()
        self.head = nn.Linear(config.hidden_size, 2)
""",
            good="""\
from torch import nn
from transformers import PreTrainedModel


class NewModel(PreTrainedModel):
    def __init__(self, config) -> None:
        super().__init__(config)
        self.norm = nn.LayerNorm(config.hidden_size)
        self.head = nn.Linear(config.hidden_size, 2)
        self.post_init()
""",
        ),
    ),
    check=check,
)
