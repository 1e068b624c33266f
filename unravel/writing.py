"""Generated files reach the disk: all files of a model or none, and never over a hand-written one.

Several renames are not one atomic step. So what is about to be renamed is first noted in a
journal, outside of the user's tree; the next run finishes or undoes what a killed one left.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
_MARK = ".unravel-"
_LEADING = re.compile(r"(?:[ \t]*(?:#.*)?\n)*")


def banner_of(text: str, *, line: str) -> str:
    """The banner of a generated file: its first lines, as far as they match `line`."""
    start = 0
    matches = re.compile(line).match
    while start < len(text):
        end = (text + "\n").index("\n", start)
        if not matches(text, start, end):
            break
        start = end + 1
    return (text + "\n")[:start]


def text_of(content: bytes) -> str:
    """`content` for looking at its comments only."""
    text = content.decode("utf-8", "replace").removeprefix(BOM)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_generated(text: str, *, source: str, line: str) -> bool:
    """Do the leading comments of `text` hold a banner that names the modular file `source`?"""
    found = _LEADING.match(text + "\n")
    leading = found.group().split("\n") if found else []
    matches = re.compile(line).match
    names = re.compile(rf"(?<!\w){re.escape(source.rpartition('/')[2])}(?!\w)").search
    # A hook may have put a licence on top, so the banner need not be the very first line.
    return any(matches(each) for each in leading) and any(names(each) for each in leading)


def body_digest(body: str) -> str:
    """The digest that a banner carries of all that stands below it."""
    return hashlib.sha256(body.strip("\n").encode("utf-8", "surrogatepass")).hexdigest()[:16]


_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])")


def is_edited(text: str, *, line: str) -> bool:
    """Is what follows the banner in `text` not what its digest tells? Without digest, no."""
    for end, comment in _banner_lines(text, line):
        digest = _DIGEST.search(comment)
        if digest is not None:
            return body_digest(text[end:]) != digest.group()
    return False


def _banner_lines(text: str, line: str) -> Iterator[tuple[int, str]]:
    """Each line of the banner among the leading comments of `text`, and where it ends."""
    leading = _LEADING.match(text)
    matches = re.compile(line).match
    end = 0
    for each in leading.group().splitlines(keepends=True) if leading else ():
        end += len(each)
        if matches(each):
            yield end, each


def source_of(file: str, *, line: str) -> str:
    """The modular file that the banner of `file` names; empty where it has none."""
    try:
        with open(file, "rb", buffering=0) as stream:
            return source_in(stream.read(LONGEST_BANNER), line=line)
    except OSError:
        return ""


def source_in(head: bytes, *, line: str) -> str:
    """The same for the first bytes of a file."""
    # A check of a large project looks into hundreds of files that are written by hand.
    if b"modular_" not in head:
        return ""
    found = (_SOURCE.search(comment) for _, comment in _banner_lines(text_of(head), line))
    return next((each.group() for each in found if each), "")


_SOURCE = re.compile(r"[\w./-]*\bmodular_\w+\.py")
LONGEST_BANNER = 4096
"""How many bytes from the start of a file a banner is looked for."""


@dataclass(frozen=True, slots=True)
class Write:
    """New content for a file, and the content (None: no such file) that it is to replace."""

    file: str
    content: bytes
    before: bytes | None


class WriteError(Exception):
    """A file cannot be written. Nothing of its model was."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(file, reason)
        self.file = file
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Step:
    """A line of the journal: `temporary` is to become `target`. Contents go by their digests."""

    temporary: str
    target: str
    new: str
    old: str


# -- the folder outside of the user's tree -------------------------------------------------------


def state_folder(root: Path) -> Path:
    """Where lock and journal of the project at `root` lie. Raises `OSError`."""
    from platformdirs import user_cache_path

    key = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:24]
    try:
        folder = user_cache_path("unravel", appauthor=False) / "projects" / key
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return _temporary_folder(key)


def _temporary_folder(key: str) -> Path:
    user = os.getuid() if sys.platform != "win32" else 0
    ours = Path(tempfile.gettempdir(), f"unravel-{user}")
    ours.mkdir(mode=0o700, exist_ok=True)
    # Everybody may write there, and a journal tells which files to remove.
    if ours.is_symlink() or ours.stat().st_uid != user:
        raise PermissionError(errno.EACCES, f"{ours} belongs to somebody else")
    folder = ours / key
    folder.mkdir(exist_ok=True)
    return folder


# -- the lock ------------------------------------------------------------------------------------

_threads = threading.Lock()


@contextlib.contextmanager
def locked(state: Path, *, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the project's lock; `on_wait` is called if another run has it. Raises `OSError`."""
    # The lock of a file does not keep out another thread of this process.
    if not _threads.acquire(blocking=False):
        on_wait()
        _threads.acquire()
    try:
        with open(state / "lock", "a+b") as stream:
            if not _try_lock(stream.fileno()):
                on_wait()
                _wait_for_lock(stream.fileno())
            # Closing the file frees the lock, and so does the end of the process.
            yield
    finally:
        _threads.release()


if sys.platform == "win32":
    import msvcrt
    import time

    def _try_lock(descriptor: int) -> bool:
        try:
            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _wait_for_lock(descriptor: int) -> None:
        while not _try_lock(descriptor):
            time.sleep(0.1)
else:
    import fcntl

    # `lockf`, not `flock`: worker processes must not inherit the lock and outlive us with it.
    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                return False
            raise
        return True

    def _wait_for_lock(descriptor: int) -> None:
        fcntl.lockf(descriptor, fcntl.LOCK_EX)


# -- writing -------------------------------------------------------------------------------------


def write_models(models: Sequence[Sequence[Write]], *, state: Path) -> list[WriteError | None]:
    """Write the files of each model, all or none; what went wrong with it, in the same order.

    The caller holds the lock. One model's failure does not touch the others.
    """
    # Files of a model mostly share a folder, and each part of its path takes a look at the disk.
    real = cache(os.path.realpath)
    steps = [[_step(write, real) for write in model] for model in models]
    try:
        return _write_steps(models, steps, state / "journal")
    except BaseException:
        # Ctrl-C, most likely. Leave as little behind as the next run would.
        recover(state)
        raise


def _write_steps(
    models: Sequence[Sequence[Write]], steps: Sequence[Sequence[_Step]], journal: Path
) -> list[WriteError | None]:
    try:
        _write_journal(journal, steps)
    except OSError as error:
        return [WriteError(str(journal), _reason(error)) for _ in models]
    outcomes = [_prepare(*each) for each in zip(models, steps, strict=True)]
    for number, outcome in enumerate(outcomes):
        if outcome is None:
            outcomes[number] = _replace(models[number], steps[number])
    _sync_folders(os.path.dirname(step.target) for model in steps for step in model)
    journal.unlink(missing_ok=True)
    return outcomes


def _step(write: Write, real: Callable[[str], str] = os.path.realpath) -> _Step:
    # Through a symbolic link the file is written, not the link replaced.
    target = os.path.join(real(os.path.dirname(write.file)), os.path.basename(write.file))
    if os.path.islink(target):
        target = os.path.realpath(target)
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name}{_MARK}{os.getpid()}")
    return _Step(temporary, target, _digest(write.content), _digest(write.before))


def _digest(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _write_journal(journal: Path, steps: Sequence[Sequence[_Step]]) -> None:
    text = json.dumps([[asdict(step) for step in model] for model in steps])
    draft = journal.with_suffix(".new")
    with open(draft, "wb") as stream:
        stream.write(text.encode("ascii"))
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(draft, journal)


def _prepare(model: Sequence[Write], steps: Sequence[_Step]) -> WriteError | None:
    """Write every new content beside its target, or nothing."""
    for write, step in zip(model, steps, strict=True):
        try:
            _write_temporary(write.content, step)
        except OSError as error:
            _remove(each.temporary for each in steps)
            return WriteError(write.file, _reason(error))
    return None


def _write_temporary(content: bytes, step: _Step) -> None:
    os.makedirs(os.path.dirname(step.target), exist_ok=True)
    mode = 0o666
    with contextlib.suppress(FileNotFoundError):
        found = os.stat(step.target)
        mode = found.st_mode & 0o7777
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # Renaming would replace a read-only file too, but somebody has locked it on purpose.
        if not os.access(step.target, os.W_OK):
            raise PermissionError(errno.EACCES, "the file is read-only")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(step.temporary)
    descriptor = os.open(step.temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    with open(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        if mode != 0o666:
            os.chmod(step.temporary, mode)
        os.fsync(descriptor)


_BINARY: int = getattr(os, "O_BINARY", 0)


def _replace(model: Sequence[Write], steps: Sequence[_Step]) -> WriteError | None:
    """Rename every temporary file to its target; on an error, put back what was renamed."""
    for number, step in enumerate(steps):
        try:
            os.replace(step.temporary, step.target)
        except OSError as error:
            _put_back(model[:number])
            _remove(each.temporary for each in steps[number:])
            return WriteError(model[number].file, _reason(error))
    return None


def _put_back(model: Sequence[Write]) -> None:
    for write in model:
        with contextlib.suppress(OSError):
            if write.before is None:
                os.unlink(write.file)
            else:
                back = _step(Write(write.file, write.before, write.content))
                _write_temporary(write.before, back)
                os.replace(back.temporary, back.target)


def _remove(files: Iterable[str]) -> None:
    for file in files:
        with contextlib.suppress(OSError):
            os.unlink(file)


def _sync_folders(folders: Iterable[str]) -> None:
    """Make the renames themselves durable, where the system can."""
    if sys.platform == "win32":
        return
    for folder in sorted(set(folders)):
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


# -- after a killed run --------------------------------------------------------------------------


def recover(state: Path) -> None:
    """Finish what a killed run had begun to rename, and remove what it had only prepared.

    The caller holds the lock. Raises `OSError`.
    """
    journal = state / "journal"
    for steps in _read_journal(journal):
        if all(_is_done(step) or _is_ready(step) for step in steps):
            for step in steps:
                with contextlib.suppress(FileNotFoundError):
                    os.replace(step.temporary, step.target)
        _remove(step.temporary for step in steps)
    _remove([str(journal), str(journal.with_suffix(".new"))])


def _read_journal(journal: Path) -> list[list[_Step]]:
    try:
        models = json.loads(journal.read_bytes())
        steps = [[_Step(**step) for step in model] for model in models]
        return [model for model in steps if all(_MARK in each.temporary for each in model)]
    except (OSError, ValueError, TypeError):
        # Without a readable journal no rename was begun.
        return []


def _is_done(step: _Step) -> bool:
    return _digest(_content(step.target)) == step.new and not os.path.lexists(step.temporary)


def _is_ready(step: _Step) -> bool:
    """Is the new content complete, and the target still the one that it was made for?"""
    is_complete = _digest(_content(step.temporary)) == step.new
    return is_complete and _digest(_content(step.target)) in (step.old, step.new)


def _content(file: str) -> bytes | None:
    try:
        with open(file, "rb") as stream:
            return stream.read()
    except OSError:
        return None
