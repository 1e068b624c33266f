"""Many examples in a row, counted; the first that goes wrong is made as small as can be."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as seeded

from tests.fuzz.differential import Verdict, compare
from tests.fuzz.projects import Project, projects


class Miscompiled(AssertionError):
    """The generated module does something else than the live one."""


@dataclass
class Summary:
    """What became of the examples."""

    examples: int = 0
    broken: int = 0
    wrong: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)

    def add(self, project: Project, verdict: Verdict) -> None:
        self.examples += 1
        self.features.update(project.features)
        if verdict.refused:
            message = re.sub("`[^`]*`", "`...`", verdict.refused)
            message = re.sub(r": \S+\.py:\d.*| \d+$", " ...", message)
            self.refused[message] += 1
            return
        self.broken += verdict.broken
        self.wrong += bool(verdict.wrong)
        self.features.update(ways(project.case.files[project.case.modular], verdict.generated))

    @property
    def share_refused(self) -> float:
        return sum(self.refused.values()) / max(1, self.examples)

    def text(self) -> str:
        refused = f"{sum(self.refused.values())} refused ({self.share_refused:.1%})"
        lines = [f"{self.examples} examples, {self.wrong} wrong, {refused}, {self.broken} in part"]
        lines += [f"  {count:6} {what}" for what, count in self.refused.most_common()]
        lines += ["features:"]
        lines += [f"  {count:6} {what}" for what, count in self.features.most_common()]
        return "\n".join(lines)


def ways(modular: str, generated: str) -> set[str]:
    """What the converter has made of the `super()` calls."""
    found: set[str] = set()
    theirs = _methods(generated)
    for key, method in _methods(modular).items():
        text, made = ast.unparse(method), theirs.get(key)
        if "super()" not in text or made is None:
            continue
        if "__parent_" in ast.unparse(made):
            found.add("way: helper method")
        elif "super()" in ast.unparse(made):
            found.add("way: super() left")
        else:
            found.add("way: pasted")
            if _ends_in_assignment(method) and not _ends_in_assignment(made):
                found.add("way: put in the parent's place")
    return found


def _methods(text: str) -> dict[tuple[str, str], ast.FunctionDef]:
    return {
        (cls.name, method.name): method
        for cls in ast.parse(text).body
        if isinstance(cls, ast.ClassDef)
        for method in cls.body
        if isinstance(method, ast.FunctionDef)
    }


def _ends_in_assignment(method: ast.FunctionDef) -> bool:
    return isinstance(method.body[-1], ast.Assign)


def run(examples: int, *, seed: int | None = None, shrink: bool = True) -> Summary:
    """Try `examples` projects; the same ones each time where no `seed` is given.

    Raises `Miscompiled` with the text of a golden case.
    """
    summary = Summary()
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=seed is None,
        phases=phases,
        print_blob=False,
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(projects())
    def attempt(project: Project) -> None:
        verdict = compare(project)
        summary.add(project, verdict)
        if verdict.wrong:
            raise Miscompiled(verdict.wrong)

    (attempt if seed is None else seeded(seed)(attempt))()
    return summary
