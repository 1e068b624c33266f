"""A small project on disk, and what the linter says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from unravel.lint import stage
from unravel.lint.rule import Example, Rule, Scope
from unravel.lint.running import FixRun, Run, Wanted, fix, lint
from unravel.profiles import PROFILES
from unravel.selection import Project


def lay_out(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


def project(folder: Path, profile: str = "default") -> Project:
    """The project in `folder`, laid out as `default` whatever the profile."""
    layout = PROFILES["default"]
    settings = replace(layout, corpus_rules=PROFILES[profile].corpus_rules)
    return Project(folder, settings)


def path_of(rule: Rule, example: Example) -> str:
    """Where the code of an example stands."""
    return example.path or (stage.MODULAR if rule.scope is Scope.MODULAR else stage.MODELING)


def set_up(folder: Path, rule: Rule, example: Example, code: str) -> Project:
    """The project of an example, with `code` in its place."""
    lay_out(folder, {**stage.FILES, **example.files, path_of(rule, example): code})
    return project(folder, example.profile)


def linted(where: Project, *codes: str) -> Run:
    return lint(where, Wanted(select=codes))


def fixed(where: Project, *codes: str) -> FixRun:
    wanted = Wanted(select=codes)
    return fix(where, lint(where, wanted), wanted, write=True)
