"""A parent class that is itself nothing but a copy."""

from __future__ import annotations

from collections.abc import Iterator

from unravel.lint.modular import Child, Modular
from unravel.lint.origins import original
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for child in modular.children:
        found = original(child.parent.outline, child.theirs.name, modular)
        if found is not None and not _uses_siblings(modular, child):
            yield Finding(
                child.cls.node,
                f"`{child.theirs.name}` is `{found.name}` of {found.file} under another name",
                f"extend `{found.name}`",
            )


def _uses_siblings(modular: Modular, child: Child) -> bool:
    """Does the file extend other classes of that parent, too? Then they belong together."""
    return any(other.parent is child.parent and other is not child for other in modular.children)


RULE = Rule(
    code="UNM102",
    name="copied-parent",
    severity=Severity.WARNING,
    summary="A class extends a class that is an unmodified copy of another model's.",
    why="""\
The reader must open the parent's modular file to learn that nothing is there, and the model
depends on one more model than it has to. Where a file takes several classes of that parent, they
belong together, and nothing is said.""",
    examples=(
        Example(
            bad="""\
from models.middle.modeling_middle import MiddleMLP


class NewMLP(MiddleMLP):
    scale = 2.0
""",
            good="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    scale = 2.0
""",
            files={
                "modular/modular_middle.py": """\
from models.old.modeling_old import OldMLP


class MiddleMLP(OldMLP):
    pass
""",
                "models/middle/modeling_middle.py": """\
# unravel: generated from modular/modular_middle.py; do not edit.
from torch import nn


class MiddleMLP(nn.Module):
    scale = 1.0
""",
            },
        ),
    ),
    check=check,
)
