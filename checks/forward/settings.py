"""What a project says about its models in `forward.toml`: a few lines for the few that need them.

[mistral]
reference = "transformers:mistral"     # the default: the classes of the same names
config = { sliding_window = 5 }        # over what the rules give
perturbed = { use_sliding_window = false }
inputs = { pixel_mask = { shape = [3, 64, 64], below = 2 } }    # or value = 1, or neither
tolerance = 1e-4
reason = "the router flips"            # asked for with every tolerance; shown in the report
skip = { eager = "no such implementation" }
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "forward.toml"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What is different about one model. Empty where nothing is."""

    reference: str = ""
    """`transformers:NAME`, a module that can be imported, or `none`."""
    config: Mapping[str, Any] = field(default_factory=dict)
    perturbed: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    """The reference's name of each class that it calls otherwise."""
    tolerance: float = 0.0
    reason: str = ""
    skip: Mapping[str, str] = field(default_factory=dict)
    """Checks, or classes, that are not asked, and why."""


@dataclass(frozen=True, slots=True)
class Slow:
    """What the slow tier is to do."""

    backend: str = ""
    """Of torch.compile; empty for the best that can be had."""


def read(path: Path) -> dict[str, ModelSettings]:
    """The settings of each model. Raises a ValueError that names file and key of a mistake."""
    if not path.is_file():
        return {}
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name}: not valid TOML: {error}") from error
    known = {each.name: each for each in fields(ModelSettings)}
    found = {}
    for model, table in document.items():
        if not isinstance(table, dict):
            raise ValueError(f"{path.name}: `{model}` must be a table")
        for key in table:
            if key not in known:
                raise ValueError(
                    f"{path.name}: `{model}.{key}` is not known; there are {', '.join(known)}"
                )
        settings = ModelSettings(**table)
        if settings.tolerance and not settings.reason:
            raise ValueError(f"{path.name}: `{model}.tolerance` needs a `reason`")
        found[model] = settings
    return found
