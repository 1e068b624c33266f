"""A `# Copied from` marker in a modular file."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.modular import Modular
from unravel.lint.rule import Edit, Example, Finding, Promise, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for number, line in enumerate(modular.lines, 1):
        if line.lstrip().startswith("# Copied from "):
            at = ast.Pass(lineno=number, col_offset=len(line) - len(line.lstrip()))
            yield Finding(
                at,
                "nothing keeps a copy in a modular file in step with its source",
                "inherit or import it; what is different is code of its own, without a marker",
                (Edit(number, number),),
            )


RULE = Rule(
    code="UNM117",
    name="leftover-copy-marker",
    severity=Severity.WARNING,
    summary="A `# Copied from` marker stands in a modular file.",
    why="""\
Such markers are for files that are written by hand. Code in a modular file is either inherited,
and then it is not there, or the model's own, and then it is no copy. When a modular file is
extended in turn, the marker would speak of a third model.""",
    examples=(
        Example(
            bad="""\
from torch import nn


# Copied from models.old.modeling_old.OldMLP with Old->New
class NewMLP(nn.Module):
    pass
""",
            good="""\
from torch import nn


class NewMLP(nn.Module):
    pass
""",
        ),
    ),
    check=check,
    promise=Promise.COMMENTS,
)
