"""The modular files of a project: order them, convert, format, compare, write."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from unravel.agenda import Agenda, cut_cycles, shares
from unravel.blame import at_source
from unravel.diagnostics import Place, diagnose
from unravel.formatting import (
    FormatterError,
    format_batch,
    formatter_failure,
    readable,
    undefined_names,
)
from unravel.installed import Package, owner
from unravel.naming import model_name
from unravel.outcomes import Finished, FinishedFile, Outcome, State
from unravel.outline import place
from unravel.parents import candidates
from unravel.parsing import parse
from unravel.pipeline import Pipeline
from unravel.printing import banner
from unravel.reading import Loader, Source
from unravel.recall import Recall
from unravel.routing import KINDS, target
from unravel.selection import Selection, failed, relative
from unravel.types import (
    Converted,
    Diagnostic,
    Failed,
    GeneratedFile,
    Refused,
    Severity,
)
from unravel.workers import Read, Workers, count_jobs, read_one, without_collector
from unravel.writing import (
    BOM,
    Write,
    WriteError,
    banner_of,
    body_digest,
    is_edited,
    is_generated,
    text_of,
    write_models,
)

_MANY = 1_000_000
"""Bytes of code that take several times as long to parse as the formatter takes to start."""


class Course:
    """One run over the selected modular files and those that they are built on."""

    def __init__(
        self,
        selection: Selection,
        scratch: Path,
        state: Path | None,
        force: bool,
        recall: Recall | None,
        on_progress: Callable[[int, int], None],
    ) -> None:
        self.selection = selection
        self.root = selection.project.root
        self.settings = selection.project.settings
        self.state = state
        self.force = force
        self.on_progress = on_progress
        self.scratch = scratch
        self.staging = scratch / "staging"
        self.recall = recall
        self.unchanged = recall.unchanged if recall else {}
        self.loader = Loader(
            str(self.root),
            str(self.staging),
            self.settings,
            selection.owners,
            frozenset(path for each in self.unchanged.values() for path in each.files),
        )
        self.selected = frozenset(selection.selected)
        self.parents: dict[str, tuple[str, ...]] = {}
        self.extended: set[str] = set()
        self.reads: dict[str, frozenset[str]] = {}
        """What has to be read to convert each: modules by hand, and modular files in place of what
        they generate."""
        self.outcomes: dict[str, Outcome] = dict(self.unchanged)
        self.bodies: dict[str, Mapping[str, str]] = {}
        self.foreign: dict[str, tuple[str, ...]] = dict(recall.foreign) if recall else {}
        """The modules of installed packages whose code is in a generated file."""
        self.packages: dict[str, Package] = {}
        """The package of each of these modules."""

    def run(self, jobs: int | None) -> tuple[Outcome, ...]:
        """The outcomes of the selected models, and of others that failed and so made them fail."""
        with without_collector():
            return self._run(jobs)

    def _run(self, jobs: int | None) -> tuple[Outcome, ...]:
        self._refuse_shared_targets()
        wanted = count_jobs(self.settings.jobs if jobs is None else jobs)
        count = min(wanted, max(1, len(self.selected - self.unchanged.keys())))
        self._read_graph()
        self.extended = {parent for parents in self.parents.values() for parent in parents}
        graph = dict(self.parents)
        for cycle in cut_cycles(graph):
            self._fail_cycle(cycle)
        sizes = self._sizes()
        self.loader.valid = self._valid(sizes)
        homes = shares(graph, self.reads, sizes, count)
        with Workers(self.loader, count=count) as workers:
            self._convert_all(Agenda(graph, sizes, homes), workers)
        shown = sorted(
            source
            for source, outcome in self.outcomes.items()
            if source in self.selected or isinstance(outcome, Failed)
        )
        return tuple(self.outcomes[source] for source in shown)

    # Before anything is converted.

    def _refuse_shared_targets(self) -> None:
        first: dict[str, str] = {}
        for source in self.selection.sources:
            path = target(self.settings, source, KINDS[0])
            other = first.setdefault(path, source)
            if other != source:
                for one, two in ((source, other), (other, source)):
                    message = f"this and {two} would both generate {path}"
                    self.outcomes[one] = failed("UNR406", one, message, "rename one of them")

    def _read_graph(self) -> None:
        """Read the selected modular files and their ancestors, and find who is whose parent."""
        unread = self.selection.selected
        while unread:
            for source in unread:
                if self.recall and source in self.unchanged:
                    self.parents[source] = self.recall.parents(source)
                else:
                    self.parents[source] = self._read(read_one(source, self.loader))
            known = {parent for source in unread for parent in self.parents[source]}
            unread = tuple(sorted(known - self.parents.keys()))

    def _read(self, outcome: Read | Failed) -> tuple[str, ...]:
        """The modular files that generate the parents of the one that was read."""
        if isinstance(outcome, Failed):
            self.outcomes[outcome.source] = outcome
            return ()
        owners = self.selection.owners
        self.reads[outcome.source] = frozenset(owners.get(path, path) for path in outcome.parents)
        return tuple(sorted({owners[path] for path in outcome.parents if path in owners}))

    def _sizes(self) -> dict[str, int]:
        """The bytes of all that is read, a modular file in place of what it generates."""
        read = {path for paths in self.reads.values() for path in paths}
        return {path: self.loader.size(path) for path in read.union(self.parents)}

    def _valid(self, sizes: Mapping[str, int]) -> Collection[str]:
        """The modules that need not be parsed whole to be known as valid Python.

        Of a modular file, the formatter will see what is printed, and the rest is parsed.
        """
        # By our own rules, everything is looked at.
        if not self.settings.corpus_rules or sum(sizes.values()) < _MANY:
            return ()
        by_hand = sizes.keys() - self.parents.keys()
        try:
            found = readable(by_hand, root=self.root, settings=self.settings, scratch=self.scratch)
        except (FormatterError, OSError):
            return ()  # which will be found out again, and said
        return found.union(self.parents)

    def _fail_cycle(self, cycle: Sequence[str]) -> None:
        chain = " extends ".join(model_name(each) for each in cycle)
        hint = "let one of them extend a model that is written by hand"
        for source, parent in pairwise(cycle):
            where = self._import_of(parent, source)
            found = diagnose("UNR103", where, f"the parents form a cycle: {chain}", hint=hint)
            self.outcomes[source] = Failed(source, (found,))

    def _import_of(self, parent: str, source: str) -> Place:
        """Where `source` imports what `parent` generates."""
        try:
            modular = self.loader.load(source)
        except Refused:  # it was changed meanwhile
            modular = None
        if modular is not None:
            for statement in modular.imports:
                paths = candidates(statement, modular, self.settings)
                if any(self.selection.owners.get(path) == parent for path in paths):
                    return place(modular, statement.node)
        return Place(source, 0, 0)

    # What is converted.

    def _convert_all(self, agenda: Agenda, workers: Workers) -> None:
        pipeline: Pipeline[Outcome] = Pipeline(agenda, workers, self._known, self._finish_batch)
        for outcome in pipeline.run():
            self.outcomes[outcome.source] = outcome
            self.on_progress(len(self.outcomes), len(self.parents))

    def _known(self, source: str) -> Outcome | Converted | None:
        """What takes no conversion: an outcome, the failure of a parent, or an earlier result."""
        if source in self.outcomes:
            return self.outcomes[source]
        for parent in self.parents[source]:
            if isinstance(self.outcomes.get(parent), Failed):
                message = f"the parent {parent} could not be converted"
                # No excerpt: one broken parent may bring hundreds of these.
                where = self._import_of(parent, source)._replace(excerpt="")
                return Failed(source, (diagnose("UNR104", where, message),))
        recalled = self.recall.result(source, self.parents[source]) if self.recall else None
        if recalled is None:
            return None
        self.bodies[source] = recalled.bodies
        return recalled.converted

    def _finish_batch(self, batch: Sequence[Converted]) -> list[Outcome]:
        """Format, prove, compare and write what was converted, in a thread of its own."""
        lost = [failure for each in batch if (failure := self._lost(each.source))]
        gone = {failure.source for failure in lost}
        batch = [each for each in batch if each.source not in gone]
        texts = {
            file.path: self.loader.form(each.source).with_line_ends(file.text)
            for each in batch
            if each.source not in self.bodies
            for file in each.files
        }
        is_proven = not self.settings.corpus_rules
        formatted = format_batch(
            texts,
            root=self.root,
            settings=self.settings,
            scratch=self.scratch,
            settled=is_proven,
        )
        if is_proven:
            # The corpus has such names; there, what is printed is what transformers ships.
            formatted.update(self._undefined_names(formatted))
        for each in batch:
            self.foreign.update((file.path, self._foreign(file)) for file in each.files)
            formatted.update(self.bodies.get(each.source) or self._keep(each, formatted))
        outcomes = [self._finish(each, formatted) for each in batch]
        for outcome in outcomes:
            if isinstance(outcome, Finished) and self.recall:
                self.recall.finish(outcome, self.foreign)
            if isinstance(outcome, Finished) and outcome.source in self.extended:
                self._stage(outcome)
        return [*lost, *self._write(outcomes)]

    def _keep(
        self, converted: Converted, formatted: Mapping[str, str | Diagnostic]
    ) -> Mapping[str, str]:
        """The formatted files of a model, which later runs can recall if nothing is wrong."""
        texts = {file.path: formatted[file.path] for file in converted.files}
        bodies = {path: text for path, text in texts.items() if isinstance(text, str)}
        if self.recall and bodies and len(bodies) == len(texts):
            form = self.loader.form(converted.source)
            foreign = {module for path in bodies for module in self.foreign[path]}
            parents = self.parents[converted.source]
            self.recall.keep(converted, form.digest, bodies, parents, foreign)
        return bodies

    def _lost(self, source: str) -> Failed | None:
        """The failure of a modular file that somebody took away while it was converted."""
        try:
            self.loader.form(source)
        except FileNotFoundError:
            return failed("UNR001", source, "the file went away while it was converted")
        except Refused as refused:
            return Failed(source, (refused.diagnostic,))
        return None

    def _undefined_names(
        self, formatted: Mapping[str, str | Diagnostic]
    ) -> Mapping[str, Diagnostic]:
        texts = {path: text for path, text in formatted.items() if isinstance(text, str)}
        try:
            return undefined_names(
                texts, root=self.root, settings=self.settings, scratch=self.scratch
            )
        except (FormatterError, OSError) as error:
            return dict.fromkeys(texts, formatter_failure(error))

    def _stage(self, finished: Finished) -> None:
        """Put the files where `Loader` looks for the parents that this run generates."""
        for file in finished.files:
            place = self.staging / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.content)

    # One model.

    def _finish(
        self, converted: Converted, formatted: Mapping[str, str | Diagnostic]
    ) -> Finished | Failed:
        source = converted.source
        wrong, files = [], []
        for file in sorted(converted.files, key=lambda file: file.path):
            finished = self._finish_file(source, file, formatted[file.path])
            if isinstance(finished, Diagnostic):
                wrong.append(finished)
            else:
                files.append(finished)
        if wrong:
            located = dict.fromkeys(self._at_source(each, converted) for each in wrong)
            return Failed(source, (*located, *converted.warnings))
        warnings = (*converted.warnings, *self._left_over(source, {file.path for file in files}))
        packages = [each for file in files for each in self._packages(file.path)]
        metadata = {each.metadata for each in packages} - {""}
        inputs = tuple(sorted(metadata.union(converted.inputs)))
        return Finished(source, model_name(source), tuple(files), inputs, warnings)

    def _at_source(self, found: Diagnostic, converted: Converted) -> Diagnostic:
        paths = converted.source, *converted.inputs
        try:
            loaded = [module for module in map(self.loader.load, paths) if module is not None]
            if found.code == "UNR402":
                for module in loaded:
                    parse(module.path, "".join(module.lines))
        except Refused as refused:
            return refused.diagnostic
        return at_source(found, loaded)

    def _finish_file(
        self, source: str, file: GeneratedFile, body: str | Diagnostic
    ) -> FinishedFile | Diagnostic:
        if isinstance(body, Diagnostic):
            return body
        before = self._existing(file.path)
        if isinstance(before, Diagnostic):
            return before
        old = "" if before is None else text_of(before)
        is_ours = is_generated(old, source=source, line=self.settings.banner_line)
        if before is not None and not is_ours and not self.force:
            hint = "move it away, or overwrite it with `--force`"
            message = "the file exists and was not generated by unravel"
            return diagnose("UNR403", Place(file.path, 0, 0), message, hint=hint)
        head = self._banner(source, file, old if is_ours else "", body)
        content = _join(head, body, self.loader.form(source))
        edited = is_ours and is_edited(old, line=self.settings.banner_line)
        return FinishedFile(file.path, file.kind, content, before, file.pieces, edited)

    def _existing(self, path: str) -> bytes | Diagnostic | None:
        place = Place(path, 0, 0)
        if path.startswith("../") or os.path.isabs(path):
            return diagnose("UNR404", place, "the target lies outside of the root")
        try:
            with open(self.root / path, "rb") as stream:
                return stream.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"the file that is to be replaced cannot be read: {error.strerror}"
            return diagnose("UNR404", place, message)

    def _foreign(self, file: GeneratedFile) -> tuple[str, ...]:
        """The installed modules whose code `file` contains, also by way of another model."""
        found = {path for path in file.parents if os.path.isabs(path)}
        for path in file.parents:
            found.update(self.foreign.get(path, ()))
        return tuple(sorted(found))

    def _packages(self, path: str) -> list[Package]:
        """The installed packages whose code the generated file contains."""
        for module in self.foreign[path]:
            if module not in self.packages:
                self.packages[module] = owner(module, self.settings.installed)
        found = {self.packages[module] for module in self.foreign[path]}
        return sorted(found, key=lambda package: package.name)

    def _banner(self, source: str, file: GeneratedFile, old: str, body: str) -> str:
        """What stands above `body`; `old` is the text of the file to be replaced."""
        if self.settings.keep_banner:
            kept = banner_of(old, line=self.settings.banner_line)
            if kept:
                rest = old[len(kept) :]
                return kept + "\n" * (len(rest) - len(rest.lstrip("\n")))
        # As many empty lines as the formatter would want below a comment.
        space = "\n\n" if re.match(r"@|(class|def|async def)\b", body) else "\n"
        packages, digest = self._packages(file.path), body_digest(body.replace("\r\n", "\n"))
        head = banner(self.settings, source, model_name(source), file.kind, packages, digest)
        return head + space

    def _left_over(self, source: str, generated: set[str]) -> Iterator[Diagnostic]:
        """Files of kinds that the modular file used to define."""
        for kind in KINDS:
            path = target(self.settings, source, kind)
            if path in generated or not os.path.isfile(self.root / path):
                continue
            old = self._existing(path)
            text = text_of(old) if isinstance(old, bytes) else ""
            if is_generated(text, source=source, line=self.settings.banner_line):
                message = f"{source} defines nothing for this generated file any more"
                place = Place(path, 0, 0)
                warning = Severity.WARNING
                yield diagnose("UNR407", place, message, hint="delete it", severity=warning)

    def _write(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """`outcomes`, once all that changes is written; what cannot be written has failed."""
        if self.state is None:
            return list(outcomes)
        changed: dict[str, list[Write]] = {}
        for outcome in outcomes:
            if isinstance(outcome, Finished) and outcome.source in self.selected:
                writes = [self._to_write(f) for f in outcome.files if f.state is not _SAME]
                changed.update({outcome.source: writes} if writes else {})
        errors = write_models(list(changed.values()), state=self.state) if changed else []
        unwritten = {
            source: self._unwritten(source, error)
            for source, error in zip(changed, errors, strict=True)
            if error is not None
        }
        return [unwritten.get(outcome.source, outcome) for outcome in outcomes]

    def _unwritten(self, source: str, error: WriteError) -> Failed:
        at = Place(relative(error.file, self.root), 0, 0)
        message = f"the file cannot be written: {error.reason}"
        return Failed(source, (diagnose("UNR404", at, message),))

    def _to_write(self, file: FinishedFile) -> Write:
        return Write(str(self.root / file.path), file.content, file.before)


_SAME = State.UNCHANGED


def _join(head: str, body: str, form: Source) -> bytes:
    """Banner and body, with the line ends that the formatter chose and the modular file's BOM."""
    if "\r\n" in body:
        head = head.replace("\n", "\r\n")
    return ((BOM if form.bom else "") + head + body).encode("utf-8", "surrogatepass")
