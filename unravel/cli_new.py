"""The command `new`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unravel import options

if TYPE_CHECKING:
    from unravel.scaffold import Draft, ParentModule
    from unravel.selection import Project
    from unravel.types import Settings

DONE, FAILED = 0, 2


@click.command(short_help="Begin a model that is built on another.")
@click.argument("name", required=False)
@click.option("--from", "parent", metavar="PARENT", help="A model of this project, or a package.")
@click.option("--classes", metavar="A,B", help="Which of the parent's classes; all it exports.")
@click.option("--cased", metavar="NAME", help="The name in front of its classes: BrandNew.")
@click.option("--description", metavar="TEXT", help="One sentence for the docstring and the page.")
@click.option("--tests", metavar="DIR", default="tests", show_default=True, help="'' for no test.")
@click.option(
    "--docs", metavar="DIR", default="docs/models", show_default=True, help="'': no page."
)
@click.option("--interactive", is_flag=True, help="Ask for what is not given.")
@click.option("--dry-run", is_flag=True, help="Print the files, and write nothing.")
@options.PROFILE
@options.ROOT
def new(
    name: str | None,
    parent: str | None,
    classes: str | None,
    cased: str | None,
    description: str | None,
    tests: str,
    docs: str,
    interactive: bool,
    dry_run: bool,
    profile: str | None,
    root: str | None,
) -> int:
    """Begin the model NAME: a modular file that changes nothing yet, a test and a page.

    \b
    Examples:
      unravel new tiny --from llama
      unravel new tiny --from transformers.models.llama --docs ''
      unravel new tiny --from llama --classes LlamaMLP,LlamaModel
      unravel new --interactive
    """
    from unravel import scaffold
    from unravel.selection import open_here
    from unravel.terminal import complain, say
    from unravel.types import Failed

    project = open_here(root, profile)
    if isinstance(project, Failed):
        complain(project.diagnostics, root or "")
        return FAILED
    if interactive:
        name = name or _ask_name(project)
        parent = parent or click.prompt("Built on")
    if not name or not parent:
        raise click.UsageError("give NAME and --from PARENT, or use --interactive.")
    problem = scaffold.name_problem(project, name)
    if problem:
        say(f"{name}: {problem}")
        return FAILED
    modules = scaffold.parent_modules(project, parent)
    if isinstance(modules, Failed):
        complain(modules.diagnostics, str(project.root))
        return FAILED
    prefix = scaffold.old_prefix(modules)
    if interactive:
        classes = classes or _ask_classes(modules)
        cased = cased or click.prompt("Its classes begin with", scaffold.cased_name(name))
        description = description or click.prompt("In one sentence", _about(parent))
    if classes is not None:
        wanted = [each.strip() for each in classes.split(",") if each.strip()]
        unknown = set(wanted) - {each for module in modules for each in module.classes}
        if unknown or not wanted:
            every = ", ".join(each for module in modules for each in module.classes)
            say(f"`{parent}` exports no {', '.join(sorted(unknown)) or 'such class'}: {every}")
            return FAILED
        modules = _only(modules, wanted)
    cased = cased or scaffold.cased_name(name)
    if not cased.isidentifier() or not cased[0].isupper():
        say(f"{cased}: the name in front of classes begins with a capital letter")
        return FAILED
    drafts = scaffold.drafts(
        project,
        name,
        parent,
        modules,
        prefix=prefix,
        cased=cased,
        description=description or _about(parent),
        tests=tests,
        docs=docs,
    )
    if dry_run:
        for draft in drafts:
            click.echo(f"==> {draft.path} <==\n{draft.text}")
        return DONE
    return _write(project.root, drafts, name, project.settings)


def _about(parent: str) -> str:
    return f"what it changes about {parent.rpartition('.')[2]} is still to be written."


def _ask_name(project: Project) -> str:
    from unravel.scaffold import name_problem

    def checked(text: str) -> str:
        problem = name_problem(project, text)
        if problem:
            raise click.BadParameter(problem)
        return text

    name: str = click.prompt("Name of the model", value_proc=checked)
    return name


def _ask_classes(modules: Sequence[ParentModule]) -> str:
    """The classes to build on, by their numbers or names."""
    every = [each for module in modules for each in module.classes]
    for number, each in enumerate(every, 1):
        click.echo(f"  {number:2} {each}")

    def checked(text: str) -> str:
        wanted = [each.strip() for each in text.split(",") if each.strip()]
        names = [
            every[int(w) - 1] if w.isdigit() and 0 < int(w) <= len(every) else w for w in wanted
        ]
        if text != "all" and (not names or set(names) - set(every)):
            raise click.BadParameter("give numbers or names from the list, or: all")
        return ",".join(every if text == "all" else names)

    chosen: str = click.prompt("Which of these classes", "all", value_proc=checked)
    return chosen


def _only(modules: Sequence[ParentModule], wanted: Sequence[str]) -> tuple[ParentModule, ...]:
    left = (
        replace(module, classes=tuple(each for each in module.classes if each in wanted))
        for module in modules
    )
    return tuple(module for module in left if module.classes)


def _write(root: Path, drafts: Sequence[Draft], name: str, settings: Settings) -> int:
    """Write all files or none; none of them may be there."""
    from unravel.terminal import from_here, say

    there = [draft.path for draft in drafts if (root / draft.path).exists()]
    if there:
        say(f"nothing is written: {', '.join(there)} exists already")
        return FAILED
    try:
        for draft in drafts:
            file = root / draft.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(draft.text, "utf-8")
            click.echo(f"wrote {from_here(draft.path, str(root))}")
    except OSError as error:
        say(f"{error.filename}: {error.strerror}")
        return FAILED
    click.echo(f"next: unravel convert {name}")
    return DONE
