"""The whole path of one model: from a modular file's outline to its generated files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from unravel import imports, printing
from unravel.diagnostics import refuse
from unravel.merging import merge
from unravel.naming import CasedNames, cased_names, model_name
from unravel.outline import class_outline, place
from unravel.parents import Parent, find_parents
from unravel.prefixes import renaming_of
from unravel.renaming import Renaming
from unravel.routing import APART, KINDS, MODELING, kind_of, target
from unravel.scanning import identifiers, quoted_identifiers, replace_code
from unravel.tracing import Named, Printer, Universe, universe
from unravel.types import (
    Converted,
    DefinitionKind,
    Failed,
    GeneratedFile,
    Load,
    Outline,
    Refused,
    Settings,
)


def convert(modular: Outline, settings: Settings, load: Load) -> Converted | Failed:
    """Convert one modular file. Reads nothing but through `load`; never raises `Refused`."""
    try:
        model = _read_model(modular, settings, load)
        world = universe(modular, model.parents, model.own)
        children = _children_by_kind(world, model)
        files = [_generate(kind, children[kind], world, model) for kind in children]
        warnings = tuple(finding for parent, _ in model.parents for finding in parent.undefined)
        return Converted(modular.path, tuple(files), model.inputs, warnings)
    except Refused as refused:
        return Failed(modular.path, (refused.diagnostic,))


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """A modular file with all that it takes to convert it."""

    modular: Outline
    settings: Settings
    name: str
    cased: str
    names: CasedNames
    parents: tuple[tuple[Parent, Renaming], ...]
    inputs: tuple[str, ...]
    own: Callable[[str], str]

    def kind_of(self, name: str) -> str:
        """The kind of the generated file that the class `name` belongs to."""
        return kind_of(name, self.cased)


def _read_model(modular: Outline, settings: Settings, load: Load) -> _Model:
    name = model_name(modular.path)
    registers = tuple(found for path in settings.cased_names if (found := load(path)))
    names = cased_names(registers)
    modules = find_parents(modular, settings, load)
    parents = tuple((p, renaming_of(p, modular, name, names, modules)) for p in modules)
    if modular.others and not settings.corpus_rules:
        raise refuse(
            "UNR205",
            place(modular, modular.others[0].node),
            "this statement defines nothing, so no generated file would hold it",
            hint="keep definitions and imports at the top level of a modular file",
        )
    paths = {p.outline.path for p, _ in parents} | {register.path for register in registers}
    return _Model(
        modular=modular,
        settings=settings,
        name=name,
        cased=names.cased_name(name),
        names=names,
        parents=parents,
        inputs=tuple(sorted(paths)),
        own=_names_of_parents(modular, parents),
    )


def _names_of_parents(
    modular: Outline, parents: tuple[tuple[Parent, Renaming], ...]
) -> Callable[[str], str]:
    """What the modular file's own code needs: `LlamaRMSNorm`, imported, is `NewRMSNorm` here."""
    renamed = {
        bound: renaming.name(original)
        for parent, renaming in parents
        for bound, original in parent.imported.items()
        if original in parent.outline.definitions and bound not in modular.definitions
    }
    changed = {bound: name for bound, name in renamed.items() if name != bound}
    if not changed:
        return lambda text: text
    pattern = re.compile(r"(?<![\w.])(?:" + "|".join(map(re.escape, changed)) + r")\b")

    def rename(text: str) -> str:
        if not pattern.search(text):
            return text
        return replace_code(text, pattern, lambda match: changed[match.group()])

    return rename


def _children_by_kind(world: Universe, model: _Model) -> dict[str, list[Named]]:
    """The modular file's classes by the kind of file that they go to, in its order."""
    found: dict[str, list[Named]] = {kind: [] for kind in KINDS}
    for named in world.own.values():
        if named.definition.kind is DefinitionKind.CLASS:
            found[model.kind_of(named.name)].append(named)
    if not any(found.values()) and world.own:
        found[MODELING] = []
        return {MODELING: []}
    return {kind: children for kind, children in found.items() if children}


def _generate(kind: str, children: list[Named], world: Universe, model: _Model) -> GeneratedFile:
    """One file: its classes, what they need, and the imports for all of it."""
    modular = model.modular

    def is_elsewhere(named: Named) -> bool:
        other = model.kind_of(named.name)
        return other != kind and {other, kind} != APART

    def child_text(child: Named) -> tuple[str, Parent | None]:
        return _child_text(child, model)

    exports = [name for name in printing.exported(modular) if model.kind_of(name) == kind]
    names = {child.name for child in children}
    corpus_rules = model.settings.corpus_rules
    printer = Printer(world, is_elsewhere, child_text, kind, names, corpus_rules)
    for child in children:
        printer.child(child, *child_text(child))
    for name in exports:
        if name in world.own and name not in printer.printed:
            printer.definition(world.own[name])
    texts = printer.texts()
    top = [text for name, text in texts.items() if printing.goes_on_top(name)]
    rest = [text for name, text in texts.items() if not printing.goes_on_top(name)]
    late = printing.module_getattr(modular, lambda name: model.kind_of(name) == kind)
    body = "".join([*top, *rest, late])
    head = imports.needed_imports(
        _candidates(printer, model, kind),
        identifiers(body) | quoted_identifiers(body),
        texts,
        imports.guards_backends(kind, model.settings),
    )
    text = modular.header + head + body + printing.all_statement(modular, exports)
    return GeneratedFile(target(model.settings, modular.path, kind), kind, text)


def _candidates(printer: Printer, model: _Model, kind: str) -> list[imports.Candidate]:
    """All that a file might import: of the modular file, of its parents, of the other kinds."""
    found = imports.modular_candidates(model.modular, model.settings, kind)
    for parent, renaming in model.parents:
        found += imports.parent_candidates(parent, renaming, model.name)
    for name in printer.elsewhere:
        module = f".{model.kind_of(name)}_{model.name}"
        found.append(imports.Candidate(module, ((name, name),)))
    return found


def _child_text(child: Named, model: _Model) -> tuple[str, Parent | None]:
    """The text of a class of the modular file, merged with its parent class if it has one."""
    outline = class_outline(model.modular, child.definition)
    for base in outline.bases:
        for parent, renaming in model.parents:
            definition = parent.outline.definitions.get(parent.imported.get(base, ""))
            if definition is None or definition.kind is not DefinitionKind.CLASS:
                continue
            theirs = class_outline(parent.outline, definition)
            text = merge(
                outline,
                theirs,
                model.modular,
                renaming,
                model.own,
                base,
                model.names,
                model.settings,
            )
            return text, parent
    return child.text(), None
