"""SARIF 2.1.0, which code scanners and editors read."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any
from urllib.parse import quote

from unravel.reports.report import Report, RuleInfo
from unravel.types import Diagnostic

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(report: Report) -> str:
    known = {rule.code: rule for rule in report.rules}
    codes = sorted({found.code for found in report.diagnostics} | known.keys())
    rules = [_rule(code, known.get(code)) for code in codes]
    seen: Counter[str] = Counter()
    results = [_result(each, codes.index(each.code), seen) for each in report.diagnostics]
    driver = {"name": "unravel", "version": report.version, "rules": rules}
    run = {
        "tool": {"driver": {key: value for key, value in driver.items() if value}},
        "automationDetails": {"id": f"unravel/{report.command}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"ROOT": {"description": {"text": "The project's folder."}}},
        "results": results,
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _rule(code: str, rule: RuleInfo | None) -> dict[str, Any]:
    if rule is None:
        return {"id": code}
    found: dict[str, Any] = {
        "id": code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
    }
    if rule.help:
        found["help"] = {"text": rule.help, "markdown": rule.help}
    return found


def _result(found: Diagnostic, index: int, seen: Counter[str]) -> dict[str, Any]:
    message = f"{found.message} ({found.hint})" if found.hint else found.message
    place: dict[str, Any] = {
        "artifactLocation": {"uri": quote(found.path), "uriBaseId": "ROOT"},
    }
    if found.line:
        place["region"] = {"startLine": found.line, "startColumn": max(found.column, 1)}
    return {
        "ruleId": found.code,
        "ruleIndex": index,
        "level": found.severity.value,
        "message": {"text": message},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"unravel/v1": _fingerprint(found, seen)},
    }


def _fingerprint(found: Diagnostic, seen: Counter[str]) -> str:
    """The same for a finding that has only moved; the second of two alike has another one."""
    what = "\0".join((found.path, found.code, found.message, found.excerpt.strip()))
    seen[what] += 1
    return hashlib.sha256(f"{what}\0{seen[what]}".encode()).hexdigest()[:32]
