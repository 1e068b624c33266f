"""The table of models in docs/models.md: what each is made of, how long, and how far from what.

`python -m tests.models.table` writes it anew: lines and parents from the files, differences as they
were. `--measure` runs the tests of the models and takes the largest difference that they find;
with names behind it, those of these models only.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.models import parity, table
from tests.models.parity import BOUND, Case

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "models.md"
BEGIN, END = "<!-- table of models: begin -->\n", "<!-- table of models: end -->\n"

KINDS = ("outputs", "gradients", "ways")
WAYS = re.compile("cached|eager_equals|embeddings_do|only_the_positions|packed|padding|switched")
"""Tests of what a model gives in two ways, more than of what it gives."""
REFERENCES = {
    "bert_adapters": "peft",
    "bert_multitask": "`bert`",
    "brand_new_llama": "transformers' llama",
    "resnet50d": "its description",
    "sam_split": "`sam`",
}
"""What models are held against that transformers lacks."""


@dataclass(frozen=True, slots=True)
class Row:
    """One model. The lines of what is written by hand are those of the generated files' column."""

    model: str
    parents: tuple[str, ...]
    modular: int | None
    lines: int

    @property
    def reference(self) -> str:
        return REFERENCES.get(self.model, "transformers")


def rows() -> tuple[Row, ...]:
    """Each model in `models/`: those by hand first, then each after its parents."""
    found = {
        folder.name: _row(folder)
        for folder in sorted((ROOT / "models").iterdir())
        if list(folder.glob("modeling_*.py"))
    }

    def depth(model: str) -> int:
        return 1 + max(map(depth, found[model].parents), default=-1)

    return tuple(
        sorted(found.values(), key=lambda row: (row.modular is not None, depth(row.model)))
    )


def _row(folder: Path) -> Row:
    modular = ROOT / "modular" / f"modular_{folder.name}.py"
    if not modular.exists():
        return Row(folder.name, (), None, sum(map(_lines, folder.glob("*_*.py"))))
    imported = (
        node.module.split(".")[1]
        for node in ast.parse(modular.read_text()).body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("models.")
    )
    generated = [file for file in folder.glob("*.py") if "unravel: generated" in file.read_text()]
    lines = sum(map(_lines, generated))
    return Row(folder.name, tuple(dict.fromkeys(imported)), _lines(modular), lines)


def _lines(file: Path) -> int:
    return len(file.read_text().splitlines())


Differences = Mapping[tuple[str, str], float]
"""The largest difference by model and kind."""


def render(differences: Differences) -> str:
    """The table, in Markdown, with its totals."""
    header = ("model", "parents", "modular", "generated", "ratio", "reference", *KINDS)
    lines = [f"| {' | '.join(header)} |", "|---|---|--:|--:|--:|---|--:|--:|--:|"]
    for row in rows():
        worst = (differences.get((row.model, kind)) for kind in KINDS)
        cells = (
            f"`{row.model}`",
            ", ".join(f"`{parent}`" for parent in row.parents) or "by hand",
            str(row.modular or ""),
            str(row.lines),
            f"1 : {row.lines / row.modular:.1f}" if row.modular else "",
            row.reference,
            *("" if each is None else f"{each:.1e}" if each else "0" for each in worst),
        )
        lines.append(f"| {' | '.join(cells)} |")
    modular, generated = totals()
    ratio = f"1 : {generated / modular:.1f}"
    lines.append(f"| all modular files | | {modular} | {generated} | {ratio} | | | | |")
    return "\n".join(lines) + "\n"


def totals() -> tuple[int, int]:
    """The lines of all modular files, and of what was generated from them."""
    pairs = [(row.modular, row.lines) for row in rows() if row.modular]
    return sum(modular for modular, _ in pairs), sum(lines for _, lines in pairs)


@dataclass(frozen=True, slots=True)
class Written:
    """The table that the page has."""

    text: str
    lines: Mapping[str, tuple[int, int]]
    """Of each model: those of its modular file, if there is one, and those generated."""
    differences: dict[tuple[str, str], float]


def written() -> Written:
    """Reads the page."""
    text = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    lines, found = {}, {}
    for line in text.splitlines()[2:-1]:
        model, _, modular, generated, _, _, *worst = (c.strip(" `") for c in line.split("|")[1:-1])
        lines[model] = int(modular or 0), int(generated)
        for kind, difference in zip(KINDS, worst, strict=True):
            if difference:
                found[model, kind] = float(difference)
    return Written(text, lines, found)


MEASURED: dict[tuple[str, str], float] = {}
"""What the tests of this run found, as the hooks below have it."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Function) -> Iterator[None]:
    """Notes, where the test runs, what it is allowed to find different, and of which model."""
    parity.FOUND.clear()
    result = yield
    case = item.callspec.params.get("case") if hasattr(item, "callspec") else None
    model = item.path.stem.removeprefix("test_")
    if isinstance(case, Case) and not (ROOT / "models" / model).exists():
        model = case.model
    kind = KINDS[1 if "gradient" in item.name else 2 if WAYS.search(item.name) else 0]
    # What passes has nothing beyond the bound, unless it is to be beyond.
    differences = [each for each in parity.FOUND if each <= BOUND]
    item.user_properties += [("difference", (model, kind, each)) for each in differences]
    return result


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collects, where the run was started, what the tests noted."""
    for name, noted in report.user_properties if report.when == "call" else ():
        if name == "difference":
            model, kind, difference = noted
            MEASURED[model, kind] = max(difference, MEASURED.get((model, kind), 0.0))


def measure(models: list[str], jobs: str) -> int:
    """Runs the tests of the models, all if none is named; returns pytest's exit code."""
    tests = ROOT / "tests" / "models"
    # What holds the page against the files would find the page that is to be written.
    chosen = [
        f"--ignore={tests / 'test_table.py'}",
        *(["-k", " or ".join(models)] if models else []),
    ]
    return pytest.main([str(tests), "-q", "-p", "tests.models.table", "-n", jobs, *chosen])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.models.table", description=__doc__)
    parser.add_argument("--measure", nargs="*", metavar="MODEL", help="run the tests of models")
    parser.add_argument("--jobs", default="2", help="processes for the tests")
    options = parser.parse_args()
    before = written()
    differences = before.differences
    if options.measure is not None:
        if code := measure(options.measure, options.jobs):
            return code
        differences.update(MEASURED)
    page = PAGE.read_text()
    PAGE.write_text(page.replace(BEGIN + before.text, BEGIN + render(differences)))
    return 0


if __name__ == "__main__":
    sys.exit(table.main())
