"""The whole path of one model: from a modular file's outline to its generated files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from unravel import imports, printing
from unravel.aliases import own_code
from unravel.checking import check_definitions, check_modular
from unravel.collisions import Copied, check_collisions
from unravel.context import Context
from unravel.diagnostics import Place, refuse
from unravel.foreign import keep_foreign_names
from unravel.meanings import Source, check_meanings, check_stars
from unravel.merging import context_of, merge
from unravel.naming import CasedNames, cased_names, model_name
from unravel.ordering import in_order
from unravel.outline import (
    all_statements,
    base_names,
    class_outline,
    deepest_place,
    place,
)
from unravel.parents import Parent, find_parents, parent_paths
from unravel.parsing import too_deep
from unravel.prefixes import renaming_of
from unravel.proving import check_needed
from unravel.relative import absolute_name, relocated
from unravel.renaming import Renaming
from unravel.routing import APART, KINDS, MODELING, kind_of, split_module, target
from unravel.scanning import identifiers, quoted_identifiers
from unravel.shielding import unshield
from unravel.siblings import Siblings, check_siblings, settled
from unravel.state import check_shared
from unravel.tracing import Named, Printer, Universe, universe
from unravel.types import (
    Converted,
    Definition,
    DefinitionKind,
    Diagnostic,
    Failed,
    GeneratedFile,
    Load,
    Origin,
    Outline,
    Piece,
    Refused,
    Settings,
)


def convert(modular: Outline, settings: Settings, load: Load) -> Converted | Failed:
    """Convert one modular file. Reads nothing but through `load`; never raises `Refused`."""
    try:
        return _converted(read_model(modular, settings, load), load)
    except Refused as refused:
        return Failed(modular.path, (refused.diagnostic,))
    except RecursionError:
        paths = parent_paths(modular, settings, lambda path: load(path) is not None)
        modules = (modular, *filter(None, map(load, paths)))
        return Failed(modular.path, (too_deep(deepest_place(modules)).diagnostic,))


def _converted(model: Model, load: Load) -> Converted:
    modular, settings = model.modular, model.settings
    try:
        files = _generate_all(model)
        if not files:
            raise refuse(
                "UNR004",
                Place(modular.path, 0, 0),
                "the file defines nothing to generate code from",
                hint="define a class in it, or delete the file",
            )
        if not settings.corpus_rules:
            model, files = _with_siblings(model, files, load)
    except Refused as refused:
        raise Refused(_readable(refused.diagnostic, model.shielded)) from None
    warnings = [finding for parent, _ in model.parents for finding in parent.undefined]
    warnings += [_readable(finding, model.shielded) for finding in model.warnings]
    return Converted(modular.path, tuple(files), model.inputs, tuple(warnings))


def _with_siblings(
    model: Model, files: list[GeneratedFile], load: Load
) -> tuple[Model, list[GeneratedFile]]:
    """The model and its files, which import from each other nothing that is not there."""
    modular, settings = model.modular, model.settings
    siblings = Siblings(files, modular, settings, load)
    parents = settled(model.parents, siblings, model.name, model.cased)
    if parents != model.parents:
        model = replace(model, parents=parents, warnings={}, _inherited={})
        files = _generate_all(model)
        siblings = Siblings(files, modular, settings, load)
    check_siblings(siblings, modular)
    return model, files


def _readable(found: Diagnostic, shielded: frozenset[str]) -> Diagnostic:
    """A finding in modules of which some words are shielded."""
    return replace(
        found,
        message=unshield(found.message, shielded),
        hint=unshield(found.hint, shielded),
        excerpt=unshield(found.excerpt, shielded),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A modular file with all that it takes to convert it.

    In its text and those of its parents, `shielded` words are written so that they are not renamed.
    """

    modular: Outline
    settings: Settings
    name: str
    cased: str
    names: CasedNames
    parents: tuple[tuple[Parent, Renaming], ...]
    inputs: tuple[str, ...]
    own: Callable[[str], str]
    shielded: frozenset[str]
    warnings: dict[Diagnostic, None] = field(default_factory=dict)
    _inherited: dict[tuple[int, str], list[imports.Candidate]] = field(default_factory=dict)

    def kind_of(self, name: str) -> str:
        """The kind of the generated file that the class `name` belongs to."""
        return kind_of(name, self.cased)

    def candidates(self, parent: Parent, renaming: Renaming, path: str) -> list[imports.Candidate]:
        """What a parent module imports, as the generated file `path` would import it."""
        # The same for all files of a folder; mostly that is where all kinds lie.
        key = id(parent), posixpath.dirname(path)
        if key not in self._inherited:
            self._inherited[key] = imports.parent_candidates(
                parent, renaming, self.settings, self.name, path
            )
        return self._inherited[key]


def read_model(modular: Outline, settings: Settings, load: Load) -> Model:
    """A modular file with its parents and what is renamed in each. Raises `Refused`."""
    name = model_name(modular.path)
    if not re.fullmatch(r"\w+", name):
        raise refuse(
            "UNR303",
            Place(modular.path, 0, 0),
            f"`{name}` cannot be part of the name of a module",
            hint="call the file modular_<model>.py, with letters, digits and `_` in <model>",
        )
    registers = tuple(found for path in settings.cased_names if (found := load(path)))
    names = cased_names(registers)
    if not settings.corpus_rules:
        modular = _relocated(modular, "", modular.path, settings)
    modules = find_parents(modular, settings, load)
    if not settings.corpus_rules:
        modules = tuple(
            replace(each, outline=_relocated(each.outline, each.model, modular.path, settings))
            for each in modules
        )
        names = names.learned([(name, modular), *((p.model, p.outline) for p in modules)])
    parents = tuple(
        (parent, renaming_of(parent, modular, name, names, modules, settings)) for parent in modules
    )
    paths = {p.outline.path for p, _ in parents} | {register.path for register in registers}
    shielded: set[str] = set()
    if not settings.corpus_rules:
        check_modular(modular, parents)
        kept = [
            keep_foreign_names(parent, each, modular, settings, load) for parent, each in parents
        ]
        parents = tuple((k.parent, each) for k, (_, each) in zip(kept, parents, strict=True))
        shielded.update(*(k.words for k in kept))
        paths.update(*(k.inputs for k in kept))
    own = own_code(modular, parents, by_scope=not settings.corpus_rules)
    return Model(
        modular=own.modular,
        settings=settings,
        name=name,
        cased=names.cased_name(name),
        names=names,
        parents=parents,
        inputs=tuple(sorted(paths)),
        own=own.rename,
        shielded=own.words.union(shielded),
    )


def _relocated(module: Outline, model: str, source: str, settings: Settings) -> Outline:
    """A module of `model` with the imports in its functions as the generated files need them.

    Those of the model's other files stay: they will name the files of the new model.
    """

    def keeps(name: str, level: int) -> bool:
        found = split_module(name) if level == 1 else None
        return found is not None and found[1] == model

    roots = (*settings.roots, *settings.installed)
    return relocated(module, target(settings, source, MODELING), roots, keeps)


def _generate_all(model: Model) -> list[GeneratedFile]:
    """A file for each kind that the modular file defines classes for, in the order of `KINDS`.

    The first of them also holds what the modular file defines and no other file needs.
    """
    corpus_rules = model.settings.corpus_rules
    world = universe(model.modular, model.parents, model.own, corpus_rules=corpus_rules)
    children: dict[str, list[Named]] = {kind: [] for kind in KINDS}
    for named in world.own.values():
        if named.is_class:
            children[model.kind_of(named.name)].append(named)
    kinds = [kind for kind in KINDS if children[kind]] or ([MODELING] if world.own else [])
    left = [] if corpus_rules else [n for n in world.own.values() if not n.is_class]
    files: list[GeneratedFile] = []
    printed: dict[str, list[Named]] = {}
    for kind in reversed(kinds):
        rest = left if kind == kinds[0] else None
        file, printed[file.path] = _generate(kind, children[kind], rest, world, model)
        left = [named for named in left if named not in printed[file.path]]
        files.append(file)
    if corpus_rules:
        _parse_rest(printed, model.modular)
    else:
        check_shared(printed, model.modular)
    return files[::-1]


def _parse_rest(printed: Mapping[str, Iterable[Named]], modular: Outline) -> None:
    """Raise `Refused` where the modular file is not valid Python in what the formatter never sees.

    By our own rules, all of it was looked at.
    """
    seen = {id(named.definition.statement) for here in printed.values() for named in here}
    for statement in all_statements(modular):
        if id(statement) not in seen:
            statement.node  # noqa: B018


def _generate(
    kind: str, children: list[Named], rest: list[Named] | None, world: Universe, model: Model
) -> tuple[GeneratedFile, list[Named]]:
    """One file: its classes with what they need, the `rest`, and the imports for all of it.

    The model's main file has a `rest`, and the modular file's docstring. Returns all
    definitions, too.
    """
    modular, settings = model.modular, model.settings
    exports = [name for name in printing.exported(modular) if model.kind_of(name) == kind]
    printer = _print(kind, children, world, model)
    for name in exports:
        if (named := world.own.get(name) or world.imported.get(name)) and not named.is_class:
            printer.definition(named)
    for named in rest or ():
        if not printing.goes_on_top(named.name):
            printer.definition(named)
    defined = [named for named, _ in printer.printed.values()]
    if not settings.corpus_rules:
        _check_printed(printer, model, kind)
    pieces = printing.top_first(printer.pieces(modular.path))
    future = imports.future_imports([modular, *(p.outline for p, _ in model.parents)])
    if not settings.corpus_rules:
        pieces = in_order(pieces, lazy_annotations="annotations" in future)
    definitions = [
        Piece(unshield(piece.text, model.shielded), piece.origin)
        for piece in pieces.values()
        if piece.text
    ]
    late = printing.module_getattr(modular, lambda name: model.kind_of(name) == kind)
    late = unshield(late, model.shielded)
    texts = [late, *(piece.text for piece in definitions)]
    path = target(settings, modular.path, kind)
    candidates = _candidates(printer, model, kind, path)
    used = set(exports).union(*map(identifiers, texts), *map(quoted_identifiers, texts))
    if not settings.corpus_rules:
        check_needed(pieces, {*exports, *identifiers(late)}, modular.path, path)
    guards_backends = imports.guards_backends(kind, settings)
    package = absolute_name(path, settings.roots).partition(".")[0]
    head = imports.needed_imports(candidates, used, pieces, guards_backends, package)
    if not settings.corpus_rules:
        imports.check_guards(candidates, used, world.names)
        head = future + head
        if rest is not None and modular.docstring is not None:
            head = modular.docstring.text + head
    head = unshield(head, model.shielded)
    first = Piece(modular.header + head, Origin(modular.path, 1))
    footer = "" if rest is None or settings.corpus_rules else modular.footer
    last = Piece(late + printing.all_statement(modular, exports) + footer, Origin(modular.path, 1))
    parts = (first, *definitions, last)
    return GeneratedFile(path, kind, parts, tuple(sorted(printer.origins))), defined


def _print(kind: str, children: list[Named], world: Universe, model: Model) -> Printer:
    """The classes of one file, each behind what it needs."""

    made = {model.kind_of(named.name) for named in world.own.values() if named.is_class}

    def is_elsewhere(named: Named) -> bool:
        other = model.kind_of(named.name)
        if other not in made and not model.settings.corpus_rules:
            return False  # there is no such file, so the class is copied into this one
        return other != kind and {other, kind} != APART

    def child_text(child: Named) -> tuple[str, Parent | None]:
        return _child_text(child, model)

    names = {child.name for child in children}
    printer = Printer(world, is_elsewhere, child_text, kind, names, model.settings.corpus_rules)
    for child in children:
        printer.child(child, *child_text(child))
    return printer


def _candidates(printer: Printer, model: Model, kind: str, path: str) -> list[imports.Candidate]:
    """All that a file might import: of the modular file, of its parents, of the other kinds."""
    modules = [parent for parent, _ in model.parents]
    found = imports.modular_candidates(model.modular, modules, model.settings, kind, path)
    for parent, renaming in model.parents:
        found += model.candidates(parent, renaming, path)
    for name in printer.elsewhere:
        module = f".{model.kind_of(name)}_{model.name}"
        found.append(imports.Candidate(module, ((name, name),)))
    return found


def _child_text(child: Named, model: Model) -> tuple[str, Parent | None]:
    """The text of a class of the modular file, merged with its parent class if it has one."""
    found = parent_class(child.definition, model)
    if found is None:
        return child.text(), None
    if found.definition.extras and not model.settings.corpus_rules:
        raise refuse(
            "UNR205",
            place(found.parent.outline, found.definition.extras[0].node),
            f"`{found.definition.name}` is changed here, below its body",
            hint=f"set this in `{child.name}` in the modular file",
        )
    text, warnings = merge(merging_context(child.definition, found, model))
    model.warnings.update(dict.fromkeys(warnings))
    extras = child.definition.extras
    return text + "".join(model.own(each.lead + each.text) for each in extras), found.parent


class ParentClass(NamedTuple):
    """A parent class, which the modular file calls `base`, and what is renamed in its module."""

    base: str
    parent: Parent
    renaming: Renaming
    definition: Definition


def parent_class(child: Definition, model: Model) -> ParentClass | None:
    """The base of a class of the modular file that is a parent class, and where it comes from."""
    for base in base_names(model.modular, child):
        for parent, renaming in model.parents:
            definition = parent.outline.definitions.get(parent.imported.get(base, ""))
            if definition is not None and definition.kind is DefinitionKind.CLASS:
                return ParentClass(base, parent, renaming, definition)
    return None


def merging_context(child: Definition, found: ParentClass, model: Model) -> Context:
    """What merging a class of the modular file with its parent class needs to know."""
    return context_of(
        class_outline(model.modular, child),
        class_outline(found.parent.outline, found.definition),
        model.modular,
        found.parent.outline,
        found.renaming,
        model.own,
        found.base,
        model.names,
        model.settings,
    )


def _check_printed(printer: Printer, model: Model, kind: str) -> None:
    """Raise `Refused` where what is copied does not mean in one file what it meant before."""
    printed = [named for named, _ in printer.printed.values()]
    check_definitions(printed, model.modular)
    copied = {id(parent): Copied(parent, renaming) for parent, renaming in model.parents}
    for named in printed:
        if named.parent is not None:
            copied[id(named.parent)].add(named.definition)
        elif named.is_class and (found := parent_class(named.definition, model)) is not None:
            _, parent, _, definition = found
            copied[id(parent)].add(definition, named.definition.statement.node)
    for each in copied.values():
        check_collisions(each)
    modular, settings = model.modular, model.settings
    path = target(settings, modular.path, kind)
    own = imports.modular_candidates(
        modular, (parent for parent, _ in model.parents), settings, kind, path
    )
    parents = [
        Source(
            each.parent.outline,
            each.nodes,
            model.candidates(each.parent, each.renaming, path),
            each.renaming.name,
        )
        for each in copied.values()
    ]
    nodes = [named.definition.statement.node for named in printed if named.parent is None]
    outlines = {n.name: n.parent.outline if n.parent is not None else modular for n in printed}
    source = Source(modular, nodes, own, model.own)
    check_stars([source, *parents])
    check_meanings(source, parents, outlines)
