"""Differential testing in short; `make fuzz` is the long run."""

from __future__ import annotations

import pytest

from tests.fuzz.campaign import Summary, run
from tests.fuzz.differential import compare
from tests.fuzz.projects import Project
from tests.golden_case import Case

pytestmark = pytest.mark.xdist_group("fuzz")

EXAMPLES = 250
FEATURES = {
    "arguments changed",
    "attribute replaced",
    "attribute set before super",
    "attribute that reads itself",
    "child of a child",
    "class attribute made of another",
    "closure",
    "configuration",
    "decorated",
    "decorated by a function of the module",
    "del",
    "early return",
    "generated parent",
    "further base",
    "generator",
    "list changed in place",
    "local kept over super",
    "log as a value",
    "match",
    "member removed",
    "module constant redefined",
    "module function redefined",
    "parameters passed on",
    "parent called by name",
    "parent with a base",
    "part",
    "part replaced",
    "raise",
    "setter",
    "setter called",
    "super as a statement",
    "super assigned",
    "super in a block",
    "super in a condition",
    "super in a statement",
    "super in an expression",
    "super in an inner function",
    "super of a generator",
    "super of another method",
    "super returned",
    "super's method kept in a name",
    "super_kwargs",
    "the model's name in a string",
    "three parents in a chain",
    "two parent modules",
    "way: helper method",
    "way: pasted",
    "way: super() left",
}


@pytest.fixture(scope="module")
def summary() -> Summary:
    return run(EXAMPLES)


def test_generated_code_does_what_the_modular_file_does(summary: Summary) -> None:
    assert summary.examples >= EXAMPLES
    assert summary.wrong == 0


def test_the_examples_reach_what_they_are_for(summary: Summary) -> None:
    assert sorted(feature for feature in FEATURES if not summary.features[feature]) == []


def test_few_examples_are_refused_or_break(summary: Summary) -> None:
    assert summary.share_refused < 0.25
    assert summary.broken < 0.2 * summary.examples


OLD = "class OldA:\n    def __init__(self):\n        self.x = 1\n        self.y = 2\n"
NEW = "from models.old.modeling_old import OldA\nclass NewA(OldA):\n    pass\n"
PROBE = (
    "from tests.fuzz.recorder import observe\n"
    "def probe(m):\n"
    "    return observe(m, [('NewA', (), {}, [])])\n"
)


def test_a_difference_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A converter that loses a statement would not go unnoticed."""
    from tests.fuzz import differential

    files = {"models/old/modeling_old.py": OLD, "modular/modular_new.py": NEW}
    project = Project(Case("About.\n", files, PROBE, {}), frozenset())
    assert compare(project).wrong == ""

    def forgetful(case: Case, generated: dict[str, str]) -> object:
        kept = {path: text.replace("self.y = 2", "pass") for path, text in generated.items()}
        return behaviour(case, kept)

    behaviour = differential.behaviour
    monkeypatch.setattr(differential, "behaviour", forgetful)
    assert "self.y = 2" in compare(project).wrong
