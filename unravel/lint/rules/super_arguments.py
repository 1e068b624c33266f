"""Arguments of a super call that the conversion leaves out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.effects import bound_names, read_names, stored_attributes
from unravel.lint.code import around_super, self_targets, unlike
from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Method, Severity, Statement


def check(modular: Modular) -> Iterator[Finding]:
    if not modular.settings.corpus_rules:
        return  # there, parameters are bound to the arguments first
    for child in modular.children:
        for _, mine, theirs in child.method_pairs():
            around = around_super(mine)
            if around is None:
                continue
            before, call, after = around
            read = _still_read(theirs, after) - bound_names(s.node for s in before)
            lost = [each for each in unlike(call, theirs) if each[1] in read]
            for argument, wanted in lost[:1]:
                yield Finding(
                    argument,
                    f"the body of `{child.theirs.name}.{theirs.name}` reads `{wanted}`, and not "
                    f"`{ast.unparse(argument)}`, which is left out",
                    f"assign `{wanted} = {ast.unparse(argument)}` before the call",
                )


def _still_read(theirs: Method, after: list[Statement]) -> set[str]:
    """The names that the parent's body reads, less the assignments that the child replaces."""
    replaced = stored_attributes((statement.node for statement in after), "self")
    kept = [s.node for s in theirs.body if not replaced.intersection(self_targets(s.node))]
    return read_names(kept)


RULE = Rule(
    code="UNM110",
    name="super-arguments",
    severity=Severity.ERROR,
    summary="`super().method(...)` is called with something else than the parameters' own names.",
    why="""\
With the rules of transformers, the parent's body is pasted as it is. It reads its own parameters'
names: an argument that is called otherwise, or is more than a name, gets lost without a word.""",
    examples=(
        Example(
            bad="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    def forward(self, hidden_states):
        return super().forward(hidden_states * 2)
""",
            good="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    def forward(self, hidden_states):
        hidden_states = hidden_states * 2
        return super().forward(hidden_states)
""",
            profile="transformers",
        ),
    ),
    check=check,
)
