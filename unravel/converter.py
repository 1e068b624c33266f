"""The whole path of one model: from a modular file's outline to its generated files."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from unravel import imports, printing
from unravel.merging import alone, merge
from unravel.naming import cased_names, common_suffix, model_name
from unravel.outline import class_outline
from unravel.parents import Parent, find_parents
from unravel.renaming import Renaming
from unravel.routing import APART, KINDS, kind_of, target
from unravel.scanning import identifiers, quoted_identifiers
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
        return _Conversion(modular, settings, load).run()
    except Refused as refused:
        return Failed(modular.path, (refused.diagnostic,))


class _Conversion:
    def __init__(self, modular: Outline, settings: Settings, load: Load) -> None:
        self.modular, self.settings = modular, settings
        self.model = model_name(modular.path)
        registers = [found for path in settings.cased_names if (found := load(path))]
        self.names = cased_names(registers)
        self.cased = self.names.cased_name(self.model)
        self.parents = find_parents(modular, settings, load)
        self.renamings = {id(p): self.renaming(p) for p in self.parents}
        self.inputs = sorted({p.outline.path for p in self.parents} | {r.path for r in registers})

    def renaming(self, parent: Parent) -> Renaming:
        cased_old = self.names.cased_name(parent.model)
        prefix = self.prefix(parent, cased_old)
        renaming = Renaming(parent.model, cased_old, self.model, prefix)
        if prefix == self.cased:
            return renaming
        new = self.names.lower_name(prefix)
        prose = Renaming(parent.model, cased_old, new, prefix)
        return replace(renaming, prose=prose)

    def prefix(self, parent: Parent, cased_old: str) -> str:
        found: list[str] = []
        for definition in self.modular.definitions.values():
            if definition.kind is not DefinitionKind.CLASS:
                continue
            for base in class_outline(self.modular, definition).bases:
                if base not in parent.imported:
                    continue
                original = parent.imported[base]
                if prefix := self.class_prefix(definition.name, original, cased_old):
                    found.append(prefix)
        if not found:
            return self.cased
        counts = Counter(found)
        most = [p for p in dict.fromkeys(found) if counts[p] == max(counts.values())]
        prefix = self.cased if self.cased in most else most[-1]
        if prefix != self.cased and self.taken(parent, prefix, cased_old):
            return self.cased
        return prefix

    def class_prefix(self, child: str, parent: str, cased_old: str) -> str:
        if child == self.cased + parent:
            return self.cased + cased_old
        suffix = common_suffix(child, parent)
        if not suffix:
            return ""
        prefix = child.removesuffix(suffix)
        if len(prefix) < len(self.cased) and self.cased in child:
            return self.cased
        return prefix

    def taken(self, parent: Parent, prefix: str, cased_old: str) -> bool:
        start = prefix.lower().find(self.cased.lower())
        if start < 0:
            return False
        theirs = prefix[:start] + cased_old + prefix[start + len(self.cased) :]
        return any(
            name.startswith(theirs)
            for name, d in parent.outline.definitions.items()
            if d.kind is DefinitionKind.CLASS
        )

    def run(self) -> Converted:
        world = universe(
            self.modular,
            [(p, self.renamings[id(p)]) for p in self.parents],
            lambda definition: definition.text,
        )
        kinds: dict[str, list[Named]] = {}
        for named in world.own.values():
            if named.is_class:
                kinds.setdefault(kind_of(named.name, self.cased), []).append(named)
        files = [self.file(kind, kinds[kind], world, kinds) for kind in KINDS if kind in kinds]
        return Converted(self.modular.path, tuple(files), tuple(self.inputs))

    def file(
        self, kind: str, children: list[Named], world: Universe, kinds: dict[str, list[Named]]
    ) -> GeneratedFile:
        def elsewhere(named: Named) -> bool:
            other = kind_of(named.name, self.cased)
            return other != kind and {other, kind} != APART

        printer = Printer(world, elsewhere, self.child_text, kind, {c.name for c in children})
        for child in children:
            text, parent = self.child_text(child)
            printer.child(child, text, parent)
        top = [t for n, (_, t) in printer.printed.items() if printing.goes_on_top(n)]
        rest = [t for n, (_, t) in printer.printed.items() if not printing.goes_on_top(n)]
        body = "".join((*top, *rest))
        exports = [n for n in printing.exported(self.modular) if kind_of(n, self.cased) == kind]
        late = printing.module_getattr(
            self.modular, lambda name: kind_of(name, self.cased) == kind
        )
        body += late
        used = identifiers(body) | quoted_identifiers(body)
        candidates = imports.modular_candidates(self.modular, self.settings)
        for p in self.parents:
            candidates += imports.parent_candidates(p, self.renamings[id(p)], self.model)
        for name, named in printer.elsewhere.items():
            other = kind_of(name, self.cased)
            candidates.append(imports.Candidate(f".{other}_{self.model}", ((name, name),)))
        head = imports.needed_imports(candidates, used, printer.printed, kind)
        text = self.modular.header
        text += head + body + printing.all_statement(self.modular, exports)
        return GeneratedFile(target(self.settings, self.modular.path, kind), kind, text)

    def child_text(self, child: Named) -> tuple[str, Parent | None]:
        outline = class_outline(self.modular, child.definition)
        for base in outline.bases:
            for parent in self.parents:
                original = parent.imported.get(base)
                definition = parent.outline.definitions.get(original or "")
                if definition is None or definition.kind is not DefinitionKind.CLASS:
                    continue
                theirs = class_outline(parent.outline, definition)
                renaming = self.renamings[id(parent)]
                return merge(outline, theirs, renaming, self.names, self.settings), parent
        return alone(child.definition.statement), None

