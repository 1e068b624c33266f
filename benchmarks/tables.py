"""What was measured, as tables that fit on 80 columns, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

from benchmarks.measuring import Cost

_WIDTHS = (40, 9, 9, 10, 12)


@dataclass(frozen=True)
class Row:
    """One process, what it cost, and something that this is worth comparing with."""

    name: str
    cost: Cost
    ratio: float | None = None


@dataclass(frozen=True)
class Goal:
    """Something that should be at most `limit`."""

    name: str
    limit: float
    found: float
    unit: str = ""

    @property
    def is_met(self) -> bool:
        return self.found <= self.limit

    def __str__(self) -> str:
        verdict = "met   " if self.is_met else "MISSED"
        by = "" if self.is_met else f", {self.found / self.limit - 1:.0%} over"
        numbers = f"{_short(self.found)} of {_short(self.limit)}{self.unit}{by}"
        return f"  {verdict} {self.name}: {numbers}"


@dataclass(frozen=True)
class Part:
    """Some rows under a title; `compared` says what the last column is."""

    title: str
    rows: Sequence[Row]
    compared: str = ""
    goals: Sequence[Goal] = field(default=())

    def __str__(self) -> str:
        looked = any(row.cost.peak for row in self.rows)
        heads = ("", "cpu s", "wall s", "peak MiB" if looked else "", self.compared)
        lines = [self.title, _line(heads)]
        for row in self.rows:
            peak = f"{row.cost.peak / 2**20:.0f}" if row.cost.peak else ""
            ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
            cost = row.cost
            lines.append(_line((row.name, f"{cost.cpu:.3f}", f"{cost.wall:.3f}", peak, ratio)))
        return "\n".join([*lines, *map(str, self.goals)])


def as_json(parts: Iterable[Part]) -> str:
    found = [asdict(part) for part in parts]
    for part in found:
        part["goals"] = [
            {**goal, "is_met": goal["found"] <= goal["limit"]} for goal in part["goals"]
        ]
    return json.dumps(found, indent=2) + "\n"


def _line(cells: Sequence[str]) -> str:
    name, *rest = cells
    widths = _WIDTHS[1:]
    line = f"  {name:{_WIDTHS[0] - 2}}" + "".join(
        f"{cell:>{width}}" for cell, width in zip(rest, widths, strict=True)
    )
    return line.rstrip()


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"
