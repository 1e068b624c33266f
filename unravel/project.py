"""The modular files of a project: order them, convert, format, compare, write."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

from unravel.diagnostics import Place, diagnose
from unravel.formatting import FormatterError, format_batch, undefined_names
from unravel.naming import model_name
from unravel.outcomes import Finished, FinishedFile, Outcome, State
from unravel.outline import place
from unravel.parents import candidates, parent_paths
from unravel.printing import banner
from unravel.reading import BOM, Loader, Source
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
from unravel.workers import Workers, count_jobs, defect, without_collector
from unravel.writing import Write, banner_of, is_generated, write_models

# -- ordering ------------------------------------------------------------------------------------


def _cut_cycles(graph: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Take each cycle out of `graph` and yield it, first member last once more."""
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            cycle = _from_smallest(error.args[1])
            for source in cycle:
                graph.pop(source, None)
            for source, parents in graph.items():
                graph[source] = tuple(each for each in parents if each not in cycle)
            yield cycle
        else:
            return


def _from_smallest(cycle: Sequence[str]) -> tuple[str, ...]:
    """graphlib gives the members from child to parent or back, starting anywhere."""
    members = list(reversed(cycle[:-1]))
    start = members.index(min(members))
    return (*members[start:], *members[:start], members[start])


def _levels(graph: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Sources whose parents are all in earlier levels."""
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        yield ready
        sorter.done(*ready)


# -- running -------------------------------------------------------------------------------------


class Course:
    """One run over the selected modular files and those that they are built on."""

    def __init__(
        self,
        selection: Selection,
        scratch: Path,
        state: Path | None,
        force: bool,
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
        self.loader = Loader(str(self.root), str(self.staging), self.settings, selection.owners)
        self.parents: dict[str, tuple[str, ...]] = {}
        self.extended: set[str] = set()
        self.weights: dict[str, int] = {}
        self.outcomes: dict[str, Outcome] = {}

    def run(self, jobs: int | None) -> tuple[Outcome, ...]:
        """The outcomes of the selected models, and of others that failed and so made them fail."""
        with without_collector():
            return self._run(jobs)

    def _run(self, jobs: int | None) -> tuple[Outcome, ...]:
        self._refuse_shared_targets()
        self._read_graph()
        self.extended = {parent for parents in self.parents.values() for parent in parents}
        graph = dict(self.parents)
        for cycle in _cut_cycles(graph):
            self._fail_cycle(cycle)
        wanted = count_jobs(self.settings.jobs if jobs is None else jobs)
        with Workers(self.loader, jobs=min(wanted, len(graph))) as workers:
            for level in _levels(graph):
                self._run_level(level, workers)
        selected = set(self.selection.selected)
        shown = sorted(
            source
            for source, outcome in self.outcomes.items()
            if source in selected or isinstance(outcome, Failed)
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
        """Outline the selected modular files and their ancestors, and find who is whose parent."""
        waiting = list(reversed(self.selection.selected))
        while waiting:
            source = waiting.pop()
            if source not in self.parents:
                self.parents[source] = self._read_parents(source)
                waiting.extend(self.parents[source])

    def _read_parents(self, source: str) -> tuple[str, ...]:
        try:
            modular = self.loader.load(source)
            if modular is None:
                self.outcomes[source] = failed("UNR001", source, "there is no such file")
                return ()
            paths = parent_paths(modular, self.settings, self.loader.exists)
        except Refused as refused:
            self.outcomes[source] = Failed(source, (refused.diagnostic,))
            return ()
        except Exception as error:
            self.outcomes[source] = defect(source, error)
            return ()
        self.weights[source] = sum(self._size(path) for path in (source, *paths))
        owners = self.selection.owners
        return tuple(sorted({owners[path] for path in paths if path in owners}))

    def _size(self, path: str) -> int:
        try:
            return os.stat(self.root / path).st_size
        except OSError:
            return 0

    def _fail_cycle(self, cycle: Sequence[str]) -> None:
        chain = " extends ".join(model_name(each) for each in cycle)
        hint = "let one of them extend a model that is written by hand"
        for source, parent in pairwise(cycle):
            where = self._import_of(parent, source)
            found = diagnose("UNR103", where, f"the parents form a cycle: {chain}", hint=hint)
            self.outcomes[source] = Failed(source, (found,))

    def _import_of(self, parent: str, source: str) -> Place:
        """Where `source` imports what `parent` generates."""
        modular = self.loader.load(source)
        if modular is not None:
            for statement in modular.imports:
                paths = candidates(statement, modular, self.settings)
                if any(self.selection.owners.get(path) == parent for path in paths):
                    return place(modular, statement.node)
        return Place(source, 0, 0)

    # Level by level.

    def _run_level(self, level: Sequence[str], workers: Workers) -> None:
        for source in level:
            self._fail_with_parent(source)
        ready = [source for source in level if source not in self.outcomes]
        ready.sort(key=lambda source: (-self.weights[source], source))
        converted = {}
        for outcome in workers.convert(ready):
            if isinstance(outcome, Failed):
                self.outcomes[outcome.source] = outcome
            else:
                converted[outcome.source] = outcome
            self.on_progress(len(self.outcomes) + len(converted), len(self.parents))
        self._finish_level([converted[source] for source in sorted(converted)])

    def _fail_with_parent(self, source: str) -> None:
        if source in self.outcomes:
            return
        for parent in self.parents[source]:
            if isinstance(self.outcomes.get(parent), Failed):
                message = f"the parent {parent} could not be converted"
                # No excerpt: one broken parent may bring hundreds of these.
                where = self._import_of(parent, source)._replace(excerpt="")
                found = diagnose("UNR104", where, message)
                self.outcomes[source] = Failed(source, (found,))
                return

    def _finish_level(self, level: Sequence[Converted]) -> None:
        texts = {
            file.path: self.loader.forms[each.source].with_line_ends(file.text)
            for each in level
            for file in each.files
        }
        formatted = format_batch(
            texts, root=self.root, settings=self.settings, scratch=self.scratch
        )
        if not self.settings.corpus_rules:
            # The corpus has such names; there, what is printed is what transformers ships.
            formatted.update(self._undefined_names(formatted))
        for each in level:
            self.outcomes[each.source] = outcome = self._finish(each, formatted)
            if isinstance(outcome, Finished) and each.source in self.extended:
                self._stage(outcome)
        self._write([each.source for each in level])

    def _undefined_names(
        self, formatted: Mapping[str, str | Diagnostic]
    ) -> Mapping[str, Diagnostic]:
        texts = {path: text for path, text in formatted.items() if isinstance(text, str)}
        try:
            return undefined_names(
                texts, root=self.root, settings=self.settings, scratch=self.scratch
            )
        except (FormatterError, OSError) as error:
            return {path: diagnose("UNR401", Place(path, 0, 0), str(error)) for path in texts}

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
        if not converted.files:
            hint = "define a class, or take the file away"
            return failed("UNR004", source, "this defines no class, so nothing to generate", hint)
        wrong, files = [], []
        for file in sorted(converted.files, key=lambda file: file.path):
            finished = self._finish_file(source, file, formatted[file.path])
            if isinstance(finished, Diagnostic):
                wrong.append(finished)
            else:
                files.append(finished)
        if wrong:
            return Failed(source, (*wrong, *converted.warnings))
        warnings = (*converted.warnings, *self._left_over(source, {file.path for file in files}))
        return Finished(source, model_name(source), tuple(files), converted.inputs, warnings)

    def _finish_file(
        self, source: str, file: GeneratedFile, body: str | Diagnostic
    ) -> FinishedFile | Diagnostic:
        if isinstance(body, Diagnostic):
            return body
        before = self._existing(file.path)
        if isinstance(before, Diagnostic):
            return before
        old = "" if before is None else _text(before)
        is_ours = is_generated(old, source=source, line=self.settings.banner_line)
        if before is not None and not is_ours and not self.force:
            hint = "move it away, or overwrite it with `--force`"
            message = "the file exists and was not generated by unravel"
            return diagnose("UNR403", Place(file.path, 0, 0), message, hint=hint)
        try:
            head = self._banner(source, file.kind, old if is_ours else "", body)
        except Refused as refused:
            return refused.diagnostic
        content = _join(head, body, self.loader.forms[source])
        return FinishedFile(file.path, file.kind, content, before, file.pieces)

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

    def _banner(self, source: str, kind: str, old: str, body: str) -> str:
        """What stands above `body`; `old` is the text of the file to be replaced."""
        if self.settings.keep_banner:
            kept = banner_of(old, line=self.settings.banner_line)
            if kept:
                rest = old[len(kept) :]
                return kept + "\n" * (len(rest) - len(rest.lstrip("\n")))
        # As many empty lines as the formatter would want below a comment.
        space = "\n\n" if re.match(r"@|(class|def|async def)\b", body) else "\n"
        return banner(self.settings, source, model_name(source), kind) + space

    def _left_over(self, source: str, generated: set[str]) -> Iterator[Diagnostic]:
        """Files of kinds that the modular file used to define."""
        for kind in KINDS:
            path = target(self.settings, source, kind)
            if path in generated or not os.path.isfile(self.root / path):
                continue
            old = self._existing(path)
            text = _text(old) if isinstance(old, bytes) else ""
            if is_generated(text, source=source, line=self.settings.banner_line):
                message = f"{source} defines nothing for this generated file any more"
                place = Place(path, 0, 0)
                warning = Severity.WARNING
                yield diagnose("UNR407", place, message, hint="delete it", severity=warning)

    def _write(self, sources: Iterable[str]) -> None:
        if self.state is None:
            return
        changed: dict[str, list[Write]] = {}
        for source in sorted(set(sources).intersection(self.selection.selected)):
            outcome = self.outcomes[source]
            if isinstance(outcome, Finished):
                writes = [self._to_write(f) for f in outcome.files if f.state is not _SAME]
                changed.update({source: writes} if writes else {})
        if not changed:
            return
        errors = write_models(list(changed.values()), state=self.state)
        for source, error in zip(changed, errors, strict=True):
            if error is not None:
                path = relative(error.file, self.root)
                message = f"the file cannot be written: {error.reason}"
                self.outcomes[source] = failed("UNR404", path, message)

    def _to_write(self, file: FinishedFile) -> Write:
        return Write(str(self.root / file.path), file.content, file.before)


_SAME = State.UNCHANGED


def _text(content: bytes) -> str:
    """`content` for looking at its comments only."""
    text = content.decode("utf-8", "replace").removeprefix(BOM)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _join(head: str, body: str, form: Source) -> bytes:
    """Banner and body, with the line ends that the formatter chose and the modular file's BOM."""
    if "\r\n" in body:
        head = head.replace("\n", "\r\n")
    return ((BOM if form.bom else "") + head + body).encode("utf-8", "surrogatepass")
