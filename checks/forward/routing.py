"""Choices that a model makes by its numbers, and how they are made the same in two runs.

Where two experts score alike, another last bit chooses the other one, and all numbers behind it are
other numbers. So in comparing numbers, the choices of one run are replayed in the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_ATEN = torch.ops.aten
_CHOOSE = {_ATEN.topk.default: 1, _ATEN.argmax.default: None, _ATEN.max.dim: 1}
"""The operations that choose; where in their result the indices are."""


class Choices(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """What is chosen while it is entered; `replayed` is chosen instead, one by one, if given."""

    def __init__(self, replayed: Sequence[Tensor] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.made: list[Tensor] = []
        self.flipped = 0
        """So many choices of single rows would have been other ones."""
        self._replayed = replayed

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        result = func(*args, **(kwargs or {}))
        if func not in _CHOOSE:
            return result
        position = _CHOOSE[func]
        indices = result if position is None else result[position]
        number = len(self.made)
        self.made.append(indices.detach().cpu())
        if number >= len(self._replayed) or self._replayed[number].shape != indices.shape:
            return result
        wanted = self._replayed[number]
        self.flipped += _rows_that_differ(self.made[-1], wanted)
        wanted = wanted.to(indices.device)
        if position is None:
            return wanted
        return _taken(args[0], wanted, func, args), wanted


def _taken(values: Tensor, indices: Tensor, func: Any, args: Any) -> Tensor:
    """The values at `indices`, along the dimension that is chosen from."""
    place = 2 if func is _ATEN.topk.default else 1
    dim = args[place] if len(args) > place else -1
    if indices.ndim == values.ndim:
        return values.gather(dim, indices)
    return values.gather(dim, indices.unsqueeze(dim)).squeeze(dim)


def _rows_that_differ(one: Tensor, other: Tensor) -> int:
    """In which order the same ones were chosen does not matter."""
    if not one.ndim:
        return int(one != other)
    return int((one.sort(-1).values != other.sort(-1).values).any(-1).sum())
