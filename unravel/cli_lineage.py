"""The commands over who extends whom: `graph` and `impact`."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unravel import options, terminal
from unravel.completing import models as complete

if TYPE_CHECKING:
    from unravel.impact import Impact, ModelImpact
    from unravel.types import Diagnostic

DONE, FAILED = 0, 2
_FORMATS = ("tree", "mermaid", "svg", "html", "json")


@click.command(short_help="Who extends whom?")
@click.argument("models", nargs=-1, metavar="[MODEL]...", shell_complete=complete)
@click.option("--format", "form", type=click.Choice(_FORMATS), help="tree, if FILE does not tell.")
@options.OUTPUT
@options.PROFILE
@options.ROOT
def graph(
    models: tuple[str, ...],
    form: str | None,
    output: str | None,
    profile: str | None,
    root: str | None,
) -> int:
    """Show who extends whom: all models, or those named with all above and below them.

    \b
    Examples:
      unravel graph                       a tree
      unravel graph llama                 what llama is in
      unravel graph -o models.html        a page to click through
      unravel graph --format mermaid      for a README on GitHub
    """
    from unravel.graphs import FORMATS
    from unravel.impact import lineage_of
    from unravel.selection import open_here, select
    from unravel.types import Failed

    project = open_here(root, profile)
    if isinstance(project, Failed):
        return _refuse(project.diagnostics, str(root or ""))
    selection = select(project, ())
    if not selection.sources:
        return _refuse(selection.unknown[0].diagnostics, str(project.root))
    lineage = lineage_of(selection)
    if models:
        named = [key for key, model in lineage.models.items() if model.name in models]
        unknown = set(models) - {lineage.models[key].name for key in named}
        if unknown:
            return _refuse(_unknown(unknown, {m.name for m in lineage.models.values()}), "")
        lineage = lineage.only({*named, *lineage.descendants(named), *lineage.ancestors(named)})
    ending = Path(output or "").suffix.lstrip(".")
    known = {"md": "mermaid", "mmd": "mermaid", "txt": "tree"}.get(ending, ending)
    text = FORMATS[form or (known if known in FORMATS else "tree")](lineage)
    if not terminal.put(text, output):
        return FAILED
    # What could be read is shown; what could not is no reason to be silent about either.
    return _refuse([each.diagnostic for each in lineage.unreadable], str(project.root))


@click.command(short_help="Which models change with a file, and how?")
@click.argument("files", nargs=-1, metavar="[FILE|MODEL]...", shell_complete=complete)
@click.option("--base", default="HEAD", metavar="REF", help="The commit to compare with; HEAD.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text")
@options.OUTPUT
@options.JOBS
@options.PROFILE
@options.ROOT
@options.NO_CACHE
@options.CACHE_DIR
def impact(
    files: tuple[str, ...],
    base: str,
    form: str,
    output: str | None,
    jobs: int | None,
    profile: str | None,
    root: str | None,
    no_cache: bool,
    cache_dir: str | None,
) -> int:
    """Say which models change with these files, and how; nothing is written.

    What differs from the commit is converted in both versions and compared. If nothing does, it
    says which functions of which models would change with those in the files.

    \b
    Examples:
      unravel impact                      what was edited since the last commit
      unravel impact --base main          what this branch has edited
      unravel impact llama                if llama changed, what would?
    """
    from unravel.impact import find_impact
    from unravel.selection import open_here
    from unravel.types import Failed

    project = open_here(root, profile)
    if isinstance(project, Failed):
        return _refuse(project.diagnostics, str(root or ""))
    found = find_impact(
        project, files, base=base, jobs=jobs, cache=not no_cache and (cache_dir or True)
    )
    if isinstance(found, Failed):
        return _refuse(found.diagnostics, str(project.root))
    lines = [_as_json(found)] if form == "json" else list(_as_text(found, _width(output)))
    return DONE if terminal.put("\n".join(lines) + "\n", output) else FAILED


def _unknown(names: Iterable[str], known: Iterable[str]) -> list[Diagnostic]:
    from unravel.diagnostics import Place, diagnose, nearest

    known = list(known)
    return [
        diagnose(
            "UNR004", Place(name, 0, 0), f"there is no model `{name}`", hint=nearest(name, known)
        )
        for name in sorted(names)
    ]


def _refuse(diagnostics: Sequence[Diagnostic], root: str) -> int:
    terminal.complain(diagnostics, root)
    return FAILED if diagnostics else DONE


def _width(output: str | None) -> int:
    is_shown = output is None and sys.stdout.isatty()
    return shutil.get_terminal_size().columns if is_shown else 80


# -- impact, in words ----------------------------------------------------------------------------

_MEANING = {
    "code": "other code",
    "new": "a new file",
    "gone": "a file is gone",
    "fails": "can no longer be converted",
    "renames": "other names only",
    "comments": "other comments or docstrings only",
    "unchanged": "the same",
}


def _as_text(impact: Impact, width: int) -> Iterator[str]:
    from unravel.comparing import How

    def filled(text: str, first: str = "", rest: str = "    ") -> str:
        return textwrap.fill(
            text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
        )

    if not impact.paths:
        yield f"nothing that a model is made of has changed since {impact.base}"
        return
    for file in impact.changes:
        names = ", ".join(file.change.definitions)
        yield filled(
            f"{file.path}: {_MEANING[file.change.how.value]}" + f" in {names}" * bool(names)
        )
    if impact.is_made_up:
        yield filled(f"{', '.join(impact.paths)}: as at {impact.base}. Where a change would show:")
    groups: dict[How, list[ModelImpact]] = {}
    for model in impact.models:
        groups.setdefault(model.how, []).append(model)
    for how in sorted(groups, key=list(How).index, reverse=True):
        models = groups[how]
        if how in (How.NOTHING, How.TEXT):
            continue
        yield ""
        if not impact.is_made_up:
            yield f"{_MEANING[how.value]}:"
        for model in models:
            yield from _lines(model, filled)
    for how in (How.TEXT, How.NOTHING):
        names = ", ".join(model.model for model in groups.get(how, ()))
        if names:
            yield ""
            yield filled(f"{_MEANING[how.value]}: {names}")
    yield ""
    counts = Counter(model.how for model in impact.models)
    changed = len(impact.models) - counts[How.NOTHING]
    parts = [f"{counts[how]} {how.value}" for how in reversed(list(How)) if counts[how]]
    verb = "would change" if impact.is_made_up else "change"
    yield f"{changed} of {impact.total} models {verb}: {', '.join(parts) or 'none is built on it'}"


_SHOWN = 8


def _lines(model: ModelImpact, filled: Callable[..., str]) -> Iterator[str]:
    from unravel.comparing import How
    from unravel.terminal import diagnostic_lines

    if model.failed:
        for diagnostic in model.failed:
            yield from diagnostic_lines(diagnostic, width=80)
        return
    apart = [each for each in model.files if each.change.how in (How.NEW, How.GONE)]
    names = [
        *model.definitions,
        *dict.fromkeys(f"{a} -> {b}" for each in model.files for a, b in each.change.renamed),
        *(f"{each.path} ({each.change.how.value})" for each in apart),
    ]
    more = f", ... ({len(names)} in all)" if len(names) > _SHOWN else ""
    yield filled(f"{model.model}: {', '.join(names[:_SHOWN])}{more}", "  ", "      ")


def _as_json(impact: Impact) -> str:
    document = {
        "version": 1,
        "base": impact.base,
        "hypothetical": impact.is_made_up,
        "paths": list(impact.paths),
        "models": [
            {
                "model": model.model,
                "modular_file": model.source,
                "how": model.how.value,
                "files": [
                    {
                        "path": file.path,
                        "how": file.change.how.value,
                        "definitions": list(file.change.definitions),
                        "renamed": dict(file.change.renamed),
                    }
                    for file in model.files
                ],
                "errors": [
                    {
                        "code": each.code,
                        "path": each.path,
                        "line": each.line,
                        "message": each.message,
                    }
                    for each in model.failed
                ],
            }
            for model in impact.models
        ],
    }
    return json.dumps(document, indent=2)
