"""A second device for machines that have none: tensors that are elsewhere, and computed on the CPU.

To torch they lie on `meta`, the one device that every build has and nothing is computed on; what
they hold is kept beside them. An operation that is given tensors of both devices fails as it does
on a GPU. So what a model leaves on the CPU shows without a GPU; how a GPU rounds does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from checks.forward.devices import CPU

DEVICE = torch.device("meta")
MIXED = "expected all tensors to be on the same device"
_ATEN = torch.ops.aten


@contextmanager
def second_device() -> Iterator[torch.device]:
    """The device; what is put on it while this lasts is there, and computed with."""
    with _Elsewhere(), _Made():  # type: ignore[no-untyped-call]
        yield DEVICE


def place(model: nn.Module) -> None:
    """Put the weights and buffers of `model` on the device; what is tied stays tied."""
    there: dict[int, Tensor] = {}
    for module in model.modules():
        for table in (module._parameters, module._buffers):
            for name, tensor in table.items():
                if tensor is not None:
                    table[name] = there.setdefault(id(tensor), _there(tensor))  # type: ignore[assignment]


def _there(tensor: Tensor) -> Tensor:
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(Pretended(tensor.detach()), requires_grad=tensor.requires_grad)
    return Pretended(tensor.detach())


class Pretended(Tensor):
    """`held` lies on the CPU, and this says that it does not."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> Pretended:
        made = Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            layout=held.layout,
            device=DEVICE,
            requires_grad=held.requires_grad,
        )
        made.held = held
        assert isinstance(made, Pretended)
        return made

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        return _computed(func, args, kwargs or {})

    def tolist(self) -> Any:
        return self.held.tolist()

    def untyped_storage(self) -> torch.UntypedStorage:
        """By which those that look at the same data are known."""
        return self.held.untyped_storage()

    def __repr__(self, **_: object) -> str:  # type: ignore[override]
        return f"Pretended({self.held!r})"


class _Elsewhere(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Operations that no tensor takes part in yet: what makes one, or brings one there."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        return _computed(func, args, kwargs or {})


class _Made(TorchFunctionMode):
    """`torch.tensor([1, 2], device=...)`: made there at once, its numbers would be lost."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        kwargs = dict(kwargs or {})
        if func in (torch.tensor, torch.as_tensor) and _is_there(kwargs.get("device")):
            del kwargs["device"]
            return func(*args, **kwargs).to(DEVICE)
        return func(*args, **kwargs)


def _is_there(device: object) -> bool:
    return device is not None and torch.device(device) == DEVICE  # type: ignore[call-overload]


def _computed(func: Any, args: Any, kwargs: Any) -> object:
    """The result of `func`, where it belongs. Raises a RuntimeError where devices are mixed."""
    if func is _ATEN._fused_sdp_choice.default:
        return 0  # written out: the CPU's kernel is not asked of tensors that are not there
    tensors = [*_tensors(args), *_tensors(kwargs.values())]
    there = [each for each in tensors if isinstance(each, Pretended)]
    here = [each for each in tensors if not isinstance(each, Pretended) and each.ndim]
    if there and here and func not in _MIX:
        raise RuntimeError(f"{func}: {MIXED}: {_told(here)}")
    device = kwargs.get("device")
    kwargs = {name: _held(value) for name, value in kwargs.items()}
    result = _ONLY_THERE.get(func, func)(*_held(args), **kwargs)
    goes_there = bool(there) if device is None else _is_there(device)
    given = {id(_held(each)): each for each in tensors}

    def placed(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(placed(each) for each in value)
        if not isinstance(value, Tensor):
            return value
        if id(value) in given:  # written in place
            return given[id(value)]
        return Pretended(value) if goes_there else value

    return placed(result)


def _counted(values: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Of integers, which a CPU does not count: mixtral's experts ask for that on a GPU alone."""
    return torch.histc(values.float(), *args, **kwargs).to(values.dtype)


_ONLY_THERE = {_ATEN.histc.default: _counted}
"""What a GPU does, and a CPU does not."""

_MIX = frozenset(
    {
        _ATEN.copy_.default,
        _ATEN.index.Tensor,
        _ATEN.index_put.default,
        _ATEN.index_put_.default,
        _ATEN._index_put_impl_.default,
    }
)
"""A GPU takes the source of a copy, and indices, from the CPU."""


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    """Those among the arguments of an operation, which may be in lists."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _held(value: Any) -> Any:
    """Arguments of an operation as the CPU is given them."""
    if isinstance(value, Pretended):
        return value.held
    if isinstance(value, list | tuple):
        return type(value)(_held(each) for each in value)
    return CPU if isinstance(value, torch.device) and value == DEVICE else value


def _told(tensors: list[Tensor]) -> str:
    shapes = ", ".join(f"{list(each.shape)} of {each.dtype}" for each in tensors[:3])
    return f"{shapes} on the CPU"
