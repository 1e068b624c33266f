"""Which models change with a file, and how, before anything is written.

Where the file differs from an earlier version, both versions are converted and what they generate
is compared. Where it does not, a change is made up: every function gets a statement that does
nothing, and wherever that statement turns up in what is generated, a real change would.
"""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unravel.comparing import Change, How, compare
from unravel.config import FILE
from unravel.diagnostics import nearest
from unravel.history import HistoryError, changed_files, fork_point, version_of
from unravel.lineage import Lineage, read_lineage
from unravel.naming import model_name
from unravel.orphans import find_orphans
from unravel.outcomes import Finished, Run
from unravel.project import Course
from unravel.reading import Loader, decode
from unravel.running import convert
from unravel.selection import Project, Selection, failed, relative, select
from unravel.types import Diagnostic, Failed, Refused
from unravel.workers import without_collector


@dataclass(frozen=True, slots=True)
class FileImpact:
    """What becomes of the generated file at `path`."""

    path: str
    change: Change


@dataclass(frozen=True, slots=True)
class ModelImpact:
    """What becomes of a model. `failed` says why it can no longer be converted."""

    model: str
    source: str
    files: tuple[FileImpact, ...]
    failed: tuple[Diagnostic, ...] = ()

    @property
    def how(self) -> How:
        """The gravest of what happens to its files."""
        if self.failed:
            return How.FAILS
        order = list(How)
        return max((file.change.how for file in self.files), key=order.index, default=How.NOTHING)

    @property
    def definitions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for each in self.files for name in each.change.definitions))


@dataclass(frozen=True, slots=True)
class Impact:
    """What the change of `paths` does to the models that are built on them.

    `changes` says what has changed in each of the paths since `base`. It is empty where nothing
    has: then `models` is what a change of all their functions would do.
    """

    root: str
    base: str
    paths: tuple[str, ...]
    changes: tuple[FileImpact, ...]
    models: tuple[ModelImpact, ...]
    total: int
    """How many modular files the project has."""

    @property
    def is_made_up(self) -> bool:
        return not self.changes


def find_impact(
    project: Project,
    requests: Sequence[str],
    *,
    base: str = "HEAD",
    jobs: int | None = None,
    cache: bool | str | Path = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Impact | Failed:
    """The impact of the files and models that `requests` name; none means all that have changed."""
    selection = select(project, ())
    if not selection.sources:
        return selection.unknown[0]
    lineage = lineage_of(selection)
    try:
        commit = fork_point(project.root, base)
        changed = set(changed_files(project.root, commit))
    except HistoryError as error:
        if not requests:
            return failed("UNR006", base, f"git cannot say what has changed: {error}", _BASE_HINT)
        changed, commit = set(), base
    paths: list[str] = []
    for request in requests:
        found = _paths(request, lineage, selection)
        if isinstance(found, Failed):
            return found
        paths += found
    if not requests:
        paths = [path for path in sorted(changed) if lineage.of_path(path)]
    changes = [path for path in dict.fromkeys(paths) if path in changed]
    affected = _affected(changes or paths, lineage)
    if not affected:
        own = tuple(_own_change(project, path, commit) for path in changes)
        return Impact(str(project.root), base, tuple(paths), own, (), len(selection.sources))
    with tempfile.TemporaryDirectory(prefix="unravel-impact-") as scratch:
        versions = Path(scratch) / "versions"
        if changes:
            replaced = {
                each: _lay(versions, each, version_of(project.root, each, commit))
                for each in changes
            }
        else:
            replaced = {each: _lay(versions, each, _marked(project.root / each)) for each in paths}
        plain = convert(
            root=project.root,
            models=[str(project.root / each) for each in affected],
            settings=project.settings,
            jobs=jobs,
            write=False,
            cache=cache,
            on_progress=on_progress,
        )
        other = _convert_replaced(selection, affected, replaced, Path(scratch), jobs, on_progress)
    before, after = (other, plain) if changes else (plain, other)
    models = tuple(_compared(affected, _bodies(before), _bodies(after), is_made_up=not changes))
    own = tuple(_own_change(project, path, commit) for path in changes)
    return Impact(str(project.root), base, tuple(paths), own, models, len(selection.sources))


@dataclass(frozen=True, slots=True)
class Reach:
    """The modular files that a change since `base` reaches, through any number of parents.

    `orphans` are the generated files whose modular file that change has taken away.
    """

    root: str
    base: str
    sources: tuple[str, ...]
    orphans: tuple[tuple[str, str], ...]


def find_reach(project: Project, base: str) -> Reach | Failed:
    """What has to be looked at after all that has changed since `base`."""
    folder, selection = project.root, select(project, ())
    if not selection.sources:
        return selection.unknown[0]
    try:
        changed = changed_files(folder, fork_point(folder, base))
    except HistoryError as error:
        return failed("UNR006", base, f"git cannot say what has changed: {error}")
    orphans = tuple(each for each in find_orphans(selection) if each[1] in changed)
    if FILE in changed or not changed:
        return Reach(str(folder), base, selection.sources if changed else (), orphans)
    lineage = lineage_of(selection)
    paths = [*changed, *(selection.owners[path] for path in changed if path in selection.owners)]
    known = tuple(path for path in _affected(paths, lineage) if path in selection.sources)
    return Reach(str(folder), base, tuple(str(folder / path) for path in known), orphans)


_BASE_HINT = "name a file or a model, or with `--base` a commit to compare with"


def lineage_of(selection: Selection) -> Lineage:
    """The lineage of a project as it lies on disk."""
    project = selection.project
    with without_collector(), tempfile.TemporaryDirectory(prefix="unravel-lineage-") as staging:
        loader = Loader(str(project.root), staging, project.settings, selection.owners)
        return read_lineage(selection, loader)


# -- what is meant -------------------------------------------------------------------------------


def _paths(request: str, lineage: Lineage, selection: Selection) -> list[str] | Failed:
    """The files that `request`, a model or a path, stands for."""
    named = [model for model in lineage.models.values() if model.name == request]
    if named:
        return [path for model in named for path in _modules(model.key, lineage)]
    path = relative(request, selection.project.root)
    if path in selection.owners and path not in selection.sources:
        path = selection.owners[path]  # a generated file is what its modular file makes of it
    if path in lineage.models or any(path in link.modules for link in lineage.links):
        return [path]
    if (selection.project.root / path).is_file():
        return [path]
    names = {model.name for model in lineage.models.values()}
    return failed(
        "UNR004", request, f"there is no model or file `{request}`", nearest(request, names)
    )


def _modules(key: str, lineage: Lineage) -> list[str]:
    """The modular file of a model, or those of its modules by hand that others extend."""
    if lineage.models[key].source:
        return [key]
    modules = {path for link in lineage.children.get(key, ()) for path in link.modules}
    return sorted(modules)


def _affected(paths: Iterable[str], lineage: Lineage) -> tuple[str, ...]:
    """The modular files among `paths`, and all that extend one of `paths`."""
    keys = {model.key for path in paths if (model := lineage.of_path(path))}
    reached = keys | lineage.descendants(keys)
    return tuple(sorted(key for key in reached if lineage.models[key].source))


# -- other versions ------------------------------------------------------------------------------


def _lay(folder: Path, path: str, content: bytes | None) -> str:
    """The file, under `folder`, to read instead of `path`; None is for no file."""
    file = folder / path
    if content is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return str(file)


_MARK = 750_113_000_000


def _marked(file: Path) -> bytes:
    """The content of `file` with a statement that does nothing at the start of each function."""
    text = decode(file.read_bytes(), file.name).text
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return text.encode()
    lines = text.splitlines(keepends=True)
    places = [place for node in ast.walk(tree) if (place := _place_of_mark(node, lines))]
    for number, (line, indent) in enumerate(sorted(places, reverse=True)):
        lines.insert(line - 1, f"{indent}{_MARK + number}\n")
    return "".join(lines).encode()


def _place_of_mark(node: ast.AST, lines: Sequence[str]) -> tuple[int, str] | None:
    """Before which line, and how far indented, a function takes a statement more."""
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return None
    body = node.body
    if len(body) == 1 and isinstance(body[0], ast.Raise):
        return None  # such a method takes the parent's away
    is_documented = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    if is_documented and len(body) == 1:
        return None
    first = body[1] if is_documented else body[0]
    decorators = getattr(first, "decorator_list", [])
    line = min([first.lineno, *(each.lineno for each in decorators)])
    indent = lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]
    # `def f(): return 1` and `"doc"; return 1` have no line of their own to begin with.
    return (line, indent) if len(indent.encode()) == first.col_offset else None


def _convert_replaced(
    selection: Selection,
    affected: Sequence[str],
    replaced: Mapping[str, str],
    scratch: Path,
    jobs: int | None,
    on_progress: Callable[[int, int], None],
) -> Run:
    """What the modular files would generate if other files lay in the places of some."""
    wanted = tuple(each for each in affected if Path(replaced.get(each, __file__)).is_file())
    selection = Selection(
        selection.project, selection.sources, wanted, selection.unknown, selection.owners
    )
    course = Course(selection, scratch, None, False, None, on_progress)
    course.loader.replaced = replaced
    return Run(str(selection.project.root), course.run(jobs) if wanted else ())


# -- what they generate --------------------------------------------------------------------------

Bodies = Mapping[str, "Mapping[str, str] | tuple[Diagnostic, ...]"]
"""For each modular file what it generates, or why it could not be converted."""


def _bodies(run: Run) -> Bodies:
    found: dict[str, Mapping[str, str] | tuple[Diagnostic, ...]] = {}
    for outcome in run.outcomes:
        if isinstance(outcome, Failed):
            found[outcome.source] = outcome.diagnostics
        elif isinstance(outcome, Finished):
            found[outcome.source] = {each.path: _text(each.content) for each in outcome.files}
    return found


def _text(content: bytes) -> str:
    return decode(content, "").text


def _compared(
    affected: Sequence[str], before: Bodies, after: Bodies, *, is_made_up: bool
) -> Iterator[ModelImpact]:
    for source in affected:
        old, new = before.get(source, {}), after.get(source, {})
        if isinstance(new, tuple):
            broken = isinstance(old, tuple) or is_made_up
            yield ModelImpact(model_name(source), source, (), () if broken else new)
            continue
        files = [_file(path, None, text) for path, text in new.items()]
        if not isinstance(old, tuple):
            files = [_file(path, old.get(path), new.get(path)) for path in {**old, **new}]
        yield ModelImpact(model_name(source), source, tuple(files))


def _file(path: str, before: str | None, after: str | None) -> FileImpact:
    if after is None:
        return FileImpact(path, Change(How.GONE))
    return FileImpact(path, Change(How.NEW) if before is None else compare(before, after))


def _own_change(project: Project, path: str, base: str) -> FileImpact:
    before = version_of(project.root, path, base)
    after = None
    with suppress(FileNotFoundError):
        after = (project.root / path).read_bytes()
    try:
        old, new = (None if each is None else decode(each, path).text for each in (before, after))
        return _file(path, old, new)
    except (Refused, SyntaxError, ValueError):
        return FileImpact(path, Change(How.FAILS))
