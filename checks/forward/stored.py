"""Reports of earlier runs, for as long as nothing has changed that they depend on.

What failed is not kept: somebody is at work on it and wants to see it fail, and what a limit of
time or memory has stopped may not be stopped again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from checks.forward.fingerprints import Fingerprints
from checks.forward.verdicts import Finding, ModelReport, Place, Verdict, exit_code

Digest = Callable[[Fingerprints, str], str]


class Store(Protocol):
    """Keeps values that JSON can express. What is damaged or not there is None."""

    def get(self, key: str) -> Any: ...

    def put(self, key: str, value: Any) -> None: ...

    def trim(self) -> None: ...


class Stored:
    """The reports in `store`; `digest` says of a model's name what its report depends on."""

    def __init__(self, store: Store, fingerprints: Fingerprints, digest: Digest) -> None:
        self._store, self._fingerprints, self._digest = store, fingerprints, digest
        self._keys: dict[str, str] = {}

    def get(self, model: str) -> ModelReport | None:
        """The report of the last run, if it would be the same now."""
        key = self._keys[model] = self._digest(self._fingerprints, model)
        found = self._store.get(key)
        return None if found is None else _report(found, self._fingerprints.project.root)

    def put(self, report: ModelReport) -> None:
        """Keep a report that was asked for before, unless it fails or it is not known of what."""
        if exit_code([report]):
            return
        key = self._digest(self._fingerprints.again(), report.model)
        # Somebody may have saved a file after it was loaded, or before.
        if key == self._keys[report.model]:
            self._store.put(key, _plain(report, self._fingerprints.project.root))

    def trim(self) -> None:
        self._store.trim()


def _plain(report: ModelReport, root: Path) -> dict[str, Any]:
    found = asdict(replace(report, since=f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"))
    for finding in found["findings"]:
        finding["verdict"] = finding["verdict"].name
        for place in finding["places"]:
            path = Path(place["path"])
            if path.is_relative_to(root):
                place["path"] = path.relative_to(root).as_posix()
    return found


def _report(found: dict[str, Any], root: Path) -> ModelReport:
    findings = tuple(
        Finding(
            **{
                **each,
                "verdict": Verdict[each["verdict"]],
                "places": tuple(_place(place, root) for place in each["places"]),
                "trace": (),  # of a failure
                "layers": (),
            }
        )
        for each in found["findings"]
    )
    return ModelReport(**{**found, "findings": findings})


def _place(found: dict[str, Any], root: Path) -> Place:
    return Place(**{**found, "path": str(root / found["path"])})
