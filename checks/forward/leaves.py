"""Nested outputs, inputs and caches as a flat list of named leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

Leaf = Tensor | int | float | str | bool | None


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Leaf]]:
    """Every leaf of `value` with the path to it: `logits`, `past_key_values.layers[0].keys`."""
    return _leaves(value, path, ())


def tensors(value: Any, path: str = "") -> dict[str, Tensor]:
    """The tensors among the leaves of `value`."""
    return {name: leaf for name, leaf in leaves(value, path) if isinstance(leaf, Tensor)}


def _leaves(value: Any, path: str, above: tuple[int, ...]) -> Iterator[tuple[str, Leaf]]:
    if value is None or isinstance(value, Tensor | int | float | str | bool):
        yield path, value
        return
    if id(value) in above:
        return
    above = (*above, id(value))
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}".lstrip("."), above)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]", above)
    elif _is_state(value):
        for key, item in sorted(vars(value).items()):
            yield from _leaves(item, f"{path}.{key}".lstrip("."), above)
    else:
        yield path, f"<{type(value).__name__}>"


def _is_state(value: Any) -> bool:
    """A cache, or a layer of one: what it holds are its attributes."""
    names = {kind.__name__ for kind in type(value).__mro__}
    return bool(names & {"Cache", "CacheLayerMixin"}) or any("Cache" in name for name in names)
