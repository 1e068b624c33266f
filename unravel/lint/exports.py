"""What a modular file exports, and what it should."""

from __future__ import annotations

import re

from unravel import printing
from unravel.lint.modular import Child, Modular
from unravel.lint.rule import Edit
from unravel.routing import MODELING, kind_of
from unravel.types import Outline, Statement


def statement_of(outline: Outline) -> Statement | None:
    """The statement that defines `__all__`."""
    definition = outline.definitions.get("__all__")
    return definition.statement if definition is not None else None


def exported(outline: Outline) -> tuple[str, ...] | None:
    """The names in `__all__`; None where there is none."""
    return tuple(printing.exported(outline)) if "__all__" in outline.definitions else None


def public_names(modular: Modular) -> tuple[str, ...]:
    """The classes of the same sort as their parent classes, which are exported by their modules.

    Parts of a model are exported here and there, too; what must be is a whole model, a
    configuration, a processor.
    """
    return tuple(child.cls.name for child in modular.children if _is_public(child))


def _is_public(child: Child) -> bool:
    name, theirs = child.cls.name, child.theirs.name
    bases = (*child.theirs.bases, *child.context.ancestry.unknown)
    is_whole = kind_of(name, "") != MODELING or any("PreTrained" in base for base in bases)
    is_alike = _last_word(name) == _last_word(theirs)
    is_exported = theirs in (exported(child.parent.outline) or ())
    return is_whole and is_alike and is_exported and not name.startswith("_")


def _last_word(name: str) -> str:
    return re.split(r"(?=[A-Z])", name)[-1]


def with_exports(outline: Outline, name: str) -> tuple[Edit, ...]:
    """The edit that adds `name` at the end of `__all__`; none where it is written unusually."""
    statement = statement_of(outline)
    assert statement is not None, "there is an `__all__`"
    text = statement.text.rstrip("\n")
    if not text.endswith("]"):
        return ()
    inside = text.removesuffix("]").rstrip()
    if "\n" in text:
        if not inside.endswith(("[", ",")):
            inside += ","
        added = f'{inside}\n    "{name}",\n]\n'
    else:
        comma = "" if inside.endswith(("[", ",")) else ","
        added = f'{inside}{comma} "{name}"]\n'.replace('[ "', '["')
    return (Edit(statement.line, statement.end, added),)
