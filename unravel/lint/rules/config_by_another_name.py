"""The configuration, stored under another name than `config`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.code import name_of, self_targets
from unravel.lint.model import ModelFile
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    if file.kind != "modeling":
        return
    for function in file.functions:
        if function.cls is None or function.name != "__init__":
            continue
        for node in function.all(ast.Assign):
            names = self_targets(node)
            is_config = name_of(node.value) in ("config", "cfg", "configuration")
            if is_config and names and "config" not in names:
                yield Finding(
                    node,
                    f"`{function.cls.name}` keeps its configuration as `{names[0]}`",
                    "call it `config`",
                )


RULE = Rule(
    code="UNS208",
    name="config-by-another-name",
    severity=Severity.WARNING,
    summary="A module keeps its configuration under another name than `config`.",
    why="""\
What works with any model (caches, masks, attention implementations, quantization) looks for
`module.config`, and so do readers.""",
    examples=(
        Example(
            bad="""\
from torch import nn


class NewMLP(nn.Module):
    def __init__(self, config) -> None:
        super().__init__()
        self.cfg = config
""",
            good="""\
from torch import nn


class NewMLP(nn.Module):
    def __init__(self, config) -> None:
        super().__init__()
        self.config = config
""",
        ),
    ),
    check=check,
)
