"""Each definition below what Python needs when it executes it.

Classes are printed in the modular file's order, each behind what it brings along: the order that
people read. Where Python could not execute that, definitions move up, as few as possible.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from unravel.diagnostics import Place, refuse
from unravel.effects import bound_names, executed, read_at_once, read_names
from unravel.types import Piece

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class _Needs:
    """The names that a definition reads when it is executed: `at_once`.

    Of these, it calls `calls` and extends `bases`. `called` is what it reads when it is called
    itself, `extended` what it reads when a class extends it.
    """

    at_once: frozenset[str]
    calls: frozenset[str]
    bases: frozenset[str]
    called: frozenset[str]
    extended: frozenset[str]


def in_order(pieces: Mapping[str, Piece], *, lazy_annotations: bool) -> dict[str, Piece]:
    """The pieces, by name, each below those that it needs. Raises `Refused` where none can be last.

    `lazy_annotations` says that no annotation is evaluated: `from __future__ import annotations`.
    """
    try:
        trees = {name: ast.parse(piece.text) for name, piece in pieces.items() if piece.text}
    except SyntaxError:
        return dict(pieces)  # the formatter says what is wrong, and where
    # `a, b = 1, 2` is one piece, under the first of its names.
    owners = {
        bound: name
        for name, tree in trees.items()
        for bound in bound_names(tree.body) & pieces.keys()
    }
    needs = {name: _needs(tree, lazy_annotations) for name, tree in trees.items()}

    strict = {name: _owned(needs[name].at_once, name, owners) for name in trees}
    wide = {name: _owned(_reached(name, needs, owners), name, owners) for name in trees}
    order = _sorted(wide)
    if _first_wrong(order, strict):
        order = _sorted(strict)
    wrong = _first_wrong(order, strict)
    if wrong is None:
        return {name: pieces[name] for name in (*order, *(n for n in pieces if n not in trees))}
    name, needed = wrong
    origin = pieces[name].origin
    raise refuse(
        "UNR205",
        Place(origin.path, origin.line, 1),
        f"`{name}` needs `{needed}` when it is defined, and `{needed}` in turn needs `{name}`",
        hint=f"redefine `{name}` or `{needed}` in the modular file, without the other",
    )


def _owned(names: Iterable[str], name: str, owners: Mapping[str, str]) -> list[str]:
    """The definitions that `names` stand for, other than `name` itself, in a fixed order."""
    return sorted({owners[each] for each in names if each in owners} - {name})


def _sorted(needs: Mapping[str, list[str]]) -> list[str]:
    """The names in their order, but each behind those that it needs, if that can be."""
    position = {name: place for place, name in enumerate(needs)}
    found: dict[str, None] = {}
    begun: set[str] = set()
    for first in needs:
        stack = [first]
        while stack:
            name = stack[-1]
            begun.add(name)
            ahead = [each for each in needs[name] if each not in begun]
            if ahead:
                stack.append(min(ahead, key=position.__getitem__))
            else:
                found.setdefault(stack.pop())
    return list(found)


def _first_wrong(order: Iterable[str], needs: Mapping[str, list[str]]) -> tuple[str, str] | None:
    """The first definition above one that it needs, and that one."""
    seen: set[str] = set()
    for name in order:
        for needed in needs[name]:
            if needed not in seen:
                return name, needed
        seen.add(name)
    return None


def _reached(name: str, needs: Mapping[str, _Needs], owners: Mapping[str, str]) -> set[str]:
    """The names that a definition reads when it is executed, and those that its calls read."""
    found = set(needs[name].at_once)
    called, queue = set[str](), [*needs[name].calls]
    bases, seen = [*needs[name].bases], set[str]()
    while bases:
        base = owners.get(bases.pop(), "")
        if base and base not in seen:
            seen.add(base)
            queue += needs[base].extended
            bases += needs[base].bases
    while queue:
        function = queue.pop()
        if function in owners and function not in called:
            called.add(function)
            queue += needs[owners[function]].called
    return found | called


def _needs(tree: ast.Module, lazy_annotations: bool) -> _Needs:
    at_once = list(executed(tree.body, lazy_annotations=lazy_annotations))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    calls = [node.func for node in at_once if isinstance(node, ast.Call)]
    calls += [d for node in at_once for d in getattr(node, "decorator_list", [])]
    keywords = [keyword.value for node in classes for keyword in node.keywords]
    hooks = [
        inner
        for node in classes
        for inner in node.body
        if isinstance(inner, _FUNCTIONS) and inner.name == "__init_subclass__"
    ]
    return _Needs(
        at_once=frozenset(read_at_once(tree.body, lazy_annotations=lazy_annotations)),
        calls=frozenset(read_names([*calls, *keywords])),
        bases=frozenset(read_names(base for node in classes for base in node.bases)),
        called=frozenset(read_names(tree.body)),
        extended=frozenset(read_names([*hooks, *keywords])),
    )
