"""`super().m(...)` in a redefined method -> the code that it stands for."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from unravel.scanning import without_comments
from unravel.types import Method, Statement

Rename = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Line:
    """A statement on its way into the generated method: its node and its text, already renamed."""

    node: ast.stmt
    lead: str
    text: str

    @property
    def target(self) -> str:
        """What the statement assigns to, as it is written; empty for other statements."""
        return _target(self.node, self.text)


def super_call(node: ast.stmt, method: str) -> bool:
    """Is this `super().method(...)` or `return super().method(...)`, and nothing else?"""
    return isinstance(node, (ast.Expr, ast.Return)) and _is_super_call(node.value, method)


def _is_super_call(node: ast.expr | None, method: str) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
        and isinstance(node.func.value, ast.Call)
        and isinstance(node.func.value.func, ast.Name)
        and node.func.value.func.id == "super"
    )


@dataclass(slots=True)
class Overrides:
    """What a child assigns and deletes after a super call, by the target as it is written."""

    assigned: dict[str, Line]
    deleted: set[str]


def splice(
    child: Method, parent: Method, rename: Rename, calls: Rename, overrides: Overrides
) -> tuple[Line, ...]:
    """The statements of `child` with those of `parent` in place of its super call.

    `rename` goes over the parent's text, `calls` over the child's. What the child overrides is
    added to `overrides`.
    """
    lines = tuple(Line(item.node, item.lead, calls(item.text)) for item in child.body)
    at = next((i for i, line in enumerate(lines) if super_call(line.node, child.name)), None)
    if at is None:
        return lines
    before, after = lines[:at], lines[at + 1 :]
    pasted = [Line(item.node, rename(item.lead), rename(item.text)) for item in parent.body]
    overrides.assigned.update((line.target, line) for line in after if line.target)
    overrides.deleted.update(target for line in after for target in _deleted(line.node))
    merged = _replace_assignments(pasted, after, overrides)
    if before and pasted and super_call(pasted[0].node, "__init__"):
        merged, before = [pasted[0], *before, *merged[1:]], ()
    result = [*before, *merged]
    return tuple(_post_init_last(result))


def _replace_assignments(
    pasted: Sequence[Line], after: Sequence[Line], overrides: Overrides
) -> list[Line]:
    """The parent's statements, overridden by and followed by the child's later ones."""
    used: set[str] = set()
    result = []
    for line in pasted:
        target = line.target
        if target and target in overrides.deleted:
            continue
        if target in overrides.assigned:
            result.append(overrides.assigned[target])
            used.add(target)
        else:
            result.append(line)
    present = {without_comments(line.text) for line in result}
    for line in after:
        if _deleted(line.node) or (line.target and line.target in used):
            continue
        if without_comments(line.text) not in present:
            result.append(line)
    return result


def _post_init_last(lines: list[Line]) -> list[Line]:
    last = [line for line in lines if "self.post_init(" in line.text]
    if not last:
        return lines
    return [line for line in lines if line not in last] + last[-1:]


def _target(node: ast.stmt, text: str) -> str:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return text.strip().partition("=")[0].strip()
    if isinstance(node, ast.AnnAssign):
        return text.strip().partition(":")[0].strip()
    return ""


def _deleted(node: ast.stmt) -> tuple[str, ...]:
    if not isinstance(node, ast.Delete):
        return ()
    return tuple(ast.unparse(target) for target in node.targets)


def as_lines(statements: Sequence[Statement], rename: Rename) -> tuple[Line, ...]:
    """Statements renamed, ready to be printed."""
    return tuple(Line(item.node, rename(item.lead), rename(item.text)) for item in statements)
