"""The imports that a generated file needs."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from unravel.parents import Parent, is_parent_import
from unravel.renaming import Renaming
from unravel.routing import split_module
from unravel.scanning import identifiers
from unravel.types import Import, Outline, Settings


@dataclass(frozen=True, slots=True)
class Candidate:
    """An import statement that a generated file may need, in whole or in part.

    `module` is empty for `import a.b`. `guard` is the head of the `if` above it.
    """

    module: str
    names: tuple[tuple[str, str], ...]
    lead: str = ""
    guard: str = ""

    def text(self, names: Sequence[tuple[str, str]]) -> str:
        """The statement, for these names only."""
        listed = ", ".join(n if n == bound else f"{n} as {bound}" for n, bound in names)
        return f"from {self.module} import {listed}\n" if self.module else f"import {listed}\n"


def modular_candidates(modular: Outline, settings: Settings) -> list[Candidate]:
    """The ordinary imports of the modular file."""
    found: list[Candidate] = []
    for statement in modular.imports:
        ordinary = any(part in settings.ordinary for part in statement.module.split("."))
        if ordinary or not is_parent_import(statement, modular):
            found.append(_candidate(statement))
    return found


def parent_candidates(parent: Parent, renaming: Renaming, model: str) -> list[Candidate]:
    """The imports of a parent module; those of its other kinds become those of `model`."""
    found: list[Candidate] = []
    for statement in parent.outline.imports:
        candidate = _candidate(statement)
        sibling = split_module(statement.module) if statement.level == 1 else None
        if sibling is not None:
            names = tuple((renaming.name(n), renaming.name(bound)) for n, bound in candidate.names)
            module = f".{sibling[0]}_{model}"
            candidate = Candidate(module, names, candidate.lead, candidate.guard)
        found.append(candidate)
    return found


def _candidate(statement: Import) -> Candidate:
    module = "." * statement.level + statement.module
    return Candidate(module, statement.names, statement.lead, _guard_head(statement))


def _guard_head(statement: Import) -> str:
    if statement.guard is None:
        return ""
    node = statement.guard.node
    if isinstance(node, ast.If):
        return f"if {ast.unparse(node.test)}:"
    return "try:"


def needed_imports(
    candidates: Iterable[Candidate], used: Collection[str], defined: Iterable[str]
) -> str:
    """The import statements for all names that are used and not defined; the first one wins."""
    candidates = list(candidates)
    taken = set(defined)
    used = {*used, *(name for c in candidates for name in identifiers(c.guard))}
    plain: list[str] = []
    guarded: dict[str, list[str]] = {}
    for candidate in candidates:
        needed = [pair for pair in candidate.names if _is_needed(candidate, pair, used, taken)]
        if not needed:
            continue
        taken.update(_bound(candidate, pair) for pair in needed)
        text = candidate.text(needed)
        if candidate.guard:
            guarded.setdefault(candidate.guard, []).append("    " + text)
        else:
            plain.append(candidate.lead + text)
    blocks = [f"{guard}\n{''.join(lines)}" for guard, lines in guarded.items()]
    return "".join(plain) + ("\n" if blocks else "") + "\n".join(blocks)


def _bound(candidate: Candidate, pair: tuple[str, str]) -> str:
    """The key under which a name is taken: `import a.b` does not stand in for `import a.c`."""
    return pair[1]


def _is_needed(
    candidate: Candidate, pair: tuple[str, str], used: Collection[str], taken: Collection[str]
) -> bool:
    name = pair[1] if candidate.module else pair[1].partition(".")[0]
    return name in used and pair[1] not in taken
