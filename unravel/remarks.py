"""What an author should know of a class that is merged all the same: warnings."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator

from unravel.context import Context, method_key
from unravel.diagnostics import diagnose
from unravel.members import raises_only, removes_attribute
from unravel.outline import place
from unravel.types import Diagnostic, Member, Method, Severity, Statement

_SECTION = re.compile(
    r"^(?:Args|Arguments|Parameters|Params):[ ]*\n((?:[ ]+[^\n]*\n|\n)+)", re.MULTILINE
)
_ENTRY = re.compile(r"^(\w+)[ ]*(?:\(.*\))?[ ]*:")
_FIELD = re.compile(r"^[ ]*:param (?:[\w.]+ )?(\w+):", re.MULTILINE)


def remarks(context: Context) -> Iterator[Diagnostic]:
    """Methods that say what the parent's do, and docstrings that no longer fit."""
    theirs = {
        (context.rename(name), accessor): member
        for member in context.parent.members
        if member.method is not None
        for name, accessor in [method_key(member.method)]
    }
    for member in context.child.members:
        method = member.method
        parent = theirs.get(method_key(method)) if method is not None else None
        if method is None or parent is None or parent.method is None or raises_only(method):
            continue
        if is_same(member, parent, context):
            yield _warning(
                "UNR206",
                context,
                method.node,
                f"`{method.name}` does what `{context.parent.name}.{parent.name}` does under the "
                "new names",
                "it can be deleted",
            )
        elif method.docstring is None:
            taken = _parameters(method)
            gone = set() if "*" in taken else _parameters(parent.method) - taken
            yield from _stale(parent.method.docstring, gone, method.node, parent.name, context)
    if context.child.docstring is None:
        gone = _fields_that_go(context, theirs.get(("__init__", "")))
        yield from _stale(context.parent.docstring, gone, context.child.node, "", context)


def _warning(code: str, context: Context, node: ast.AST, message: str, hint: str) -> Diagnostic:
    at = place(context.module, node)
    return diagnose(code, at, message, hint=hint, severity=Severity.WARNING)


def is_same(member: Member, parent: Member, context: Context) -> bool:
    mine = _function(context.own(member.statement.text))
    theirs = _function(context.rename(parent.statement.text))
    if mine is None or theirs is None:
        return False
    # What the child leaves out is the parent's.
    mine.returns = mine.returns or theirs.returns
    if ast.get_docstring(mine) is None and ast.get_docstring(theirs) is not None:
        theirs.body = theirs.body[1:]
    return ast.dump(mine) == ast.dump(theirs)


def _function(text: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    (cls,) = ast.parse("class C:\n" + text).body
    node = next(ast.iter_child_nodes(cls))
    return node if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else None


def _parameters(method: Method) -> set[str]:
    """The names of a method's parameters; with `**kwargs` it takes any."""
    arguments = method.node.args
    found = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    return found | ({"*"} if arguments.kwarg else set())


def _fields_that_go(context: Context, parents_init: Member | None) -> set[str]:
    """What the parent's class takes when it is called, and the child's does not."""
    gone = {m.name for m in context.child.members if removes_attribute(m)}
    own_init = next((m for m in context.child.members if m.name == "__init__"), None)
    if own_init is not None and own_init.method and parents_init is not None:
        assert parents_init.method is not None
        taken = _parameters(own_init.method)
        gone |= set() if "*" in taken else _parameters(parents_init.method) - taken
    return gone


def _stale(
    docstring: Statement | None, gone: set[str], node: ast.AST, name: str, context: Context
) -> Iterator[Diagnostic]:
    """A warning if the parent's `docstring`, which the child inherits, documents what is `gone`."""
    names = sorted(documented(docstring) & gone) if docstring is not None else []
    if names:
        of = f"{context.parent.name}.{name}" if name else context.parent.name
        yield _warning(
            "UNR207",
            context,
            node,
            f"the docstring of `{of}` documents {', '.join(f'`{n}`' for n in names)}, which "
            f"`{context.child.name}` does not take",
            "write a docstring here",
        )


def documented(docstring: Statement) -> set[str]:
    """The arguments that a docstring documents."""
    value = getattr(docstring.node, "value", None)
    return documented_in(str(getattr(value, "value", "")))


def documented_in(text: str) -> set[str]:
    """The arguments in the `Args:` sections of a docstring's text, and its `:param x:` fields."""
    text = inspect.cleandoc(text) + "\n"
    found = set(_FIELD.findall(text))
    for section in _SECTION.findall(text):
        lines = textwrap.dedent(section).splitlines()
        found.update(entry[1] for line in lines if (entry := _ENTRY.match(line)))
    return found
