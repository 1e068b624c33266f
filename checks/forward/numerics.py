"""How far numbers are apart, and how far they may be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from checks.forward.leaves import Leaf, leaves

SAME_MACHINE = 32
"""Another kernel, batch, number of threads or device: so many times the dtype's epsilon."""
OTHER_MACHINE = 256
"""Recorded on another processor, with other instructions."""
RESPONSE = 8
"""Or so many times the model's own response to weights that are one unit in the last place off."""
SENSELESS = 1e-2
"""A model that answers a last bit with more than this cannot be compared by its numbers."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The leaf of the outputs that is furthest off; `error` is relative, infinite where it must not
    differ at all: another shape, dtype or constant, or something that is not a number."""

    path: str
    error: float
    message: str


def bound_of(dtype: torch.dtype, times: int = SAME_MACHINE) -> float:
    return times * float(torch.finfo(dtype).eps)


def furthest(actual: Any, expected: Any, *, may_add: bool = False) -> Difference | None:
    """The largest difference between two nested outputs; None if all bits are the same.

    `may_add`: what actual has and expected has not is no difference. Gradients are judged by the
    largest of their block: a key's bias has none, but for rounding.
    """
    one, other = dict(leaves(actual)), dict(leaves(expected))
    scales = _block_scales(other)
    worst: Difference | None = None
    for path in [*one, *(path for path in other if path not in one)]:
        found = _compared(path, one, other, scales.get(_block(path)), may_add=may_add)
        if found is not None and (worst is None or found.error > worst.error):
            worst = found
    return worst


def answers(response: float) -> str:
    """Why a bound was raised."""
    return f"it answers a last bit of its weights with {response:.0e}"


def distances(actual: Any, expected: Any) -> dict[str, float]:
    """How far each tensor of real numbers is off, whatever its dtype, of its largest value."""
    one, other = dict(leaves(actual)), dict(leaves(expected))
    found = {}
    for path, b in other.items():
        a = one.get(path)
        if isinstance(a, Tensor) and isinstance(b, Tensor) and b.is_floating_point():
            a, b = a.detach().cpu().double(), b.detach().cpu().double()
            difference = _distance(path, a, b, None)
            found[path] = difference.error if difference else 0.0
    return found


def _compared(
    path: str,
    one: Mapping[str, Leaf],
    other: Mapping[str, Leaf],
    scale: float | None,
    *,
    may_add: bool,
) -> Difference | None:
    if path not in one or path not in other:
        # A cache where none was asked for is no addition.
        if may_add and (other[path] is None if path in other else "past_key_values" not in path):
            return None
        where = "only in the first" if path in one else "missing"
        return Difference(path, float("inf"), f"`{path}` is {where}")
    a, b = one[path], other[path]
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return _distance(path, a, b, scale)
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        tensor = a if isinstance(a, Tensor) else b
        if path.startswith("gradients") and isinstance(tensor, Tensor) and not tensor.any():
            return None
        return Difference(path, float("inf"), f"`{path}` is {_kind(a)}, not {_kind(b)}")
    if a == b or (a != a and b != b):
        return None
    if isinstance(a, float) and isinstance(b, float):
        return Difference(path, abs(a - b) / (abs(b) or 1.0), f"`{path}` is {a}, not {b}")
    return Difference(path, float("inf"), f"`{path}` is {a!r}, not {b!r}")


def _distance(path: str, a: Tensor, b: Tensor, scale: float | None) -> Difference | None:
    for what in ("shape", "dtype"):
        if getattr(a, what) != getattr(b, what):
            message = f"{what} of `{path}` is {getattr(a, what)}, not {getattr(b, what)}"
            return Difference(path, float("inf"), message)
    a, b = a.detach().cpu(), b.detach().cpu()
    if a.numel() == 0 or torch.equal(a, b) or _same_bits(a, b):
        return None
    if not a.is_floating_point() and not a.is_complex():
        count = int((a != b).sum())
        return Difference(path, float("inf"), f"{count} of {a.numel()} of `{path}` differ")
    one, other = (
        a.to(torch.complex128 if a.is_complex() else torch.float64),
        b.to(torch.complex128 if a.is_complex() else torch.float64),
    )
    finite = one.isfinite() & other.isfinite()
    agree = (one == other) | (one.isnan() & other.isnan())
    if not bool((finite | agree).all()):
        return Difference(path, float("inf"), f"`{path}` is infinite or not a number in one alone")
    gap = torch.where(finite, (one - other).abs(), 0.0)
    size = torch.where(finite, other.abs(), 0.0).max().item()
    error = gap.max().item() / (max(size, scale or 0.0) or 1.0)
    place = tuple(int(n) for n in torch.unravel_index(gap.argmax(), gap.shape))
    message = (
        f"`{path}` is off by {error:.1e} of its largest value at {list(place)}: "
        f"{a[place].item():.7g}, not {b[place].item():.7g}"
    )
    return Difference(path, error, message) if gap.max().item() else None


def _same_bits(a: Tensor, b: Tensor) -> bool:
    """Also where both are not a number."""
    return a.is_floating_point() and bool(((a == b) | (a.isnan() & b.isnan())).all())


def _kind(value: Leaf) -> str:
    return "a tensor" if isinstance(value, Tensor) else repr(value)


def _block(path: str) -> str:
    """The layer that a gradient belongs to."""
    if not path.startswith("gradients."):
        return ""
    layer = re.match(r"gradients\.(.*?\.\d+)\.", path)
    return layer[1] if layer else "gradients"


def _block_scales(of: Mapping[str, Leaf]) -> dict[str, float]:
    scales: dict[str, float] = {}
    for path, leaf in of.items():
        block = _block(path)
        if block and isinstance(leaf, Tensor) and leaf.numel():
            largest = leaf.detach().abs().max().item()
            scales[block] = max(scales.get(block, 0.0), largest)
    return scales


@contextmanager
def nudged(model: nn.Module, dtype: torch.dtype | None = None) -> Iterator[None]:
    """Each weight is one unit in the last place off, up or down by turns, while this lasts.

    `dtype`: the unit is that of another dtype than the weight's own.
    """
    kept = [(parameter, parameter.detach().clone()) for parameter in model.parameters()]
    try:
        with torch.no_grad():
            for parameter, value in kept:
                if value.is_floating_point() and value.numel():
                    signs = torch.arange(value.numel(), device=value.device) % 3 - 1
                    signs = signs.view(value.shape)
                    if dtype is not None:
                        parameter.copy_(value * (1 + signs * torch.finfo(dtype).eps))
                    else:
                        towards = (value + signs).to(value.dtype)
                        parameter.copy_(torch.nextafter(value, towards))
        yield
    finally:
        with torch.no_grad():
            for parameter, value in kept:
                parameter.copy_(value)
