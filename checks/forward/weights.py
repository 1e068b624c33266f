"""Weights that are the same on every machine, and let nothing hide.

torch's generator gives other numbers on other devices and releases. Here each parameter is drawn by
numpy's Philox, keyed by its name: integers, scaled by a power of two, so that no rounding takes
part. Nothing is all ones or zeros: an unused bias or a norm's weight would not show.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

BITS = 12
"""So many bits has each value, less its sign: it is exact in float32, and rounded in bfloat16."""


def fill(model: nn.Module, seed: int = 0) -> None:
    """Give each parameter of `model`, and each buffer that is saved with it, its value.

    A buffer that holds several values was computed of the configuration, and stays: statistics and
    offsets that are learned begin with all zeros or ones.
    """
    saved = model.state_dict(keep_vars=True)
    fan = _fans(model)
    buffers = [
        (name, each)
        for name, each in _all(model.named_buffers)
        if name in saved and each.numel() and bool((each == each.flatten()[0]).all())
    ]
    seen: set[int] = set()
    with torch.no_grad():
        for name, tensor in [*_all(model.named_parameters), *buffers]:
            # What is tied has one value, whichever of its names was registered first.
            if tensor.is_floating_point() and id(tensor) not in seen:
                tensor.copy_(drawn(name, tensor, fan.get(name), seed))
            seen.add(id(tensor))


@contextmanager
def loaded_as(model: nn.Module, dtype: torch.dtype | None) -> Iterator[None]:
    """What is saved with `model` has this dtype while this lasts, as if loaded so.

    What is computed when it is built, such as frequencies, is left as it is.
    """
    if dtype is None:
        yield
        return
    model.zero_grad(set_to_none=True)
    saved = model.state_dict(keep_vars=True).values()
    kept = [(tensor, tensor.data) for tensor in saved if tensor.is_floating_point()]
    for tensor, data in kept:
        tensor.data = data.to(dtype)
    try:
        yield
    finally:
        for tensor, data in kept:
            tensor.data = data


def _all(named: Callable[..., Iterable[tuple[str, Tensor]]]) -> list[tuple[str, Tensor]]:
    return sorted(named(remove_duplicate=False), key=lambda each: each[0])


def drawn(name: str, like: Tensor, fan: int | None = None, seed: int = 0) -> Tensor:
    """Values for the parameter `name`: float32, on the CPU, of the shape of `like`.

    Matrices are uniform with a variance of about 1 / `fan`; what scales lies in 1/2 ... 3/2, what
    is added in -1/4 ... 1/4.
    """
    draw = _kept if like.numel() <= SMALL else _unit
    unit = draw(name, tuple(like.shape), seed)
    if like.ndim > 1:
        fan = fan or like.shape[-1]
        return torch.from_numpy(unit * scale(fan))
    last = name.rpartition(".")[2]
    if "bias" in last or last == "running_mean":
        return torch.from_numpy(np.asarray(unit / 4, dtype=np.float32))
    return torch.from_numpy(np.asarray(1 + unit / 2, dtype=np.float32))


def scale(fan: int) -> float:
    """A power of two by which a sum of `fan` products is about as large as what is multiplied."""
    return float(2.0 ** round(math.log2(math.sqrt(3 / max(fan, 1)))))


SMALL = 2**14
"""Numbers of a weight that are kept when they have been drawn: a model is built many times."""


def _unit(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Float32 in -1 ... 1, multiples of 2 ** -BITS, never zero."""
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=16).digest()
    generator = np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
    integers = generator.integers(-(2**BITS), 2**BITS, size=shape, dtype=np.int32)
    return np.asarray((integers + (integers >= 0)) / 2**BITS, dtype=np.float32)


_kept = lru_cache(maxsize=4096)(_unit)


def _fans(model: nn.Module) -> dict[str, int]:
    """How many numbers each output of a layer is a sum of, where it is not the last size."""
    found = {}
    for path, module in model.named_modules():
        if isinstance(module, nn.modules.conv._ConvNd):
            name = f"{path}.weight".lstrip(".")
            found[name] = module.weight.numel() // module.weight.shape[0]
    return found
