"""A marker whose source does not exist."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.copies import copies_in, source_of
from unravel.lint.model import ModelFile
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    for block in copies_in(file.outline).blocks:
        source = source_of(block.marker, file.loader.settings, file.loader.load)
        if isinstance(source, str):
            at = ast.Pass(lineno=block.marker.line, col_offset=len(block.marker.indent))
            yield Finding(at, source, "name where the code is now, or take the marker away")


RULE = Rule(
    code="UNC302",
    name="dangling-copy",
    severity=Severity.ERROR,
    summary="A `# Copied from` marker names something that does not exist.",
    why="""\
Nothing keeps this block in step any more, though it says so. Most often the source was renamed,
or became a modular file's own.""",
    examples=(
        Example(
            bad="""\
from torch import nn



# Copied from models.side.modeling_side.SideGLU with Side->New
class NewMLP(nn.Module):
    pass
""",
            good="""\
from torch import nn



class NewMLP(nn.Module):
    pass
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
)
