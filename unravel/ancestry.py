"""What is known of the classes that a parent class extends in turn."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from unravel.effects import bound_names
from unravel.outline import class_outline
from unravel.types import ClassOutline, DefinitionKind, Outline


@dataclass(frozen=True, slots=True)
class Ancestry:
    """The ancestors of a class of `module` that are defined there, and the `unknown` others.

    An ancestor that nothing else stands for is `object`.
    """

    module: Outline
    classes: tuple[ClassOutline, ...] = ()
    unknown: tuple[str, ...] = ()


def ancestry(cls: ClassOutline, module: Outline) -> Ancestry:
    """Follow the bases of `cls` as far as its own module defines them."""
    found: dict[str, ClassOutline] = {}
    unknown: dict[str, None] = {}
    queue = list(cls.bases)
    while queue:
        base = queue.pop(0).partition("[")[0]
        definition = module.definitions.get(base)
        if base in found or base == "object":
            continue
        if definition is None or definition.kind is not DefinitionKind.CLASS:
            unknown[base] = None
            continue
        found[base] = class_outline(module, definition)
        queue += found[base].bases
    return Ancestry(module, tuple(found.values()), tuple(unknown))


def members_of(cls: ClassOutline) -> Collection[str]:
    """The names that the body of a class binds."""
    return bound_names(member.statement.node for member in cls.members)
