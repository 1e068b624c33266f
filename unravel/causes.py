"""Why a generated file is not what it was: what has changed in the modular file and its parents."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from unravel.comparing import How, compare
from unravel.history import HistoryError, last_commit, version_of
from unravel.outcomes import Finished, FinishedFile
from unravel.types import Origin


@dataclass(frozen=True, slots=True)
class Cause:
    """A change in the file at `path` (relative to the root), which begins at `line`.

    `definitions` names what has changed in it: `Class.method`, functions, module-level names.
    """

    path: str
    line: int
    definitions: tuple[str, ...]


def find_causes(root: str | Path, outcome: Finished, file: FinishedFile) -> tuple[Cause, ...]:
    """What `file`, one of those of `outcome`, does not have yet.

    By git: the inputs that have changed since the generated file was last committed. Where git
    cannot tell, what has changed in the generated file is followed to where it was read.
    """
    folder = Path(root)
    return tuple(_by_history(folder, outcome, file)) or tuple(_by_origin(folder, file))


def _by_history(root: Path, outcome: Finished, file: FinishedFile) -> Iterator[Cause]:
    inputs = dict.fromkeys([outcome.source, *outcome.inputs])
    try:
        commit = last_commit(root, file.path)
        for path in inputs if commit else ():
            if path != file.path and not Path(path).is_absolute():
                before, after = version_of(root, path, commit), _content(root / path)
                if after is not None and before != after:
                    yield _cause(path, before or b"", after)
    except HistoryError:
        return


def _cause(path: str, before: bytes, after: bytes) -> Cause:
    old, new = before.decode("utf-8", "replace"), after.decode("utf-8", "replace")
    try:
        change = compare(old, new)
    except (SyntaxError, ValueError):
        return Cause(path, 0, ())
    if change.how is How.CODE:
        return Cause(path, line_of(new, change.definitions), change.definitions)
    return Cause(path, _first_difference(old, new), ())


def _by_origin(root: Path, file: FinishedFile) -> Iterator[Cause]:
    try:
        change = compare((file.before or b"").decode(), file.content.decode())
    except (SyntaxError, ValueError):
        return
    found: dict[str, list[str]] = {}
    texts: dict[str, str] = {}
    for name in change.definitions:
        top, dot, rest = name.partition(".")
        origin = _origin(file, top)
        if origin is not None:
            content = _content(root / origin.path)
            text = "" if content is None else content.decode("utf-8", "replace")
            texts[origin.path] = text
            there = _defined_from(text, origin.line) or top
            found.setdefault(origin.path, []).append(f"{there}{dot}{rest}")
    for path, names in found.items():
        yield Cause(path, line_of(texts[path], names), tuple(names))


def _origin(file: FinishedFile, name: str) -> Origin | None:
    """Where the definition `name` of the generated file was read."""
    for piece in file.pieces:
        try:
            body = ast.parse(piece.text).body
        except SyntaxError:
            continue
        if name in map(_name, body):
            return piece.origin
    return None


def _defined_from(text: str, line: int) -> str:
    """The name of the first definition in `text` that does not end above `line`."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return ""
    return next((_name(node) for node in body if (node.end_lineno or 0) >= line), "")


def line_of(text: str, names: Sequence[str]) -> int:
    """Where the first of the definitions `names` that `text` has begins; 0 where it has none.

    A method that its class does not have is looked for as the class.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return 0
    lines: dict[str, int] = {}
    for node in tree.body:
        lines.setdefault(_name(node), node.lineno)
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                lines.setdefault(f"{node.name}.{_name(inner)}", inner.lineno)
    for name in names:
        line = lines.get(name) or lines.get(name.partition(".")[0])
        if line:
            return line
    return 0


def _name(node: ast.stmt) -> str:
    if isinstance(node, ast.Assign):
        return ", ".join(map(ast.unparse, node.targets))
    if isinstance(node, ast.AnnAssign):
        return ast.unparse(node.target)
    return str(getattr(node, "name", ""))


def _first_difference(old: str, new: str) -> int:
    pairs = zip(old.split("\n"), [*new.split("\n"), None], strict=False)
    return next((n for n, (one, other) in enumerate(pairs, 1) if one != other), 1)


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
