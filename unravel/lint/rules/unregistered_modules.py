"""Modules in a plain list."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unravel.lint.code import self_targets
from unravel.lint.model import ModelFile
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(file: ModelFile) -> Iterator[Finding]:
    if file.kind != "modeling":
        return
    for function in file.functions:
        if function.cls is None or function.name != "__init__":
            continue
        if any(n.attr in ("add_module", "register_module") for n in function.all(ast.Attribute)):
            continue
        for node in function.all(ast.Assign):
            names = self_targets(node)
            if (
                names
                and isinstance(node.value, (ast.List, ast.ListComp))
                and _of_modules(node.value)
            ):
                yield Finding(
                    node,
                    f"the modules in `{function.cls.name}.{names[0]}` are in a plain list",
                    "put them into an `nn.ModuleList`",
                )


def _of_modules(node: ast.expr) -> bool:
    items: list[ast.expr] = []
    if isinstance(node, ast.List):
        items = node.elts
    elif isinstance(node, ast.ListComp):
        items = [node.elt]
    return bool(items) and all(
        isinstance(item, ast.Call)
        and ast.unparse(item.func).startswith(("nn.", "torch.nn."))
        and not ast.unparse(item.func).startswith(("nn.functional", "nn.init"))
        for item in items
    )


RULE = Rule(
    code="UNS220",
    name="unregistered-modules",
    severity=Severity.ERROR,
    summary="A module keeps other modules in a plain list.",
    why="""\
PyTorch does not see them: their weights are not trained, not saved, not loaded and not moved to a
device. Nothing fails until the results are wrong.""",
    examples=(
        Example(
            bad="""\
from torch import nn


class NewMLP(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = [nn.Linear(width, width) for _ in range(2)]
""",
            good="""\
from torch import nn


class NewMLP(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(width, width) for _ in range(2)])
""",
        ),
    ),
    check=check,
)
