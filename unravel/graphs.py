"""A lineage as text tree, Mermaid, SVG, JSON, and as one HTML page that stands alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from html import escape
from importlib.resources import files

from unravel.lineage import Lineage, Link, primary

JSON_VERSION = 1


def as_tree(lineage: Lineage) -> str:
    """One line a model, below the parent of which it has most classes."""
    lines = []
    for key, before in _walk(lineage):
        model = lineage.models[key]
        others = [lineage.models[each.parent].name for each in _others(lineage, key)]
        also = f"  (and {', '.join(others)})" if others else ""
        lines.append(f"{before}{model.name}{also}\n")
    return "".join(lines)


def _walk(lineage: Lineage) -> Iterator[tuple[str, str]]:
    """The models in the order of the tree, each with what a text tree draws before it."""
    above = primary(lineage)
    below: dict[str, list[str]] = {}
    for key in sorted(lineage.models, key=lambda key: (lineage.models[key].name, key)):
        below.setdefault(above.get(key, ""), []).append(key)

    def walk(key: str, trunk: str) -> Iterator[tuple[str, str]]:
        children = below.get(key, [])
        for child in children:
            is_last = child is children[-1]
            if key:
                yield child, trunk + ("└── " if is_last else "├── ")
                yield from walk(child, trunk + ("    " if is_last else "│   "))
            else:
                yield child, ""
                yield from walk(child, "")

    return walk("", "")


def _others(lineage: Lineage, key: str) -> list[Link]:
    """The links to the parents of a model below which the tree does not show it."""
    shown = primary(lineage).get(key, "")
    return [each for each in lineage.parents.get(key, ()) if each.parent != shown]


def as_mermaid(lineage: Lineage) -> str:
    """A flowchart that GitHub and many editors draw from a ```mermaid block."""
    names = {key: f"m{number}" for number, key in enumerate(sorted(lineage.models))}
    lines = ["flowchart LR"]
    for key, name in names.items():
        model = lineage.models[key]
        left, right = ("[", "]") if model.source else ("([", "])")
        lines.append(f'    {name}{left}"{model.name}"{right}')
    lines += [
        f"    {names[link.parent]} {'-->' if link.classes else '-.->'} {names[link.child]}"
        for link in sorted(lineage.links, key=lambda link: (link.parent, link.child))
    ]
    return "\n".join(lines) + "\n"


def as_json(lineage: Lineage) -> str:
    """`models` and `links`; docs/lineage.md describes the fields."""
    document = {
        "version": JSON_VERSION,
        "models": [
            {"key": each.key, "name": each.name, "modular_file": each.source or None}
            for each in sorted(lineage.models.values(), key=lambda model: model.key)
        ],
        "links": [
            {
                "child": each.child,
                "parent": each.parent,
                "modules": list(each.modules),
                "classes": [{"name": name, "base": base} for name, base in each.classes],
            }
            for each in lineage.links
        ],
    }
    return json.dumps(document, indent=2) + "\n"


# -- drawn ---------------------------------------------------------------------------------------

_ROW, _CHARACTER, _MARGIN = 22, 7.9, 12
_STYLE = """\
text { font: 13px ui-monospace, monospace; dominant-baseline: middle; fill: #1f2328 }
rect { fill: #eaf2ff; stroke: #7aa7e8 }
.hand rect { fill: #fff4d6; stroke: #d4a72c }
path { fill: none; stroke: #9aa4b0 }
path.other { stroke: #c98bdb; stroke-dasharray: 4 3; stroke-opacity: .45 }
"""


def as_svg(lineage: Lineage) -> str:
    """The tree from left to right; dashed lines lead to a model's other parents.

    Models that are written by hand are yellow. Hovering over a line or a model tells the classes.
    """
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{_drawing(lineage)}'


def _drawing(lineage: Lineage) -> str:
    above = primary(lineage)
    spots: dict[str, tuple[int, int]] = {}
    for row, (key, _) in enumerate(_walk(lineage)):
        depth = spots[above[key]][0] + 1 if key in above else 0
        spots[key] = (depth, row)
    widths = {key: 14 + _CHARACTER * len(lineage.models[key].name) for key in spots}
    columns = _columns(spots, widths)
    places = {
        key: (columns[depth], _MARGIN + row * _ROW + _ROW / 2)
        for key, (depth, row) in spots.items()
    }
    width = max((places[key][0] + widths[key] for key in spots), default=0) + 3 * _MARGIN
    height = 2 * _MARGIN + len(spots) * _ROW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}" role="img" aria-label="which model extends which">\n'
        f"<style>\n{_STYLE}</style>\n"
    ]
    parts += [
        _line(link, lineage, places, widths, is_other=above.get(link.child) != link.parent)
        for link in lineage.links
    ]
    for key, (left, middle) in places.items():
        model = lineage.models[key]
        kind = "model" if model.source else "model hand"
        parts.append(
            f'<g class="{kind}" data-key="{escape(key)}"><title>{escape(_title(lineage, key))}'
            f'</title><rect x="{left:.0f}" y="{middle - 8:.0f}" width="{widths[key]:.0f}" '
            f'height="17" rx="4"/><text x="{left + 7:.0f}" y="{middle + 1:.0f}">'
            f"{escape(model.name)}</text></g>\n"
        )
    return "".join([*parts, "</svg>\n"])


def _columns(spots: Mapping[str, tuple[int, int]], widths: Mapping[str, float]) -> list[float]:
    """Where each generation begins: right of the widest name of the one before."""
    depth = max((depth for depth, _ in spots.values()), default=0)
    columns = [float(_MARGIN)]
    for generation in range(depth):
        widest = max(widths[key] for key, (depth, _) in spots.items() if depth == generation)
        columns.append(columns[-1] + widest + 36)
    return columns


def _line(
    link: Link,
    lineage: Lineage,
    places: Mapping[str, tuple[float, float]],
    widths: Mapping[str, float],
    *,
    is_other: bool,
) -> str:
    left, top = places[link.parent]
    right, bottom = places[link.child]
    begin = left + widths[link.parent]
    if is_other and right <= begin:  # a bow to the right, as the parent does not stand further left
        begin, end = left + widths[link.parent], right + widths[link.child]
        far = max(begin, end) + 24
        course = (
            f"M{begin:.0f} {top:.0f}C{far:.0f} {top:.0f} {far:.0f} {bottom:.0f} "
            f"{end:.0f} {bottom:.0f}"
        )
    else:
        middle = right - 18
        course = (
            f"M{begin:.0f} {top:.0f}C{middle:.0f} {top:.0f} {begin + 9:.0f} {bottom:.0f} "
            f"{right:.0f} {bottom:.0f}"
        )
    classes = "\n".join(f"{name}({base})" for name, base in link.classes)
    names = f"{lineage.models[link.child].name} extends {lineage.models[link.parent].name}"
    return (
        f'<path class="{"link other" if is_other else "link"}" data-child="{escape(link.child)}" '
        f'data-parent="{escape(link.parent)}" d="{course}"><title>{escape(names)}\n'
        f"{escape(classes)}</title></path>\n"
    )


def _title(lineage: Lineage, key: str) -> str:
    model = lineage.models[key]
    lines = [model.source or f"{key} (by hand)"]
    for link in lineage.parents.get(key, ()):
        lines += [f"{name}({base})" for name, base in link.classes]
    return "\n".join(lines)


def as_html(lineage: Lineage) -> str:
    """The drawing in a page with a search and, for each model, what it extends and what extends it.

    The page loads nothing from elsewhere.
    """
    import jinja2

    text = files("unravel").joinpath("templates/graph.html.jinja").read_text("utf-8")
    template = jinja2.Template(text, autoescape=True, undefined=jinja2.StrictUndefined)
    # `</` would end the script that the data stand in.
    data = re.sub(r"</", r"<\\/", json.dumps(json.loads(as_json(lineage))))
    generated = sum(bool(model.source) for model in lineage.models.values())
    page: str = template.render(
        drawing=_drawing(lineage), data=data, count=len(lineage.models), generated=generated
    )
    return page


FORMATS: Mapping[str, Callable[[Lineage], str]] = {
    "tree": as_tree,
    "mermaid": as_mermaid,
    "svg": as_svg,
    "html": as_html,
    "json": as_json,
}
