"""Variables whose name is an abbreviation."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.model import ModelFile
from unravel.lint.naming import bindings
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity

_MEANING = {
    "act": "activation",
    "attn": "attention",
    "bs": "batch_size",
    "bsz": "batch_size",
    "cfg": "config",
    "emb": "embeddings",
    "hid": "hidden_states",
    "hs": "hidden_states",
    "inp": "inputs",
    "lin": "linear",
    "msk": "mask",
    "outp": "outputs",
    "seq": "sequence",
    "tgt": "target",
    "tmp": "what it holds",
    "val": "value",
    "vals": "values",
}


def check(file: ModelFile) -> Iterator[Finding]:
    if file.kind != "modeling":
        return
    for function in file.functions:
        seen: set[str] = set()
        for name, node in bindings(function):
            if name in _MEANING and name not in seen:
                seen.add(name)
                yield Finding(
                    node,
                    f"`{name}` in `{function.full_name}` is an abbreviation",
                    f"write `{_MEANING[name]}`",
                )


RULE = Rule(
    code="UNS205",
    name="abbreviated-name",
    severity=Severity.WARNING,
    summary="A parameter or variable is called by an abbreviation.",
    why="""\
Abbreviations are clear to the one who makes them. `activation` takes no longer to read than `act`
and cannot be taken for an action.""",
    examples=(
        Example(
            bad="""\
from torch import nn


class NewMLP(nn.Module):
    def forward(self, hidden_states):
        act = self.activation(hidden_states)
        return self.down_proj(act)
""",
            good="""\
from torch import nn


class NewMLP(nn.Module):
    def forward(self, hidden_states):
        activation = self.activation(hidden_states)
        return self.down_proj(activation)
""",
        ),
    ),
    check=check,
)
