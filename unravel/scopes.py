"""What each identifier means: a variable of some scope, an attribute, or the keyword of a call."""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(slots=True, eq=False)
class Scope:
    """A module, class, function or comprehension, and the names that it binds.

    `imports` are those that an import statement binds, with that statement.
    """

    outer: Scope | None = None
    is_class: bool = False
    is_comprehension: bool = False
    bound: set[str] = field(default_factory=set)
    module_names: set[str] = field(default_factory=set)
    """Those that a `global` statement declares."""
    outer_names: set[str] = field(default_factory=set)
    """Those that a `nonlocal` statement declares."""
    imports: dict[str, ast.Import | ast.ImportFrom] = field(default_factory=dict)

    def ways(self, name: str) -> list[Scope]:
        """The scopes from here to the one that `name` belongs to; the last is the outermost one
        where none of them binds it."""
        if self.outer is None:
            return [self]
        if name in self.module_names:
            return [self, self.module]
        if name in self.bound and name not in self.outer_names:
            return [self]
        outer = self.outer
        while outer.is_class and outer.outer is not None:
            outer = outer.outer  # functions do not see the names of the class around them
        return [self, *outer.ways(name)]

    @property
    def module(self) -> Scope:
        return self if self.outer is None else self.outer.module


class Role(enum.Enum):
    VARIABLE = "variable"
    ATTRIBUTE = "attribute"
    KEYWORD = "keyword"


@dataclass(frozen=True, slots=True, eq=False)
class Occurrence:
    """An identifier in code. `node` is the name, the attribute, the call, or what binds it.

    `scope` is where it stands, `in_string` the f-string around it: the parser's positions are not
    to be relied on there.
    """

    name: str
    role: Role
    scope: Scope
    node: ast.AST
    keyword: ast.keyword | None = None
    in_string: ast.JoinedStr | None = None


def occurrences(statements: Iterable[ast.stmt]) -> list[Occurrence]:
    """Every identifier of some statements of a module."""
    gatherer = _Gatherer()
    for statement in statements:
        gatherer.gather(statement)
    return gatherer.found


class _Gatherer:
    """Goes through a tree with a list instead of recursion: sums may be thousands of terms deep."""

    def __init__(self) -> None:
        self.found: list[Occurrence] = []
        self.module = Scope()
        self._ahead: list[tuple[ast.AST, Scope, ast.JoinedStr | None]] = []

    def gather(self, statement: ast.stmt) -> None:
        self._ahead.append((statement, self.module, None))
        while self._ahead:
            node, scope, string = self._ahead.pop()
            self._visit(node, scope, string)

    def _push(
        self, nodes: Iterable[ast.AST | None], scope: Scope, string: ast.JoinedStr | None
    ) -> None:
        self._ahead += [(node, scope, string) for node in nodes if node is not None]

    def _visit(self, node: ast.AST, scope: Scope, string: ast.JoinedStr | None) -> None:
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                self.found.append(Occurrence(node.id, Role.VARIABLE, scope, node, in_string=string))
            else:
                self._bind(node.id, scope, node)
        elif isinstance(node, ast.Attribute):
            self.found.append(Occurrence(node.attr, Role.ATTRIBUTE, scope, node, in_string=string))
            self._push([node.value], scope, string)
        elif isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg is not None:
                    self.found.append(
                        Occurrence(keyword.arg, Role.KEYWORD, scope, node, keyword, string)
                    )
            values = [keyword.value for keyword in node.keywords]
            self._push([node.func, *node.args, *values], scope, string)
        elif isinstance(node, _FUNCTIONS):
            self._function(node, scope, string)
        elif isinstance(node, ast.ClassDef):
            self._class(node, scope, string)
        elif isinstance(node, _COMPREHENSIONS):
            self._comprehension(node, scope, string)
        elif isinstance(node, ast.NamedExpr):
            owner = scope
            while owner.is_comprehension and owner.outer is not None:
                owner = owner.outer
            self._bind(node.target.id, owner, node.target)
            self._push([node.value], scope, string)
        else:
            self._names_of(node, scope)
            inside = node if isinstance(node, ast.JoinedStr) else string
            self._push(ast.iter_child_nodes(node), scope, inside)

    def _bind(self, name: str, scope: Scope, node: ast.AST) -> None:
        scope.bound.add(name)
        self.found.append(Occurrence(name, Role.VARIABLE, scope, node))

    def _names_of(self, node: ast.AST, scope: Scope) -> None:
        """Names that a node holds as texts."""
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                bound = (alias.asname or alias.name).partition(".")[0]
                self._bind(bound, scope, alias)
                scope.imports[bound] = node
        elif isinstance(node, ast.Global):
            scope.module_names.update(node.names)
            self._declared(node, scope)
        elif isinstance(node, ast.Nonlocal):
            scope.outer_names.update(node.names)
            self._declared(node, scope)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
            if node.name is not None:
                self._bind(node.name, scope, node)
        elif isinstance(node, ast.MatchMapping):
            if node.rest is not None:
                self._bind(node.rest, scope, node)
        elif isinstance(node, ast.MatchClass):
            self.found += [Occurrence(name, Role.ATTRIBUTE, scope, node) for name in node.kwd_attrs]
        elif type(node).__name__ in ("TypeVar", "ParamSpec", "TypeVarTuple"):
            self._bind(node.name, scope, node)  # type: ignore[attr-defined]

    def _declared(self, node: ast.Global | ast.Nonlocal, scope: Scope) -> None:
        self.found += [Occurrence(name, Role.VARIABLE, scope, node) for name in node.names]

    def _function(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        scope: Scope,
        string: ast.JoinedStr | None,
    ) -> None:
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
        defaults = [*arguments.defaults, *arguments.kw_defaults]
        if isinstance(node, ast.Lambda):
            body: list[ast.AST] = [node.body]
            around = scope
        else:
            body = list(node.body)
            self._bind(node.name, scope, node)
            self._push(node.decorator_list, scope, string)
            around = self._with_type_parameters(node, scope)
            self._push([node.returns, *(each.annotation for each in every)], around, string)
        self._push(defaults, scope, string)
        inner = Scope(around)
        for argument in every:
            self._bind(argument.arg, inner, argument)
        self._push(body, inner, string)

    def _class(self, node: ast.ClassDef, scope: Scope, string: ast.JoinedStr | None) -> None:
        self._bind(node.name, scope, node)
        self._push(node.decorator_list, scope, string)
        around = self._with_type_parameters(node, scope)
        values = [keyword.value for keyword in node.keywords]
        self._push([*node.bases, *values], around, string)
        self._push(node.body, Scope(around, is_class=True), string)

    def _with_type_parameters(self, node: ast.AST, scope: Scope) -> Scope:
        """`def f[T](): ...`"""
        parameters = getattr(node, "type_params", None)
        if not parameters:
            return scope
        around = Scope(scope)
        self._push(parameters, around, None)
        return around

    def _comprehension(
        self,
        node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
        scope: Scope,
        string: ast.JoinedStr | None,
    ) -> None:
        inner = Scope(scope, is_comprehension=True)
        first = node.generators[0]
        self._push([first.iter], scope, string)
        self._push([first.target, *first.ifs, *node.generators[1:]], inner, string)
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._push(parts, inner, string)


def annotation_strings(node: ast.AST) -> Iterator[ast.Constant]:
    """The strings in annotations: `x: "Norm"`, `-> list["Norm"]`."""
    for inner in ast.walk(node):
        for name in ("annotation", "returns"):
            annotation = getattr(inner, name, None)
            if isinstance(annotation, ast.expr):
                yield from _strings(annotation)


def _strings(annotation: ast.expr) -> Iterator[ast.Constant]:
    """All strings in it, but for those of `Literal["..."]`."""
    ahead: list[ast.AST] = [annotation]
    while ahead:
        node = ahead.pop()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("Literal"):
            continue
        ahead.extend(ast.iter_child_nodes(node))


def root_of(node: ast.AST) -> str:
    """`a` of `a.b.c`; empty where that begins with something else than a name."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
