"""The shell completes names of models."""

from __future__ import annotations

import click


def models(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The project's models whose names begin with `incomplete`."""
    from unravel.naming import model_name
    from unravel.selection import open_here, select
    from unravel.types import Failed

    project = open_here(context.params.get("root"), context.params.get("profile"))
    if isinstance(project, Failed):
        return []
    names = {model_name(source) for source in select(project, ()).sources}
    return sorted(name for name in names if name.startswith(incomplete))
