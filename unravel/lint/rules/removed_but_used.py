"""Something that is removed and that inherited code still uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.code import around_super, is_self_attribute, read_attributes, self_targets
from unravel.lint.modular import Child, Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.members import raises_only
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    for child in modular.children:
        gone = _removed(child)
        if not gone:
            continue
        for name, node in _reads_of_inherited(child):
            statement = gone.pop(name, None)
            if statement is not None:
                yield Finding(
                    statement,
                    f"`self.{name}` is removed, and `{child.theirs.name}."
                    f"{node.name}`, which `{child.cls.name}` inherits, uses it",  # type: ignore[attr-defined]
                    "redefine that method too, or keep this",
                )


def _removed(child: Child) -> dict[str, ast.stmt]:
    """What the child takes out by `del` or by a method that only raises, and does not set again."""
    found: dict[str, ast.stmt] = {}
    assigned = {name for node in ast.walk(child.cls.node) for name in self_targets(node)}
    for member, mine, _ in child.method_pairs():
        around = around_super(mine) if member.name == "__init__" else None
        for statement in around[2] if around is not None else ():
            node = statement.node
            if isinstance(node, ast.Delete):
                targets = [t for t in node.targets if is_self_attribute(t)]
                found.update((t.attr, node) for t in targets)  # type: ignore[attr-defined]
    for pair in child.pairs:
        method = pair.member.method
        is_removal = method is not None and raises_only(method) and not method.decorators
        if is_removal and pair.theirs is not None and pair.theirs.method is not None:
            found[pair.member.name] = pair.member.statement.node
    kept = {name for each in child.context.ancestry.classes for name in _set_in(each.node)}
    return {name: node for name, node in found.items() if name not in assigned | kept}


def _set_in(cls: ast.ClassDef) -> set[str]:
    return {name for node in ast.walk(cls) for name in self_targets(node)} | {
        getattr(item, "name", "") for item in cls.body
    }


def _reads_of_inherited(child: Child) -> Iterator[tuple[str, ast.AST]]:
    """Each `self.x` in a method that the class has from its parent, by its new name."""
    own = {member.name for member in child.cls.members}
    for member in child.theirs.members:
        if member.method is None or child.context.rename(member.name) in own:
            continue
        guarded = {
            inner.args[1].value
            for inner in ast.walk(member.statement.node)
            if isinstance(inner, ast.Call)
            and getattr(inner.func, "id", "") in ("hasattr", "getattr")
            and len(inner.args) > 1
            and isinstance(inner.args[1], ast.Constant)
        }
        for node in read_attributes([member.statement.node]):
            if node.attr not in guarded:
                yield child.context.rename(node.attr), member.statement.node


RULE = Rule(
    code="UNM126",
    name="removed-but-used",
    severity=Severity.ERROR,
    summary="A class removes an attribute or a method that a method it inherits still uses.",
    why="""\
The generated class is complete but for that: the first call of the inherited method fails with an
`AttributeError`.""",
    examples=(
        Example(
            bad="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    def __init__(self, config):
        super().__init__(config)
        del self.activation
""",
            good="""\
from models.old.modeling_old import OldMLP


class NewMLP(OldMLP):
    def __init__(self, config):
        super().__init__(config)
        del self.activation

    def forward(self, hidden_states):
        return self.down_proj(self.up_proj(hidden_states))
""",
        ),
    ),
    check=check,
)
