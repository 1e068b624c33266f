"""Small mistakes in a file of source, one at a time: each a text in the place of another."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, order=True)
class Mutant:
    """`old`, which stands at `start` ... `end` of the source, becomes `new`."""

    line: int
    kind: str
    old: str
    new: str
    start: int
    end: int
    first: int = 0
    last: int = 0
    """The lines of the statement that it is in, without the statements inside of that."""

    def __str__(self) -> str:
        return f"{_short(self.old)} -> {_short(self.new) or 'nothing'}"

    def apply(self, source: str) -> str:
        return source[: self.start] + self.new + source[self.end :]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "..."


_OPERATORS: dict[type, str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "*",
    ast.Pow: "*",
}
_COMPARISONS: dict[type, str] = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}


def mutants(source: str) -> list[Mutant]:
    """All mutants of the functions in `source`, in the order of their lines."""
    text = _Text(source)
    found: list[Mutant] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            for statement in _body(node):
                first, last = statement.lineno, _last_line(statement)
                found += (
                    replace(each, first=first, last=last) for each in _of_statement(text, statement)
                )
    unique = {(each.start, each.end, each.new): each for each in found}
    return sorted(unique.values(), key=lambda each: (each.start, each.end, each.new))


def _last_line(statement: ast.stmt) -> int:
    inner: list[ast.stmt] = getattr(statement, "body", [])
    last = inner[0].lineno - 1 if inner else statement.end_lineno or statement.lineno
    return max(statement.lineno, last)


def _body(function: ast.FunctionDef) -> Iterator[ast.stmt]:
    """The statements of a function, without docstring and inner functions."""
    queue: list[ast.AST] = list(function.body)
    while queue:
        node = queue.pop()
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.stmt) and not is_text and not isinstance(node, ast.FunctionDef):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.expr):
            queue += ast.iter_child_nodes(node)


class _Text:
    """Positions of syntax in the source; columns count bytes, and lines end where Python says."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._lines = source.splitlines(keepends=True)

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self._at(node.lineno, node.col_offset), self._at(end_line, end_column)

    def _at(self, line: int, column: int) -> int:
        before = self._lines[line - 1].encode()[:column].decode()
        return self._starts[line - 1] + len(before)

    def of(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        start, end = self.span(node)
        return self.source[start:end]

    def mutant(
        self, kind: str, node: ast.expr | ast.stmt | ast.keyword, new: str
    ) -> Iterator[Mutant]:
        start, end = self.span(node)
        old = self.source[start:end]
        if new != old:
            yield Mutant(node.lineno, kind, old, new, start, end)


def _of_statement(text: _Text, statement: ast.stmt) -> Iterator[Mutant]:
    deleted = (ast.Assign, ast.AugAssign, ast.Expr, ast.If, ast.For, ast.Delete)
    if isinstance(statement, deleted):
        yield from text.mutant("deleted statement", statement, "pass")
    if isinstance(statement, ast.If):
        yield from text.mutant("condition", statement.test, f"not ({text.of(statement.test)})")
    for node in _expressions(statement):
        yield from _of_expression(text, node)


def _expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """All expressions of a statement, without annotations and those of inner statements."""
    queue: list[ast.AST] = [
        child
        for name, value in ast.iter_fields(statement)
        if name != "annotation"
        for child in (value if isinstance(value, list) else [value])
        if isinstance(child, ast.AST) and not isinstance(child, ast.stmt | ast.arguments)
    ]
    while queue:
        node = queue.pop()
        if isinstance(node, ast.JoinedStr):
            continue  # what an error says
        if isinstance(node, ast.expr):
            yield node
        queue += [each for each in ast.iter_child_nodes(node) if not isinstance(each, ast.stmt)]


def _of_expression(text: _Text, node: ast.expr) -> Iterator[Mutant]:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = text.of(node.left), text.of(node.right)
        new = f"(({left}) {_OPERATORS[type(node.op)]} ({right}))"
        yield from text.mutant("operator", node, new)
        for one in (left, right):
            yield from text.mutant("operand", node, f"({one})")
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        operator = _COMPARISONS[type(node.ops[0])]
        new = f"({text.of(node.left)} {operator} {text.of(node.comparators[0])})"
        yield from text.mutant("comparison", node, new)
    elif isinstance(node, ast.BoolOp):
        operator = " or " if isinstance(node.op, ast.And) else " and "
        yield from text.mutant("operator", node, operator.join(map(text.of, node.values)))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield from text.mutant("operator", node, f"({text.of(node.operand)})")
    elif isinstance(node, ast.Constant):
        yield from _of_constant(text, node)
    elif isinstance(node, ast.Call):
        yield from _of_call(text, node)
    elif isinstance(node, ast.IfExp):
        yield from text.mutant("branch", node, f"({text.of(node.body)})")
        yield from text.mutant("branch", node, f"({text.of(node.orelse)})")


def _of_constant(text: _Text, node: ast.Constant) -> Iterator[Mutant]:
    value = node.value
    if isinstance(value, bool):
        yield from text.mutant("constant", node, str(not value))
    elif isinstance(value, int):
        yield from text.mutant("constant", node, str(value + 1))
    elif isinstance(value, float):
        yield from text.mutant("constant", node, repr(value * 1.25 if value else 0.125))


def _of_call(text: _Text, node: ast.Call) -> Iterator[Mutant]:
    for keyword in node.keywords:
        yield from _without(text, node, keyword)
    plain = [each for each in node.args if not isinstance(each, ast.Starred)]
    if len(plain) >= 2 and len(plain) == len(node.args):
        first, second = plain[:2]
        start, end = text.span(first)[0], text.span(second)[1]
        between = text.source[text.span(first)[1] : text.span(second)[0]]
        old = text.source[start:end]
        new = text.of(second) + between + text.of(first)
        if new != old:
            yield Mutant(first.lineno, "swapped arguments", old, new, start, end)


def _without(text: _Text, call: ast.Call, keyword: ast.keyword) -> Iterator[Mutant]:
    """The call without one of its keyword arguments."""
    start, end = text.span(keyword)
    rest = text.source[end:]
    behind = len(rest) - len(rest.lstrip())
    if rest.lstrip().startswith(","):
        end += behind + 1
    old = text.source[start:end]
    yield Mutant(keyword.lineno, "dropped argument", old, "", start, end)
