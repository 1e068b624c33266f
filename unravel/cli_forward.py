"""The command `forward`; all that is heavy is loaded when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

    from checks.forward import verdicts

FAILED = 2


@click.command(short_help="Do generated models compute what they should?")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--root", metavar="DIR", help="The project's folder, if not found from here.")
@click.option("--record", is_flag=True, help="Write down what each model computes.")
@click.option("--audit", is_flag=True, help="Try the checks: are small mistakes caught?")
@click.option("--mutants", metavar="N", default=0, help="With --audit: about N for each model.")
@click.option("-v", "--verbose", is_flag=True, help="Say of every check what came out of it.")
@click.option("-q", "--quiet", is_flag=True, help="Print what differs only.")
def forward(
    models: tuple[str, ...],
    root: str | None,
    record: bool,
    audit: bool,
    mutants: int,
    verbose: bool,
    quiet: bool,
) -> int:
    """Do the generated models compute what they should? All of them, or those named.

    Each is run beside its modular file as it stands, and beside the model of the same name that
    transformers has. Unlike the other commands, this one imports and runs the models.
    """
    from pathlib import Path

    from unravel.config import find_root

    home = Path(root) if root else find_root(Path.cwd())
    try:
        from checks.forward import running, terminal, verdicts
    except ModuleNotFoundError as error:
        _say(f"this needs {error.name}: install `unravel[forward]`")
        return FAILED
    if audit:
        return _audit(home, models, mutants)
    lines = 0

    def on_report(report: verdicts.ModelReport, total: int) -> None:
        nonlocal lines
        if not quiet:
            for line in terminal.table_lines(report, first=not lines):
                click.echo(line)
        lines += 1

    try:
        reports = running.check_forward(
            root=home, models=models, record=record, on_report=on_report
        )
    except (LookupError, ValueError) as error:
        _say(str(error.args[0]))
        return FAILED
    for report in reports:
        for line in terminal.details(report, root=home, verbose=verbose):
            click.echo(line)
    if not quiet:
        click.echo(terminal.summary(reports))
    return verdicts.exit_code(reports)


def _audit(home: Path, models: tuple[str, ...], mutants: int) -> int:
    """0 where at least 99% of the mistakes are caught, 1 where fewer are."""
    from checks.forward import audit, running

    worst = 1.0
    try:
        for found in running.audit_forward(root=home, models=models, most=mutants):
            for line in audit.lines(found, home.resolve()):
                click.echo(line)
            worst = min(worst, found.share)
    except (LookupError, ValueError) as error:
        _say(str(error.args[0]))
        return FAILED
    return int(worst < audit.ENOUGH)


def _say(message: str) -> None:
    click.echo(f"unravel: {message}", err=True)
