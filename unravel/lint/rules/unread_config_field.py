"""A field of the configuration that nothing reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from unravel.lint.configs import INHERITED, READ_ELSEWHERE, own_fields, texts_beside
from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.routing import kind_of
from unravel.types import Severity

_OF_TOKENS = ("_token_id", "_token_ids", "_token_index", "_token")
"""What a checkpoint says of its vocabulary, for whoever prepares inputs."""


def check(modular: Modular) -> Iterator[Finding]:
    if not any(file.kind == "modeling" for file in modular.files):
        return  # a configuration alone, which another model reads
    beside = texts_beside(modular.files)
    for name, cls in modular.classes.items():
        if kind_of(name, "") != "configuration":
            continue
        for field, node in own_fields(cls.node).items():
            is_common = field in INHERITED or field in READ_ELSEWHERE
            if field.startswith("_") or is_common or field.endswith(_OF_TOKENS):
                continue
            word = re.compile(rf"\b{re.escape(field)}\b")
            if word.search(beside) or _is_read_inside(modular, name, word):
                continue
            yield Finding(
                node,
                f"no file of the model reads `{name}.{field}`",
                "delete the field, or read it where it was meant to matter",
            )


def _is_read_inside(modular: Modular, name: str, word: re.Pattern[str]) -> bool:
    """Do the configurations themselves use the field for more than to keep it?"""
    for file in modular.files:
        if file.kind == "configuration":
            lines = [line for line in file.outline.lines if word.search(line)]
            kept = re.compile(
                rf"\s*(self\.)?{word.pattern}\s*(:|=)|\s*{word.pattern} \(|.*#.*{word.pattern}"
                rf"|\s*self\.{word.pattern} = {word.pattern}$"
            )
            if any(not kept.match(line) for line in lines):
                return True
    return False


RULE = Rule(
    code="UNM114",
    name="unread-config-field",
    severity=Severity.WARNING,
    summary="A configuration has a field that no file of the model reads.",
    why="""\
Users set it and nothing changes, without a word. It is left over from another model, or the code
that should read it is missing, or names it otherwise.""",
    examples=(
        Example(
            bad="""\
import torch
from torch import nn
from transformers import PreTrainedConfig


class NewConfig(PreTrainedConfig):
    hidden_size: int = 64
    speed: float = 1.0


class NewMLP(nn.Module):
    def __init__(self, config: NewConfig) -> None:
        super().__init__()
        self.up_proj = nn.Linear(config.hidden_size, config.hidden_size)
""",
            good="""\
import torch
from torch import nn
from transformers import PreTrainedConfig


class NewConfig(PreTrainedConfig):
    hidden_size: int = 64


class NewMLP(nn.Module):
    def __init__(self, config: NewConfig) -> None:
        super().__init__()
        self.up_proj = nn.Linear(config.hidden_size, config.hidden_size)
""",
            files={
                "models/new/modeling_new.py": """\
from torch import nn


class NewMLP(nn.Module):
    def __init__(self, config) -> None:
        super().__init__()
        self.up_proj = nn.Linear(config.hidden_size, config.hidden_size)
""",
            },
        ),
    ),
    check=check,
)
