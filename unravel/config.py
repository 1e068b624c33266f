"""`[tool.unravel]` of pyproject.toml becomes `Settings`; a mistake in it becomes a diagnostic."""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from unravel.diagnostics import Place, diagnose, nearest
from unravel.profiles import MARKERS, PROFILES
from unravel.types import Diagnostic, Failed, Settings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "pyproject.toml"
FORMATTERS = ("ruff",)
PLACEHOLDERS = ("folder", "kind", "model")

# The rules of the corpus belong to its profile as a whole; one cannot want half of them.
_NO_KEYS = ("corpus_rules", "installed")
_KEYS = {f.name.replace("_", "-"): f.name for f in fields(Settings) if f.name not in _NO_KEYS}


def find_root(start: Path, *, profile: str | None = None) -> Path:
    """The nearest folder from `start` upwards that looks like a project's root, else `start`."""
    marker = MARKERS.get(profile or "default", MARKERS["default"])
    for folder in (start, *start.parents):
        if (folder / marker).is_dir() or _is_configured(folder):
            return folder
    return start


def _is_configured(folder: Path) -> bool:
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    try:
        return "unravel" in tomllib.loads(text).get("tool", {})
    except (tomllib.TOMLDecodeError, TypeError, AttributeError):
        # A broken file that means us is an error to report, not one to walk past.
        return "[tool.unravel" in text


def read_settings(root: Path, *, profile: str | None = None) -> Settings | Failed:
    """The settings of the project at `root`; `profile` wins over the one that it names."""
    text = _read(root / FILE)
    if isinstance(text, Diagnostic):
        return Failed(FILE, (text,))
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Failed(FILE, (_broken(text, error),))
    table = document.get("tool", {})
    table = table.get("unravel", {}) if isinstance(table, dict) else {}
    if not isinstance(table, dict):
        return Failed(FILE, (_mistake(text, "unravel", "`tool.unravel` must be a table"),))
    return _settings(text, table, profile)


def locate(root: Path, key: str) -> Place:
    """Where the settings of the project at `root` name `key`."""
    text = _read(root / FILE)
    return _place(text, key) if isinstance(text, str) else Place(FILE, 0, 0)


def _read(path: Path) -> str | Diagnostic:
    try:
        return path.read_bytes().decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return diagnose("UNR001", Place(FILE, 0, 0), f"cannot read the file: {error.strerror}")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return diagnose("UNR002", Place(FILE, line, 1), "the file is not valid UTF-8")


def _broken(text: str, error: tomllib.TOMLDecodeError) -> Diagnostic:
    at = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    line, column = (int(at[1]), int(at[2])) if at else (0, 0)
    message = re.sub(r" \(at .*\)$", "", str(error))
    place = Place(FILE, line, column, _line(text, line))
    return diagnose("UNR010", place, f"not valid TOML: {message}")


def _settings(text: str, table: Mapping[str, Any], profile: str | None) -> Settings | Failed:
    mistakes = list(_mistakes(text, table))
    name = profile or table.get("profile", "default")
    if isinstance(name, str) and name not in PROFILES:
        mistakes.append(_unknown_profile(text, name, given=bool(profile)))
    if mistakes:
        return Failed(FILE, tuple(sorted(mistakes, key=lambda d: (d.line, d.column))))
    changes = {_KEYS[key]: _frozen(value) for key, value in table.items()}
    settings = replace(PROFILES[name], **{**changes, "profile": name})
    wrong = tuple(_mistake(text, *each) for each in _wrong_values(settings))
    return Failed(FILE, wrong) if wrong else settings


def _unknown_profile(text: str, name: str, *, given: bool) -> Diagnostic:
    hint = nearest(name, PROFILES) or f"the profiles are {', '.join(PROFILES)}"
    message = f"there is no profile `{name}`"
    if given:
        return diagnose("UNR010", Place("--profile", 0, 0), message, hint=hint)
    return _mistake(text, "profile", message, hint)


def _mistakes(text: str, table: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Keys that are not known, and values that are not of their key's type."""
    for key, value in table.items():
        if key not in _KEYS:
            hint = nearest(key, _KEYS) or f"the settings are {', '.join(sorted(_KEYS))}"
            place = _place(text, key)
            yield diagnose("UNR011", place, f"`{key}` is not a setting", hint=hint)
            continue
        wanted = _wanted(getattr(PROFILES["default"], _KEYS[key]), value)
        if wanted:
            yield _mistake(text, key, f"`{key}` must be {wanted}")


def _wanted(default: object, value: object) -> str:
    """What a value like `default` must be, where `value` is not."""
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "true or false"
    if isinstance(default, int):
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return "" if is_number else "a whole number"
    if isinstance(default, tuple):
        is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return "" if is_list else "a list of texts"
    return "" if isinstance(value, str) else "a text"


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _wrong_values(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Key, message and hint of each value that cannot work."""
    if settings.formatter not in FORMATTERS:
        message = f"`{settings.formatter}` is not a formatter that unravel can run"
        yield "formatter", message, f"use {' or '.join(f'`{name}`' for name in FORMATTERS)}"
    if settings.jobs < 0:
        yield "jobs", "`jobs` must not be negative", "0 means one worker a core"
    if settings.cache_size < 0:
        yield "cache-size", "`cache-size` must not be negative", "it counts in MiB"
    if not settings.sources:
        yield "sources", "`sources` is empty, so there is nothing to convert", ""
    for pattern in settings.sources:
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts or not pattern:
            yield "sources", f"`{pattern}` leaves the root", "globs are relative to the root"
    patterns = [("banner-line", settings.banner_line)]
    patterns += [("kept-text", pattern) for pattern in settings.kept_text]
    for key, pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            yield key, f"`{key}` is not a regular expression: {error}", ""
    yield from _wrong_target(settings.target)


def _wrong_target(target: str) -> Iterator[tuple[str, str, str]]:
    known = ", ".join(f"`{{{name}}}`" for name in PLACEHOLDERS)
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(target) if name is not None}
    except ValueError as error:
        yield "target", f"`target` is not a template: {error}", f"it may name {known}"
        return
    for name in sorted(names.difference(PLACEHOLDERS)):
        yield "target", f"`target` names `{{{name}}}`, which is not known", f"it may name {known}"
    if not names >= {"kind", "model"}:
        hint = "without both, several generated files would have one path"
        yield "target", "`target` must name `{kind}` and `{model}`", hint


def _mistake(text: str, key: str, message: str, hint: str = "") -> Diagnostic:
    return diagnose("UNR010", _place(text, key), message, hint=hint)


def _place(text: str, key: str) -> Place:
    """Where `key` of `[tool.unravel]` stands; the parser of TOML does not tell."""
    name = re.escape(key)
    in_table = re.compile(rf"\s*(?P<key>[\"']?{name}[\"']?)\s*[.=]")
    dotted = re.compile(rf"\s*(?:tool\s*\.\s*)?unravel\s*\.\s*(?P<key>[\"']?{name}[\"']?)\s*[.=]")
    header = re.compile(rf"\s*\[+\s*tool\s*\.\s*unravel\s*\.\s*(?P<key>[\"']?{name}[\"']?)\s*[.\]]")
    for line, inside in _lines(text):
        pattern = (header, in_table, dotted) if inside else (header, dotted)
        for found in filter(None, (each.match(text, *line) for each in pattern)):
            return _place_at(text, found.start("key"))
    found_anywhere = re.search(rf"\b{name}\b\s*=", text) or re.search(r"\bunravel\b", text)
    return _place_at(text, found_anywhere.start()) if found_anywhere else Place(FILE, 0, 0)


def _lines(text: str) -> Iterator[tuple[tuple[int, int], bool]]:
    """Start and end of each line outside of multi-line texts; is it inside `[tool.unravel]`?"""
    inside = quoted = False
    start = 0
    for line in text.splitlines(keepends=True):
        if not quoted:
            if re.match(r"\s*\[", line):
                inside = bool(re.match(r"\s*\[\s*tool\s*\.\s*[\"']?unravel[\"']?\s*\]", line))
            yield (start, start + len(line)), inside
        quoted ^= len(re.findall(r'"""|\'\'\'', line)) % 2 == 1
        start += len(line)


def _place_at(text: str, offset: int) -> Place:
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return Place(FILE, line, column, _line(text, line))


def _line(text: str, number: int) -> str:
    lines = text.split("\n")
    return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""
