"""Bases in front of the parent class: `class NewModel(NewPreTrainedModel, OldModel)`.

For Python they come before the parent class. In the generated class, whose body is the parent's,
they come behind it: the same, as long as none of them and the parent hide something of each other.
"""

from __future__ import annotations

from collections.abc import Iterable

from unravel.ancestry import members_of
from unravel.context import Context
from unravel.outline import class_outline
from unravel.splicing import other_super, super_uses
from unravel.types import ClassOutline, DefinitionKind


def in_front(context: Context) -> tuple[str, ...]:
    """The child's bases that it names before its parent."""
    return context.child.base_names[: context.child.base_names.index(context.base)]


def why_not_behind(context: Context) -> str:
    """Why the bases in front of the parent cannot come behind it; empty if they can."""
    theirs = _renamed(members_of(context.parent), context)
    asked = _renamed(_asked_of_super(context.parent), context)
    found, unknown = _classes_in_front(context)
    if unknown:
        return f"nobody can tell here what `{unknown}` has"
    for cls in found:
        if any(other_super(member.statement.node, ()) for member in cls.members):
            return f"a `super()` of `{cls.name}` is not followed by a name"
        mine = set(members_of(cls))
        if both := theirs & mine:
            return f"both have `{min(both)}`"
        if passed := (theirs & _asked_of_super(cls)) | (asked & mine):
            return f"`super().{min(passed)}` would find another one"
    return ""


def _renamed(names: Iterable[str], context: Context) -> set[str]:
    return set(map(context.rename, names))


def _asked_of_super(cls: ClassOutline) -> set[str]:
    """The names that a class looks for behind itself: `x` of `super().x`."""
    return {use.attr for member in cls.members for use in super_uses(member.statement.node)}


def _classes_in_front(context: Context) -> tuple[list[ClassOutline], str]:
    """The classes that Python asks before the parent class, and one that is not defined here.

    An ancestor that they share with the parent class is asked behind it.
    """
    known = [*(cls.name for cls in context.ancestry.classes), *context.ancestry.unknown]
    behind = {"object", *known, *_renamed(known, context)}
    found: dict[str, ClassOutline] = {}
    queue = list(in_front(context))
    while queue:
        name = queue.pop(0)
        definition = context.module.definitions.get(name)
        if name in found:
            continue
        if definition is None or definition.kind is not DefinitionKind.CLASS:
            return [], name
        found[name] = class_outline(context.module, definition)
        queue += [base for base in found[name].base_names if base not in behind]
    return list(found.values()), ""
