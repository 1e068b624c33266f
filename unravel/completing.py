"""The shell completes names of models."""

from __future__ import annotations

from pathlib import Path

import click


def models(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The project's models whose names begin with `incomplete`."""
    from unravel.config import find_root
    from unravel.naming import model_name
    from unravel.selection import open_project, select
    from unravel.types import Failed

    profile, root = context.params.get("profile"), context.params.get("root")
    folder = Path(root).resolve() if root else find_root(Path.cwd(), profile=profile)
    project = open_project(folder, profile, None, "")
    if isinstance(project, Failed):
        return []
    names = {model_name(source) for source in select(project, ()).sources}
    return sorted(name for name in names if name.startswith(incomplete))
