"""A class in between that adds nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from unravel.lint.exports import exported
from unravel.lint.modular import Child, Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    text = "".join(modular.lines)
    children = {child.cls.name: child for child in modular.children}
    for name, cls in modular.classes.items():
        for base in cls.bases:
            link = children.get(base)
            if link is None or not _is_empty(link) or base in (exported(modular.outline) or ()):
                continue
            if len(re.findall(rf"\b{re.escape(base)}\b", text)) == 2:
                yield Finding(
                    link.cls.node,
                    f"`{base}` adds nothing to `{link.theirs.name}`, and only `{name}` extends it",
                    f"let `{name}` extend `{link.theirs.name}`",
                    unless_imported=base,
                )


def _is_empty(child: Child) -> bool:
    code = [m for m in child.cls.members if m.statement.text.strip() not in ("pass", "...")]
    return not code and child.cls.docstring is None


RULE = Rule(
    code="UNM119",
    name="needless-link",
    severity=Severity.WARNING,
    summary="A class is `pass`, and is there only to be extended by one other class.",
    why="""\
One level of inheritance is flattened: what the second class inherits stays inherited in the
generated file, where both are. Without the link there is one class, with all that it does in one
place.""",
    examples=(
        Example(
            bad="""\
from models.old.modeling_old import OldMLP


class NewBaseMLP(OldMLP):
    pass


class NewMLP(NewBaseMLP):
    scale = 2.0
""",
            good="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    scale = 2.0
""",
        ),
    ),
    check=check,
)
