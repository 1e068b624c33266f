"""The table of hard cases in the docs says what the cases themselves say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.golden_case import DIAGNOSTICS, WARNINGS, read_case

PAGE = Path(__file__).parents[1] / "docs" / "rules.md"
_ROW = re.compile(r"^\| (.+?) \| (.+?) \| ((?:\[[^]]+\]\([^)]+\)(?:, )?)*) ?\|$", re.MULTILINE)


def rows() -> list[tuple[str, str, list[str]]]:
    """Each row: the case, what happens, and the paths of its examples."""
    table = PAGE.read_text("utf-8").partition("## Hard cases")[2].partition("|---|---|---|\n")[2]
    lines = [line for line in table.partition("\n\n")[0].splitlines() if line]
    found = [match.groups() for line in lines if (match := _ROW.match(line))]
    assert len(found) == len(lines), "a row is not made of a case, what happens and examples"
    return [(case, result, re.findall(r"\(([^)]+)\)", links)) for case, result, links in found]


def test_the_table_is_there() -> None:
    assert len(rows()) > 20


@pytest.mark.parametrize(("case", "result", "links"), rows(), ids=[row[0] for row in rows()])
def test_examples(case: str, result: str, links: list[str]) -> None:
    """Each exists, passes, and ends in what the row says."""
    assert links, "no example"
    codes = set(re.findall(r"UNR\d+", result))
    for link in links:
        path = (PAGE.parent / link).resolve()
        assert path.parts[-4:-2] == ("tests", "cases"), link
        example = read_case(path.read_text("utf-8"))
        assert not example.defect, link
        assert example.wanted, link
        said = example.wanted.get(DIAGNOSTICS, "") + example.wanted.get(WARNINGS, "")
        found = set(re.findall(r"\bUNR\d+\b", said))
        if not example.is_whole_run or codes:
            assert (found & codes) if codes else not found, link
        if "helper" in result:
            assert any("__parent_" in text for text in example.wanted.values()), link
        if result == "pasted":
            assert not any("__parent_" in text for text in example.wanted.values()), link
