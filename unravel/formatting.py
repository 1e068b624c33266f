"""A batch of generated texts is linted and formatted, by one run of ruff each."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from unravel.diagnostics import DEFECT, Place, diagnose
from unravel.types import Diagnostic, Settings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LINE_LENGTH = 119
RULES = "I,F401"
"""Sorted imports and no unused ones: what a generated file needs, whatever the user selected."""

_MOST_COMMENT_LINES = 5000

_LIST = ".unravel-batch"
"""A file that lists the batch: a command line has no room for thousands of paths."""

_FINDINGS = ".unravel-findings"

_SETTINGS_FILES = (".ruff.toml", "ruff.toml", "pyproject.toml")

# Files that are named are formatted, even if the user excluded generated files from ruff.
_COMMON = ("--no-cache", "--no-force-exclude", f"@{_LIST}")


class FormatterError(Exception):
    """The formatter cannot be run, or it failed as a whole."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Style:
    """Where the formatter's settings come from.

    `base` is the folder that paths in them are relative to; `options` go to every command.
    Modules below the folders `sources` are first-party ones. All of this, and what ruff makes of
    it, is decided by what stands in `files` and by which of them there are.
    """

    base: Path
    is_users: bool
    options: tuple[str, ...]
    sources: tuple[str, ...]
    files: tuple[Path, ...]


def format_batch(
    files: Mapping[str, str],
    *,
    root: Path,
    settings: Settings,
    scratch: Path,
    settled: bool = False,
) -> dict[str, str | Diagnostic]:
    """Each text of `files`, formatted, or why it could not be.

    Paths are relative to `root`. `scratch` is a folder for what the formatter works on. A
    `settled` text is one that the formatter would not change again.
    """
    endless = {
        path: found for path, text in files.items() if (found := _endless_comment(path, text))
    }
    files = {path: text for path, text in files.items() if path not in endless}
    if not files:
        return {**endless}
    try:
        ruff = find_ruff(settings, root)
        style = find_style(root)
        with tempfile.TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True) as folder:
            inside = {path: _inside(path, root, style.base) for path in files}
            _lay_out({inside[path]: text for path, text in files.items()}, folder, style.base)
            unread = _run_ruff(ruff, style, folder)
            results = {
                path: _result(path, text, Path(folder), inside[path], unread)
                for path, text in files.items()
            }
            if settled and not unread:
                results.update(_settled(results, ruff, style, Path(folder), inside))
        if unread and not any(isinstance(each, Diagnostic) for each in results.values()):
            raise FormatterError(f"ruff failed: {_gist(unread)}")
        return {**results, **endless}
    except (FormatterError, OSError) as error:
        return {**dict.fromkeys(files, formatter_failure(error)), **endless}


def _endless_comment(path: str, text: str) -> Diagnostic | None:
    """The time that ruff takes for a comment grows with the square of its lines."""
    if text.count("\n") < _MOST_COMMENT_LINES:
        return None
    lines = 0
    for number, line in enumerate(text.split("\n"), 1):
        lines = lines + 1 if line.lstrip().startswith("#") else 0
        if lines > _MOST_COMMENT_LINES:
            message = f"more than {_MOST_COMMENT_LINES} lines of comment: ruff might never end"
            hint = "keep so long a text in a file of its own"
            return diagnose("UNR401", Place(path, number, 1), message, hint=hint)
    return None


_PASSES = 3
"""So often a text may change that has been formatted: ruff needs a second pass once in a while."""


def _settled(
    texts: Mapping[str, str | Diagnostic],
    ruff: str,
    style: Style,
    folder: Path,
    inside: Mapping[str, str],
) -> dict[str, str | Diagnostic]:
    """Format the files in `folder` until they stay as they are; those of `texts` that changed."""
    before = dict(texts)
    found: dict[str, str | Diagnostic] = {}
    for _ in range(_PASSES):
        _run((ruff, "format", *style.options, *_COMMON), str(folder), accepted=(0,))
        after = {path: _read(folder / inside[path]) for path in before}
        changed = {path: text for path, text in after.items() if text != before[path]}
        if not changed:
            return found
        found.update(changed)
        before = dict(after)
    message = "formatting the generated code again changes it, time after time"
    for path in changed:
        found[path] = diagnose("UNR410", Place(path, 0, 0), message, hint=DEFECT)
    return found


def _read(file: Path) -> str:
    with open(file, "rb") as stream:
        return stream.read().decode("utf-8", "surrogatepass")


def formatter_failure(error: FormatterError | OSError) -> Diagnostic:
    """The one finding for all files of a batch that could not be formatted or looked through."""
    if isinstance(error, FormatterError):
        return _failure("ruff", error.message, error.hint)
    return _failure("ruff", f"the folder that ruff works in cannot be used: {error.strerror}")


def undefined_names(
    files: Mapping[str, str], *, root: Path, settings: Settings, scratch: Path
) -> dict[str, Diagnostic]:
    """The formatted `files` that use a name which nothing defines, and the first such name.

    Files that do not compile are among them, and those that import what they do not use.

    Raises `FormatterError` where ruff cannot be run.
    """
    if not files:
        return {}
    ruff = find_ruff(settings, root)
    with tempfile.TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True) as folder:
        numbered = {f"{number}.py": path for number, path in enumerate(files)}
        _lay_out({name: files[path] for name, path in numbered.items()}, folder, root)
        findings = _findings(ruff, "F401,F821,F822", folder)
    found = dict(_not_compiled(files))
    for finding in findings:
        path = numbered[os.path.basename(finding["filename"])]
        if finding["code"] in ("F821", "F822") and path not in found:
            found[path] = _undefined(path, files[path], finding)
        elif finding["code"] == "F401" and path not in found:
            found.update(_unused(path, files[path], finding))
    return found


def readable(paths: Iterable[str], *, root: Path, settings: Settings, scratch: Path) -> set[str]:
    """Those of the modules at `paths`, relative to `root`, that ruff finds to be valid Python.

    It takes a seventh of the time that the parser of the standard library does. Raises
    `FormatterError` where ruff cannot be run.
    """
    files = {os.path.normpath(root / path): path for path in paths}
    ruff = find_ruff(settings, root)
    with tempfile.TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True) as folder:
        Path(folder, _LIST).write_text("".join(f"{file}\n" for file in files), "utf-8")
        # Syntax errors are found whatever is selected.
        invalid = {os.path.normpath(each["filename"]) for each in _findings(ruff, "E902", folder)}
    if not invalid <= files.keys():
        return set()  # it calls them by other names
    return {path for file, path in files.items() if file not in invalid}


def _findings(ruff: str, select: str, folder: str) -> Any:
    """What ruff finds in the files that are listed in `folder`, by these rules alone."""
    rules = ("--isolated", "--select", select, "--exit-zero", "--quiet")
    output = ("--output-format", "json", "--output-file", _FINDINGS)
    _run((ruff, "check", *rules, *output, *_COMMON), folder, accepted=(0,))
    try:
        return json.loads(Path(folder, _FINDINGS).read_bytes())
    except (FileNotFoundError, ValueError):
        raise FormatterError("ruff did not say what it has found", _TOO_OLD) from None


def _not_compiled(files: Mapping[str, str]) -> Iterator[tuple[str, Diagnostic]]:
    """Files that the parser accepts and the compiler does not: `def m(self, x, x)`."""
    for path, text in files.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of code that was there before, in a parent
                compile(text, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            yield path, _not_python(path, text, error)
        except (RecursionError, MemoryError):
            message = "the generated code is nested too deeply"
            yield path, diagnose("UNR005", Place(path, 0, 0), message)


def _undefined(path: str, text: str, finding: Mapping[str, Any]) -> Diagnostic:
    line, column = finding["location"]["row"], finding["location"]["column"]
    place = Place(path, line, column, text.split("\n")[line - 1].rstrip("\r"))
    said = finding["message"]
    message = f"in the generated code, {said[0].lower()}{said[1:]}"
    return diagnose("UNR408", place, message, hint="import or define it in the modular file")


def _unused(path: str, text: str, finding: Mapping[str, Any]) -> Iterator[tuple[str, Diagnostic]]:
    """An import at the top level that the fixes have left; others are the parents' own business."""
    line = finding["location"]["row"]
    excerpt = text.split("\n")[line - 1].rstrip("\r")
    if re.match(r"(from|import)\b", excerpt):
        message = f"in the generated code, {finding['message']}"
        yield path, diagnose("UNR409", Place(path, line, 1, excerpt), message, hint=DEFECT)


def find_ruff(settings: Settings, root: Path) -> str:
    """The ruff executable. Raises `FormatterError` where there is none."""
    if settings.ruff:
        # Resolved here, since the formatter runs in another folder.
        has_folder = os.path.dirname(settings.ruff) != ""
        found = shutil.which(str(root / settings.ruff) if has_folder else settings.ruff)
        if found is None:
            raise FormatterError(
                f"`{settings.ruff}` is not an executable", "give the path of one to `--ruff`"
            )
        return os.path.abspath(found)
    scripts = (os.path.dirname(sys.executable), sysconfig.get_path("scripts"))
    found = shutil.which("ruff", path=os.pathsep.join(scripts)) or shutil.which("ruff")
    if found is None:
        raise FormatterError("ruff is not installed", "run `pip install ruff`, or use `--ruff`")
    return os.path.abspath(found)


def find_style(root: Path) -> Style:
    """The settings of the project at `root`, or of the repository around it, or our own."""
    looked_at: list[Path] = []
    for folder in _up_to_repository(root):
        looked_at += (folder / name for name in _SETTINGS_FILES)
        file = _settings_file(folder)
        if file is not None:
            chain = dict(_chain(file))
            sources = _source_folders(chain, folder)
            options = ("--config", str(file), *_inline(sources))
            return Style(folder, True, options, sources, (*looked_at, *chain))
    length = f"line-length = {LINE_LENGTH}"
    sources = _source_folders({}, root)
    options = ("--isolated", "--config", length, *_inline(sources))
    return Style(root, False, options, sources, tuple(looked_at))


def _up_to_repository(root: Path) -> Iterator[Path]:
    """`root`, and the folders above it up to the one that holds `.git`, where there is one."""
    folders = (root, *root.parents)
    for depth, folder in enumerate(folders):
        if (folder / ".git").exists():
            yield from folders[: depth + 1]
            return
    yield root


def _settings_file(folder: Path) -> Path | None:
    for name in _SETTINGS_FILES:
        file = folder / name
        if file.is_file() and (name != "pyproject.toml" or _ruff_table(file) is not None):
            return file
    return None


def _ruff_table(file: Path) -> dict[str, Any] | None:
    """ruff's settings in `file`; a broken file has empty ones, for ruff itself to complain of."""
    try:
        document = _document(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
    table = document.get("tool", {}).get("ruff") if file.name == "pyproject.toml" else document
    return table if isinstance(table, dict) else None


@lru_cache(maxsize=8)
def _document(text: str) -> dict[str, Any]:
    return tomllib.loads(text)  # in a large project's settings, 3 ms for each batch


def _chain(file: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The settings file and those that it extends, each with ruff's settings in it."""
    seen: set[Path] = set()
    while file not in seen:
        seen.add(file)
        table = _ruff_table(file) or {}
        yield file, table
        if not isinstance(table.get("extend"), str):
            return
        file = Path(os.path.normpath(file.parent / os.path.expanduser(table["extend"])))


def _source_folders(chain: Mapping[Path, Mapping[str, Any]], base: Path) -> tuple[str, ...]:
    """The folders of first-party modules: what the first settings to say so call `src`."""
    for file, table in chain.items():
        if isinstance(table.get("src"), list) and table["src"]:
            return tuple(os.path.abspath(file.parent / str(folder)) for folder in table["src"])
    return os.path.abspath(base), os.path.abspath(base / "src")


def _inline(sources: Sequence[str]) -> Iterator[str]:
    """Settings that hold for a batch: it lies elsewhere, but first-party stays first-party."""
    yield "--config"
    yield f"src = {json.dumps(list(sources), ensure_ascii=False)}"


def _inside(path: str, root: Path, base: Path) -> str:
    """`path`, which is relative to `root`, relative to `base`."""
    return Path(os.path.relpath(root / path, base)).as_posix()


def _lay_out(files: Mapping[str, str], folder: str, base: Path) -> None:
    """Write `files` into `folder`, which then looks like `base` as far as ruff can tell."""
    Path(folder, _LIST).write_text("".join(f"./{path}\n" for path in files), "utf-8")
    packages = {path.rpartition("/")[0] for path in files}
    for package in packages:
        os.makedirs(os.path.join(folder, package), exist_ok=True)
    for path, text in files.items():
        _put(os.path.join(folder, path), text.encode("utf-8", "surrogatepass"))
    # What ruff takes for a package decides which imports it takes for first-party ones.
    for inner in {parent for package in packages for parent in _with_parents(package)}:
        marker = os.path.join(inner, "__init__.py")
        if marker not in files and os.path.isfile(base / marker):
            _put(os.path.join(folder, marker), b"")


def _put(file: str, content: bytes) -> None:
    with open(file, "wb") as stream:
        stream.write(content)


def _with_parents(folder: str) -> Iterator[str]:
    """`a/b`, `a` and nothing."""
    yield folder
    while folder:
        folder = folder.rpartition("/")[0]
        yield folder


def _run_ruff(ruff: str, style: Style, folder: str) -> str:
    """Lint and format the batch in `folder`; what ruff said if it could not format some file."""
    select = "--extend-select" if style.is_users else "--select"
    fix = ("check", "--quiet", "--fix-only", "--exit-zero", select, RULES)
    _run((ruff, *fix, *style.options, *_COMMON), folder, accepted=(0, 1))
    code, said = _run((ruff, "format", *style.options, *_COMMON), folder, accepted=(0, 2))
    return (said or f"code {code}") if code else ""


_TOO_OLD = "unravel needs ruff 0.14 or later: `pip install -U ruff`, or `--ruff PATH`"


def _run(command: Sequence[str], folder: str, *, accepted: Iterable[int]) -> tuple[int, str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RUFF_")}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**environment, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise FormatterError(f"`{command[0]}` cannot be run: {error.strerror}") from error
    if done.returncode == -signal.SIGINT:
        raise KeyboardInterrupt  # Ctrl-C goes to ruff as well, and may be known of here first
    said = done.stderr.decode("utf-8", "replace")
    if done.returncode not in accepted:
        hint = _TOO_OLD if "unexpected argument" in said else ""
        raise FormatterError(f"ruff failed: {_gist(said) or _ending(done.returncode)}", hint)
    return done.returncode, said


def _ending(code: int) -> str:
    """How a program that said nothing has ended."""
    return f"it was killed by signal {-code}" if code < 0 else f"it ended with code {code}"


def _gist(said: str) -> str:
    """What ruff said, in one line: its causes without headings and drawings."""
    lines = [line.strip().removeprefix("Cause: ") for line in said.splitlines()]
    telling = [
        line
        for line in lines
        if line and line != "ruff failed" and not re.match(r"(\d+ )?\||TOML parse error", line)
    ]
    return ": ".join(telling[:4])


def _result(path: str, before: str, folder: Path, inside: str, unread: str) -> str | Diagnostic:
    if unread:
        # Told apart by our own parser: the formatter's messages change from version to version.
        try:
            ast.parse(before.encode("utf-8", "surrogatepass"))
        except (SyntaxError, ValueError) as error:
            return _not_python(path, before, error)
        named = re.compile(rf"(?<![\w.-])(?:{re.escape(str(folder))}/|\./)?{re.escape(inside)}\b")
        for line in unread.splitlines():
            if named.search(line):
                return _failure(path, f"ruff failed: {line.strip()}")
    return _read(folder / inside)


def _not_python(path: str, text: str, error: SyntaxError | ValueError) -> Diagnostic:
    line = getattr(error, "lineno", 0) or 0
    column = getattr(error, "offset", 0) or 0
    lines = text.split("\n")
    excerpt = lines[line - 1].rstrip("\r") if 0 < line <= len(lines) else ""
    reason = getattr(error, "msg", "") or str(error)
    message = f"the generated code is not valid Python: {reason}"
    return diagnose("UNR402", Place(path, line, column, excerpt), message, hint=DEFECT)


def _failure(path: str, message: str, hint: str = "") -> Diagnostic:
    return diagnose("UNR401", Place(path, 0, 0), message, hint=hint)
