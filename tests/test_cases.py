"""Golden cases: each file under `tests/cases/` holds a small project and what it becomes.

Where a case has a probe, the generated code must behave as the modular file does when it is
executed as it stands. `UPDATE_CASES=1 pytest tests/test_cases.py` rewrites the expected parts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.golden_case import (
    DIAGNOSTICS,
    WARNINGS,
    Case,
    behaviour,
    converted,
    line_of,
    live_behaviour,
    read_case,
    run_of,
    with_wanted,
    without_defect,
    write_case,
)
from unravel.formatting import format_batch, undefined_names
from unravel.types import Converted, Diagnostic, Settings

FOLDER = Path(__file__).parent / "cases"
CASES = {
    path.relative_to(FOLDER).with_suffix("").as_posix(): read_case(path.read_text("utf-8"))
    for path in sorted(FOLDER.rglob("*.txt"))
}
BROKEN = ("UNR402", "UNR408", "UNR901")
"""Findings about ourselves and the code that we print: never the answer to a case."""

UPDATE = "UPDATE_CASES" in os.environ

Outcomes = Mapping[str, Mapping[str, str]]


def parameters() -> list[object]:
    found: list[object] = []
    for name, case in CASES.items():
        marks = [pytest.mark.xfail(reason=case.defect, strict=True)] if case.defect else []
        found.append(pytest.param(name, id=name, marks=() if UPDATE else marks))
    return found


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What each case becomes: generated files by path, or `diagnostics`. One batch for all."""
    results = {name: converted(case) for name, case in CASES.items() if not case.is_whole_run}
    runs = {
        name: run_of(case, tmp_path_factory.mktemp("run"))
        for name, case in CASES.items()
        if case.is_whole_run
    }
    batch = {
        _path_in_batch(name, file.path): file.text
        for name, result in results.items()
        if isinstance(result, Converted)
        for file in result.files
    }
    formatted = _formatted(batch, tmp_path_factory)
    single = {
        name: _outcome(name, result, formatted)
        if isinstance(result, Converted)
        else {DIAGNOSTICS: "".join(map(line_of, result.diagnostics))}
        for name, result in results.items()
    }
    return {**single, **runs}


def _path_in_batch(name: str, path: str) -> str:
    return f"{name.replace('/', '_')}/{Path(path).name}"


def _formatted(
    batch: Mapping[str, str], factory: pytest.TempPathFactory
) -> dict[str, str | Diagnostic]:
    root, scratch, settings = factory.mktemp("root"), factory.mktemp("scratch"), Settings()
    results = format_batch(batch, root=root, settings=settings, scratch=scratch)
    texts = {path: text for path, text in results.items() if isinstance(text, str)}
    undefined = undefined_names(texts, root=root, settings=settings, scratch=scratch)
    return {**results, **undefined}


def _outcome(
    name: str, result: Converted, formatted: Mapping[str, str | Diagnostic]
) -> dict[str, str]:
    """The generated files and the warnings, or what is wrong with the files."""
    texts: dict[str, str] = {}
    wrong = ""
    for file in result.files:
        found = formatted[_path_in_batch(name, file.path)]
        if isinstance(found, Diagnostic):
            wrong += line_of(found).replace(found.path, file.path, 1)
        else:
            texts[file.path] = found
    if wrong:
        return {DIAGNOSTICS: wrong}
    warnings = "".join(map(line_of, result.warnings))
    return {**texts, WARNINGS: warnings} if warnings else texts


def test_there_are_cases_of_every_group() -> None:
    groups = {name.partition("/")[0] for name in CASES}
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir()}
    assert groups == folders
    assert groups


@pytest.mark.parametrize("name", parameters())
def test_case(name: str, outcomes: Outcomes) -> None:
    case, outcome = CASES[name], outcomes[name]
    if UPDATE:
        _update(name, case, outcome)
        return
    _assert_faithful(case, outcome)
    if case.defect and not case.wanted:
        return  # to be refused or to behave is all that is asked for
    found = write_case(with_wanted(case, outcome))
    start = write_case(case).rstrip("\n") if DIAGNOSTICS in case.wanted else write_case(case)
    same = found.startswith(start) if DIAGNOSTICS in outcome else found == start
    assert same, f"`tests/cases/{name}.txt` should be:\n{found}"


@pytest.mark.parametrize("name", list(CASES))
def test_second_conversion_says_the_same(name: str) -> None:
    assert converted(CASES[name]) == converted(CASES[name])


@pytest.mark.parametrize("name", list(CASES))
def test_case_is_written_as_it_is_read(name: str) -> None:
    text = (FOLDER / f"{name}.txt").read_text("utf-8")
    assert write_case(read_case(text)) == text


def _assert_faithful(case: Case, outcome: Mapping[str, str]) -> None:
    """Refused in so many words, or the same behaviour, with the comments that are to be kept."""
    if DIAGNOSTICS in outcome:
        for code in BROKEN:
            assert code not in outcome[DIAGNOSTICS], "refused only for what it became"
        return
    kept = re.findall(r"# kept: [^\n]*", case.files[case.modular])
    for comment in kept:
        assert any(comment in text for text in outcome.values()), f"lost: {comment}"
    if case.probe:
        files = {path: text for path, text in outcome.items() if path != WARNINGS}
        assert behaviour(case, files) == live_behaviour(case)


def _update(name: str, case: Case, outcome: Mapping[str, str]) -> None:
    """Write what is found as what is expected; a defect stays one until it behaves."""
    _assert_faithful(case, outcome)
    if case.defect and case.wanted:
        assert (DIAGNOSTICS in case.wanted) == (DIAGNOSTICS in outcome)
    new = without_defect(with_wanted(case, outcome))
    (FOLDER / f"{name}.txt").write_text(write_case(new), "utf-8")
