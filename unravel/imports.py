"""The imports that a generated file needs."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from unravel.diagnostics import Place, refuse
from unravel.foreign import sibling_kind
from unravel.naming import model_name
from unravel.outline import place
from unravel.parents import Parent
from unravel.relative import is_plain_guard, moved
from unravel.renaming import Renaming
from unravel.routing import split_module
from unravel.scanning import identifiers
from unravel.sorting import sorted_imports
from unravel.types import Import, Outline, Settings


@dataclass(frozen=True, slots=True)
class Guard:
    """What stands around an import: the head of an `if`, or a `whole` statement with branches.

    `at` is where it was read.
    """

    head: str
    lead: str
    whole: str
    tests: str
    key: int
    at: Place | None = None


class Candidate(NamedTuple):
    """An import statement that a generated file may need, in whole or in part.

    `module` is empty for `import a.b`.
    """

    module: str
    names: tuple[tuple[str, str], ...]
    lead: str = ""
    guard: Guard | None = None

    def text(self, names: Sequence[tuple[str, str]]) -> str:
        """The statement, for these names only."""
        listed = ", ".join(n if n == bound else f"{n} as {bound}" for n, bound in names)
        return f"from {self.module} import {listed}\n" if self.module else f"import {listed}\n"


def modular_candidates(
    modular: Outline, parents: Iterable[Parent], settings: Settings, kind: str, target: str
) -> list[Candidate]:
    """The ordinary imports of the modular file, for the generated file `target` of `kind`."""
    of_parents = {id(statement.node) for parent in parents for statement in parent.statements}
    found = [
        _candidate(statement, modular, settings, target)
        for statement in modular.imports
        if id(statement.node) not in of_parents
        and not (settings.corpus_rules and _is_own_file(statement, modular))
    ]
    bound = {bound for candidate in found for _, bound in candidate.names}
    if guards_backends(kind, settings) and not bound.isdisjoint(map(_test, _BACKENDS)):
        # The blank line above the imports goes where the test is their own; see neucodec.
        return [candidate._replace(lead=candidate.lead.lstrip("\n")) for candidate in found]
    return found


def _is_own_file(statement: Import, modular: Outline) -> bool:
    """Is this an absolute import of a hand-written file of the model?

    In the corpus that gives way to what the parent's import of its own file becomes:
    `.configuration_ijepa` in ijepa of release 5.17.0.
    """
    found = split_module(statement.module)
    return not statement.level and found is not None and found[1] == model_name(modular.path)


def parent_candidates(
    parent: Parent, renaming: Renaming, settings: Settings, model: str, target: str
) -> list[Candidate]:
    """The imports of a parent module; those of its other kinds become those of `model`."""
    found: list[Candidate] = []
    for statement in parent.outline.imports:
        candidate = _candidate(statement, parent.outline, settings, target)
        sibling = sibling_kind(statement.module, statement.level, parent, settings)
        if sibling:
            theirs = tuple(pair for pair in candidate.names if pair[0] in parent.kept)
            found += [candidate._replace(names=theirs)] if theirs else []
            ours = (pair for pair in candidate.names if pair not in theirs)
            names = tuple((renaming.name(n), renaming.name(bound)) for n, bound in ours)
            candidate = candidate._replace(module=f".{sibling}_{model}", names=names)
        found.append(candidate)
    return found


def future_imports(outlines: Iterable[Outline]) -> str:
    """`from __future__ import annotations`, if one of the files has it: it must come first."""
    names = {
        name
        for outline in outlines
        for statement in outline.imports
        if statement.module == "__future__"
        for name, _ in statement.names
    }
    return f"from __future__ import {', '.join(sorted(names))}\n" if names else ""


def _candidate(statement: Import, source: Outline, settings: Settings, target: str) -> Candidate:
    folders = (*settings.roots, *settings.installed)
    module = moved(statement.module, statement.level, source.path, target, folders)
    return Candidate(module, statement.names, statement.lead, _guard(statement, source))


def _guard(statement: Import, source: Outline) -> Guard | None:
    if statement.guard is None:
        return None
    node = statement.guard.node
    head = f"if {ast.unparse(node.test)}:" if isinstance(node, ast.If) else ""
    whole = "" if is_plain_guard(node) else statement.guard.text
    ifs = (inner for inner in ast.walk(node) if isinstance(inner, ast.If))
    tests = " ".join(ast.unparse(inner.test) for inner in ifs)
    at = place(source, node)
    return Guard(head, statement.guard.lead, whole, tests, id(statement.guard), at)


def needed_imports(
    candidates: Iterable[Candidate],
    used: Collection[str],
    defined: Iterable[str],
    guards_backends: bool,
    package: str = "",
) -> str:
    """The import statements for all names that are used and not defined; the first one wins.

    `guards_backends` puts torch and torchvision under a test of their availability. `package` is
    the one that the generated file lies in.
    """
    candidates = list(candidates)
    guards = [candidate.guard for candidate in candidates if candidate.guard]
    # Names in the heads of all guards count, also of those that go; see gemma4_unified.
    used = {*used, *(name for guard in guards for name in identifiers(guard.tests))}
    if guards_backends:
        used |= set(map(_test, _BACKENDS))
    taken = set(defined)
    plain: list[Candidate] = []
    guarded: dict[int, tuple[Guard, list[Candidate]]] = {}
    for candidate in candidates:
        # Of ten candidates nine are not needed, and there are tens of thousands.
        if used.isdisjoint(_said(candidate)):
            continue
        needed = [pair for pair in candidate.names if _is_needed(candidate, pair, used, taken)]
        if not needed:
            continue
        taken.update(bound for _, bound in needed)
        guard = (_backend_guard(candidate) if guards_backends else None) or candidate.guard
        if guard is None:
            plain.append(candidate._replace(names=tuple(needed)))
        else:
            inner = candidate._replace(names=tuple(needed), lead="")
            guarded.setdefault(guard.key, (guard, []))[1].append(inner)
    if guards_backends:
        plain = _with_tests(plain, guarded, taken)
    ordered = sorted(guarded.values(), key=lambda item: item[0].key < 0)
    blocks = [
        g.lead + (g.whole or f"{g.head}\n{_in_order(inner, package, '    ')}")
        for g, inner in ordered
    ]
    return _in_order(plain, package) + "".join(blocks)


def _in_order(imports: Sequence[Candidate], package: str, indent: str = "") -> str:
    """The statements as the formatter sorts them; it has to see itself where comments belong."""
    if any("#" in each.lead for each in imports):
        return "".join(each.lead + indent + each.text(each.names) for each in imports)
    pairs = [(each.module, each.names) for each in imports]
    lead = imports[0].lead if imports else ""
    return lead + sorted_imports(pairs, first_party=package, indent=indent)


def check_guards(
    candidates: Iterable[Candidate], used: Collection[str], defined: Collection[str]
) -> None:
    """Raise `Refused` where the guard of a needed import calls what is defined below it."""
    for candidate in candidates:
        guard = candidate.guard
        if guard is None or not any(_is_needed(candidate, n, used, ()) for n in candidate.names):
            continue
        for name in sorted(identifiers(guard.tests) & set(defined)):
            raise refuse(
                "UNR205",
                guard.at or Place("", 0, 0),
                f"the generated file's imports stand above `{name}`, which this one asks",
                hint=f"move `{name}` to a module that it can be imported from",
            )


def guards_backends(kind: str, settings: Settings) -> bool:
    """Must a file of this kind be importable without torch?"""
    return settings.corpus_rules and kind in ("image_processing_pil", "feature_extraction")


_BACKENDS = {"torch": -2, "torchvision": -1}
"""The packages that are put under a guard, and the keys of their guards."""


def _test(package: str) -> str:
    return f"is_{package}_available"


def _backend_guard(candidate: Candidate) -> Guard | None:
    """The guard of torch in a file that must be importable without it; it follows all others."""
    package = (candidate.module or candidate.names[0][0]).partition(".")[0]
    if package not in _BACKENDS:
        return None
    return Guard(f"if {_test(package)}():", "", "", "", _BACKENDS[package])


def _with_tests(
    plain: Sequence[Candidate], guarded: Collection[int], taken: Collection[str]
) -> list[Candidate]:
    """The plain imports, with the tests of added guards that no candidate brings; see lightglue."""
    tests = [_test(package) for package, key in _BACKENDS.items() if key in guarded]
    added = [Candidate("...utils", ((test, test),)) for test in tests if test not in taken]
    return [*plain, *added]


def _said(candidate: Candidate) -> list[str]:
    """What code says to mean each of the candidate's names: `a` of `import a.b`."""
    bound = [pair[1] for pair in candidate.names]
    return bound if candidate.module else [name.partition(".")[0] for name in bound]


def _is_needed(
    candidate: Candidate, pair: tuple[str, str], used: Collection[str], taken: Collection[str]
) -> bool:
    name = pair[1] if candidate.module else pair[1].partition(".")[0]
    return name in used and pair[1] not in taken
