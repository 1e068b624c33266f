"""Which models a machine takes, where several share them: about the same time for each.

How long a model takes is in the JSON report of an earlier run. It must be the same file for all of
them: where each went by what it remembers, a model could be left to nobody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median


def costs(path: str | Path) -> dict[str, float]:
    """The seconds of each model. Raises a ValueError where the file is no report."""
    text = Path(path).read_text("utf-8")
    try:
        return {each["model"]: float(each["seconds"]) for each in json.loads(text)["models"]}
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path}: no report that `--format json` has printed") from error


def share(names: Sequence[str], shard: tuple[int, int], known: Mapping[str, float]) -> list[str]:
    """Those of `names`, in their order, that are the kth of n shares.

    The longest comes first, and each goes to the share that has the least to do so far. A model
    that is not known takes as long as most.
    """
    k, n = shard
    usual = median([known[name] for name in names if name in known] or [1.0])
    load, given = [0.0] * n, dict[str, int]()
    for name in sorted(names, key=lambda each: (-known.get(each, usual), each)):
        least = load.index(min(load))
        load[least] += known.get(name, usual)
        given[name] = least + 1
    return [name for name in names if given[name] == k]
