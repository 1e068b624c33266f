"""A docstring that names the parent's class where the new one is meant."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity, Statement

_COMPARES = re.compile(
    "like|similar|same|differ|from|based|instead|than|original|see |adapt|extend|inherit|variant|"
    "augment",
    re.IGNORECASE,
)
"""Words by which a docstring speaks of the other model and means it."""


def check(modular: Modular) -> Iterator[Finding]:
    renamed = {
        child.theirs.name: child.cls.name
        for child in modular.children
        if child.theirs.name not in modular.classes
        and child.renaming.name(child.theirs.name) == child.cls.name
    }
    if not renamed:
        return
    names = re.compile(rf"\[`(?:~[\w.]*)?({'|'.join(map(re.escape, sorted(renamed)))})`\]")
    for cls in modular.classes.values():
        docstrings = [cls.docstring, *(m.method.docstring for m in cls.members if m.method)]
        for docstring in filter(None, docstrings):
            yield from _in(docstring, names, renamed)


def _in(docstring: Statement, names: re.Pattern[str], renamed: dict[str, str]) -> Iterator[Finding]:
    lines = docstring.text.splitlines()
    for number, line in enumerate(lines):
        if _COMPARES.search(" ".join(lines[max(number - 1, 0) : number + 1])):
            continue
        for found in names.finditer(line):
            old, new = found[1], renamed[found[1]]
            at = ast.Pass(lineno=docstring.line + number, col_offset=found.start(1))
            yield Finding(
                at, f"this names `{old}`, whose place `{new}` takes in this model", f"write `{new}`"
            )


RULE = Rule(
    code="UNM129",
    name="stale-name",
    severity=Severity.WARNING,
    summary="A docstring links to a class of the parent model that the new model has a class for.",
    why="""\
The documentation sends its readers to another model. In code that comes from the parent, such
names are renamed; in a docstring that was copied by hand they are not.""",
    examples=(
        Example(
            bad='''\
from models.old.configuration_old import OldConfig
from models.old.modeling_old import OldMLP


class NewConfig(OldConfig):
    pass


class NewMLP(OldMLP):
    """The layers that [`OldConfig`] describes."""
''',
            good='''\
from models.old.configuration_old import OldConfig
from models.old.modeling_old import OldMLP


class NewConfig(OldConfig):
    pass


class NewMLP(OldMLP):
    """The layers that [`NewConfig`] describes."""
''',
        ),
    ),
    check=check,
)
