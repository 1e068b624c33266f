"""A class or function that nothing uses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from unravel.lint.exports import exported
from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import DefinitionKind, Severity


def check(modular: Modular) -> Iterator[Finding]:
    exports = exported(modular.outline)
    if exports is None or modular.model is None:
        return  # whatever it defines may be what others import
    text = "".join(modular.lines)
    copied = {
        renaming.name(name)
        for parent, renaming in modular.parents
        for name in parent.outline.definitions
    }
    generated = "\n".join("".join(file.outline.lines) for file in modular.files)
    for name, definition in modular.outline.definitions.items():
        if definition.kind is DefinitionKind.ASSIGNMENT or name in exports or name in copied:
            continue
        word = re.compile(rf"\b{re.escape(name)}\b")
        own = len(word.findall(definition.text))
        if len(word.findall(text)) > own or len(word.findall(generated)) > own:
            continue
        if name.startswith("__") or "deprecat" in definition.text.lower():
            continue  # the module's own `__getattr__`; what is kept for others
        if name in modular.classes and not _is_plain(modular, name):
            continue
        yield Finding(
            definition.statement.node,
            f"nothing uses `{name}`",
            "delete it, or export it in `__all__`",
            unless_imported=name,
        )


def _is_plain(modular: Modular, name: str) -> bool:
    """Is it enough to define the class? A base from elsewhere may keep a list of its children."""
    children = {child.cls.name for child in modular.children}
    known = {"nn.Module", "object", *modular.classes}
    return name in children or known.issuperset(modular.classes[name].bases)


RULE = Rule(
    code="UNM113",
    name="unused-definition",
    severity=Severity.WARNING,
    summary="A class or function is not used, not exported and replaces nothing of a parent.",
    why="""\
It is generated all the same, and whoever changes the model keeps it working. Often it is a class
that was to replace one of the parent's and is not called like it: then the parent's is used,
which is a bug.""",
    examples=(
        Example(
            bad="""\
from models.old.modeling_old import OldModel


def rescaled(states):
    return states * 2


class NewModel(OldModel):
    pass


__all__ = ["NewModel"]
""",
            good="""\
from models.old.modeling_old import OldModel


def scaled(states, scale):
    return states * scale / 2


class NewModel(OldModel):
    pass


__all__ = ["NewModel"]
""",
        ),
    ),
    check=check,
)
