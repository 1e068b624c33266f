"""Documentation of arguments that do not exist."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.code import parameters, takes_any_keyword
from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.remarks import documented
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for cls in modular.classes.values():
        for member in cls.members:
            method = member.method
            if method is None or method.docstring is None or takes_any_keyword(method.node):
                continue
            taken = {each.arg for each in parameters(method.node)}
            if method.node.args.vararg is not None or "super_kwargs" in taken:
                continue
            for name in sorted(documented(method.docstring) - taken):
                yield Finding(
                    _line_of(method.docstring.node, name),
                    f"`{cls.name}.{method.name}` does not take `{name}`, which is documented here",
                    "delete this entry, or correct the name",
                )


def _line_of(docstring: ast.stmt, name: str) -> ast.AST:
    """The line of a docstring that begins with `name`."""
    text = docstring.value.value  # type: ignore[attr-defined]
    for number, line in enumerate(text.split("\n")):
        words = line.strip().removeprefix(":param ").split(maxsplit=1)
        if words and words[0].rstrip(":") == name:
            column = len(line) - len(line.lstrip()) if number else docstring.col_offset
            return ast.Pass(lineno=docstring.lineno + number, col_offset=column)
    return docstring


RULE = Rule(
    code="UNM111",
    name="documented-but-absent",
    severity=Severity.WARNING,
    summary="A docstring of the modular file documents an argument that the method does not take.",
    why="""\
Users write what the documentation says and get a `TypeError`. It happens when a signature changes
and its documentation, copied from another model, does not.""",
    examples=(
        Example(
            bad='''\
from models.old.modeling_old import OldAttention


class NewAttention(OldAttention):
    def forward(self, hidden_states):
        """Attend.

        Args:
            hidden_states (`torch.Tensor`): What is attended to.
            attention_mask (`torch.Tensor`): What may not be.
        """
        return self.query(hidden_states)
''',
            good='''\
from models.old.modeling_old import OldAttention


class NewAttention(OldAttention):
    def forward(self, hidden_states):
        """Attend.

        Args:
            hidden_states (`torch.Tensor`): What is attended to.
        """
        return self.query(hidden_states)
''',
        ),
    ),
    check=check,
)
