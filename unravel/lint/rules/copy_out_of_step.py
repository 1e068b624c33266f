"""A marked copy that is not what its source says."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.copies import copies_in, expected, in_step, indented, is_code, source_of
from unravel.lint.model import ModelFile
from unravel.lint.rule import Edit, Example, Finding, Promise, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    for block in copies_in(file.outline).blocks:
        source = source_of(block.marker, file.loader.settings, file.loader.load)
        if isinstance(source, str):
            continue  # another rule tells
        wanted = expected(block, source)
        if not in_step(block, wanted):
            edit = Edit(block.first, block.last, indented(wanted, block))
            yield Finding(
                block.statement.node,
                f"`{block.name}` is not what `{block.marker.source}` makes of it",
                "run `unravel copies fix`, or take the marker away",
                (edit,) if is_code(wanted) else (),
            )


RULE = Rule(
    code="UNC301",
    name="copy-out-of-step",
    severity=Severity.WARNING,
    summary="A block with a `# Copied from` marker differs from its source.",
    why="""\
The marker says that the two are the same, and a fix of the source is expected to be in both. One
of them was changed alone.""",
    examples=(
        Example(
            bad="""\
from torch import nn



# Copied from models.side.modeling_side.SideMLP with Side->New
class NewMLP(nn.Module):
    def __init__(self, config) -> None:
        super().__init__()
        self.config = config

    def forward(self, hidden_states):
        return hidden_states * 3
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
    promise=Promise.COPY,
)
