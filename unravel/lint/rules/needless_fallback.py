"""`getattr(config, name, default)` where the name is always there."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.code import is_self_attribute, name_of
from unravel.lint.configs import config_of, fields_of
from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for name, cls in modular.classes.items():
        config = config_of(modular, name)
        fields = fields_of(config, modular.files) if config else None
        if fields is None:
            continue
        for node in ast.walk(cls.node):
            if (
                isinstance(node, ast.Call)
                and name_of(node.func) == "getattr"
                and len(node.args) == 3
                and _is_config(node.args[0])
                and isinstance(node.args[1], ast.Constant)
                and node.args[1].value in fields.declared
            ):
                field = node.args[1].value
                yield Finding(
                    node,
                    f"`{config}` always has `{field}`, so the default is never used",
                    f"write `{ast.unparse(node.args[0])}.{field}`",
                )


def _is_config(node: ast.AST) -> bool:
    return name_of(node) == "config" or (
        isinstance(node, ast.Attribute) and is_self_attribute(node) and node.attr == "config"
    )


RULE = Rule(
    code="UNM121",
    name="needless-fallback",
    severity=Severity.WARNING,
    summary="A literal repeats, or contradicts, a default that the configuration has anyway.",
    why="""\
The fallback of `getattr(config, "x", 1.0)` is dead code where the configuration defines `x`. It
tells readers of a default that does not hold, and hides a misspelled name.""",
    examples=(
        Example(
            bad="""\
from models.old.configuration_old import OldConfig
from models.old.modeling_old import OldMLP


class NewConfig(OldConfig):
    pass


class NewMLP(OldMLP):
    def __init__(self, config: NewConfig):
        super().__init__(config)
        self.dropout = getattr(config, "dropout", 0.1)
""",
            good="""\
from models.old.configuration_old import OldConfig
from models.old.modeling_old import OldMLP


class NewConfig(OldConfig):
    pass


class NewMLP(OldMLP):
    def __init__(self, config: NewConfig):
        super().__init__(config)
        self.dropout = config.dropout
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
