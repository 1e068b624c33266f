"""Earlier versions of files, by git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path


class HistoryError(Exception):
    """git cannot say what was asked; the message says why."""


def changed_files(root: Path, base: str) -> tuple[str, ...]:
    """Paths, relative to `root`, of the files below it that are not what they were at `base`.

    New files that git does not ignore are among them. Raises `HistoryError`.
    """
    changed = _git(root, "diff", "--name-only", "--no-renames", "--relative", "-z", base, "--", ".")
    new = _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", ".")
    names = (changed + new).decode("utf-8", "surrogateescape").split("\0")
    return tuple(sorted({name for name in names if name}))


def fork_point(root: Path, base: str) -> str:
    """The commit at which what is checked out has parted from `base`. Raises `HistoryError`."""
    return _git(root, "merge-base", base, "HEAD").decode().strip()


def last_commit(root: Path, path: str) -> str:
    """The last commit that has changed the file at `path`; empty where there is none.

    Raises `HistoryError`.
    """
    return _git(root, "log", "-1", "--format=%H", "--", path).decode().strip()


def version_of(root: Path, path: str, base: str) -> bytes | None:
    """What the file at `path` held at `base`; None where there was none. Raises `HistoryError`."""
    # `./` lets git take the path as relative to `root`, wherever in the work tree that is.
    if not _git(root, "ls-tree", "--name-only", "-z", base, "--", path):
        return None
    return _git(root, "show", f"{base}:./{path}")


def _git(root: Path, *arguments: str) -> bytes:
    return _run(["git", *arguments], root)


def _run(command: Sequence[str], folder: Path) -> bytes:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            check=False,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        )
    except FileNotFoundError as error:
        raise HistoryError("git is not installed") from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["git failed"]
        raise HistoryError(lines[0].removeprefix("fatal: ").removeprefix("error: "))
    return done.stdout
