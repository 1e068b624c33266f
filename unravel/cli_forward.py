"""The command `forward`; all that is heavy is loaded when it is called."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from unravel import options
from unravel.terminal import Bar, is_colored, progress, put, say

if TYPE_CHECKING:
    from pathlib import Path

    from checks.forward.verdicts import ModelReport
    from unravel.cache import Cache

FAILED = 2

_OPTIONS = (
    click.argument("models", nargs=-1, metavar="[MODEL]..."),
    click.option("--root", metavar="DIR", help="The project's folder, if not found from here."),
    click.option("--model", "own", metavar="SPEC", help="Compare this (transformers:mistral) ..."),
    click.option("--reference", metavar="SPEC", help="... with this (transformers:llama)."),
    click.option("--names", metavar="FILE", help="What the reference's names are in --model's."),
    click.option("--map", "changes", metavar="KEY=VALUE", multiple=True, help="In their configs."),
    click.option("--all-of", metavar="PACKAGE", help="All model types of `transformers`."),
    click.option("--shard", metavar="K/N", default="1/1", help="The Kth of N shares of them."),
    click.option("--costs", metavar="FILE", help="An earlier JSON report: share time, too."),
    click.option("--jobs", type=click.IntRange(min=1), default=1, help="Processes of their own."),
    click.option("--slow", is_flag=True, help="And compiled, parallel, full-size, generating."),
    click.option("--backend", metavar="NAME", default="", help="With --slow: of torch.compile."),
    click.option(
        "--device",
        type=click.Choice(("auto", "cpu", "cuda")),
        default="auto",
        show_default=True,
        help="Where the models are run; auto: on a GPU if there is one.",
    ),
    click.option("--require-cuda", is_flag=True, help="Fail where there is no GPU."),
    click.option(
        "--dtype",
        "dtypes",
        metavar="NAMES",
        help="bfloat16,float16: ask every class in these, too; by default the first in bfloat16.",
    ),
    click.option("--record", is_flag=True, help="Write down what each model computes."),
    click.option("--audit", is_flag=True, help="Try the checks: are small mistakes caught?"),
    click.option("--mutants", metavar="N", default=0, help="With --audit: about N for each model."),
    click.option(
        "--format",
        "form",
        type=click.Choice(("text", "json", "junit")),
        default="text",
        show_default=True,
        help="How the report is printed.",
    ),
    click.option("--html", metavar="FILE", help="Write a page with all findings, too."),
    click.option("--scripts", metavar="DIR", help="Where a script is written for what fails."),
    options.NO_CACHE,
    options.CACHE_DIR,
    click.option("-v", "--verbose", is_flag=True, help="Say of every check what came out of it."),
    click.option("-q", "--quiet", is_flag=True, help="Print what differs only."),
)


def _options(command: Callable[..., int]) -> Callable[..., int]:
    for decorate in reversed(_OPTIONS):
        command = decorate(command)
    return command


@click.command(short_help="Do generated models compute what they should?")
@_options
def forward(models: tuple[str, ...], root: str | None, **chosen: Any) -> int:
    """Do the generated models compute what they should? All of them, or those named.

    Each is run beside its modular file as it stands, and beside the model of the same name that
    transformers has. Unlike the other commands, this one imports and runs the models.
    """
    from pathlib import Path

    from unravel.config import find_root

    if bool(chosen["own"]) != bool(chosen["reference"]):
        raise click.UsageError("--model and --reference belong together.")
    if chosen["names"] and not chosen["own"]:
        raise click.UsageError("--names is for --model and --reference.")
    if chosen["backend"] and not chosen["slow"]:
        raise click.UsageError("--backend belongs to --slow.")
    if chosen["names"] and chosen["slow"]:
        raise click.UsageError("--slow is not for models that correspond by --names.")
    shard, changes = _shard(chosen["shard"]), dict(map(_change, chosen["changes"]))
    home = (Path(root) if root else find_root(Path.cwd())).resolve()
    store = _store(home, chosen["cache_dir"], wanted=not chosen["no_cache"])
    try:
        if chosen["audit"]:
            return _audit(home, models, **chosen)
        with progress("checking") as bar:
            show = _shower(bar, quiet=chosen["quiet"] or chosen["form"] != "text")
            told = {"root": home, "store": store, "on_begin": bar, "on_report": show}
            reports = _checked(models, shard, changes, chosen, told)
        kept = store.folder / "scripts" / home.name if store else None
        reports = _with_scripts(reports, Path(chosen["scripts"]) if chosen["scripts"] else kept)
    except OSError as error:
        say(f"{error.filename}: {error.strerror}")
        return FAILED
    except (ImportError, LookupError, ValueError) as error:
        needed = getattr(error, "name", None) in ("torch", "transformers", "numpy")
        hint = ": install `unravel[forward]`" if needed else ""
        say(f"{error.args[0] if error.args else error}{hint}")
        return FAILED
    return _report(reports, home, **chosen)


def _checked(
    models: tuple[str, ...],
    shard: tuple[int, int],
    changes: dict[str, object],
    chosen: dict[str, Any],
    told: dict[str, Any],
) -> list[ModelReport]:
    from checks.forward import running, shards
    from checks.forward.conditions import conditions
    from checks.forward.settings import Slow

    told |= {"slow": Slow(chosen["backend"]) if chosen["slow"] else None}
    cuda, dtypes = chosen["require_cuda"], chosen["dtypes"]
    told |= {"conditions": conditions(chosen["device"], require_cuda=cuda, dtypes=dtypes)}
    if chosen["own"]:
        own, reference, names = chosen["own"], chosen["reference"], chosen["names"]
        return running.check_named(own, reference, changes, names=names, **told)
    costs = shards.costs(chosen["costs"]) if chosen["costs"] else {}
    told |= {"models": models, "shard": shard, "costs": costs, "jobs": chosen["jobs"]}
    if chosen["all_of"]:
        return running.check_all_of(chosen["all_of"], **told)
    return running.check_forward(record=chosen["record"], **told)


def _with_scripts(reports: list[ModelReport], folder: Path | None) -> list[ModelReport]:
    """For what fails, a script that shows it; none where nobody said where and nothing is kept."""
    if not any(finding.script for report in reports for finding in report.findings):
        return reports
    from checks.forward import scripts

    return scripts.written(reports, folder)


def _shard(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise click.UsageError(f"--shard is K/N, such as 2/4, not {text}.")
    return int(found[1]), int(found[2])


def _change(text: str) -> tuple[str, object]:
    """`sliding_window=None`: what stands behind the sign is read as Python, or is a text."""
    import ast

    key, sign, value = text.partition("=")
    if not sign:
        raise click.UsageError(f"--map is KEY=VALUE, not {text}.")
    try:
        return key, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return key, value


def _store(home: Path, folder: str | None, *, wanted: bool) -> Cache | None:
    """Where findings are kept: among what the other commands keep."""
    from unravel.config import read_settings
    from unravel.recall import open_cache
    from unravel.types import Failed, Settings

    settings = read_settings(home)
    known = Settings() if isinstance(settings, Failed) else settings
    return open_cache(known, home, wanted and (folder or True))


def _shower(bar: Bar, *, quiet: bool) -> Callable[[ModelReport, int], None]:
    """Prints the line of each model as soon as it is known."""
    from checks.forward import terminal

    seen: list[str] = []

    def show(report: ModelReport, total: int) -> None:
        seen.append(report.model)
        if not quiet:
            bar.hide()
            for line in terminal.table_lines(report, first=len(seen) == 1):
                _echo(line)

    return show


_COLORS = {
    "PROVED|EQUAL BITS": "green",
    "UNREACHED|VACUOUS": "yellow",
    "DIVERGED|BROKEN": "red",
}


def _echo(line: str) -> None:
    """Print a line of the report, its verdicts in color if it is a terminal's."""
    color = is_colored(sys.stdout)
    for verdicts, paint in _COLORS.items() if color else ():
        line = re.sub(verdicts, lambda found, fg=paint: click.style(found[0], fg=fg), line)  # type: ignore[misc]
    click.echo(line, color=color)


def _report(
    reports: list[ModelReport],
    home: Path,
    *,
    form: str,
    html: str | None,
    verbose: bool,
    quiet: bool,
    all_of: str | None,
    **_: object,
) -> int:
    from checks.forward import page, tally, terminal, verdicts
    from checks.forward import reports as forms

    if html and not put(page.as_html(reports, home), html):
        return FAILED
    if form == "json":
        click.echo(forms.as_json(reports, home), nl=False)
    elif form == "junit":
        click.echo(forms.as_junit(reports, home), nl=False)
    else:
        for report in reports:
            for line in terminal.details(report, root=home, verbose=verbose):
                _echo(line)
        if not quiet:
            _echo(terminal.summary(reports))
            for line in tally.lines(reports) if all_of else ():
                _echo(line)
    return verdicts.exit_code(reports)


def _audit(
    home: Path, models: tuple[str, ...], *, mutants: int, jobs: int, verbose: bool, **_: object
) -> int:
    """0 where at least 99% of the mistakes are caught, 1 where fewer are."""
    from checks.forward import audit, running

    passed = []
    with progress("auditing") as bar:
        for found in running.audit_forward(
            root=home, models=models, most=mutants, jobs=jobs, on_progress=bar
        ):
            bar.hide()
            for line in audit.lines(found, home, verbose=verbose):
                click.echo(line)
            passed.append(found.is_passed)
    return int(not passed or not all(passed))
