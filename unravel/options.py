"""The options that several commands share."""

from __future__ import annotations

import os

import click

from unravel.completing import models as complete

MODELS = click.argument("models", nargs=-1, metavar="[MODEL|FILE]...", shell_complete=complete)
DIFF = click.option("--diff", is_flag=True, help="Print what changes, as a unified diff.")
OUTPUT = click.option("-o", "--output", metavar="FILE", help="Write to FILE, not to the terminal.")
JOBS = click.option("--jobs", type=click.IntRange(min=0), help="Worker processes; 0: one a core.")
PROFILE = click.option(
    "--profile", metavar="NAME", help="Layout and rules: default or transformers."
)
ROOT = click.option("--root", metavar="DIR", help="The project's folder, if not found from here.")
RUFF = click.option(
    "--ruff", metavar="PATH", default="", help="Another ruff than the installed one."
)
NO_CACHE = click.option("--no-cache", is_flag=True, help="Use nothing that earlier runs have kept.")
CACHE_DIR = click.option(
    "--cache-dir", metavar="DIR", help="Where runs keep what later ones can use."
)
QUIET = click.option("-q", "--quiet", is_flag=True, help="Print errors and findings only.")


def executable(ruff: str) -> str:
    """A path is relative to the current folder; a bare name is left for the search path."""
    return os.path.abspath(ruff) if os.path.dirname(ruff) else ruff
