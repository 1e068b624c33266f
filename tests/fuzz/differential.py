"""One project, converted and live: do both behave the same?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from checks.live import live
from tests.fuzz.projects import Project
from tests.fuzz.recorder import BROKEN
from tests.golden_case import (
    Case,
    behaviour,
    converted,
    import_path,
    importable,
    line_of,
    probed,
    with_wanted,
    write_case,
)
from unravel.types import Converted

OURS = ("UNR003", "UNR402", "UNR408", "UNR901")
"""Codes that say that what was drawn or generated is wrong, or that we failed: no fair refusal."""


@dataclass(frozen=True)
class Verdict:
    """`refused` is the code, if it was refused; `wrong` says what is, with the case's text."""

    refused: str = ""
    wrong: str = ""
    broken: bool = False
    generated: str = ""


def compare(project: Project) -> Verdict:
    """Convert the project and run both sides."""
    case = project.case
    files = dict(case.files)
    for modular in project.chain:
        found = converted(replace(case, files=_up_to(files, modular)))
        if not isinstance(found, Converted):
            return _refused(case, found.diagnostics)
        files.update((file.path, file.text) for file in found.files)
    found = converted(replace(case, files=files))
    if not isinstance(found, Converted):
        return _refused(case, found.diagnostics)
    generated = {file.path: file.text for file in found.files}
    shown = write_case(with_wanted(case, generated))
    text = "".join(generated.values())
    try:
        seen = behaviour(replace(case, files=files), generated)
    except Exception as error:
        return Verdict(wrong=f"the generated module fails: {error!r}\n\n{shown}")
    for forgives in (True, False):  # what a child replaces may be left out, or fail as it stands
        wanted = _live(project, forgives)
        end = next((i for i, each in enumerate(wanted) if BROKEN in each), None)
        difference = _difference(wanted[:end], seen)
        if not difference:
            return Verdict(broken=end is not None, generated=text)
    return Verdict(wrong=f"{difference}\n\n{shown}", generated=text)


def _difference(wanted: Sequence[Any], seen: Sequence[Any]) -> str:
    """The first step that the generated module takes in another way; empty if there is none."""
    for step, each in enumerate(wanted):
        other = seen[step] if step < len(seen) else None
        if other != each:
            return f"step {step}\nlive:      {each}\ngenerated: {other}"
    return ""


def _up_to(files: dict[str, str], last: str) -> dict[str, str]:
    """What there is when the modular file `last` is converted."""
    modular = [path for path in files if path.startswith("modular/")]
    later = modular[modular.index(last) + 1 :]
    return {path: text for path, text in files.items() if path not in later}


def _live(project: Project, forgives: bool) -> Any:
    modular = {
        f"models.{model}.{kind}_{model}": f"modular.modular_{model}"
        for model in (path[len("modular/modular_") : -len(".py")] for path in project.chain)
        for kind in ("configuration", "modeling")
    }
    case = project.case
    with (
        importable(case.files),
        live(import_path(case.modular), modular_of=modular.get, forgives=forgives) as module,
    ):
        return probed(case, module)


def _refused(case: Case, diagnostics: Any) -> Verdict:
    code = diagnostics[0].code
    if code in OURS:
        return Verdict(wrong=line_of(diagnostics[0]) + "\n" + write_case(case))
    return Verdict(refused=f"{code} {diagnostics[0].message}")
