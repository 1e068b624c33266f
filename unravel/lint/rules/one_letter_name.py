"""Variables of one letter."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.model import ModelFile
from unravel.lint.naming import bindings
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    if file.kind != "modeling":
        return
    for function in file.functions:
        seen: set[str] = set()
        for name, node in bindings(function):
            if len(name) == 1 and name != "_" and name not in seen:
                seen.add(name)
                yield Finding(
                    node,
                    f"`{name}` in `{function.full_name}` does not say what it holds",
                    "name it after its meaning: `hidden_states`, `batch_size`",
                )


RULE = Rule(
    code="UNS204",
    name="one-letter-name",
    severity=Severity.WARNING,
    summary="A parameter or variable has a name of one letter, other than the index of a loop.",
    why="""\
A model is read by people who do not know it, and many of them read English as a second language.
`x` is the input in one line and something else in the next.""",
    examples=(
        Example(
            bad="""\
from torch import nn


class NewMLP(nn.Module):
    def forward(self, x):
        y = self.up_proj(x)
        return self.down_proj(y)
""",
            good="""\
from torch import nn


class NewMLP(nn.Module):
    def forward(self, hidden_states):
        for i in range(2):
            hidden_states = self.up_proj(hidden_states) + i
        return self.down_proj(hidden_states)
""",
        ),
    ),
    check=check,
)
