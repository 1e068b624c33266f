"""The values that flow through a conversion. All are frozen and picklable."""

from __future__ import annotations

import ast
import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, TypeVar, cast

T = TypeVar("T")


class Severity(enum.Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding, located. Lines and columns count from 1; 0 means "the file as a whole"."""

    code: str
    path: str
    line: int
    column: int
    message: str
    hint: str = ""
    excerpt: str = ""
    severity: Severity = Severity.ERROR


class Refused(Exception):
    """Raised inside the core where a modular file cannot be converted faithfully."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic)
        self.diagnostic = diagnostic


@dataclass(frozen=True, slots=True)
class Settings:
    """How modular files are found, converted, laid out and written; paths start at the root."""

    profile: str = "default"
    sources: tuple[str, ...] = ("modular/**/modular_*.py",)
    """Globs of the modular files."""
    target: str = "{folder}/../models/{model}/{kind}_{model}.py"
    """Where a generated file goes; `folder` is the modular file's own."""
    roots: tuple[str, ...] = (".", "src")
    """Folders in which absolute imports of parent modules are looked for, in this order."""
    environment: str = ""
    """The virtual environment whose packages come next; empty for the one that runs unravel."""
    installed: tuple[str, ...] = ()
    """The folders of these packages, with their full paths; found out when a project is opened."""
    parents: tuple[str, ...] = ()
    """Modules that are parents, whatever they are called: `mylib.resnet`, `mylib.blocks.*`."""
    banner: str = (
        "# unravel: generated from {{ source }}; do not edit.\n"
        "# unravel: change that file and run `unravel convert`.\n"
        "{% for package in packages %}# unravel: contains code of {{ package }}.\n{% endfor %}"
        "# unravel: digest of what follows: {{ digest }}\n"
    )
    """A jinja2 template; it knows `source` (path of the modular file), `model`, `kind`,
    `packages`: the installed packages whose code the file contains, with `name`, `version`
    and `licence`; and `digest`, by which edits by hand are told."""
    banner_line: str = r"# unravel: "
    """A regular expression that each line of a banner, and no other comment, begins with."""
    keep_banner: bool = False
    """Take the banner from the file that is replaced, where it has one."""
    cased_names: tuple[str, ...] = ()
    """Files with a `{"model_name": "CasedNameConfig"}` table, read as text, if they are there."""
    ordinary: tuple[str, ...] = ("transformers.models.auto.*",)
    """Modules that are never parents, whatever they are called."""
    kept_text: tuple[str, ...] = (r"\w+://\S+", r"[\w.]+(?:[-/][\w.]*)+")
    """Regular expressions of what keeps the old model's name in strings and comments."""
    corpus_rules: bool = False
    """Follow the conventions of transformers' own generated files where they differ from ours."""
    formatter: str = "ruff"
    ruff: str = ""
    """The ruff executable; empty for the installed one."""
    jobs: int = 0
    """Worker processes; 0 for one a core."""
    cache_dir: str = ""
    """The folder for results of earlier runs; empty for the user's cache folder."""
    cache_size: int = 512
    """MiB that these results may take."""
    lint_select: tuple[str, ...] = ()
    """The rules of the linter that are wanted, by code, its beginning, or name; empty for all."""
    lint_ignore: tuple[str, ...] = ()
    """The rules that are not wanted."""
    lint_baseline: str = ""
    """A file with the findings that are not to be shown."""


class Origin(NamedTuple):
    """Where a piece of text was read."""

    path: str
    line: int


class Piece(NamedTuple):
    """Text of one or more whole statements, and where it came from."""

    text: str
    origin: Origin


class DefinitionKind(enum.Enum):
    CLASS = "class"
    FUNCTION = "function"
    ASSIGNMENT = "assignment"


class Later(Generic[T]):
    """A value that is made when it is first asked for: most parts of most modules never are."""

    __slots__ = ("_make", "_value")

    def __init__(self, make: Callable[[], T]) -> None:
        self._make: Callable[[], T] | None = make

    def __call__(self) -> T:
        make = self._make
        if make is not None:  # two threads may come here: then it is made twice
            self._value = make()
            self._make = None
        return self._value


class Statement(NamedTuple):
    """One statement as it was read: `lead` holds the comments and blank lines above it.

    `text` is made of whole lines, indented as in the file, and ends in a newline.
    (There are so many of these that it counts how soon one is made: a named tuple takes a quarter
    of the time of a frozen dataclass.)
    """

    node: ast.stmt
    lead: str
    text: str
    line: int
    end: int

    @property
    def stub(self) -> ast.stmt:
        """Its tree, in which bodies of functions may be missing."""
        return self.node


class Tree(Later[ast.stmt]):
    """The tree of a statement, and the stub that is there until it is made."""

    __slots__ = ("stub",)

    def __init__(self, make: Callable[[], ast.stmt], stub: ast.stmt) -> None:
        super().__init__(make)
        self.stub = stub


class Unparsed(Statement):
    """A statement whose tree is made when it is first asked for."""

    __slots__ = ()

    @property
    def node(self) -> ast.stmt:
        return self[0]()  # type: ignore[operator, no-any-return]

    @property
    def stub(self) -> ast.stmt:
        return self[0].stub  # type: ignore[attr-defined, no-any-return]


# The classes below that are not frozen have tens of thousands of objects, and freezing one takes
# longer than all else about it.
@dataclass(slots=True, eq=False)
class Definition:
    """A module-level class, function or assignment.

    `extras` are later statements that belong to it: `X[...] = ...`, `X.y = ...`.
    """

    name: str
    kind: DefinitionKind
    statement: Statement
    order: int
    extras: tuple[Statement, ...] = ()

    @property
    def text(self) -> str:
        """The definition as it was read, with the comments above it."""
        parts = [self.statement.lead, self.statement.text]
        for extra in self.extras:
            parts += [extra.lead, extra.text]
        return "".join(parts)


@dataclass(slots=True, eq=False)
class Import:
    """A module-level import statement.

    `names` pairs each imported name with the name that it is bound to. `module` and `level` are
    those of `from ... import`; both are empty for `import a.b`. `lead` holds the comments and blank
    lines above it. `guard` is the `if` or the `try` around it, with all that stands in it.
    """

    node: ast.stmt
    module: str
    level: int
    names: tuple[tuple[str, str], ...]
    lead: str
    line: int
    guard: Statement | None = None


class MemberKind(enum.Enum):
    ATTRIBUTE = "attribute"
    METHOD = "method"
    OTHER = "other"


@dataclass(frozen=True, slots=True, eq=False)
class Signature:
    """The head of a function in parts; all are source text.

    `type_parameters` are those of `def f[T](self)`, with their brackets.
    """

    type_parameters: str
    parameters: str
    returns: str
    head_comment: str


@dataclass(frozen=True, slots=True, eq=False)
class Suite:
    """The statements of a function, and the comments below them."""

    docstring: Statement | None
    body: tuple[Statement, ...]
    footer: str


class Written(NamedTuple):
    """What stands below a method's head, as it is written: the docstring with what is above it, and
    the rest."""

    docstring: str
    rest: str


@dataclass(slots=True, eq=False)
class Method:
    """A function in a class, in parts that can be recombined. All parts are source text.

    `signature`, `suite` and `written` are made later, since most methods are copied whole.
    """

    name: str
    keyword: str
    decorators: str
    decorator_names: tuple[str, ...]
    statement: Statement
    signature: Later[Signature]
    suite: Later[Suite]
    written: Later[Written]

    @property
    def node(self) -> ast.FunctionDef | ast.AsyncFunctionDef:
        return cast("ast.FunctionDef | ast.AsyncFunctionDef", self.statement.node)

    @property
    def type_parameters(self) -> str:
        return self.signature().type_parameters

    @property
    def parameters(self) -> str:
        return self.signature().parameters

    @property
    def returns(self) -> str:
        return self.signature().returns

    @property
    def head_comment(self) -> str:
        return self.signature().head_comment

    @property
    def docstring(self) -> Statement | None:
        return self.suite().docstring

    @property
    def body(self) -> tuple[Statement, ...]:
        """The statements below the docstring."""
        return self.suite().body

    @property
    def footer(self) -> str:
        return self.suite().footer


class Member(NamedTuple):
    """One statement of a class body."""

    kind: MemberKind
    name: str
    statement: Statement
    method: Method | None = None


@dataclass(slots=True, eq=False)
class ClassOutline:
    """A class in parts; `bases` and `keywords` (`metaclass=M`) hold the text of each.

    `type_parameters` are those of `class A[T]`, with their brackets.
    """

    name: str
    lead: str
    decorators: str
    type_parameters: str
    bases: tuple[str, ...]
    keywords: tuple[str, ...]
    head_comment: str
    docstring: Statement | None
    members: tuple[Member, ...]
    footer: str
    statement: Statement

    @property
    def node(self) -> ast.ClassDef:
        return cast(ast.ClassDef, self.statement.node)

    @property
    def base_names(self) -> tuple[str, ...]:
        """The bases less their type arguments: `A` for `A[int]`."""
        return tuple(base.partition("[")[0].rstrip() for base in self.bases)


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """What stands in a module, in order.

    `blocks` are names that an `if`, `try` or `with` defines, as it stands; `footer` holds the
    comments at the end.
    """

    path: str
    lines: tuple[str, ...]
    header: str
    docstring: Statement | None
    imports: tuple[Import, ...]
    definitions: dict[str, Definition]
    others: tuple[Statement, ...]
    blocks: dict[str, Definition] = field(default_factory=dict)
    footer: str = ""
    known: dict[tuple[object, ...], Any] = field(default_factory=dict, init=False)
    """What was found out about the module: see `remembered`."""


P = ParamSpec("P")


def remembered(
    find: Callable[Concatenate[Outline, P], T],
) -> Callable[Concatenate[Outline, P], T]:
    """Let `find` be asked once for each module. What it found is forgotten with the module: a
    cache beside it would keep the syntax trees of modules that nobody needs any more."""

    @wraps(find)
    def ask(outline: Outline, /, *parts: P.args, **named: P.kwargs) -> T:
        key = (find, *parts, *named.items())
        if key not in outline.known:
            outline.known[key] = find(outline, *parts, **named)
        found: T = outline.known[key]
        return found

    return ask


Load = Callable[[str], "Outline | None"]
"""Path of a module -> its outline, or None where there is no such file.

Paths are relative to the root; those of installed packages are absolute.
"""


# What a conversion looks up: each lookup begins with its kind.
MODULE, EXISTS = "=", "?"
YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """One file of a model, not formatted yet and without its banner.

    `path` is relative to the root, with forward slashes. `pieces` are the parts of `text` in order.
    `parents` are the paths of the parent modules whose code the file contains, sorted.
    """

    path: str
    kind: str
    pieces: tuple[Piece, ...]
    parents: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Converted:
    """`source` became `files`. `inputs` are the paths of all modules that were read, sorted.

    `lookups` are all questions that were asked about other files, in vain too, with the answers:
    whatever else changes, the same answers give the same files.
    """

    source: str
    files: tuple[GeneratedFile, ...]
    inputs: tuple[str, ...]
    warnings: tuple[Diagnostic, ...] = ()
    lookups: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """`source` could not be converted; there is at least one error among `diagnostics`."""

    source: str
    diagnostics: tuple[Diagnostic, ...]
