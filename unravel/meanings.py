"""In one generated file, a name means one thing.

The code of a generated file comes from several modules. What each of them means by a name, it must
still mean there; but what the modular file defines or imports wins over what its parents have.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from unravel.diagnostics import refuse
from unravel.imports import Candidate
from unravel.outline import place
from unravel.routing import split_module
from unravel.scopes import Role, occurrences
from unravel.types import Outline

_BUILTINS = frozenset(dir(builtins))
_OF_THE_LANGUAGE = frozenset(
    ("super", "object", "type", "property", "classmethod", "staticmethod", "isinstance")
)
_TYPING = ("typing", "typing_extensions", "collections.abc")
"""What these have in common is one thing."""


@dataclass(frozen=True, eq=False)
class Source:
    """A module that a generated file is made of, and the `nodes` that come from it.

    `imports` are those of the module, under the names that they have in the generated file, and
    `rename` is what happens to its other names.
    """

    outline: Outline
    nodes: Sequence[ast.stmt]
    imports: Sequence[Candidate]
    rename: Callable[[str], str]

    @cached_property
    def imported(self) -> dict[str, set[str]]:
        """What each imported name stands for, as a dotted name; several, for several branches."""
        found: dict[str, set[str]] = {}
        for candidate in self.imports:
            if candidate.module.startswith(".") and split_module(candidate.module[1:]):
                continue  # a file of the same model: its names are definitions, too
            for name, bound in candidate.names:
                found.setdefault(bound.partition(".")[0], set()).add(_thing(candidate, name, bound))
        return found

    @cached_property
    def defined(self) -> set[str]:
        return set(map(self.rename, self.outline.definitions))

    @cached_property
    def uses(self) -> dict[str, ast.AST]:
        """The names of the module and builtin ones that the nodes mention, and where they do."""
        return {
            found.name if found.name in self.imported else self.rename(found.name): found.node
            for found in occurrences(self.nodes)
            if found.role is Role.VARIABLE and found.scope.ways(found.name)[-1].outer is None
        }

    def binds(self, name: str) -> bool:
        return name in self.defined or name in self.imported

    def meaning(self, name: str) -> frozenset[str]:
        """What the module means by `name`, in words; nothing where that cannot be told."""
        if name in self.defined:
            return frozenset([_DEFINED])
        if name in self.imported:
            return frozenset(f"`{thing}`" for thing in self.imported[name])
        return frozenset([f"the builtin `{name}`"] if name in _BUILTINS else [])


_DEFINED = "the definition"


def _thing(candidate: Candidate, name: str, bound: str) -> str:
    if candidate.module:
        module = "typing" if candidate.module in _TYPING else candidate.module
        return f"{module}.{name}"
    return name.partition(".")[0] if name == bound else name  # `import a.b`, `import a.b as c`


def check_meanings(
    modular: Source, parents: Sequence[Source], printed: Mapping[str, Outline]
) -> None:
    """Raise `Refused` where two sources of a file mean different things by one name.

    `printed` tells which module the definitions of the file come from.
    """
    for name in sorted(_suspects(modular, parents, printed)):
        first: tuple[str, frozenset[str]] | None = None
        for source in (modular, *parents):
            meaning = source.meaning(name)
            wins = source is not modular and modular.binds(name) and source.binds(name)
            if wins or not meaning or name not in source.uses:
                continue
            if name in printed and meaning <= _imports_of(printed[name], name):
                meaning = frozenset([_DEFINED])
            first = first or (source.outline.path, meaning)
            if meaning != first[1]:
                raise refuse(
                    "UNR302",
                    place(source.outline, source.uses[name]),
                    f"`{name}` is {_words(meaning)} here, but {_words(first[1])} in `{first[0]}`",
                    hint="redefine in the modular file what uses one of them",
                )


def check_stars(sources: Sequence[Source]) -> None:
    """Raise `Refused` where a star import may have brought what looks like a builtin.

    What it brings is not known; other names that nothing defines are found in the generated file.
    """
    for source in sources:
        stars = [each for each in source.outline.imports if ("*", "*") in each.names]
        names = sorted(_BUILTINS & source.uses.keys() - source.defined - source.imported.keys())
        for name in names if stars else []:
            if name in _OF_THE_LANGUAGE:
                continue
            module = "." * stars[0].level + stars[0].module
            raise refuse(
                "UNR106",
                place(source.outline, source.uses[name]),
                f"`from {module} import *` does not say whether it brings `{name}`, "
                "or the builtin is meant",
                hint="import the names that are used",
            )


def _suspects(
    modular: Source, parents: Sequence[Source], printed: Mapping[str, Outline]
) -> set[str]:
    """The names that two sources bind to different things, or that hide a builtin."""
    sources = (modular, *parents)
    bound = {*printed, *(name for source in sources for name in source.imported)}
    found = set(_BUILTINS & bound)
    for source in parents:
        others = {name for name, definer in printed.items() if definer is not source.outline}
        others.update(*(other.imported for other in parents if other is not source))
        found |= {name for name in others & source.imported.keys() if not modular.binds(name)}
    return found


def _imports_of(definer: Outline, name: str) -> frozenset[str]:
    """The ways to import `name` from its module."""
    parts = definer.path.removesuffix(".py").split("/")
    modules = [".".join(parts[start:]) for start in range(len(parts))]
    return frozenset(f"`{'.' * dots}{m}.{name}`" for m in modules for dots in range(4))


def _words(meaning: frozenset[str]) -> str:
    return " or ".join(sorted(meaning))
