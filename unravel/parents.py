"""Import statement -> the parent module's file, by path search only."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from unravel.diagnostics import Place, diagnose, enumerated, nearest, refuse
from unravel.naming import model_name
from unravel.outline import changed_elsewhere, place
from unravel.routing import MODELING, kind_of, split_module
from unravel.types import (
    DefinitionKind,
    Diagnostic,
    Import,
    Load,
    Outline,
    Refused,
    Settings,
    Severity,
)


@dataclass(frozen=True, slots=True, eq=False)
class Parent:
    """A parent module. `imported` maps names bound in the modular file to those of the module.

    `undefined` reports those that the module does not have, where that is no error.
    """

    outline: Outline
    kind: str
    model: str
    imported: dict[str, str] = field(default_factory=dict)
    undefined: list[Diagnostic] = field(default_factory=list)


def is_parent_import(statement: Import, outline: Outline) -> bool:
    """Does this import of a modular file name a module of another model?

    Such a module is called `<kind>_<model>` and lies in the folder of that model:
    `..llama.modeling_llama`, `models.data2vec.modeling_data2vec_text`; not `...modeling_utils`,
    and no file of this very model that the modular file does not make.
    """
    found = split_module(statement.module)
    if found is None or statement.guard is not None:
        return False
    parts = statement.module.split(".")
    if len(parts) < 2:
        return False
    folder, model = parts[-2], found[1]
    if model == model_name(outline.path) and not _makes(outline, found[0]):
        return False
    return model == folder or model.startswith(folder + "_")


def _makes(outline: Outline, kind: str) -> bool:
    """Does a modular file define classes of this kind?"""
    return any(
        definition.kind is DefinitionKind.CLASS and kind_of(definition.name, "") == kind
        for definition in outline.definitions.values()
    )


def candidates(statement: Import, outline: Outline, settings: Settings) -> Iterator[str]:
    """The paths at which the imported module may lie, most likely first."""
    tail = statement.module.replace(".", "/") + ".py"
    if statement.level:
        folder = posixpath.dirname(outline.path)
        yield posixpath.normpath(posixpath.join(folder, "../" * (statement.level - 1), tail))
        return
    for root in settings.roots:
        yield posixpath.normpath(posixpath.join(root, tail))


def parent_paths(
    outline: Outline, settings: Settings, exists: Callable[[str], bool]
) -> tuple[str, ...]:
    """The paths of all parent modules of a modular file, as far as they exist."""
    found: dict[str, None] = {}
    for statement in outline.imports:
        if is_parent_import(statement, outline) and not _is_ordinary(statement, settings):
            paths = [path for path in candidates(statement, outline, settings) if exists(path)]
            found.update(dict.fromkeys(paths[:1]))
    return tuple(found)


def find_parents(outline: Outline, settings: Settings, load: Load) -> tuple[Parent, ...]:
    """The parent modules of a modular file in the order in which it imports them."""
    found: dict[str, Parent] = {}
    for statement in outline.imports:
        if settings.corpus_rules:
            _check_source(statement, outline)
        if not is_parent_import(statement, outline) or _is_ordinary(statement, settings):
            continue
        module = _load_first(statement, outline, settings, load)
        kind, model = split_module(statement.module) or ("", "")
        parent = found.setdefault(module.path, Parent(module, kind, model))
        for name, bound in statement.names:
            parent.imported[bound] = name
            undefined = _check_name(name, statement, outline, module)
            if undefined is None:
                continue
            if not settings.corpus_rules:
                raise Refused(undefined)
            # Nothing needs such a name but Python: qwen3_omni_moe names the wrong module.
            parent.undefined.append(replace(undefined, severity=Severity.WARNING))
    return tuple(found.values())


def _check_source(statement: Import, outline: Outline) -> None:
    """Refuse imports that do not say which file of transformers the name comes from."""
    if statement.module == "transformers" and not statement.level:
        raise refuse(
            "UNR105",
            place(outline, statement.node),
            "`from transformers import ...` does not say which module that is",
            hint="import from the module, such as `...modeling_utils` or `..llama.modeling_llama`",
        )
    kind, model = split_module(statement.module) or ("", "")
    configs = [name for name, _ in statement.names if name.endswith("Config")]
    if kind == MODELING and configs and is_parent_import(statement, outline):
        raise refuse(
            "UNR105",
            place(outline, statement.node),
            f"`{configs[0]}` is no part of a modeling file",
            hint=f"import it from `configuration_{model}`",
        )


def _is_ordinary(statement: Import, settings: Settings) -> bool:
    return any(part in settings.ordinary for part in statement.module.split("."))


def _load_first(statement: Import, outline: Outline, settings: Settings, load: Load) -> Outline:
    paths = list(candidates(statement, outline, settings))
    for path in paths:
        module = load(path)
        if module is not None:
            return module
    raise refuse(
        "UNR101",
        place(outline, statement.node),
        f"the parent module `{'.' * statement.level}{statement.module}` does not exist",
        hint=f"looked for {', '.join(paths)}",
    )


def _check_name(
    name: str, statement: Import, outline: Outline, module: Outline
) -> Diagnostic | None:
    """What is wrong with an imported name that the parent module does not have."""
    at = _place_of(name, statement, outline)
    if name == "*":
        message = f"`from {statement.module} import *` does not say what it brings"
        raise refuse("UNR106", at, message, hint="import the names that are used")
    imported = {bound for other in module.imports for _, bound in other.names}
    if name in module.definitions or name in imported:
        return None
    if name in changed_elsewhere(module):
        message = f"`{module.path}` defines `{name}` only conditionally"
        hint = "let it define the name once, at its top level"
        return diagnose("UNR102", at, message, hint=hint)
    hint = nearest(name, module.definitions.keys() | imported)
    if not hint:
        defined = enumerated(module.definitions)
        hint = f"it defines {defined}" if defined else "it defines nothing"
    return diagnose("UNR102", at, f"`{module.path}` does not define `{name}`", hint=hint)


def _place_of(name: str, statement: Import, outline: Outline) -> Place:
    """Where an import names `name`."""
    assert isinstance(statement.node, (ast.Import, ast.ImportFrom))
    named = [alias for alias in statement.node.names if alias.name == name]
    return place(outline, named[0] if named else statement.node)
