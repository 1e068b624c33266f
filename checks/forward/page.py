"""One page of HTML for a browser, which needs no other file: what was found, and what was not."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from html import escape
from pathlib import Path

from checks.forward.terminal import PAIRS, from_here, summary
from checks.forward.verdicts import Finding, ModelReport, Verdict, worst

_STYLE = """
:root { color-scheme: light dark; --line: #8883; --soft: #8881; --dim: #6b7280; --link: #0969da;
  --good: #1a7f37; --fine: #0969da; --near: #8250df; --none: #6e7781; --thin: #9a6700;
  --bad: #cf222e; --first: #ffebe9; --mono: ui-monospace, "DejaVu Sans Mono", monospace }
@media (prefers-color-scheme: dark) { :root { --dim: #9aa4b0; --link: #58a6ff; --first: #67060c66;
  --good: #238636; --fine: #1f6feb; --near: #8957e5; --none: #57606a; --thin: #9e6a03;
  --bad: #da3633 } }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; margin: 0 auto; max-width: 78rem;
  padding: 1.5rem 1rem 4rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere } p { margin: .3rem 0 }
a { color: var(--link); text-decoration: none } .dim { color: var(--dim) }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top }
th { font-weight: 600; color: var(--dim); font-size: .85rem } td.number { white-space: nowrap }
.verdict { color: #fff; border-radius: .25rem; padding: .1rem .4rem; white-space: nowrap;
  font-size: .75rem; font-weight: 600 }
input { font: inherit; padding: .25rem .5rem; margin: .6rem 0; width: min(20rem, 100%) }
article { border: 1px solid var(--line); border-left: 4px solid var(--bad); border-radius: .4rem;
  padding: .8rem 1rem; margin: .8rem 0 }
article > * + * { margin-top: .5rem }
details { border-bottom: 1px solid var(--line); padding: .35rem 0 }
summary { cursor: pointer } summary b { margin-right: .5rem }
code, .code { font-family: var(--mono); font-size: .8rem }
.code td { padding: .1rem .8rem .1rem .3rem; border: 0; white-space: pre }
.places td:first-child { color: var(--dim) }
.trace { table-layout: fixed; min-width: 44rem } .trace td { white-space: pre-wrap;
  overflow-wrap: anywhere; width: 50% } .trace th { font-family: inherit; padding-left: .3rem }
.trace tr.other td { background: var(--soft) } .trace tr.first td { background: var(--first) }
.scroll { max-height: 26rem; overflow: auto }
svg { max-width: 100%; height: auto; display: block }
svg text { fill: currentColor; font: 12px system-ui, "DejaVu Sans", sans-serif }
svg .dim { fill: var(--dim) } svg .off { fill: var(--bad); font-weight: 600 }
@media (max-width: 44rem) { .places td { display: block; white-space: pre-wrap;
  overflow-wrap: anywhere } .places tr + tr td:first-child { padding-top: .4rem } }
"""
_COLORS = {
    Verdict.PROVED: "--good",
    Verdict.EQUAL_BITS: "--good",
    Verdict.REFACTOR: "--fine",
    Verdict.WITHIN_NOISE: "--near",
    Verdict.SKIPPED: "--none",
    Verdict.UNREACHED: "--thin",
    Verdict.VACUOUS: "--thin",
    Verdict.DIVERGED: "--bad",
    Verdict.BROKEN: "--bad",
}
_SCRIPT = """
const wanted = document.querySelector("input");
wanted.addEventListener("input", () => document.querySelectorAll("[data-model]").forEach(
  each => each.hidden = !each.dataset.model.includes(wanted.value.toLowerCase())));
const open = () => document.getElementById(decodeURIComponent(location.hash.slice(1)))
  ?.setAttribute("open", "");
addEventListener("hashchange", open); open();
"""


def as_html(reports: Sequence[ModelReport], root: Path) -> str:
    """What failed, first; then all models, their errors, what was not covered, every finding."""
    parts = (
        f"<h1>Forward passes in sync</h1><p class=dim>{escape(summary(reports))}</p>",
        '<input type="search" placeholder="models whose name contains …" aria-label="models">',
        _failures(reports, root),
        _table(reports),
        _errors(reports),
        _uncovered(reports),
        "<h2>All findings</h2>" + "".join(_findings(report, root) for report in reports),
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Forward passes in sync</title><style>{_STYLE}</style></head><body>"
        f"{''.join(parts)}<script>{_SCRIPT}</script></body></html>\n"
    )


def _badge(verdict: Verdict | None) -> str:
    if verdict is None:
        return '<span class="dim">-</span>'
    style = f"background:var({_COLORS[verdict]})"
    return f'<span class="verdict" style="{style}" title="{verdict.value}">{verdict.label}</span>'


# -- what failed ---------------------------------------------------------------------------------


def _failures(reports: Sequence[ModelReport], root: Path) -> str:
    """An article for the first failure of each class and pair; the others by name."""
    groups: dict[tuple[str, ...], list[Finding]] = defaultdict(list)
    for report in reports:
        for each in report.findings:
            if each.verdict.is_failure:
                groups[each.model, each.verdict.name, each.pair, each.subject].append(each)
    if not groups:
        return ""
    seen, articles = set[str](), []
    for group in groups.values():
        articles.append(_failure(group, root, is_first=group[0].model not in seen))
        seen.add(group[0].model)
    return "<h2>What failed</h2>" + "".join(articles)


def _failure(group: Sequence[Finding], root: Path, *, is_first: bool) -> str:
    """Open is what shows most: the first of each model."""
    first, *others = group
    details = "<details open><summary>" if is_first else "<details><summary>"
    parts = [f"<h3>{_badge(first.verdict)} {escape(first.model)}: {escape(first.name)}</h3>"]
    if first.note:
        parts.append(f"<p>{escape(first.note)}</p>")
    if first.places:
        parts.append(_places(first, root))
    if first.script:
        parts.append(f'<p><span class="dim">script</span> <code>{escape(first.script)}</code></p>')
    if any(layer.error for layer in first.layers):
        parts.append(f"{details}Error by layer</summary>{_layers(first)}</details>")
    if first.trace:
        parts.append(f"{details}Operations</summary>{_trace(first)}</details>")
    if others:
        names = ", ".join(f"{each.variant} {each.check}".strip() for each in others)
        parts.append(f'<p class="dim">The same verdict: {escape(names)}</p>')
    model = escape(first.model.lower())
    return f'<article data-model="{model}">{"".join(parts)}</article>'


def _places(finding: Finding, root: Path) -> str:
    rows = "".join(
        f"<tr><td>{escape(place.role)}</td>"
        f"<td>{escape(from_here(place.path, root))}:{place.line}</td>"
        f"<td>{escape(place.text)}</td></tr>"
        for place in finding.places
    )
    return f'<div class="wide"><table class="code places">{rows}</table></div>'


def _trace(finding: Finding) -> str:
    """Both programs side by side; the first row that differs stands out."""
    rows, differs = [], False
    for step in finding.trace:
        if not differs and step.mine != step.theirs:
            kind, differs = ' class="first"', True
        else:
            # Behind an operation too many, all have other numbers.
            kind = "" if _bare(step.mine) == _bare(step.theirs) else ' class="other"'
        rows.append(f"<tr{kind}><td>{escape(step.mine)}</td><td>{escape(step.theirs)}</td></tr>")
    return (
        '<div class="wide scroll"><table class="code trace">'
        f"<tr><th>generated</th><th>{escape(finding.pair)}</th></tr>{''.join(rows)}</table></div>"
    )


def _bare(operation: str) -> str:
    return re.sub(r"%\d+", "%", operation)


# -- plots ---------------------------------------------------------------------------------------

_WIDTH, _STEP = 1000, 18
_DECADES = range(-9, 2)


def _x(error: float, left: int) -> float:
    """The place of an error on a logarithmic scale; what is over the edge, is at it."""
    low, high = _DECADES[0], _DECADES[-1]
    exponent = high if math.isinf(error) else math.log10(error) if error > 0 else low
    return left + (min(max(exponent, low), high) - low) / (high - low) * (_WIDTH - left - 30)


def _chart(rows: Sequence[tuple[str, str]], left: int, off: Container[str] = ()) -> str:
    """A label and marks for each row, over a grid of powers of ten; `off` are labels to stress."""
    height = _STEP * len(rows) + 26
    grid = "".join(
        f'<line x1="{_x(10.0**n, left):.0f}" x2="{_x(10.0**n, left):.0f}" y1="20" '
        f'y2="{height}" stroke="var(--line)"/><text class="dim" x="{_x(10.0**n, left):.0f}" '
        f'y="13" text-anchor="middle">{"0" if n == _DECADES[0] else f"1e{n}"}</text>'
        for n in _DECADES
    )
    marks = "".join(
        f'<g transform="translate(0,{_STEP * n + 20})"><text x="{left - 12}" y="15" '
        f'text-anchor="end"{" class=off" if label in off else ""}>{escape(label)}</text>{mark}</g>'
        for n, (label, mark) in enumerate(rows)
    )
    return (
        f'<div class="wide"><svg style="min-width:44rem" viewBox="0 0 {_WIDTH} {height}" '
        f'role="img">{grid}{marks}</svg></div>'
    )


def _dot(error: float, left: int, color: str, title: str) -> str:
    x = _x(error, left)
    return f'<circle cx="{x:.1f}" cy="11" r="4" fill="var({color})"><title>{title}</title></circle>'


def _layers(finding: Finding) -> str:
    """How far each module is off, in the order in which they are done."""
    left = 360
    bound = finding.bound or 0.0
    rows = [
        (
            layer.path or "(model)",
            _dot(
                layer.error,
                left,
                "--bad" if layer.error > bound else "--good",
                f"{escape(layer.path)}: {layer.error:.1e}",
            ),
        )
        for layer in finding.layers
    ]
    off = {layer.path or "(model)" for layer in finding.layers if layer.error > bound}
    return f'<div class="scroll">{_chart(rows, left, off)}</div>'


def _errors(reports: Sequence[ModelReport]) -> str:
    """The errors of each model as dots, and the largest that may be as a stroke."""
    left, rows = 170, []
    for report in reports:
        off = [each for each in report.findings if each.error]
        if off:
            bounds = sorted({each.bound for each in off if each.bound})
            strokes = "".join(
                f'<line x1="{_x(b, left):.1f}" x2="{_x(b, left):.1f}" y1="3" y2="19" '
                f'stroke="currentColor"><title>bound {b:.1e}</title></line>'
                for b in bounds[-1:]
            )
            dots = "".join(
                _dot(
                    each.error or 0.0,
                    left,
                    _COLORS[each.verdict],
                    f"{escape(each.name)}: {each.error:.1e}",
                )
                for each in off
            )
            rows.append((report.model, strokes + dots))
    if not rows:
        return ""
    return (
        "<h2>Errors</h2><p class=dim>Relative to the largest value. A stroke is the largest "
        "that may be; what has no dot is the same to the last bit.</p>"
        f'<div class="scroll">{_chart(rows, left)}</div>'
    )


# -- tables --------------------------------------------------------------------------------------


def _table(reports: Sequence[ModelReport]) -> str:
    there = dict.fromkeys(each.pair for report in reports for each in report.findings)
    pairs = sorted(there, key=lambda pair: PAIRS.index(pair) if pair in PAIRS else len(PAIRS))
    head = "".join(f"<th>{escape(pair)}</th>" for pair in pairs)
    rows = "".join(_row(report, pairs) for report in reports)
    return (
        f'<h2>Models</h2><div class="wide"><table><tr><th>model</th>{head}<th>seconds</th></tr>'
        f"{rows}</table></div>"
    )


def _row(report: ModelReport, pairs: Sequence[str]) -> str:
    cells = "".join(
        f"<td>{_badge(worst(each.verdict for each in report.of(pair)))}</td>" for pair in pairs
    )
    name = escape(report.model)
    seconds = f"unchanged since {report.since}" if report.since else f"{report.seconds:.1f}"
    return (
        f'<tr data-model="{name.lower()}"><td><a href="#{name}">{name}</a></td>{cells}'
        f"<td>{seconds}</td></tr>"
    )


_UNCOVERED = (Verdict.VACUOUS, Verdict.UNREACHED, Verdict.SKIPPED)


def _uncovered(reports: Iterable[ModelReport]) -> str:
    """What no check says anything of, by its reason; the models that it is so of."""
    found: dict[tuple[Verdict, str, str], dict[str, None]] = defaultdict(dict)
    for report in reports:
        for each in report.findings:
            if each.verdict in _UNCOVERED:
                about = each.subject if each.verdict is Verdict.UNREACHED else each.check
                about = f"{each.pair} {about}".strip()
                found[each.verdict, about, each.note][report.model] = None
    if not found:
        return ""
    rows = "".join(
        f"<tr><td>{_badge(verdict)}</td><td>{escape(about)}</td><td>{escape(note)}</td>"
        f'<td class="dim">{escape(_some(list(models)))}</td></tr>'
        for (verdict, about, note), models in sorted(
            found.items(), key=lambda each: (_UNCOVERED.index(each[0][0]), each[0][1:])
        )
    )
    return (
        '<h2>What was not covered</h2><div class="wide"><table><tr><th></th><th>check</th>'
        f"<th>because</th><th>models</th></tr>{rows}</table></div>"
    )


def _some(names: Sequence[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _findings(report: ModelReport, root: Path) -> str:
    rows = "".join(_finding(finding, root) for finding in report.findings)
    name = escape(report.model)
    verdict = _badge(worst(each.verdict for each in report.findings))
    return (
        f'<details id="{name}" data-model="{name.lower()}"><summary><b>{name}</b>{verdict} '
        f'<span class="dim">{len(report.findings)} findings</span></summary>'
        f'<div class="wide"><table>{rows}</table></div></details>'
    )


def _finding(finding: Finding, root: Path) -> str:
    error = "" if not finding.error else f"{finding.error:.1e}"
    places = _places(finding, root) if finding.places else ""
    return (
        f"<tr><td>{_badge(finding.verdict)}</td><td>{escape(finding.name)}</td>"
        f'<td class="number">{error}</td><td>{escape(finding.note)}{places}</td></tr>'
    )
