"""Import statement -> the parent module's file, by path search only."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase

from unravel.diagnostics import Place, diagnose, enumerated, nearest, refuse
from unravel.naming import model_name
from unravel.outline import base_names, changed_elsewhere, place
from unravel.relative import absolute_name, meant
from unravel.routing import KINDS, MODELING, kind_of, split_module
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

Exists = Callable[[str], bool]
"""Is there a module at this path, or may this run generate one?"""


@dataclass(frozen=True, slots=True, eq=False)
class Parent:
    """A parent module. `imported` maps names bound in the modular file to those of the module.

    `statements` are the imports that name it. `undefined` reports names that the module does not
    have, where that is no error. `model` is empty where the module's name and those of its classes
    have nothing in common: then nothing in it is renamed. `kept` are names that it imports from
    its model's other files, and that are still imported from there.
    """

    outline: Outline
    kind: str
    model: str
    imported: dict[str, str] = field(default_factory=dict)
    statements: list[Import] = field(default_factory=list)
    undefined: list[Diagnostic] = field(default_factory=list)
    kept: frozenset[str] = frozenset()


# -- which modules are parents -------------------------------------------------------------------


def parent_imports(outline: Outline, settings: Settings, exists: Exists) -> tuple[Import, ...]:
    """The imports of a modular file that name parent modules; all others are ordinary.

    A module is a parent if the setting `parents` names it, or if it is called like a model's file.
    """
    return tuple(
        statement
        for statement in outline.imports
        if statement.module
        and statement.guard is None
        and not _is_any(settings.ordinary, statement, outline, settings)
        and (
            _is_any(settings.parents, statement, outline, settings)
            or _is_of_model(statement, outline, settings, exists)
        )
    )


def _is_any(
    patterns: Collection[str], statement: Import, outline: Outline, settings: Settings
) -> bool:
    if not patterns:
        return False
    name = _full_name(statement, outline, settings)
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _is_of_model(statement: Import, outline: Outline, settings: Settings, exists: Exists) -> bool:
    """Is the module called like a file of another model?

    Such a module is called `<kind>_<model>` and lies in the folder of that model, or beside a
    `modular_<model>.py`: `..llama.modeling_llama`, `models.data2vec.modeling_data2vec_text`; not
    `...modeling_utils`. No hand-written file of this very model is one: see maskformer, which
    imports `.configuration_maskformer_swin`. Outside of transformers it may lie anywhere, if what
    is imported is called like the model: `from .modeling_llama import LlamaModel`.
    """
    found = split_module(statement.module)
    if found is None:
        return False
    kind, model = found
    own = model_name(outline.path)
    is_own = model == own
    if is_own and not ("." in statement.module and _makes(outline, kind)):
        return False
    is_beside = statement.level == 1 and "." not in statement.module
    if not is_beside and _is_in_folder_of(model, _full_name(statement, outline, settings)):
        return True
    is_others = not (is_own or model.startswith(own + "_"))
    paths = list(candidates(statement, outline, settings))
    if is_others and not settings.corpus_rules and _names_model(statement, model):
        return any(map(exists, paths))
    folders = set(map(posixpath.dirname, paths))
    return any(exists(posixpath.join(each, f"modular_{model}.py")) for each in sorted(folders))


def is_known_by_imports(outline: Outline) -> bool:
    """Are the imports of a modular file enough to tell which modules are its parents?"""
    own = model_name(outline.path)
    modules = [each.module for each in outline.imports if "." in each.module]
    return not any(found and found[1] == own for found in map(split_module, modules))


def _names_model(statement: Import, model: str) -> bool:
    """Does a name that is imported begin like the model's? `LlamaModel` of `llama`"""
    start = model.replace("_", "").lower()
    return any(name.lower().startswith(start) for name, _ in statement.names)


def _is_in_folder_of(model: str, name: str) -> bool:
    folder = name.rpartition(".")[0].rpartition(".")[2]
    return bool(folder) and (model == folder or model.startswith(folder + "_"))


def _full_name(statement: Import, outline: Outline, settings: Settings) -> str:
    """The imported module's absolute name, also where the import is relative."""
    if not statement.level:
        return statement.module
    path = meant(statement.module, statement.level, outline.path)
    return absolute_name(path, settings.roots)


def _makes(outline: Outline, kind: str) -> bool:
    """Does a modular file define classes of this kind?"""
    return any(
        definition.kind is DefinitionKind.CLASS and kind_of(definition.name, "") == kind
        for definition in outline.definitions.values()
    )


# -- where they lie ------------------------------------------------------------------------------


def candidates(statement: Import, outline: Outline, settings: Settings) -> Iterator[str]:
    """The paths at which the imported module may lie, in the order in which Python would look.

    A package without `__init__.py` needs no rule: only the module's own file has to be there.
    """
    name, paths = statement.module, []
    folders = (*settings.roots, *settings.installed)
    if statement.level:
        paths = [meant(name, statement.level, outline.path)]
        name = absolute_name(paths[0], folders)
        if settings.corpus_rules or name == paths[0].replace("/", "."):
            folders = ()
    # Also behind a relative import: parts of a namespace package lie under several roots.
    tail = name.replace(".", "/")
    paths += [posixpath.normpath(posixpath.join(folder, tail)) for folder in folders]
    for path in dict.fromkeys(paths):
        yield f"{path}/__init__.py"
        yield f"{path}.py"


def parent_paths(outline: Outline, settings: Settings, exists: Exists) -> tuple[str, ...]:
    """The paths of all parent modules of a modular file, as far as they exist."""
    found: dict[str, None] = {}
    for statement in parent_imports(outline, settings, exists):
        paths = [path for path in candidates(statement, outline, settings) if exists(path)]
        found.update(dict.fromkeys(paths[:1]))
    return tuple(found)


# -- what they are -------------------------------------------------------------------------------


def find_parents(outline: Outline, settings: Settings, load: Load) -> tuple[Parent, ...]:
    """The parent modules of a modular file in the order in which it imports them."""
    found: dict[str, Parent] = {}
    statements = parent_imports(outline, settings, lambda path: load(path) is not None)
    if settings.corpus_rules:
        _check_sources(outline, statements)
    else:
        _check_bases(outline, statements, settings, load)
        _check_spelling(outline, statements, settings, load)
    for statement in statements:
        module = _load_first(statement, outline, settings, load)
        kind, model = _kind_and_model(_full_name(statement, outline, settings), module)
        parent = found.setdefault(module.path, Parent(module, kind, model))
        parent.statements.append(statement)
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


def _kind_and_model(name: str, module: Outline) -> tuple[str, str]:
    """`models.llama.modeling_llama` -> `modeling`, `llama`; `mylib.resnet` -> `modeling`, `resnet`.

    A module that is not called like a model's file is about that part of its name with which one
    of its classes begins: `peft.tuners.lora.layer`, which has a `LoraLayer`, about `lora`.
    """
    found = split_module(name)
    if found is not None and _is_in_folder_of(found[1], name):
        return found
    classes = [d.name for d in module.definitions.values() if d.kind is DefinitionKind.CLASS]
    parts = [found[1]] if found is not None else []
    for part in [*parts, *reversed(name.split("."))]:
        begins = re.compile(rf"(?i:{re.escape(part.replace('_', ''))})(?![a-z])").match
        if any(begins(each) for each in classes):
            return found[0] if found is not None else MODELING, part.lower()
    return MODELING, ""


def _load_first(statement: Import, outline: Outline, settings: Settings, load: Load) -> Outline:
    for path in candidates(statement, outline, settings):
        module = load(path)
        if module is not None:
            return module
    name = "." * statement.level + statement.module
    paths = [p for p in candidates(statement, outline, settings) if not p.endswith("/__init__.py")]
    looked = paths[:1] if statement.level else [p for p in paths if not posixpath.isabs(p)]
    hint = f"looked for {', '.join(looked)}"
    if settings.installed and not statement.level:
        hint += (
            f", and among the packages of {settings.environment or 'the environment of unravel'}"
        )
    raise refuse(
        "UNR101",
        place(outline, statement.node),
        f"the parent module `{name}` does not exist",
        hint=hint,
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


# -- imports that do not say where a class is defined --------------------------------------------


def _check_sources(outline: Outline, parents: tuple[Import, ...]) -> None:
    """Refuse imports that do not say which file of transformers the name comes from."""
    for statement in outline.imports:
        if statement.module == "transformers" and not statement.level:
            raise refuse(
                "UNR105",
                place(outline, statement.node),
                "`from transformers import ...` does not say which module that is",
                hint="import from the module, such as `...modeling_utils` or "
                "`..llama.modeling_llama`",
            )
        kind, model = split_module(statement.module) or ("", "")
        configs = [name for name, _ in statement.names if name.endswith("Config")]
        if kind == MODELING and configs and statement in parents:
            raise refuse(
                "UNR105",
                place(outline, statement.node),
                f"`{configs[0]}` is no part of a modeling file",
                hint=f"import it from `configuration_{model}`",
            )


def _check_spelling(
    outline: Outline, parents: tuple[Import, ...], settings: Settings, load: Load
) -> None:
    """Refuse `..llama.modelling_llama` and `..lama.modeling_llama`, which no rule takes for a
    parent, where `..llama.modeling_llama` is there."""
    for statement in outline.imports:
        if statement in parents or statement.guard is not None:
            continue
        near = (replace(statement, module=name) for name in _like_a_model(statement.module))
        meant = [each for each in near if _is_there(each, outline, settings, load)]
        if meant and not _is_there(statement, outline, settings, load):
            dots = "." * statement.level
            raise refuse(
                "UNR101",
                place(outline, statement.node),
                f"the module `{dots}{statement.module}` does not exist",
                hint=f"did you mean `{dots}{meant[0].module}`?",
            )


def _like_a_model(module: str) -> Iterator[str]:
    """What a module may have been meant to be called, of those that hold a model's code."""
    folder, dot, name = module.rpartition(".")
    for found in re.finditer("_", name):
        written, model = name[: found.start()], name[found.end() :]
        for kind in get_close_matches(written, KINDS, n=1, cutoff=0.8):
            around, between, _ = folder.rpartition(".")
            yield f"{folder}{dot}{kind}_{model}"
            yield f"{around}{between}{model}.{kind}_{model}"


def _is_there(statement: Import, outline: Outline, settings: Settings, load: Load) -> bool:
    return any(load(path) is not None for path in candidates(statement, outline, settings))


def _check_bases(
    outline: Outline, parents: tuple[Import, ...], settings: Settings, load: Load
) -> None:
    """Refuse to extend a model's class by way of a package that only passes it on."""
    bases = {
        base
        for definition in outline.definitions.values()
        if definition.kind is DefinitionKind.CLASS
        for base in base_names(outline, definition)
    }
    for statement in outline.imports:
        if not statement.module or statement in parents:
            continue
        for name, bound in statement.names:
            home = _home(name, statement, outline, settings, load) if bound in bases else ""
            if home:
                dots = "." * statement.level
                raise refuse(
                    "UNR105",
                    place(outline, statement.node),
                    f"`{dots}{statement.module}` passes `{name}` on, which is defined elsewhere",
                    hint=f"import it from `{dots}{home}`, to have it unravelled",
                )


def _home(name: str, statement: Import, outline: Outline, settings: Settings, load: Load) -> str:
    """The module of a model in which a package has the class `name`, if it can be guessed."""
    kind = kind_of(name, "")
    package = statement.module.rpartition(".")[2]
    inner = [f"{kind}_{package}"]
    for model in _models_in(name):
        inner += [f"{model}.{kind}_{model}", f"models.{model}.{kind}_{model}"]
    for each in inner:
        guess = replace(statement, module=f"{statement.module}.{each}")
        for path in candidates(guess, outline, settings):
            module = load(path)
            if module is not None and name in module.definitions:
                return guess.module
    return ""


def _models_in(name: str) -> Iterator[str]:
    """The models that a class may belong to: `qwen2`, `qwen2vl`, `qwen2_vl` of `Qwen2VLModel`."""
    for end in range(1, len(name)):
        if name[end].isupper():
            start = name[:end]
            yield from dict.fromkeys(
                (start.lower(), re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", start).lower())
            )
