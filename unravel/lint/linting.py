"""One unit -> what its rules find. Runs in a worker."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from unravel.diagnostics import Place
from unravel.lint.catalogue import of_scope
from unravel.lint.ignoring import Ignored
from unravel.lint.model import ModelFile, read_model_files
from unravel.lint.modular import Modular, read_modular
from unravel.lint.rule import Edit, Finding, Rule, Scope
from unravel.lint.units import Unit
from unravel.outline import place
from unravel.reading import Loader
from unravel.types import Diagnostic, Failed, Outline, Refused
from unravel.workers import defect


@dataclass(frozen=True, slots=True)
class Located:
    """A finding with its place. It is none where another file imports `unless_imported`."""

    diagnostic: Diagnostic
    edits: tuple[Edit, ...] = ()
    unless_imported: str = ""


@dataclass(frozen=True, slots=True)
class Linted:
    """What was found in a unit. `imported` are the names that its files import from models.

    `lookups` are the questions about files that were asked, with the answers.
    """

    source: str
    findings: tuple[Located, ...]
    imported: tuple[str, ...] = ()
    lookups: tuple[tuple[str, str], ...] = ()


def lint_unit(source: str, loader: Loader, unit: Unit, codes: frozenset[str]) -> Linted | Failed:
    """All findings in the files of `unit`. Never raises: a defect of ours is a failure."""
    try:
        loader.lookups.clear()
        found = sorted(_lint(unit, loader, codes), key=position)
        imported = tuple(sorted(_imported(unit, loader)))
        return Linted(source, tuple(found), imported, tuple(sorted(loader.lookups.items())))
    except Refused as refused:
        return Failed(source, (refused.diagnostic,))
    except Exception as error:
        return defect(source, error)


def position(found: Located) -> tuple[str, int, int, str]:
    """The order in which findings are shown."""
    at = found.diagnostic
    return at.path, at.line, at.column, at.code


def _lint(unit: Unit, loader: Loader, codes: frozenset[str]) -> Iterator[Located]:
    outlines = {path: outline for path in unit.paths if (outline := loader.load(path))}
    ignored = {path: Ignored(outline) for path, outline in outlines.items()}
    for found in _findings(unit, outlines, loader, codes):
        at = found.diagnostic
        if at.path in unit.wanted and not ignored[at.path].covers(at.code, at.line):
            yield found


def _findings(
    unit: Unit, outlines: dict[str, Outline], loader: Loader, codes: frozenset[str]
) -> Iterator[Located]:
    files = read_model_files(unit, outlines, loader)
    if unit.modular in outlines:
        modular, refused = read_modular(outlines[unit.modular], loader.settings, loader.load)
        modular.files = files
        found = [
            each
            for rule in of_scope(Scope.MODULAR, codes)
            for each in located(rule, rule.check(modular), modular)
        ]
        yield from found
        # What the converter says of a line is left out where a rule says it, and mends it.
        if refused and all(each.diagnostic.line != refused.line for each in found):
            yield Located(refused)
    for file in files:
        scopes = [Scope.MODEL] if file.modular is not None else [Scope.MODEL, Scope.COPY]
        for scope in scopes:
            for rule in of_scope(scope, codes):
                yield from located(rule, rule.check(file), file)


def located(
    rule: Rule, findings: Iterable[Finding], file: Modular | ModelFile
) -> Iterator[Located]:
    """The findings of a rule with their places: of generated files, those in the modular file."""
    for found in findings:
        at: Place | None = place(file.outline, found.node)
        edits = found.edits
        if isinstance(file, ModelFile) and file.modular is not None:
            at, edits = file.place_in_modular(found.node), ()
        if at is None:
            continue  # it stands where a parent has it, and is reported there
        yield Located(
            Diagnostic(
                rule.code,
                at.path,
                at.line,
                at.column,
                found.message,
                found.hint,
                at.excerpt,
                rule.severity,
            ),
            edits,
            found.unless_imported,
        )


_MODEL_MODULE = re.compile(r"(modular|modeling|configuration|processing|tokenization)_")


def _imported(unit: Unit, loader: Loader) -> set[str]:
    found: set[str] = set()
    for path in unit.paths:
        outline = loader.load(path)
        for statement in outline.imports if outline is not None else ():
            # The model's own generated files import each other; that is no use of its own.
            own = statement.level == 1 and "." not in statement.module
            if not own and _MODEL_MODULE.search(statement.module):
                found.update(name for name, _ in statement.names)
    return found


def confirmed(results: Iterable[Linted]) -> list[Linted]:
    """`results` less the findings that an import elsewhere refutes."""
    results = list(results)
    imported = {name for each in results for name in each.imported}
    return [
        replace(
            each,
            findings=tuple(f for f in each.findings if f.unless_imported not in imported),
        )
        for each in results
    ]
