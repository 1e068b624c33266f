"""A module's text -> its definitions, imports and their spans.

One pass of the standard library's parser over each file; nothing else looks at a whole module.
Every statement is kept as the very text that was read.
"""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import cast

from unravel.diagnostics import Place, refuse
from unravel.effects import bound_names, changed_names
from unravel.heads import class_bases, read_method
from unravel.indentation import canonical, is_canonical
from unravel.parsing import deepest, normalized, parse
from unravel.scanning import mask_strings, tokens
from unravel.stubs import is_stub
from unravel.types import (
    ClassOutline,
    Definition,
    DefinitionKind,
    Import,
    Later,
    Member,
    MemberKind,
    Method,
    Outline,
    Signature,
    Statement,
    Suite,
    Tree,
    Unparsed,
    Written,
    remembered,
)

Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def read_outline(path: str, text: str) -> Outline:
    """The outline of a module. `text` has `\\n` for line ends and no byte order mark.

    Raises `Refused` where the text is not valid Python.
    """
    module = parse(path, text)
    given, text = text, normalized(text)
    if not is_canonical(given, module):
        text = canonical(text)
    if text != given:
        module = parse(path, text)
    return outline_of(path, text, module)


def outline_of(path: str, text: str, module: ast.Module) -> Outline:
    """The outline of a module as it stands, `module` being its tree.

    A class or function without a body stands for one that is parsed when it is asked for.
    """
    lines = tuple(io.StringIO(text + "\n").readlines())
    statements, footer = split_block(lines, module.body, 1, len(lines))
    statements = _documented(statements)
    header = statements[0].lead if statements else text
    docstring = None
    imports: list[Import] = []
    definitions: dict[str, Definition] = {}
    others: list[Statement] = []
    for index, statement in enumerate(statements):
        if index == 0:
            statement = _without_lead(statement)
            if is_docstring(statement.node):
                docstring = statement
                continue
        found = _imports(lines, statement)
        if found:
            if found[0].module == "__future__" and (definitions or others or _is_ordinary(imports)):
                at = _place(path, lines, statement.node)
                raise refuse("UNR003", at, "`from __future__` stands behind other statements")
            imports += found
            continue
        names = _defined(statement.node)
        owner = _owner(statement.node)
        if owner in definitions:
            definitions[owner] = _extended(definitions[owner], statement)
        elif names:
            for name, kind in names:
                if name in definitions:
                    others.append(definitions[name].statement)
                definitions[name] = Definition(name, kind, _parsed_later(path, statement), index)
        else:
            others.append(statement)
    blocks = _blocks(statements, definitions)
    return Outline(
        path,
        lines,
        header,
        docstring,
        tuple(imports),
        definitions,
        tuple(others),
        blocks,
        footer if "#" in footer and statements else "",
    )


def _parsed_later(path: str, statement: Statement) -> Statement:
    """`statement` with a whole tree, also where it has a stub."""
    if not is_stub(statement.node):
        return statement
    tree = Tree(partial(_tree, path, statement.text, statement.line), statement.node)
    return Unparsed(cast(ast.stmt, tree), *statement[1:])


def _tree(path: str, text: str, line: int) -> ast.stmt:
    """The tree of a statement that begins in that line, at the top level or in a class."""
    if text.startswith(" "):
        (block,) = parse(path, "\n" * (line - 2) + "class _:\n" + text).body
        assert isinstance(block, ast.ClassDef)
        return block.body[0]
    return parse(path, "\n" * (line - 1) + text).body[0]


def _blocks(statements: Sequence[Statement], definitions: Container[str]) -> dict[str, Definition]:
    """The names that one `if`, `try` or `with` alone defines; none of those that only import."""
    found: dict[str, Definition] = {}
    ambiguous: set[str] = set()
    for index, statement in enumerate(statements):
        if not isinstance(statement.node, (ast.If, ast.Try, ast.With)):
            continue
        imported = {bound for each in _guarded(statement.node) or () for bound in _bound(each)}
        names = bound_names([statement.node])
        if names <= imported:
            continue
        ambiguous |= {name for name in names if name in found or name in definitions}
        for name in sorted(names):
            found[name] = Definition(name, DefinitionKind.ASSIGNMENT, statement, index)
    return {name: block for name, block in found.items() if name not in ambiguous}


def _bound(node: ast.Import | ast.ImportFrom) -> set[str]:
    return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}


def _is_ordinary(imports: Sequence[Import]) -> bool:
    return any(each.module != "__future__" for each in imports)


def statements(outline: Outline) -> list[ast.stmt]:
    """Every statement of the module once; those that import come last."""
    definitions = outline.definitions.values()
    nodes = [each.node for d in definitions for each in (d.statement, *d.extras)]
    nodes += [statement.node for statement in outline.others]
    nodes += [statement.node for statement in outline.imports]
    return list({id(node): node for node in nodes}.values())


def place(outline: Outline, node: ast.AST) -> Place:
    """Where `node` stands in the outlined module."""
    return _place(outline.path, outline.lines, node)


def _place(path: str, lines: Sequence[str], node: ast.AST) -> Place:
    line = getattr(node, "lineno", 0)
    excerpt = lines[line - 1].rstrip("\n") if 0 < line <= len(lines) else ""
    column = len(excerpt.encode()[: getattr(node, "col_offset", 0)].decode(errors="ignore")) + 1
    return Place(path, line, column if line else 0, excerpt)


def deepest_place(outlines: Iterable[Outline]) -> Place:
    """Where the most deeply nested code of all these modules stands."""
    found = [
        (depth, place(outline, node))
        for outline in outlines
        for depth, node in [deepest(statement.node for statement in all_statements(outline))]
    ]
    return max(found)[1]


def all_statements(outline: Outline) -> Iterator[Statement]:
    """The statements of a module that are no imports, in no particular order."""
    yield from outline.others
    for definition in outline.definitions.values():
        yield from (definition.statement, *definition.extras)


def split_block(
    lines: Sequence[str], nodes: Sequence[ast.stmt], first: int, last: int
) -> tuple[tuple[Statement, ...], str]:
    """Divide lines `first` to `last` among the statements of one block.

    Comments and blank lines above a statement are its lead, but a comment that is indented deeper
    than the statement still belongs to the block before it. What is left at the end is the footer.
    """
    statements: list[Statement] = []
    position = first
    starts = [*map(_first_line, nodes), last + 1]
    for node, (start, following) in zip(nodes, pairwise(starts), strict=True):
        end, limit = node.end_lineno, following - 1
        assert end is not None
        lead = "".join(lines[position - 1 : start - 1]) if start > position else ""
        if start < position or limit < end:  # `a = 1; b = 2`
            text = _indent(lines, nodes[0]) + cut(lines, node) + "\n"
            statements.append(Statement(node, lead, text, start, end))
            position = end + 1
            continue
        tail = _deeper_comments(lines, end + 1, limit, node) if _is_compound(node) else end
        text = lines[start - 1] if start == tail else "".join(lines[start - 1 : tail])
        statements.append(Statement(node, lead, text, start, tail))
        position = tail + 1
    return tuple(statements), "".join(lines[position - 1 : last])


@remembered
def changed_elsewhere(outline: Outline) -> frozenset[str]:
    """Names that other statements than one plain definition bind or change."""
    nodes = [statement.node for statement in outline.others]
    return frozenset(bound_names(nodes) | changed_names(nodes))


@remembered
def class_outline(outline: Outline, definition: Definition) -> ClassOutline:
    """The parts of a class that `outline` defines."""
    statement, lines = definition.statement, outline.lines
    node = cast(ast.ClassDef, statement.stub)
    if not node.body:  # a stub of a whole class
        node = cast(ast.ClassDef, statement.node)
    body_first, inline = _body_start(lines, node)
    statements, footer = _body(lines, node.body, body_first, statement.end, inline, 4)
    docstring = None
    if statements and is_docstring(statements[0].node):
        docstring, statements = statements[0], statements[1:]
    statements = _documented(statements)
    return ClassOutline(
        name=node.name,
        lead=statement.lead,
        decorators="".join(lines[statement.line - 1 : node.lineno - 1]),
        type_parameters=_type_parameters(lines, node),
        bases=tuple(cut(lines, base) for base in node.bases),
        keywords=tuple(_keyword(lines, keyword) for keyword in node.keywords),
        head_comment="" if inline else _trailing_comment(lines, body_first - 1),
        docstring=docstring,
        members=tuple([_member(outline.path, lines, item) for item in statements]),
        footer=footer,
        statement=statement,
    )


@remembered
def base_names(outline: Outline, definition: Definition) -> tuple[str, ...]:
    """The bases of a class that `outline` defines, less their type arguments."""
    is_parsed = not isinstance(definition.statement, Unparsed)
    plain = None if is_parsed else class_bases(definition.statement.text)
    return class_outline(outline, definition).base_names if plain is None else plain


def function_outline(lines: Sequence[str], statement: Statement) -> Method:
    """The parts of a function or method."""
    node = statement.stub
    assert isinstance(node, Function)
    plain = Later(partial(_without_tree, lines, statement, node.lineno))
    suite = Later(partial(_suite, lines, statement))
    return Method(
        name=node.name,
        keyword="async def" if isinstance(node, ast.AsyncFunctionDef) else "def",
        decorators="".join(lines[statement.line - 1 : node.lineno - 1]),
        decorator_names=tuple([cut(lines, decorator) for decorator in node.decorator_list]),
        statement=statement,
        signature=Later(lambda: found[0] if (found := plain()) else _signature(lines, statement)),
        suite=suite,
        written=Later(lambda: found[1] if (found := plain()) else _written(suite())),
    )


def _without_tree(
    lines: Sequence[str], statement: Statement, first: int
) -> tuple[Signature, Written] | None:
    """What takes no tree to know of a method whose `def` stands in line `first`."""
    is_parsed = not isinstance(statement, Unparsed)
    return None if is_parsed else read_method("".join(lines[first - 1 : statement.end]))


def _written(suite: Suite) -> Written:
    parts = [part for each in suite.body for part in (each.lead, each.text)]
    docstring = suite.docstring.lead + suite.docstring.text if suite.docstring else ""
    return Written(docstring, "".join([*parts, suite.footer]))


def _signature(lines: Sequence[str], statement: Statement) -> Signature:
    node = statement.node
    assert isinstance(node, Function)
    body_first, inline = _body_start(lines, node)
    return Signature(
        type_parameters=_type_parameters(lines, node),
        parameters=_slice(lines, *_parentheses(lines, node)),
        returns=cut(lines, node.returns) if node.returns is not None else "",
        head_comment="" if inline else _trailing_comment(lines, body_first - 1),
    )


def _suite(lines: Sequence[str], statement: Statement) -> Suite:
    node = statement.node
    assert isinstance(node, Function)
    body_first, inline = _body_start(lines, node)
    body, footer = _body(lines, node.body, body_first, statement.end, inline, 8)
    if body and is_docstring(body[0].node):
        return Suite(body[0], body[1:], footer)
    return Suite(None, body, footer)


def _body(
    lines: Sequence[str],
    nodes: Sequence[ast.stmt],
    first: int,
    last: int,
    inline: bool,
    indent: int,
) -> tuple[tuple[Statement, ...], str]:
    """The statements of a suite, also of one that stands on the line of its head."""
    if not inline:
        return split_block(lines, nodes, first, last)
    found = [
        Statement(node, "", " " * indent + cut(lines, node) + "\n", node.lineno, _end_line(node))
        for node in nodes
    ]
    return tuple(found), ""


def _type_parameters(lines: Sequence[str], node: ast.stmt) -> str:
    """`[T: int, *Ts]` of a class or function, in the syntax of Python 3.12; mostly nothing."""
    parameters = getattr(node, "type_params", ())
    return f"[{', '.join(cut(lines, each) for each in parameters)}]" if parameters else ""


def _documented(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """A string right below an assignment documents it, and goes where that goes."""
    found: list[Statement] = []
    for statement in statements:
        is_below = bool(found) and not statement.lead and is_docstring(statement.node)
        if is_below and isinstance(found[-1].node, (ast.Assign, ast.AnnAssign)):
            above = found.pop()
            text = above.text + statement.text
            statement = Statement(above.node, above.lead, text, above.line, statement.end)
        found.append(statement)
    return tuple(found)


def _without_lead(statement: Statement) -> Statement:
    return statement._replace(lead="")


def _extended(definition: Definition, extra: Statement) -> Definition:
    return Definition(
        definition.name,
        definition.kind,
        definition.statement,
        definition.order,
        (*definition.extras, extra),
    )


def _member(path: str, lines: Sequence[str], statement: Statement) -> Member:
    node, statement = statement.node, _parsed_later(path, statement)
    if isinstance(node, Function):
        method = function_outline(lines, statement)
        return Member(MemberKind.METHOD, node.name, statement, method)
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return Member(MemberKind.ATTRIBUTE, node.target.id, statement)
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Name):
            return Member(MemberKind.ATTRIBUTE, target.id, statement)
    if isinstance(node, ast.ClassDef):
        return Member(MemberKind.OTHER, node.name, statement)
    return Member(MemberKind.OTHER, "", statement)


def _keyword(lines: Sequence[str], keyword: ast.keyword) -> str:
    value = cut(lines, keyword.value)
    return f"{keyword.arg}={value}" if keyword.arg else f"**{value}"


def is_docstring(node: ast.stmt) -> bool:
    """Is this statement nothing but a string?"""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_compound(node: ast.stmt) -> bool:
    return type(node) in _COMPOUND


_COMPOUND = {kind for kind in ast.stmt.__subclasses__() if {"body", "cases"} & {*kind._fields}}


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", None)
    # The parser's position of a decorator is that of its expression, right behind the `@`.
    return min(node.lineno, decorators[0].lineno) if decorators else node.lineno


def _end_line(node: ast.AST) -> int:
    end = getattr(node, "end_lineno", None)
    assert isinstance(end, int)
    return end


def _deeper_comments(lines: Sequence[str], first: int, last: int, node: ast.stmt) -> int:
    """The last line of those comments below `node` that are indented deeper than it."""
    end = first - 1
    for number in range(first, min(last, len(lines)) + 1):
        line = lines[number - 1].rstrip("\n")
        if not line.strip():
            continue
        if not line.lstrip().startswith("#") or len(line) - len(line.lstrip()) <= node.col_offset:
            break
        end = number
    return end


def _column(line: str, offset: int) -> int:
    """The parser counts bytes; texts are cut by characters."""
    return offset if line.isascii() else len(line.encode()[:offset].decode())


def _slice(lines: Sequence[str], line: int, column: int, end_line: int, end_column: int) -> str:
    if line == end_line:
        return lines[line - 1][column:end_column]
    first, last = lines[line - 1][column:], lines[end_line - 1][:end_column]
    return first + "".join(lines[line : end_line - 1]) + last


def cut(lines: Sequence[str], node: ast.expr | ast.stmt) -> str:
    """The text of one node."""
    end_line, end_offset = _end_line(node), node.end_col_offset
    assert end_offset is not None
    return _slice(
        lines,
        node.lineno,
        _column(lines[node.lineno - 1], node.col_offset),
        end_line,
        _column(lines[end_line - 1], end_offset),
    )


def _indent(lines: Sequence[str], node: ast.stmt) -> str:
    line = lines[node.lineno - 1]
    return line[: len(line) - len(line.lstrip())]


def _trailing_comment(lines: Sequence[str], number: int) -> str:
    """The comment at the end of a line that holds code; with two blanks before it."""
    line = lines[number - 1].rstrip("\n")
    if "#" not in line:
        return ""
    for kind, start, end in tokens(line):
        if kind == "comment" and line[:start].strip():
            return "  " + line[start:end]
    return ""


def _body_start(
    lines: Sequence[str], node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
) -> tuple[int, bool]:
    """The first line of the body, and whether it stands on the line where the head ends."""
    first = node.body[0]
    before = lines[_first_line(first) - 1][: _column(lines[first.lineno - 1], first.col_offset)]
    decorated = getattr(first, "decorator_list", None)
    if before.strip() and not decorated:
        return first.lineno, True
    number = _first_line(first)
    while number > node.lineno and not lines[number - 2].partition("#")[0].strip():
        number -= 1
    return number, False


def _parentheses(
    lines: Sequence[str], node: ast.FunctionDef | ast.AsyncFunctionDef
) -> tuple[int, int, int, int]:
    """Where the text between a function's parentheses begins and ends."""
    text = _slice(lines, node.lineno, 0, node.body[0].lineno, len(lines[node.body[0].lineno - 1]))
    code = mask_strings(text)
    start, depth = -1, 0
    for found in _BRACKET.finditer(code, text.index(node.name) + len(node.name)):
        sign, index = found.group(), found.start()
        if sign in "([{":
            depth += 1
            if sign == "(" and depth == 1 and start < 0:
                start = index + 1
        else:
            depth -= 1
            if depth == 0 and sign == ")":
                return (*_position(text, start, node.lineno), *_position(text, index, node.lineno))
    raise AssertionError(f"no parameters found in {text!r}")


_BRACKET = re.compile(r"[()\[\]{}]")


def _position(text: str, index: int, first_line: int) -> tuple[int, int]:
    line = text.count("\n", 0, index)
    return first_line + line, index - (text.rfind("\n", 0, index) + 1)


def _imports(lines: Sequence[str], statement: Statement) -> list[Import]:
    """The imports of a statement that does nothing but import, guarded or not."""
    node = statement.node
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [_import(node, statement, None)]
    if isinstance(node, (ast.If, ast.Try)):
        return [_import(inner, statement, statement) for inner in _guarded(node) or ()]
    return []


def _guarded(node: ast.stmt) -> list[ast.Import | ast.ImportFrom] | None:
    """All imports under an `if` or `try`; None where anything else is defined there."""
    found: list[ast.Import | ast.ImportFrom] = []
    blocks: list[Sequence[ast.stmt]] = [getattr(node, "body", []), getattr(node, "orelse", [])]
    blocks += [handler.body for handler in getattr(node, "handlers", [])]
    blocks.append(getattr(node, "finalbody", []))
    for inner in (inner for block in blocks for inner in block):
        if isinstance(inner, (ast.Import, ast.ImportFrom)):
            found.append(inner)
        elif isinstance(inner, (ast.If, ast.Try)):
            deeper = _guarded(inner)
            if deeper is None:
                return None
            found += deeper
        elif isinstance(inner, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            return None
    return found


def _import(
    node: ast.Import | ast.ImportFrom, statement: Statement, guard: Statement | None
) -> Import:
    names = tuple((alias.name, alias.asname or alias.name) for alias in node.names)
    module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
    level = node.level if isinstance(node, ast.ImportFrom) else 0
    return Import(node, module, level, names, statement.lead, node.lineno, guard)


def _defined(node: ast.stmt) -> list[tuple[str, DefinitionKind]]:
    """The names that a module-level statement binds."""
    if isinstance(node, ast.ClassDef):
        return [(node.name, DefinitionKind.CLASS)]
    if isinstance(node, Function):
        return [(node.name, DefinitionKind.FUNCTION)]
    targets: Sequence[ast.expr] = ()
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    elif type(node).__name__ == "TypeAlias":
        targets = [node.name]  # type: ignore[attr-defined]
    names = [
        inner.id
        for target in targets
        for inner in ast.walk(target)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
    ]
    return [(name, DefinitionKind.ASSIGNMENT) for name in names]


def _owner(node: ast.stmt) -> str:
    """The name that `X[...] = ...`, `X.y = ...` or `__all__ += ...` adds to."""
    if isinstance(node, ast.AugAssign) and ast.unparse(node.target) == "__all__":
        return "__all__"
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return ""
    target = node.targets[0]
    if not isinstance(target, (ast.Subscript, ast.Attribute)):
        return ""
    while isinstance(target, (ast.Subscript, ast.Attribute)):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""
