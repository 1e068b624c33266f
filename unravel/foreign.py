"""Names in a parent module that are somebody else's, whatever they are called.

In a copy of the model `clip`, `torch.clip` is still the function of that name: what is imported
from another package, its attributes and the keywords of its functions keep their names. So do
attributes that are read and that nothing in the model's files defines: `x.clip(0, 1)` on a tensor.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from unravel.outline import statements
from unravel.parents import Parent
from unravel.relative import absolute_name
from unravel.renaming import Renaming
from unravel.routing import split_module
from unravel.scanning import identifiers
from unravel.scopes import Occurrence, Role, Scope, annotation_strings, occurrences, root_of
from unravel.shielding import Spot, shield, spots_of, string_spots
from unravel.types import Load, Outline, Settings

_WORD = re.compile(r"[^\W\d]\w*")
_ASKING = ("getattr", "hasattr")


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A parent module in which `words` are shielded where they are somebody else's.

    `inputs` are the paths of the further files that were looked at.
    """

    parent: Parent
    words: frozenset[str] = frozenset()
    inputs: tuple[str, ...] = ()


def keep_foreign_names(
    parent: Parent, renaming: Renaming, modular: Outline, settings: Settings, load: Load
) -> Kept:
    """The parent module, ready to be renamed."""
    outline = parent.outline
    siblings = [
        each for each in outline.imports if sibling_kind(each.module, each.level, parent, settings)
    ]
    ours = outline.definitions.keys() | {bound for each in siblings for _, bound in each.names}
    used = identifiers("".join(outline.lines)) - ours
    changed = {name for name in used if renaming.name(name) != name}
    if not changed:
        return Kept(parent)
    theirs = _Foreign(parent, settings, changed - _replaced(modular, changed, renaming))
    spots = list(theirs.spots())
    asked = theirs.attributes_of_unknown() - theirs.defined()
    asked -= {name for name in asked if renaming.name(name) in _words(modular)}
    inputs: tuple[str, ...] = ()
    if asked:
        inputs = tuple(sorted({_path(each.module, outline) for each in siblings}))
        files = [load(path) for path in inputs]
        known = [set(asked) if file is None else _words(file) for file in files]
        spots += theirs.spots_of_attributes(asked.difference(*known))
    if not spots:
        return Kept(parent, inputs=inputs)
    kept = replace(parent, outline=shield(outline, spots))
    return Kept(kept, frozenset(word for _, _, word in spots), inputs)


def sibling_kind(module: str, level: int, parent: Parent, settings: Settings) -> str:
    """The kind of the parent's own model that `module` is, if any: its name changes, too."""
    kind, model = split_module(module) or ("", "")
    if not parent.model or model != parent.model:
        return ""
    if level == 1 and "." not in module:
        return kind
    folder = posixpath.dirname(parent.outline.path)
    package = absolute_name(folder, (*settings.roots, *settings.installed))
    is_beside = not level and module == f"{package}.{kind}_{model}"
    return kind if is_beside else ""


def _path(sibling: str, outline: Outline) -> str:
    folder = posixpath.dirname(outline.path)
    return posixpath.join(folder, sibling.rpartition(".")[2] + ".py")


def _words(outline: Outline) -> set[str]:
    """All words of a module, in its code and elsewhere."""
    return {word for line in outline.lines for word in _WORD.findall(line)}


def _replaced(modular: Outline, changed: Iterable[str], renaming: Renaming) -> set[str]:
    """Names of which the modular file has its own version."""
    own = modular.definitions.keys() | {b for each in modular.imports for _, b in each.names}
    return {name for name in changed if renaming.name(name) in own}


class _Foreign:
    """What is somebody else's among the names of a parent module; `changed` are of interest."""

    def __init__(self, parent: Parent, settings: Settings, changed: Collection[str]) -> None:
        self._parent = parent
        self._settings = settings
        self._changed = changed
        self._statements = statements(parent.outline)
        self._found = occurrences(self._statements)

    def spots(self) -> Iterator[Spot]:
        """Where imported names, their attributes and the keywords of their functions stand."""
        variables: set[str] = set()
        for found in self._found:
            if found.name in self._changed and self._is_imported(_root(found), found.scope):
                if found.role is Role.VARIABLE:
                    variables.add(found.name)
                yield from spots_of(found, self._parent.outline)
        for string in (s for node in self._statements for s in annotation_strings(node)):
            yield from string_spots(string, variables, self._parent.outline)

    def attributes_of_unknown(self) -> set[str]:
        """Attributes of what is neither imported nor of this module, as far as one can tell."""
        return {
            found.name
            for found in self._found
            if found.role is Role.ATTRIBUTE
            and found.name in self._changed
            and not self._is_imported(_root(found), found.scope)
        }

    def defined(self) -> set[str]:
        """The attributes that the module's code may define: by assignment, keyword or text."""
        names = {found.name for found in self._found if _defines(found)}
        asking = {id(string) for string in self._asking()}
        for node in (inner for each in self._statements for inner in ast.walk(each)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if id(node) not in asking and node.value.isidentifier():
                    names.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [str(v.value) for v in node.values if isinstance(v, ast.Constant)]
                names |= {n for n in self._changed if any(p and p in n for p in parts)}
        return names

    def spots_of_attributes(self, names: Collection[str]) -> Iterator[Spot]:
        """Where the attributes `names` stand, also in `getattr(x, "name")`."""
        for found in self._found:
            if found.role is Role.ATTRIBUTE and found.name in names:
                yield from spots_of(found, self._parent.outline)
        for string in self._asking():
            if string.value in names:
                yield from string_spots(string, [str(string.value)], self._parent.outline)

    def _asking(self) -> Iterator[ast.Constant]:
        """The texts of `getattr(x, "name")` and `hasattr(x, "name")`."""
        for node in (inner for each in self._statements for inner in ast.walk(each)):
            if isinstance(node, ast.Call) and root_of(node.func) in _ASKING and len(node.args) > 1:
                name = node.args[1]
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    yield name

    def _is_imported(self, name: str, scope: Scope) -> bool:
        """Is `name` imported, from no file of the parent's model?"""
        owner = scope.ways(name)[-1]
        node = owner.imports.get(name)
        if node is None or (owner.outer is None and name in self._parent.outline.definitions):
            return False
        if isinstance(node, ast.Import):
            return True
        return not sibling_kind(node.module or "", node.level, self._parent, self._settings)


def _root(found: Occurrence) -> str:
    """The name that decides whose a name is: `a` of `a.b`, and of the keyword in `a.f(b=1)`."""
    if found.role is Role.ATTRIBUTE:
        return root_of(getattr(found.node, "value", found.node))
    if isinstance(found.node, ast.Call):
        function, arguments = found.node.func, found.node.args
        if ast.unparse(function).rpartition(".")[2] == "partial" and arguments:
            function = arguments[0]
        return root_of(function)
    return found.name


def _defines(found: Occurrence) -> bool:
    """`self.x = ...`, `x: int` in a class, `f(x=1)`"""
    if found.role is Role.ATTRIBUTE:
        return not isinstance(getattr(found.node, "ctx", None), ast.Load)
    if found.role is Role.KEYWORD:
        return True
    return found.scope.is_class and found.name in found.scope.bound
