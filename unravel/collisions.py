"""Names that are two in a parent module and would be one in its copy.

Where a parent of the model `old` has `old_size` beside `new_size`, a copy for the model `new` would
take one for the other. What is compared is the copied code, scope by scope; attributes are compared
over all of it, since nobody can tell whose they are.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from unravel.diagnostics import refuse
from unravel.outline import place
from unravel.parents import Parent
from unravel.renaming import Renaming
from unravel.scopes import Occurrence, Role, occurrences
from unravel.shielding import is_shielded
from unravel.splicing import super_uses
from unravel.types import Definition

_WORD = re.compile(r"[^\W\d]\w*")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Name = tuple[Hashable, str, str, ast.AST]
"""What shares its names (a scope, a call, ...), a name before and after renaming, and where."""


@dataclass(slots=True, eq=False)
class Copied:
    """What is copied from a parent module."""

    parent: Parent
    renaming: Renaming
    nodes: list[ast.stmt] = field(default_factory=list)

    def add(self, definition: Definition, child: ast.stmt | None = None) -> None:
        """Add a definition, less the members that the class `child` has in their place."""
        node = definition.statement.node
        if isinstance(child, ast.ClassDef) and isinstance(node, ast.ClassDef):
            node = _without_replaced(node, child, self.renaming)
        self.nodes += [node, *(extra.node for extra in definition.extras)]


def _without_replaced(node: ast.ClassDef, child: ast.ClassDef, renaming: Renaming) -> ast.ClassDef:
    used = {use.attr for member in child.body for use in super_uses(member)}
    replaced = {name for member in child.body for name in _member_names(member)} - used
    left = [m for m in node.body if not replaced.intersection(map(renaming.name, _member_names(m)))]
    fields = {**dict(ast.iter_fields(node)), "body": left}
    return ast.copy_location(ast.ClassDef(**fields), node)


def _member_names(member: ast.stmt) -> list[str]:
    if isinstance(member, (*_FUNCTIONS, ast.ClassDef)):
        return [member.name]
    targets = list(member.targets) if isinstance(member, ast.Assign) else []
    targets += [member.target] if isinstance(member, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def check_collisions(copied: Copied) -> None:
    """Raise `Refused` where two names of the copied code would become one."""
    if not _may_collide(copied):
        return
    seen: dict[tuple[Hashable, str], str] = {}
    for group, name, final, node in (*_identifiers(copied), *_keys(copied)):
        other = seen.setdefault((group, final), name)
        if other != name:
            outline, old = copied.parent.outline, name if other == final else other
            raise refuse(
                "UNR302",
                place(outline, node),
                f"`{old}` becomes `{final}`, which is another name here"
                if final in (name, other)
                else f"`{name}` and `{other}` would both be `{final}`",
                hint=f"redefine in the modular file what uses both, or rename one of them in "
                f"`{outline.path}`",
            )


def _may_collide(copied: Copied) -> bool:
    """Do any two words become one? This is cheap, and nearly always the end of it."""
    lines = copied.parent.outline.lines
    finals: dict[str, set[str]] = defaultdict(set)
    for node in copied.nodes:
        for line in lines[node.lineno - 1 : node.end_lineno]:
            for word in _WORD.findall(line):
                finals[copied.renaming.name(word)].add(word)
    return any(len(words) > 1 for words in finals.values())


def _identifiers(copied: Copied) -> Iterator[Name]:
    outline, renaming = copied.parent.outline, copied.renaming
    for found in sorted(occurrences(copied.nodes), key=_position):
        is_kept = is_shielded(found, outline)
        final = found.name if is_kept else renaming.name(found.name)
        if found.role is Role.KEYWORD:
            yield ("call", id(found.node)), found.name, final, found.keyword or found.node
        elif found.role is Role.ATTRIBUTE:
            yield "attributes", found.name, final, found.node
        else:
            for scope in found.scope.ways(found.name):
                yield ("scope", id(scope)), found.name, final, found.node
            if found.scope.is_class and found.name in found.scope.bound:
                yield "attributes", found.name, final, found.node


def _position(found: Occurrence) -> tuple[int, int]:
    return getattr(found.node, "lineno", 0), getattr(found.node, "col_offset", 0)


def _keys(copied: Copied) -> Iterator[Name]:
    """Texts that stand for names: those of one dictionary, and those that a function compares."""
    for unit in (unit for node in copied.nodes for unit in _units(node)):
        for node in ast.walk(unit):
            for group, key in _keys_of(node, unit):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield group, key.value, _renamed_text(key.value, copied.renaming), key


def _units(node: ast.stmt) -> Iterable[ast.stmt]:
    return node.body if isinstance(node, ast.ClassDef) else [node]


def _keys_of(node: ast.AST, unit: ast.stmt) -> Iterator[tuple[Hashable, ast.AST | None]]:
    here = ("keys", id(unit))
    if isinstance(node, (ast.Dict, ast.MatchMapping)):
        yield from ((("dict", id(node)), key) for key in node.keys)
    elif isinstance(node, ast.Subscript):
        yield here, node.slice
    elif isinstance(node, ast.MatchValue):
        yield here, node.value
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
        yield from ((here, each) for each in (node.left, *node.comparators))


def _renamed_text(text: str, renaming: Renaming) -> str:
    return renaming.text(repr(text))[1:-1] if text.replace(".", "").isidentifier() else text
