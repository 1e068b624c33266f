"""A marker that says more than it needs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.copies import copies_in, needless_part, source_of
from unravel.lint.model import ModelFile
from unravel.lint.rule import Edit, Example, Finding, Promise, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    for block in copies_in(file.outline).blocks:
        marker = block.marker
        source = source_of(marker, file.loader.settings, file.loader.load)
        shorter = needless_part(block, source) if not isinstance(source, str) else None
        if shorter is not None:
            line = f"{marker.indent}{shorter}\n"
            yield Finding(
                ast.Pass(lineno=marker.line, col_offset=len(marker.indent)),
                f"`{str(shorter).removeprefix('# ')}` says the same",
                "shorten it",
                (Edit(marker.line, marker.line, line),),
            )


RULE = Rule(
    code="UNC304",
    name="needless-replacement",
    severity=Severity.WARNING,
    summary="A `# Copied from` marker replaces something that its source does not have.",
    why="""\
Readers look for what is replaced and do not find it. It is left over from an earlier state of the
source, and may hit by chance what comes into it later.""",
    examples=(
        Example(
            bad="""\
from torch import nn



# Copied from models.side.modeling_side.SideMLP with Side->New,side_mlp->new_mlp
class NewMLP(nn.Module):
    def __init__(self, config) -> None:
        super().__init__()
        self.config = config

    def forward(self, hidden_states):
        return hidden_states * 2
""",
            good="""\
from torch import nn



# Copied from models.side.modeling_side.SideMLP with Side->New
class NewMLP(nn.Module):
    def __init__(self, config) -> None:
        super().__init__()
        self.config = config

    def forward(self, hidden_states):
        return hidden_states * 2
""",
            files={
                "models/side/modeling_side.py": """\
from torch import nn


class SideMLP(nn.Module):
    def __init__(self, config) -> None:
        super().__init__()
        self.config = config

    def forward(self, hidden_states):
        return hidden_states * 2
""",
            },
        ),
    ),
    check=check,
    promise=Promise.MARKER,
)
