"""A modular file as the rules see it: its classes beside the parent classes that they extend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from unravel.context import Context, method_key
from unravel.converter import Model, merging_context, parent_class, read_model
from unravel.lint.model import ModelFile
from unravel.lint.rule import Edit
from unravel.members import raises_only
from unravel.outline import class_outline
from unravel.parents import Parent
from unravel.renaming import Renaming
from unravel.types import (
    ClassOutline,
    Definition,
    DefinitionKind,
    Diagnostic,
    Load,
    Member,
    Method,
    Outline,
    Refused,
    Settings,
)


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A member of a child class and the parent's member that it stands for, if there is one."""

    member: Member
    theirs: Member | None


@dataclass(frozen=True, eq=False)
class Child:
    """A class of the modular file that extends a parent class.

    `cls` is the class as it stands in the file. `context` is what merging knows of both classes;
    in its text of the child, aliases are resolved.
    """

    definition: Definition
    cls: ClassOutline
    parent: Parent
    renaming: Renaming
    context: Context

    @property
    def theirs(self) -> ClassOutline:
        return self.context.parent

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The class' members, each beside the parent's of the same name."""
        theirs = {(self.context.rename(m.name), _accessor(m)): m for m in self.theirs.members}
        return tuple(
            Pair(member, theirs.get((member.name, _accessor(member))) if member.name else None)
            for member in self.cls.members
        )

    def own(self, member: Member) -> Member:
        """`member` as merging has it."""
        found = [m for m in self.context.child.members if m.name == member.name]
        return next((m for m in found if m.statement.line == member.statement.line), member)

    def method_pairs(self) -> Iterator[tuple[Member, Method, Method]]:
        """The methods that stand for one of the parent's, each with both."""
        for pair in self.pairs:
            mine = pair.member.method
            theirs = pair.theirs.method if pair.theirs is not None else None
            if mine is not None and theirs is not None and not raises_only(mine):
                yield pair.member, mine, theirs


def _accessor(member: Member) -> str:
    return method_key(member.method)[1] if member.method is not None else ""


@dataclass(eq=False)
class Modular:
    """A modular file with its parents. `model` is what the converter has read; None if it refuses.

    `files` are those of the model that lie on disk, generated and by hand.
    """

    outline: Outline
    model: Model | None
    settings: Settings
    load: Load
    files: tuple[ModelFile, ...] = ()

    @cached_property
    def classes(self) -> dict[str, ClassOutline]:
        """The classes of the file, in order."""
        return {
            name: class_outline(self.outline, definition)
            for name, definition in self.outline.definitions.items()
            if definition.kind is DefinitionKind.CLASS
        }

    @cached_property
    def children(self) -> tuple[Child, ...]:
        """The classes that extend a parent class."""
        return tuple(self._children())

    def _children(self) -> Iterator[Child]:
        if self.model is None:
            return
        for name, cls in self.classes.items():
            definition = self.model.modular.definitions[name]
            found = parent_class(definition, self.model)
            if found is not None:
                context = merging_context(definition, found, self.model)
                raw = self.outline.definitions[name]
                yield Child(raw, cls, found.parent, found.renaming, context)

    @property
    def lines(self) -> Sequence[str]:
        return self.outline.lines

    @property
    def parents(self) -> tuple[tuple[Parent, Renaming], ...]:
        """The parent modules, and what is renamed in each."""
        return self.model.parents if self.model is not None else ()

    def removal(self, cls: ClassOutline, members: Sequence[Member]) -> tuple[Edit, ...]:
        """The edits that delete `members` of a class, which becomes `pass` if nothing is left."""
        edits = []
        left = [m for m in cls.members if m not in members]
        for number, member in enumerate(members):
            statement = member.statement
            lead = statement.lead.count("\n")
            text = "    pass\n" if not left and cls.docstring is None and not number else ""
            edits.append(Edit(statement.line - lead, statement.end, text))
        return tuple(edits)


def read_modular(
    outline: Outline, settings: Settings, load: Load
) -> tuple[Modular, Diagnostic | None]:
    """The modular file, as the converter reads it, or why it refuses to."""
    try:
        return Modular(outline, read_model(outline, settings, load), settings, load), None
    except Refused as refused:
        return Modular(outline, None, settings, load), refused.diagnostic
