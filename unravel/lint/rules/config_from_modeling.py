"""A configuration that is imported from a modeling file."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.modular import Modular
from unravel.lint.rule import Edit, Example, Finding, Promise, Rule
from unravel.routing import kind_of, split_module
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for statement in modular.outline.imports:
        kind, model = split_module(statement.module) or ("", "")
        configs = [name for name, _ in statement.names if kind_of(name, "") == "configuration"]
        if kind != "modeling" or not configs:
            continue
        line = modular.lines[statement.line - 1]
        edits: tuple[Edit, ...] = ()
        if len(configs) == len(statement.names) and "modeling_" in line:
            moved = line.replace(f"modeling_{model}", f"configuration_{model}")
            edits = (Edit(statement.line, statement.line, moved),)
        yield Finding(
            statement.node,
            f"`{configs[0]}` is no part of a modeling file, which only imports it",
            f"import it from `configuration_{model}`",
            edits,
        )


RULE = Rule(
    code="UNM116",
    name="config-from-modeling",
    severity=Severity.ERROR,
    summary="A configuration class is imported from a modeling file.",
    why="""\
The modeling file has it by an import of its own only. A class that extends it is not unravelled,
because its parent class is not there, or the conversion is refused.""",
    examples=(
        Example(
            bad="""\
from models.base.modeling_base import BaseConfig


class NewConfig(BaseConfig):
    pass
""",
            good="""\
from models.base.configuration_base import BaseConfig


class NewConfig(BaseConfig):
    pass
""",
            profile="transformers",
            files={
                "models/base/configuration_base.py": """\
from transformers import PreTrainedConfig


class BaseConfig(PreTrainedConfig):
    width = 1
""",
                "models/base/modeling_base.py": """\
from torch import nn

from .configuration_base import BaseConfig


class BaseMLP(nn.Module):
    def __init__(self, config: BaseConfig):
        super().__init__()
""",
            },
        ),
    ),
    check=check,
    promise=Promise.REPAIR,
)
