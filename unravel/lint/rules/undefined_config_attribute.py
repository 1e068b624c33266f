"""An attribute of the configuration that no configuration has."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.configs import misread
from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for cls in modular.classes.values():
        yield from misread(cls.node, modular.files)


RULE = Rule(
    code="UNM115",
    name="undefined-config-attribute",
    severity=Severity.ERROR,
    summary="Code reads an attribute of the configuration that its class does not have.",
    why="""\
It fails with an `AttributeError` as soon as that line runs, unless a checkpoint happens to bring
the value along. Often the field has another name in the model that the code comes from.""",
    examples=(
        Example(
            bad="""\
from torch import nn

from models.old.configuration_old import OldConfig


class NewConfig(OldConfig):
    pass


class NewMLP(nn.Module):
    def __init__(self, config: NewConfig) -> None:
        super().__init__()
        self.width = config.hidden_width
""",
            good="""\
from torch import nn

from models.old.configuration_old import OldConfig


class NewConfig(OldConfig):
    pass


class NewMLP(nn.Module):
    def __init__(self, config: NewConfig) -> None:
        super().__init__()
        self.width = config.hidden_size
""",
            files={
                "models/new/configuration_new.py": """\
from transformers import PreTrainedConfig


class NewConfig(PreTrainedConfig):
    def __init__(self, hidden_size=64, dropout=0.0, **kwargs):
        self.hidden_size = hidden_size
        self.dropout = dropout
        super().__init__(**kwargs)
""",
            },
        ),
    ),
    check=check,
)
