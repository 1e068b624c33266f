"""Rules in words: for the terminal, as JSON, and as the page of the documentation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from unravel.lint import stage
from unravel.lint.catalogue import UnknownCode, catalogue, chosen
from unravel.lint.rule import Example, Rule, Scope
from unravel.reports import RuleInfo

__all__ = ["UnknownCode", "explained", "info", "listed", "page"]

_FORMS = {
    Scope.MODULAR: "Rules for modular files",
    Scope.MODEL: "Rules for single-file models",
    Scope.COPY: "Rules for copies",
}
_ABOUT = {
    Scope.MODULAR: "They compare a modular file with the parents that it extends.",
    Scope.MODEL: """\
They look at each file of a model, written by hand or generated. What is found in a generated file
is reported at the line of the modular file that it comes from. What comes from a parent is
reported in the parent's file, once, and not again for each of its children.""",
    Scope.COPY: """\
They hold blocks that are marked `# Copied from module.Object with Old->New` against their source.
`unravel copies check` runs them alone, `unravel copies fix` brings the blocks in step.""",
}


def info(rule: Rule) -> RuleInfo:
    """What report formats say of a rule."""
    return RuleInfo(rule.code, rule.name, rule.summary, rule.why)


def explained(code: str, form: str = "text") -> str:
    """All there is to know of a rule. Raises `UnknownCode`."""
    rules = [catalogue()[each] for each in sorted(chosen([code], ()))]
    if form == "json":
        return json.dumps([_entry(rule) for rule in rules], indent=2, ensure_ascii=False)
    return "\n\n".join("\n".join(_section(rule, "")) for rule in rules)


def listed(form: str = "text") -> str:
    """All rules, a line each."""
    rules = catalogue().values()
    if form == "json":
        return json.dumps([_entry(rule) for rule in rules], indent=2, ensure_ascii=False)
    return "\n".join(
        f"{rule.code}  {_mark(rule)} {rule.name:28} {rule.summary}".rstrip() for rule in rules
    )


def _mark(rule: Rule) -> str:
    return "fix" if rule.promise is not None else "   "


def _entry(rule: Rule) -> dict[str, Any]:
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.value,
        "summary": rule.summary,
        "why": rule.why,
        "fix": rule.promise.value if rule.promise is not None else "",
        "examples": [{"bad": each.bad, "good": each.good} for each in rule.examples],
    }


def _section(rule: Rule, level: str) -> Iterator[str]:
    """A rule in Markdown, below a heading of `level`."""
    yield f"{level} {rule.code} {rule.name}".lstrip()
    yield ""
    yield f"{rule.summary} ({rule.severity.value})"
    yield ""
    yield rule.why
    yield ""
    for example in rule.examples:
        yield from _example(example)
    command = "`unravel copies fix`" if rule.scope is Scope.COPY else "`--fix`"
    if rule.promise is not None:
        yield f"{command} makes this of it: {rule.promise.value}."
    else:
        yield "There is no fix: what is right, only the author knows."


def _example(example: Example) -> Iterator[str]:
    for path, text in example.files.items():
        yield f"Where `{path}` is"
        yield ""
        yield from _block(text)
    yield "this is found:"
    yield ""
    yield from _block(example.bad)
    yield "and this is not:"
    yield ""
    yield from _block(example.good)


def _block(text: str) -> Iterator[str]:
    yield "```python"
    yield text.rstrip("\n")
    yield "```"
    yield ""


def page() -> str:
    """The page of all rules, in Markdown."""
    lines = []
    for scope in Scope:
        rules = [rule for rule in catalogue().values() if rule.scope is scope]
        if not rules:
            continue
        lines += [f"## {_FORMS[scope]}", "", _ABOUT[scope], ""]
        lines += ["| code | name | fix | what it finds |", "|---|---|---|---|"]
        for rule in rules:
            mark = "yes" if rule.promise is not None else ""
            anchor = f"{rule.code}-{rule.name}".lower()
            row = f"| [{rule.code}](#{anchor}) | {rule.name} | {mark} | {rule.summary} |"
            lines.append(row)
        lines.append("")
    lines += ["## The examples' project", ""]
    lines += ["All examples are set in a project that has one model:", ""]
    for path, text in stage.FILES.items():
        lines += [f"`{path}`:", "", *_block(text)]
    for rule in catalogue().values():
        lines += [*_section(rule, "###"), ""]
    return "\n".join(lines).rstrip("\n") + "\n"
