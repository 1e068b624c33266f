"""Each rule's examples: the bad is found, the good is not, and a fix makes one of the other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.lint.project import fixed, linted, path_of, set_up
from unravel.lint import copying, rules
from unravel.lint.catalogue import catalogue
from unravel.lint.explaining import page
from unravel.lint.rule import Example, Promise, Rule, Scope

EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.code}-{number}")
    for rule in catalogue().values()
    for number, example in enumerate(rule.examples)
]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_what_is_bad_is_found(tmp_path: Path, rule: Rule, example: Example) -> None:
    run = linted(set_up(tmp_path, rule, example, example.bad), rule.code)
    assert not run.failed
    assert {each.code for each in run.diagnostics} == {rule.code}
    assert {each.path for each in run.diagnostics} == {path_of(rule, example)}


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_what_is_good_is_not(tmp_path: Path, rule: Rule, example: Example) -> None:
    run = linted(set_up(tmp_path, rule, example, example.good), rule.code)
    assert not run.failed
    assert run.diagnostics == ()


@pytest.mark.parametrize(
    ("rule", "example"), [each for each in EXAMPLES if each.values[0].promise is not None]
)
def test_a_fix_makes_one_of_the_other(tmp_path: Path, rule: Rule, example: Example) -> None:
    where = set_up(tmp_path, rule, example, example.bad)
    if rule.scope is Scope.COPY:
        assert not copying.fix(where, (), frozenset([rule.code]), write=True).failed
    else:
        found = fixed(where, rule.code)
        assert not found.failed
        assert [each.refused for each in found.fixed] == [()]
    assert (tmp_path / path_of(rule, example)).read_text() == example.good
    assert linted(where, rule.code).diagnostics == ()


@pytest.mark.parametrize("rule", catalogue().values(), ids=lambda rule: rule.code)
def test_a_rule_says_what_it_is(rule: Rule) -> None:
    assert re.fullmatch(r"UN[MSC]\d{3}", rule.code)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.name)
    assert rule.summary.endswith(".") and "\n" not in rule.summary
    assert rule.why.strip() and rule.examples
    for example in rule.examples:
        ast.parse(example.bad)
        ast.parse(example.good)


def test_a_rule_without_a_fix_edits_nothing(tmp_path: Path) -> None:
    for number, parameter in enumerate(EXAMPLES):
        rule, example = parameter.values
        run = linted(set_up(tmp_path / str(number), rule, example, example.bad), rule.code)
        has_edits = any(each.edits for each in run.findings)
        assert has_edits == isinstance(rule.promise, Promise), rule.code


def test_names_are_unique_and_files_are_called_like_their_rule() -> None:
    names = [rule.name for rule in catalogue().values()]
    assert len(set(names)) == len(names)
    files = {p.stem for p in Path(rules.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == {name.replace("-", "_") for name in names}


def test_the_page_is_current(repository: Path) -> None:
    text = (repository / "docs" / "lint.md").read_text("utf-8")
    _, _, generated = text.partition("<!-- rules -->\n")
    assert generated == page(), "run `python -m unravel.lint.page`"
