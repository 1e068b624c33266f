"""Code that is imported from another model's modeling file."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.model import ModelFile
from unravel.lint.outside import model_imports
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    if file.kind != "modeling":
        return
    for statement, names, module in model_imports(file):
        yield Finding(
            statement.node,
            f"`{'`, `'.join(names)}` is code of {module}",
            "copy it here, with a `# Copied from` marker; or write a modular file that inherits it",
        )


RULE = Rule(
    code="UNS203",
    name="cross-model-import",
    severity=Severity.WARNING,
    summary="A modeling file imports classes or functions from another model's modeling file.",
    why="""\
The models are independent of each other: one can be read alone, and a change to one breaks no
other. Configurations and the automatic classes may be imported: they are how models are put
together.""",
    examples=(
        Example(
            bad="""\
from torch import nn

from models.old.modeling_old import OldMLP


class NewBlock(nn.Module):
    def __init__(self, config) -> None:
        super().__init__()
        self.mlp = OldMLP(config)
""",
            good="""\
from torch import nn


# Copied from models.old.modeling_old.OldMLP with Old->New
class NewMLP(nn.Module):
    pass


class NewBlock(nn.Module):
    def __init__(self, config) -> None:
        super().__init__()
        self.mlp = NewMLP(config)
""",
        ),
    ),
    check=check,
)
