"""An attribute of the configuration that no configuration has."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.configs import misread
from unravel.lint.model import ModelFile
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    if file.kind != "modeling" or file.modular is not None:
        return  # of generated code, the rule for modular files tells
    for cls in file.classes.values():
        yield from misread(cls, file.beside.values())


RULE = Rule(
    code="UNS219",
    name="unknown-config-attribute",
    severity=Severity.ERROR,
    summary="A model reads an attribute of its configuration that this does not have.",
    why="""\
It fails with an `AttributeError` as soon as that line runs, unless a checkpoint happens to bring
the value along. In a modular file, UNM115 tells the same.""",
    examples=(
        Example(
            bad="""\
from torch import nn

from .configuration_new import NewConfig


class NewMLP(nn.Module):
    def __init__(self, config: NewConfig) -> None:
        super().__init__()
        self.width = config.hidden_width
""",
            good="""\
from torch import nn

from .configuration_new import NewConfig


class NewMLP(nn.Module):
    def __init__(self, config: NewConfig) -> None:
        super().__init__()
        self.width = config.hidden_size
""",
            files={
                "models/new/configuration_new.py": """\
from transformers import PreTrainedConfig


class NewConfig(PreTrainedConfig):
    hidden_size: int = 64
""",
            },
        ),
    ),
    check=check,
)
