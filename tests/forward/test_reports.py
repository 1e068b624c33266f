"""Reports: what each form says of the same findings, and exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from checks.forward import page, reports, terminal
from checks.forward.verdicts import (
    Finding,
    Layer,
    ModelReport,
    Place,
    Step,
    Verdict,
    exit_code,
    worst,
)

ROOT = Path("/project")
PLACE = Place("modular", "/project/modular/modular_new.py", 7, "return x < y & z")
DIVERGED = Finding(
    "new",
    "live",
    "NewModel",
    "tiny",
    "plain",
    Verdict.DIVERGED,
    "operation 3: <a> & \x1b b",
    (PLACE,),
    float("inf"),
    1e-6,
    "/scripts/new.py",
    (Step("%0 = a(x)", "%0 = a(x)"), Step("", "%1 = b(%0)"), Step("%1 = c(%0)", "%2 = c(%1)")),
    (Layer("layers.0", 0.0), Layer("layers.1", 0.5)),
)
PROVED = Finding("new", "live", "NewModel", "tiny", "manifest", Verdict.PROVED)
NOISE = Finding("old", "itself", "", "", "causal", Verdict.WITHIN_NOISE, error=3e-7, bound=4e-6)
SKIPPED = Finding("old", "live", "", "", "", Verdict.SKIPPED, "by hand")
BROKEN = Finding("bad", "itself", "", "", "loading", Verdict.BROKEN, "no module")


def report(*findings: Finding) -> ModelReport:
    return ModelReport(findings[0].model, findings, 0.25)


ALL = [report(PROVED, DIVERGED), report(NOISE, SKIPPED)]


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ([report(PROVED)], 0),
        ([report(PROVED, SKIPPED), report(NOISE)], 0),
        ([report(PROVED, DIVERGED)], 1),
        ([report(PROVED, DIVERGED), report(BROKEN, NOISE)], 2),
        ([report(PROVED), report(SKIPPED)], 2),
        ([], 2),
    ],
)
def test_exit_code(found: list[ModelReport], code: int) -> None:
    assert exit_code(found) == code


def test_the_worst_is_a_failure_else_the_weakest_agreement() -> None:
    assert worst([Verdict.PROVED, Verdict.SKIPPED]) is Verdict.PROVED
    assert worst([Verdict.PROVED, Verdict.WITHIN_NOISE, Verdict.VACUOUS]) is Verdict.WITHIN_NOISE
    assert worst([Verdict.PROVED, Verdict.DIVERGED]) is Verdict.DIVERGED
    assert worst([Verdict.SKIPPED, Verdict.VACUOUS]) is Verdict.VACUOUS
    assert worst([]) is None


def test_json_has_every_finding() -> None:
    document = json.loads(reports.as_json(ALL, ROOT))
    assert document["exit_code"] == 1
    assert [len(model["findings"]) for model in document["models"]] == [2, 2]
    found = document["models"][0]["findings"][1]
    assert (found["verdict"], found["error"], found["bound"]) == ("DIVERGED", "inf", 1e-6)
    assert found["places"][0]["path"] == "modular/modular_new.py"


def test_junit_counts() -> None:
    suites = ElementTree.fromstring(reports.as_junit(ALL, ROOT))
    new, old = suites
    assert suites.get("tests") == "4"
    assert (new.get("tests"), new.get("failures"), old.get("skipped")) == ("2", "1", "1")
    failure = suites.find(".//failure")
    assert failure is not None
    assert "modular/modular_new.py:7" in str(failure.text)


def test_html_is_whole_and_needs_nothing_else() -> None:
    text = page.as_html(ALL, ROOT)
    opened: list[str] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert not {"src", "href"} & {k for k, v in attrs if v and not v.startswith("#")}
            if tag not in ("meta", "br", "line", "circle", "input"):
                opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag not in ("line", "circle"):
                assert opened.pop() == tag

    Parser().feed(text)
    assert opened == []
    assert "&lt;a&gt; &amp;" in text
    assert text.count("<circle") == 4


def test_html_shows_where_programs_and_layers_part() -> None:
    text = page.as_html(ALL, ROOT)
    rows = re.findall(r"<tr( class=\"\w+\")?><td>(%?[^<]*)</td><td>(%[^<]*)</td></tr>", text)
    assert rows == [
        ("", "%0 = a(x)", "%0 = a(x)"),
        (' class="first"', "", "%1 = b(%0)"),
        ("", "%1 = c(%0)", "%2 = c(%1)"),
    ]
    assert re.findall(r"class=off>([^<]+)<", text) == ["layers.1"]
    assert "by hand" in text.partition("What was not covered")[2].partition("All findings")[0]


def test_documentation_names_every_field_of_the_json(repository: Path) -> None:
    told = (repository / "docs" / "forward.md").read_text().partition("## Reports")[2]

    def keys(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            yield from value
        for inner in value.values() if isinstance(value, dict) else value:
            if isinstance(inner, dict | list):
                yield from keys(inner)

    found = set(keys(json.loads(reports.as_json(ALL, ROOT))))
    assert len(found) > 15
    assert {key for key in found if f"`{key}`" not in told} == set()


def test_lines_fit_the_terminal() -> None:
    rows = [line for each in ALL for line in terminal.table_lines(each, first=True)]
    assert max(map(len, rows)) <= terminal.WIDTH
    text = "\n".join(terminal.details(ALL[0], root=ROOT))
    assert "DIVERGED: new: live NewModel tiny plain" in text
    assert "modular    modular/modular_new.py:7: return x < y & z" in text
