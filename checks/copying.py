"""A parent module's syntax tree under the new model's name, and what its statements need.

This is a reading of the renaming rules of its own: what is checked must not check itself.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

Rename = Callable[[str], str]

_KINDS = (
    "modeling",
    "configuration",
    "tokenization",
    "processing",
    "image_processing",
    "image_processing_pil",
    "video_processing",
    "feature_extraction",
)
_KEPT_TEXT = re.compile(r"\w[-/]|://")
"""Hub ids, addresses and the like."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def model_of(module: str) -> str:
    """`models.llama.modeling_llama` -> `llama`; nothing where a module holds no model's code."""
    *_, folder, name = ["", "", *module.split(".")]
    models = [name[len(kind) + 1 :] for kind in _KINDS if name.startswith(kind + "_")]
    fitting = (model for model in models if model == folder or model.startswith(folder + "_"))
    return next(fitting, "")


@dataclass(frozen=True, slots=True)
class NewName:
    """Renames identifiers and strings: `old` in each of its spellings becomes `new`.

    `old_cased` is one of them: `Qwen3_5Moe` of `qwen3_5_moe`.
    """

    old: str
    old_cased: str
    new: str
    cased: str

    def __call__(self, name: str) -> str:
        spellings = "|".join(map(re.escape, {self.old, self.old.replace("_", ""), self.old_cased}))
        return re.sub(rf"(?<![a-z0-9])(?i:{spellings})(?![a-z])", self._spelled, name)

    def _spelled(self, match: re.Match[str]) -> str:
        found, following = match.group(), match.string[match.end() : match.end() + 1]
        if found.islower():
            before = match.string[match.start() - 1 : match.start()] if match.start() else ""
            return found if before.isalpha() else self.new
        return self.new.upper() if found.isupper() and not following.isalpha() else self.cased


def cased_name(model: str, body: Iterable[ast.stmt]) -> str:
    """How the classes of a module spell the model's name: `MyBERT` where there is `MyBERTModel`.

    An underscore is part of some: `Qwen2_5_VLModel` of `qwen2_5_vl`.
    """
    start = re.compile("_?".join(map(re.escape, model.replace("_", ""))), re.IGNORECASE)
    names = [node.name for node in body if isinstance(node, ast.ClassDef)]
    spelled = Counter(found.group() for found in map(start.match, names) if found)
    by_rule = "".join(part[:1].upper() + part[1:] for part in model.split("_"))
    return spelled.most_common(1)[0][0] if spelled else by_rule


def prefix(
    extended: Iterable[tuple[str, str]], old_cased: str, cased: str, theirs: Collection[str]
) -> str:
    """What stands for the old model's name: `NewText` where `NewTextMLP` extends `OldMLP`.

    `extended` are pairs of a child's name and its parent's. The new model's name alone does where
    one of `theirs`, the parent's classes, would be called like that: `OldTextMLP`.
    """
    found = Counter(
        child.removesuffix(rest)
        for child, parent in extended
        if (rest := parent.removeprefix(old_cased)) and rest != parent and child.endswith(rest)
    )
    most = [name for name, count in found.items() if count == max(found.values())]
    chosen = cased if cased in most or not most else most[-1]
    start = chosen.lower().find(cased.lower())
    if start < 0 or chosen.lower() == cased.lower():
        return chosen
    same = chosen[:start] + old_cased + chosen[start + len(cased) :]
    return cased if any(name.startswith(same) for name in theirs) else chosen


class Renamer(ast.NodeTransformer):
    """Renames a parent's tree in place.

    `super(Parent, self)` becomes `super(__class__, self)`: it goes on behind the class in which it
    stands, whatever is bound to the class' name.

    What belongs to somebody else keeps its name: the attributes of what is imported, the keywords
    of its calls, and attributes that are read and that nothing in the module could have set, nor
    in its parents, whose words under their new names are `inherited`.
    """

    def __init__(
        self, rename: Rename, taken: set[str], tree: ast.Module, inherited: set[str]
    ) -> None:
        self._rename_all = rename
        self._taken = taken
        self._imported = _imported_names(tree)
        self._known = known_words(tree)
        self._inherited = inherited
        self._classes: list[str] = []

    @classmethod
    def of(cls, tree: ast.Module, rename: Rename, inherited: set[str]) -> Renamer:
        """Names are left alone whose new name means something else in this module."""
        names = {getattr(node, f, None) for node in ast.walk(tree) for f in ("id", "arg", "name")}
        return cls(rename, {name for name in names if isinstance(name, str)}, tree, inherited)

    def _rename(self, name: str) -> str:
        new = self._rename_all(name)
        return name if new in self._taken else new

    def _knows(self, word: str) -> bool:
        return word in self._known or self._rename_all(word) in self._inherited

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for field in ("id", "attr", "arg", "name", "rest"):
            value = getattr(node, field, None)
            if isinstance(value, str) and not isinstance(node, ast.alias):
                setattr(node, field, self._rename(value))
        for field in ("names", "kwd_attrs"):
            values = getattr(node, field, None)
            if isinstance(values, list) and all(isinstance(value, str) for value in values):
                setattr(node, field, [self._rename(value) for value in values])
        return super().generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if _root(node) not in self._imported and self._knows(node.attr):
            node.attr = self._rename(node.attr)
        self.visit(node.value)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self._classes.append(self._rename(node.name))
        self.generic_visit(node)
        self._classes.pop()
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        is_theirs = _root(node.func) in self._imported
        keywords = [(keyword, keyword.arg) for keyword in node.keywords]
        self.generic_visit(node)
        for keyword, name in keywords if is_theirs else ():
            keyword.arg = name
        is_super = isinstance(node.func, ast.Name) and node.func.id == "super"
        first = node.args[0] if is_super and node.args else None
        if isinstance(first, ast.Name) and self._classes[-1:] == [first.id]:
            node.args[0] = ast.copy_location(ast.Name("__class__", ast.Load()), first)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        return self.visit_Import(node)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> ast.AST:
        for alias in node.names:
            bound = self._rename(alias.asname or alias.name)
            if bound != alias.name and alias.name != "*" and "." not in bound:
                alias.asname = bound
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        for value in node.values:
            self.visit(value)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        text = node.value
        if not isinstance(text, str) or _KEPT_TEXT.search(text):
            return node
        if self._knows(text) or not text.isidentifier():
            node.value = self._rename_all(text)
        return node


def _root(node: ast.AST) -> str:
    """`a` of `a.b.c`"""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _imported_names(tree: ast.Module) -> set[str]:
    """What a module imports, but for what it imports from modules beside it."""
    return {
        (alias.asname or alias.name).partition(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and node.level != 1)
        for alias in node.names
    }


def known_words(tree: ast.Module) -> set[str]:
    """All identifiers and texts of a module, but for the names of attributes that it reads."""
    asked = {
        id(node.args[1])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _root(node.func) in ("getattr", "hasattr")
        if len(node.args) > 1
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            found.update([str(node.value)] if id(node) not in asked else ())
        elif not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
            words = (getattr(node, field, None) for field in ("id", "attr", "arg", "name"))
            found.update(word for word in words if isinstance(word, str))
    return found


def bound_names(statement: ast.stmt) -> set[str]:
    """The module-level names that a statement binds, or whose objects it sets parts of."""
    found: set[str] = set()
    for node in _at_import(statement, into_classes=False):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
            target: ast.expr = node
            while isinstance(target, (ast.Attribute, ast.Subscript)):
                target = target.value
            if isinstance(target, ast.Name) and not isinstance(node.ctx, ast.Load):
                found.add(target.id)
    return found


def needed_names(statement: ast.stmt) -> tuple[set[str], set[str]]:
    """The names that are read when a statement is run, and those of them that are called."""
    needed: set[str] = set()
    called: set[str] = set()
    for node in _at_import(statement, into_classes=True):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            needed.add(node.id)
        functions = [node.func] if isinstance(node, ast.Call) else []
        for function in [*functions, *getattr(node, "decorator_list", ())]:
            while isinstance(function, (ast.Attribute, ast.Subscript, ast.Call)):
                function = function.func if isinstance(function, ast.Call) else function.value
            if isinstance(function, ast.Name):
                called.add(function.id)
    return needed, called


def _at_import(node: ast.AST, *, into_classes: bool) -> Iterator[ast.AST]:
    """The parts of a statement that are run with it, without the bodies of functions."""
    yield node
    for field, value in ast.iter_fields(node):
        if field == "body" and isinstance(node, _FUNCTIONS):
            continue
        if field == "body" and isinstance(node, ast.ClassDef) and not into_classes:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _at_import(child, into_classes=into_classes)


def removed_members(body: Iterable[ast.stmt]) -> set[str]:
    """Members of a class that only say that the parent's go: `x = AttributeError()`, a `raise`."""
    found: set[str] = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            code = [inner for inner in node.body if not _is_docstring(inner)]
            if len(code) == 1 and isinstance(code[0], ast.Raise):
                found.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            value = node.value.func if isinstance(node.value, ast.Call) else None
            if isinstance(value, ast.Name) and value.id == "AttributeError":
                found |= bound_names(node)
    return found


def without_member(node: ast.ClassDef, member: str) -> None:
    """Take a member out of a class."""
    kept = [inner for inner in node.body if member not in bound_names(inner)]
    node.body = kept or [ast.copy_location(ast.Pass(), node)]


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def replaced_attributes(node: ast.ClassDef) -> dict[str, set[str]]:
    """The attributes that each method sets or deletes behind `super().method(...)`."""
    found: dict[str, set[str]] = {}
    for method in node.body:
        if isinstance(method, ast.FunctionDef):
            calls = [i for i, inner in enumerate(method.body) if _is_super_call(inner, method.name)]
            for inner in method.body[calls[0] + 1 :] if calls else ():
                targets = inner.targets if isinstance(inner, (ast.Assign, ast.Delete)) else ()
                found.setdefault(method.name, set()).update(filter(None, map(_of_self, targets)))
    return found


def let_fail(node: ast.ClassDef, method: str, attributes: set[str]) -> None:
    """`self.x = a.b(c)` in that method: None where there is no `a.b`, or it takes no `c`."""
    for function in node.body:
        if not isinstance(function, ast.FunctionDef) or function.name != method:
            continue
        for index, inner in enumerate(function.body):
            targets = inner.targets if isinstance(inner, ast.Assign) else ()
            if len(targets) == 1 and _of_self(targets[0]) in attributes:
                given_up = f"{ast.unparse(targets[0])} = None"
                nothing = ast.parse(f"try: pass\nexcept (AttributeError, TypeError): {given_up}")
                (guarded,) = nothing.body
                assert isinstance(guarded, ast.Try)
                for part in ast.walk(guarded):
                    if hasattr(part, "lineno"):
                        ast.copy_location(part, inner)
                guarded.body = [inner]
                function.body[index] = guarded


def _is_super_call(node: ast.stmt, method: str) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    function = call.func if isinstance(call, ast.Call) else None
    source = function.value if isinstance(function, ast.Attribute) else None
    return (
        isinstance(function, ast.Attribute)
        and function.attr == method
        and isinstance(source, ast.Call)
        and isinstance(source.func, ast.Name)
        and source.func.id == "super"
    )


def _of_self(target: ast.expr) -> str:
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        return target.attr if target.value.id == "self" else ""
    return ""
