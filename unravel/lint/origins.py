"""Where the code of a generated class was really written."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from unravel.lint.modular import Modular
from unravel.naming import model_name
from unravel.outline import class_outline
from unravel.parents import candidates
from unravel.types import Definition, DefinitionKind, Outline

_SOURCE = re.compile(r"[\w./-]*modular_\w+\.py")


@dataclass(frozen=True, slots=True)
class Original:
    """The class `name` of a file."""

    name: str
    file: str


def original(module: Outline, name: str, modular: Modular) -> Original | None:
    """The class that the class `name` of a generated `module` is an unmodified copy of."""
    found = None
    for _ in range(8):  # models that copy each other in a circle are refused elsewhere
        step = _step(module, name, modular)
        if step is None:
            break
        module, name = step
        found = Original(name, posixpath.basename(module.path))
    return found


def _step(module: Outline, name: str, modular: Modular) -> tuple[Outline, str] | None:
    """The module and the class that a class was copied from, if nothing was changed."""
    source = _modular_of(module, modular)
    definition = source.definitions.get(name) if source is not None else None
    if source is None or definition is None or not _is_copy(source, definition):
        return None
    base = class_outline(source, definition).bases[0]
    for statement in source.imports:
        named = [theirs for theirs, bound in statement.names if bound == base]
        for path in candidates(statement, source, modular.settings) if named else ():
            found = modular.load(path)
            if found is not None and named[0] in found.definitions:
                return found, named[0]
    return None


def _modular_of(module: Outline, modular: Modular) -> Outline | None:
    """The modular file that a module was generated from, by its banner."""
    for path in _SOURCE.findall(module.header):
        beside = posixpath.join(posixpath.dirname(module.path), posixpath.basename(path))
        for each in (path, beside):
            found = modular.load(each)
            if found is not None and model_name(each) in module.path:
                return found
    return None


def _is_copy(source: Outline, definition: Definition) -> bool:
    if definition.kind is not DefinitionKind.CLASS:
        return False
    cls = class_outline(source, definition)
    return len(cls.bases) == 1 and all(
        member.statement.text.strip() in ("pass", "...") for member in cls.members
    )
