"""A baseline: findings that were there when the linter came, and are to be shown no more.

It counts findings by file, code and the line that they are about, so it holds while code moves.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from unravel.types import Diagnostic

VERSION = 1

Key = tuple[str, str, str]


class BaselineError(ValueError):
    """The file is no baseline; the message says why."""


def _key(found: Diagnostic) -> Key:
    return found.path, found.code, found.excerpt.strip() or found.message


def read_baseline(file: Path) -> Counter[Key]:
    """How often each finding may be there. Raises `BaselineError`."""
    try:
        document: Any = json.loads(file.read_text("utf-8"))
        if document["version"] != VERSION:
            raise BaselineError(f"{file} is of version {document['version']}, not {VERSION}")
        entries = document["findings"]
        return Counter({(e["path"], e["code"], e["line"]): int(e["count"]) for e in entries})
    except OSError as error:
        raise BaselineError(f"{file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, BaselineError):
            raise
        raise BaselineError(f"{file} is no baseline") from None


def write_baseline(file: Path, findings: Iterable[Diagnostic]) -> int:
    """Keep `findings`; returns how many. Raises `OSError`."""
    counts = Counter(map(_key, findings))
    entries = [
        {"path": path, "code": code, "line": line, "count": count}
        for (path, code, line), count in sorted(counts.items())
    ]
    text = json.dumps({"version": VERSION, "findings": entries}, indent=1, ensure_ascii=False)
    file.write_text(text + "\n", "utf-8")
    return counts.total()


def without_known(findings: Iterable[Diagnostic], known: Counter[Key]) -> tuple[Diagnostic, ...]:
    """The findings that are not in the baseline."""
    left = Counter(known)
    shown = []
    for each in findings:
        if left[_key(each)] > 0:
            left[_key(each)] -= 1
        else:
            shown.append(each)
    return tuple(shown)
