"""A modular file as it stands, executed: what its generated files must behave like.

A modular file does what it would do if every parent module were first copied under the new model's
name and then extended. Here that is done to the letter, with nothing of the converter: its parent
modules are executed privately under the new name, and wherever their code names something that the
modular file defines, it finds the modular file's. `OldModel` builds `NewLayer`s, and `OldLayer`
itself can be reached by `super()` alone.

Modules are linked statement by statement, each as soon as what it needs is there: a parent's
`REGISTER = {"layer": OldLayer}` holds the `NewLayer` that extends the `OldLayer` above it.

Nothing of the user's own modules is touched. Private modules have names of their own in
`sys.modules`, and see each other through an `__import__` of their own.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.util import find_spec, resolve_name
from itertools import count
from threading import Lock
from types import ModuleType
from typing import Any

from checks.copying import (
    NewName,
    Rename,
    Renamer,
    bound_names,
    cased_name,
    known_words,
    let_fail,
    model_of,
    needed_names,
    prefix,
    removed_members,
    replaced_attributes,
    without_member,
)
from checks.pasting import (
    NAMES,
    ORIGINAL,
    THERE,
    Parent,
    keep_last,
    paste,
    replace_bases,
    undocumented,
)

_numbers = count(1)
PRIVATE = "__live"
"""Stands in the names of private modules."""
_parsing = Lock()
"""Two threads at once in `ast.parse` raise a SystemError now and then in Python before 3.11.8."""


@contextmanager
def live(
    name: str,
    *,
    is_parent: Callable[[str], bool] = lambda name: bool(model_of(name)),
    modular_of: Callable[[str], str | None] = lambda name: None,
    forgives: bool = True,
    pastes: bool = False,
) -> Iterator[ModuleType]:
    """The modular file that can be imported as `name`, executed on private copies of its parents.

    `is_parent` tells from a module's name whether what is imported from it is copied. `modular_of`
    may name the modular file that a parent is generated from: then that is executed in its stead.
    The module also shows what its parents define and it does not, under the new names. It can be
    used while the context lasts. If it `forgives`, a parent need not be able to make what a child
    replaces. If it `pastes`, the file is read as the converter of transformers reads it, and what
    needs a package that is not installed is left out: it raises that when it is asked for. Raises
    what the import of these modules would raise.
    """
    linker = _Linker(is_parent, modular_of, forgives, pastes)
    try:
        yield linker.link(name)
    finally:
        linker.forget()


@dataclass(eq=False)
class _Unit:
    """A module on its way into being: its statements, and which of them have been run.

    `tree` is what is run: `written`, under the new model's name. `above` is the modular file whose
    definitions are found in the place of this module's own.
    `originals` are the values that this module's own statements gave.
    """

    module: ModuleType
    name: str
    path: str
    tree: ast.Module
    written: ast.Module
    model: str
    above: _Unit | None
    rename: Rename
    parents: dict[str, _Unit] = field(default_factory=dict)
    imported: dict[str, tuple[_Unit, str]] = field(default_factory=dict)
    bound: list[set[str]] = field(default_factory=list)
    own: set[str] = field(default_factory=set)
    shared: dict[str, _Unit] = field(default_factory=dict)
    originals: dict[str, object] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)

    @property
    def flags(self) -> int:
        features = [
            alias.name
            for node in self.tree.body
            if isinstance(node, ast.ImportFrom) and node.module == "__future__"
            for alias in node.names
        ]
        return sum({getattr(__future__, name).compiler_flag for name in features})

    def binding(self, name: str) -> list[int]:
        """The positions of the statements that bind `name`."""
        return [index for index, names in enumerate(self.bound) if name in names]

    def winner(self, name: str) -> _Unit | None:
        """The modular file whose own `name` this module's code is to find."""
        above = self.above
        if above is None:
            return None
        found = above.winner(name) or (above if name in above.own else above.shared.get(name))
        return None if found is self else found


class _Facade:
    """What `from parent import Name` takes names from."""

    def __init__(self, get: Callable[[str], object]) -> None:
        self._get = get

    def __getattr__(self, name: str) -> object:
        return self._get(name)


class _Linker:
    """Reads a modular file and its parents, and runs their statements in an order that works."""

    def __init__(
        self,
        is_parent: Callable[[str], bool],
        modular_of: Callable[[str], str | None],
        forgives: bool,
        pastes: bool,
    ) -> None:
        self._is_parent = is_parent
        self._modular_of = modular_of
        self._forgives = forgives
        self._pastes = pastes
        self._expressions: list[tuple[_Unit, ast.expr]] = []
        self._absent: dict[str, Exception] = {}
        self._number = next(_numbers)
        self._units: list[_Unit] = []

    def link(self, name: str) -> ModuleType:
        root = self._read_modular(name, None)
        for unit in reversed(self._units):  # parents first
            for index in range(len(unit.tree.body)):
                self._run(unit, index)

        def inherited(name: str) -> object:
            if name in self._absent:
                raise self._absent[name]
            for unit in self._units:
                if name in unit.originals:
                    return vars(unit.module)[name]
            raise AttributeError(f"module {root.name!r} has no attribute {name!r}")

        vars(root.module).setdefault("__getattr__", inherited)
        return root.module

    def forget(self) -> None:
        for unit in self._units:
            sys.modules.pop(unit.module.__name__, None)

    # Reading.

    def _read_modular(self, name: str, above: _Unit | None) -> _Unit:
        model = name.rpartition(".")[2].removeprefix("modular_")
        unit = self._read(name, model, above)
        for node in _imports(unit.written):
            source = _absolute(node, unit.module)
            is_parent = self._is_parent(source) and model_of(source) != model
            if is_parent and source not in unit.parents:
                unit.parents[source] = self._read_parent(source, unit)
        _rename(unit)
        for node in _imports(unit.tree):
            for alias in node.names:
                if found := unit.parents.get(_absolute(node, unit.module)):
                    unit.imported[alias.asname or alias.name] = found, alias.name
                    if not self._pastes:
                        unit.own.discard(alias.asname or alias.name)
        for child, parent, name in _extensions(unit):
            _remove_members(child, parent, name, self._pastes)
            replaced = replaced_attributes(child) if self._forgives and not self._pastes else {}
            for method, attributes in replaced.items():
                _let_fail(parent, name, method, attributes)
        if self._pastes:
            unit.shared = _shared(unit)
            self._paste(unit)
        return unit

    def _paste(self, unit: _Unit) -> None:
        for node in unit.tree.body:
            if isinstance(node, ast.ClassDef):
                parents = list(self._pasted(unit, node))
                extras = [each for each in node.bases if ast.unparse(each) not in unit.imported]
                for parent in parents[:1] if self._is_only_child(unit, node) else ():
                    replace_bases(parent.node, extras, partial(self._number_of, unit))
                paste(node, parents, unit.own)
        for node in unit.tree.body:
            if isinstance(node, ast.ClassDef) and len(node.bases) > 1:
                keep_last(node)

    def _pasted(self, unit: _Unit, node: ast.ClassDef) -> Iterator[Parent]:
        """The classes of parent modules that a class extends."""
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id in unit.imported:
                home, name = unit.imported[base.id]
                for at, found in list(_levels(home, home.rename(name)))[:1]:
                    names = set().union(*at.bound)
                    yield Parent(found, names, partial(self._number_of, at))

    def _is_only_child(self, unit: _Unit, node: ast.ClassDef) -> bool:
        """Does no other class extend a parent's that this one extends?"""
        pairs = [(id(parent), name, child) for child, parent, name in _extensions(unit)]
        mine = [pair[:2] for pair in pairs if pair[2] is node]
        return all(pair[2] is node or pair[:2] not in mine for pair in pairs)

    def _number_of(self, unit: _Unit, expression: ast.expr) -> int:
        self._expressions.append((unit, expression))
        return len(self._expressions) - 1

    def _there(self, number: int) -> object:
        unit, expression = self._expressions[number]
        if isinstance(expression, ast.Name) and expression.id not in vars(unit.module):
            self._ensure(unit, expression.id)
        return eval(compile(ast.Expression(expression), unit.path, "eval"), vars(unit.module))

    def _original(self, number: int) -> object:
        unit, expression = self._expressions[number]
        assert isinstance(expression, ast.Name)
        return unit.originals[expression.id]

    def _read_parent(self, name: str, above: _Unit) -> _Unit:
        modular = self._modular_of(name)
        if modular is not None:
            return self._read_modular(modular, above)
        unit = self._read(name, model_of(name), above)
        _rename(unit)
        return unit

    def _read(self, name: str, model: str, above: _Unit | None) -> _Unit:
        spec = find_spec(name)
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        text = spec.loader.get_source(name)  # type: ignore[attr-defined]
        path = spec.origin or f"<{name}>"
        with _parsing:
            tree, written = (_one_import_each(ast.parse(text, path)) for _ in range(2))
        rename = _renaming(model, tree, name, above)
        module = ModuleType(
            f"{name}{PRIVATE}{self._number}x{len(self._units)}", ast.get_docstring(tree)
        )
        module.__file__, module.__package__ = path, name.rpartition(".")[0]
        unit = _Unit(module, name, path, tree, written, model, above, rename)
        names = {**vars(builtins), **NAMES, THERE: self._there, ORIGINAL: self._original}
        vars(module)["__builtins__"] = {**names, "__import__": self._importer(unit)}
        sys.modules[module.__name__] = module
        self._units.append(unit)
        return unit

    # Running.

    def _run(self, unit: _Unit, index: int) -> None:
        if index in unit.begun:
            return
        unit.begun.add(index)
        node = unit.tree.body[index]
        for name in sorted(self._needs(unit, node)):
            self._ensure(unit, name, index)
        if self._pastes:
            self._complete(unit, node)
        code = ast.Module([node], [])
        try:
            exec(
                compile(code, unit.path, "exec", flags=unit.flags, dont_inherit=True),
                vars(unit.module),
            )
        except (ImportError, NameError) as error:
            if not self._pastes:
                raise
            cause = self._absent.get(error.name or "", error)
            self._absent |= dict.fromkeys(unit.bound[index] - unit.originals.keys(), cause)
        if self._pastes and "auto_docstring" in unit.bound[index]:
            vars(unit.module)["auto_docstring"] = undocumented
        for name in sorted(unit.bound[index] & vars(unit.module).keys()):
            self._settle(unit, name)

    def _complete(self, unit: _Unit, node: ast.stmt) -> None:
        """Let names be found that only the modular file's parents define, as in one file."""
        unknown = _names(node) - vars(unit.module).keys() - set().union(*unit.bound)
        for name in sorted(unknown - vars(builtins).keys()):
            homes = [each for each in unit.parents.values() if each.binding(name)]
            for home in homes[:1]:
                self._ensure(home, name)
                if name in vars(home.module):
                    vars(unit.module)[name] = vars(home.module)[name]

    def _needs(self, unit: _Unit, node: ast.stmt) -> set[str]:
        """The names that must be bound before a statement: with those in functions it calls."""
        needed, called = needed_names(node)
        queue, seen = list(called), set[str]()
        while queue:
            name = queue.pop()
            if name in seen:
                continue
            seen.add(name)
            for index in unit.binding(name):
                inner = {n.id for n in ast.walk(unit.tree.body[index]) if isinstance(n, ast.Name)}
                needed |= inner
                queue += inner
        return needed

    def _ensure(self, unit: _Unit, name: str, before: int | None = None) -> None:
        """Let `name` be bound, and to what the modular file defines in its place."""
        places = unit.binding(name)
        earlier = [index for index in places if before is not None and index < before]
        for index in earlier if before in places else earlier or places:
            self._run(unit, index)
        winner = unit.winner(name)
        if winner is not None:
            self._ensure(winner, name)

    def _settle(self, unit: _Unit, name: str) -> None:
        """Let the right ones see a name that a statement has just bound."""
        values = vars(unit.module)
        unit.originals[name] = values[name]
        winner = unit.winner(name)
        if winner is not None and name in winner.originals:
            values[name] = winner.originals[name]
        elif name in unit.own:
            _hand_down(unit, name, values[name])
        elif unit.above is not None and unit.above.shared.get(name) is unit:
            _hand_down(unit.above, name, values[name])

    def _importer(self, unit: _Unit) -> Callable[..., object]:
        """The `__import__` of a private module: a parent is its copy, all else is the user's."""

        def importing(
            name: str,
            globals: dict[str, Any] | None = None,
            locals: dict[str, Any] | None = None,
            fromlist: tuple[str, ...] | None = (),
            level: int = 0,
        ) -> object:
            package = unit.module.__package__ or ""
            full = resolve_name("." * level + name, package) if level else name
            copy, is_own = self._copy(unit, full), full in unit.parents
            if copy is None and self._pastes and unit.above and ".configuration_" in full:
                return _Facade(lambda item: self._configuration(unit, full, item))
            if copy is None or not fromlist:
                return builtins.__import__(full, None, None, fromlist or (), 0)
            return _Facade(lambda item: self._value(copy, item, original=is_own))

        return importing

    def _configuration(self, unit: _Unit, name: str, item: str) -> object:
        """What a parent imports of its configuration, of the new model's where it has that."""
        assert unit.above is not None
        own = f"{unit.above.module.__package__}.configuration_{unit.above.model}"
        new = unit.rename(item)
        if find_spec(own) is not None and hasattr(import_module(own), new):
            return getattr(import_module(own), new)
        return getattr(import_module(name), item)

    def _copy(self, unit: _Unit, name: str) -> _Unit | None:
        """The private copy that `name` means in the code of `unit`: a parent, or a sibling."""
        if name in unit.parents:
            return unit.parents[name]
        if unit.above is None or name.rpartition(".")[0] != unit.module.__package__:
            return None
        return unit.above.parents.get(name)

    def _value(self, unit: _Unit, name: str, *, original: bool) -> object:
        """What a module gives for `name`; a modular file also what its parents define."""
        new, queue = unit.rename(name), [unit]
        while queue:
            found = queue.pop(0)
            for index in found.binding(new):
                self._run(found, index)
            values = found.originals if original else vars(found.module)
            if new in found.originals:
                return values[new]
            queue += found.parents.values()
        raise AttributeError(f"module {unit.name!r} has no attribute {name!r}")


def _rename(unit: _Unit) -> None:
    """Give a module's code the new model's names, also those of what only its parents set."""
    if unit.above is not None:
        Renamer.of(unit.tree, unit.rename, _words(unit.parents.values())).visit(unit.tree)
    unit.bound = [bound_names(node) for node in unit.tree.body]
    unit.own = set().union(*unit.bound) - {"__all__"}


def _shared(unit: _Unit) -> dict[str, _Unit]:
    """Of the classes that several parents define under one new name, which is it?

    The last that is needed by what the modular file imports, and does not replace.
    """
    found: dict[str, _Unit] = {}
    for parent in unit.parents.values():
        defined = {each.name: each for each in parent.tree.body if isinstance(each, _DEFINITIONS)}
        replaced = _replaced_methods(unit, parent)
        queue = [parent.rename(name) for home, name in unit.imported.values() if home is parent]
        seen: set[str] = set()
        while queue:
            name = queue.pop()
            if name in seen or name not in defined:
                continue
            seen.add(name)
            node = defined[name]
            if isinstance(node, ast.ClassDef):
                found[name] = parent
            gone = replaced.get(name, set())
            for part in ast.iter_child_nodes(node):
                queue += set() if getattr(part, "name", "") in gone else _names(part) - unit.own
    return found


def _replaced_methods(unit: _Unit, parent: _Unit) -> dict[str, set[str]]:
    """By the new names of a parent's classes, the methods that have other lines altogether."""
    found: dict[str, set[str]] = {}
    for child, home, name in _extensions(unit):
        for method in child.body if home is parent else ():
            if isinstance(method, ast.FunctionDef) and "super" not in _names(method):
                found.setdefault(name, set()).add(method.name)
    return found


_DEFINITIONS = (ast.FunctionDef, ast.ClassDef)


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _words(units: Iterable[_Unit]) -> set[str]:
    """The words of modules that have their new names, and of their parents."""
    found: set[str] = set()
    for unit in units:
        found |= known_words(unit.tree) | _words(unit.parents.values())
    return found


def _imports(tree: ast.Module) -> Iterator[ast.ImportFrom]:
    return (node for node in tree.body if isinstance(node, ast.ImportFrom))


def _hand_down(unit: _Unit, name: str, value: object) -> None:
    """Let the parents of `unit`, and theirs, find `value`."""
    for parent in unit.parents.values():
        if name in parent.originals:
            vars(parent.module)[name] = value
        _hand_down(parent, name, value)


def _one_import_each(tree: ast.Module) -> ast.Module:
    """`from a import b, c` as two statements: each name can then be had on its own."""
    body: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            each = [ast.ImportFrom(node.module, [alias], node.level) for alias in node.names]
            body += [ast.copy_location(one, node) for one in each]
        else:
            body.append(node)
    tree.body = body
    return tree


def _absolute(node: ast.ImportFrom, module: ModuleType) -> str:
    name = "." * node.level + (node.module or "")
    return resolve_name(name, module.__package__) if node.level else name


def _renaming(model: str, tree: ast.Module, name: str, above: _Unit | None) -> Rename:
    """What the names in a parent module become, through all modular files above it."""
    if above is None:
        return lambda text: text
    old, cased = cased_name(model, tree.body), cased_name(above.model, above.written.body)
    imported = {
        alias.asname or alias.name: alias.name
        for node in above.written.body
        if isinstance(node, ast.ImportFrom) and _absolute(node, above.module) == name
        for alias in node.names
    }
    extended = [
        (node.name, imported[base.id])
        for node in above.written.body
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if isinstance(base, ast.Name) and base.id in imported
    ]
    theirs = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    new = NewName(model, old, above.model, prefix(extended, old, cased, theirs))
    onward = above.rename
    return lambda text: onward(new(text))


def _extensions(unit: _Unit) -> Iterator[tuple[ast.ClassDef, _Unit, str]]:
    """The classes of a modular file that extend a parent's, with its module and its new name."""
    for node in unit.tree.body:
        if isinstance(node, ast.ClassDef):
            for base in node.bases:
                if isinstance(base, ast.Name) and base.id in unit.imported:
                    parent, name = unit.imported[base.id]
                    yield node, parent, parent.rename(name)


def _remove_members(child: ast.ClassDef, parent: _Unit, name: str, pastes: bool) -> None:
    """Take out of a copied parent class what its child removes.

    Where two classes extend the same one, what only one of them removes stays. Where classes are
    pasted, a field that the child gives a value without an annotation is no field any more.
    """
    assert parent.above is not None
    all_of_it = [each for each, home, other in _extensions(parent.above) if other == name]
    removed = set.intersection(*(removed_members(each.body) for each in all_of_it))
    for member in sorted(removed):
        if _remove_member(parent, name, member):
            for each in all_of_it:
                without_member(each, member)
    if pastes and len(all_of_it) == 1:
        for node in child.body:
            for member in sorted(bound_names(node) if isinstance(node, ast.Assign) else ()):
                _remove_member(parent, name, member)


def _remove_member(unit: _Unit, name: str, member: str) -> bool:
    """Remove `member` from the class `name`, unless it would then be inherited; is it gone?

    A class that is itself a child of a parent's is one class with that, and so on.
    """
    levels = list(_levels(unit, name))
    nodes = [node for _, node in levels]
    if not any(_has(node, member) for node in nodes):
        return False
    for at, node in levels:
        for base in node.bases:
            others = [n for _, n in _ancestors(at, base) if n not in nodes]
            if any(_has(other, member) for other in others):
                return False
    for node in nodes:
        without_member(node, member)
    return True


def _levels(unit: _Unit, name: str) -> Iterator[tuple[_Unit, ast.ClassDef]]:
    """The class `name` of a module, and those of its parent modules that it extends in turn.

    A modular file also has what only its parents define.
    """
    own = [n for n in unit.tree.body if isinstance(n, ast.ClassDef) and n.name == name]
    yield from ((unit, node) for node in own)
    for parent in unit.parents.values() if not own else ():
        yield from _levels(parent, name)
    for child, parent, theirs in _extensions(unit):
        if child.name == name:
            yield from _levels(parent, theirs)


def _ancestors(unit: _Unit, base: ast.expr) -> Iterator[tuple[_Unit, ast.ClassDef]]:
    """The class that a base is, and its own bases, as far as they are known."""
    name = base.id if isinstance(base, ast.Name) else ""
    imported = unit.imported.get(name)
    home, name = (imported[0], imported[0].rename(imported[1])) if imported else (unit, name)
    for at, node in _levels(home, name):
        yield at, node
        for further in node.bases:
            yield from _ancestors(at, further)


def _has(node: ast.ClassDef, member: str) -> bool:
    return any(member in bound_names(inner) for inner in node.body)


def _let_fail(unit: _Unit, name: str, method: str, attributes: set[str]) -> None:
    """What a child sets or deletes behind `super().m()`, its parents need not be able to make.

    A child whose configuration has no `bias` any more replaces `self.proj = Linear(bias=c.bias)`.
    """
    for node in unit.tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            let_fail(node, method, attributes)
    for child, parent, theirs in _extensions(unit):
        if child.name == name:
            _let_fail(parent, theirs, method, attributes)
