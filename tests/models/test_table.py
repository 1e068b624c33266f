"""docs/models.md says of each model what its files and the tests say."""

from __future__ import annotations

import pytest

from tests.models.parity import BOUND
from tests.models.table import rows, written

LONG = {"deberta_v2", "bert_adapters", "bert_multitask"}
"""Modular files that define mechanisms of their own."""


def test_what_the_table_says_is_so() -> None:
    """`python -m tests.models.table` writes it anew, `--measure MODEL` what is new in it."""
    page, found = written(), {row.model: row for row in rows()}
    assert page.lines
    for model, lines in page.lines.items():
        # A line more or less is no reason to write a page; a tenth is.
        assert lines == pytest.approx((found[model].modular or 0, found[model].lines), rel=0.1)
        assert (model, "outputs") in page.differences, model
    assert all(0 <= difference <= BOUND for difference in page.differences.values())


def test_modular_files_are_short() -> None:
    assert {row.model for row in rows() if (row.modular or 0) > 250} <= LONG
