"""A marker that nothing checks."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.copies import Marker, copies_in
from unravel.lint.model import ModelFile
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    for marker in copies_in(file.outline).loose:
        at = ast.Pass(lineno=marker.line, col_offset=len(marker.indent))
        yield Finding(at, *_why(marker))


def _why(marker: Marker) -> tuple[str, str]:
    before = marker.before.strip(" -:")
    if before:
        return (
            f"the text `{before}` before the marker makes it a plain comment",
            "put it on a line of its own",
        )
    return (
        "there is no class, function or method right below this marker, at its indentation",
        "put it there, or take it away",
    )


RULE = Rule(
    code="UNC303",
    name="unchecked-copy",
    severity=Severity.WARNING,
    summary="A `# Copied from` marker is not recognised where, or as, it stands.",
    why="""\
Text before the marker, another indentation or a statement in between make a comment of it:
readers trust that the code is kept in step, and it is not.""",
    examples=(
        Example(
            bad="""\
from torch import nn



# TODO: Copied from models.side.modeling_side.SideMLP with Side->New
class NewMLP(nn.Module):
    pass
""",
            good="""\
from torch import nn



# TODO: say what is different from SideMLP
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
