"""Would the differential test notice? Each of these breakages of the converter must be found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz import differential
from tests.fuzz.differential import compare
from tests.fuzz.projects import Project, projects
from unravel import converter, effects, members, splicing
from unravel.splicing import Line

pytestmark = pytest.mark.xdist_group("fuzz sensitivity")

EXAMPLES = 150


@dataclass(frozen=True)
class Breakage:
    """`broken` makes of what is called `name` in a `room` something that is a bit wrong."""

    room: Any
    name: str
    broken: Callable[[Any], Any]


def always(value: object) -> Callable[[Any], Any]:
    """Whatever is asked, the answer is `value`."""
    return lambda original: lambda *args, **kwargs: value


def without_first_argument(original: Any) -> Any:
    def text(*args: Any) -> str:
        return re.sub(r"(\.__parent_\w+\()\w+(?:, |(?=\)))", r"\1", original(*args))

    return text


def without_returned_values(original: Any) -> Any:
    def lines(*args: Any) -> list[Line]:
        return [
            Line(line.node, line.lead, re.sub(r"^(\s*)return ", r"\1", line.text))
            for line in original(*args)
        ]

    return lines


def without_deletions(original: Any) -> Any:
    def lines(*args: Any) -> list[Line]:
        return [line for line in original(*args) if not line.text.lstrip().startswith("del self.")]

    return lines


BREAKAGES = {
    "the first argument of a call to a helper is lost": Breakage(
        members, "through_helpers", without_first_argument
    ),
    "arguments of a pasted call do not matter": Breakage(
        splicing, "_argument_obstacle", always("")
    ),
    "local names never clash": Breakage(splicing, "_name_obstacle", always("")),
    "a pasted body's value is lost": Breakage(splicing, "pasted_lines", without_returned_values),
    "`del self.x` is lost": Breakage(members, "splice", without_deletions),
    "a pasted body may return early": Breakage(effects, "returns", always([])),
    "`super()` passes the parent by": Breakage(
        members, "through_helpers", lambda original: lambda text, *_: text
    ),
    "an assignment may always move up": Breakage(splicing, "_commute", always(True)),
    "definitions stay in the order of tracing": Breakage(
        converter, "in_order", lambda original: lambda pieces, **_: pieces
    ),
}


@pytest.fixture(scope="module")
def drawn() -> Iterator[list[Project]]:
    """Always the same projects; what is live is the same for each breakage, and run once."""
    found: list[Project] = []

    @seed(7)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(projects())
    def draw(project: Project) -> None:
        found.append(project)

    draw()
    seen: dict[tuple[int, bool], Any] = {}
    run = differential._live

    def remembered(project: Project, forgives: bool) -> Any:
        key = id(project), forgives
        if key not in seen:
            seen[key] = run(project, forgives)
        return seen[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(differential, "_live", remembered)
        yield found


@pytest.mark.parametrize("what", BREAKAGES)
def test_a_broken_converter_is_found_out(
    what: str, drawn: list[Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    breakage = BREAKAGES[what]
    original = getattr(breakage.room, breakage.name)
    with monkeypatch.context() as patch:
        patch.setattr(breakage.room, breakage.name, breakage.broken(original))
        found = next((project for project in drawn if compare(project).wrong), None)
    assert found is not None
    assert compare(found).wrong == ""
