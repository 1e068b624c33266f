"""What a model computes, as a program: ATen operations, their constants, and what feeds what.

Two runs with the same program, the same constants and the same buffers launch the same kernels on
the same data. Data is named by where it came from: a parameter, an input, a constant by its hash,
or the operation that wrote it last. How a tensor lies on that data (shape, strides, offset) belongs
to each use of it; operations that only look at data in another way are therefore left out.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import unset_fake_temporarily
from torch.utils._python_dispatch import TorchDispatchMode

from checks.forward.leaves import leaves


@dataclass(frozen=True, slots=True)
class Frame:
    """A line that was being run when an operation was asked for."""

    path: str
    line: int
    function: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of an ATen operation; `arguments` as text-like values that compare by content.

    `frames`, innermost first, and `module`, the path of the module that was running, are there if
    they were asked for, and are not compared.
    """

    name: str
    arguments: tuple[object, ...]
    result: tuple[object, ...] = ()
    """What came back besides tensors: numbers by which Python code may decide."""
    draws: bool = field(default=False, compare=False)
    """Does it take random numbers?"""
    frames: tuple[Frame, ...] = field(default=(), compare=False)
    module: str = field(default="", compare=False)

    def __str__(self) -> str:
        text = f"{self.name}({', '.join(map(_shown, self.arguments))})"
        return f"{text} = {_shown(self.result)}" if self.result else text


@dataclass(frozen=True, slots=True)
class Program:
    """The operations of one run, and which data its outputs are."""

    operations: tuple[Operation, ...]
    outputs: tuple[tuple[str, object], ...]

    def __bool__(self) -> bool:
        return bool(self.operations)

    @property
    def reads(self) -> frozenset[str]:
        """The names of data that any operation has read: parameters, buffers, inputs."""
        return frozenset(
            name
            for operation in self.operations
            for name in _references(operation.arguments)
            if not name.startswith("%")
        )

    def text(self) -> list[str]:
        """A line for each operation and for each output."""
        lines = [f"%{index} = {operation}" for index, operation in enumerate(self.operations)]
        return lines + [f"{name}: {_shown(value)}" for name, value in self.outputs]


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records what is run while it is entered.

    `names` are the tensors that are there before; whatever else is read is a constant.
    """

    def __init__(self, names: Mapping[str, Tensor], *, locate: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._labels: dict[int, str] = {}
        self._alive: list[Tensor] = list(names.values())
        self._operations: list[Operation] = []
        self._locate = locate
        for name, tensor in names.items():
            self._labels.setdefault(_storage(tensor), name)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing in here is to be compiled; saying so at each operation takes half of the time."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        kwargs = kwargs or {}
        is_view, written = _nature(func)
        if is_view:
            result = func(*args, **kwargs)
            self._settle(result, None)
            self._follow(args, result)
            return result
        arguments = tuple(map(self._named, args))
        if kwargs:
            arguments += tuple((key, self._named(value)) for key, value in sorted(kwargs.items()))
        result = func(*args, **kwargs)
        number = len(self._operations)
        frames, module = _where(sys._getframe(1)) if self._locate else ((), "")
        values = tuple(value for value in _items(result) if not isinstance(value, Tensor | None))
        draws = _draws(func, args, kwargs)
        self._operations.append(Operation(func.__name__, arguments, values, draws, frames, module))
        for index, key in written:
            target = kwargs.get(key, args[index] if index < len(args) else None)
            for position, tensor in enumerate(_items(target)):
                if isinstance(tensor, Tensor):
                    self._labels[_storage(tensor)] = f"%{number}.{key}{position or ''}"
        self._settle(result, number)
        return result

    def program(self, outputs: Any) -> Program:
        """What was recorded, with `outputs` as the program's."""
        found = tuple(
            (name, self._named(leaf) if isinstance(leaf, Tensor) else leaf)
            for name, leaf in leaves(outputs)
        )
        return Program(tuple(self._operations), found)

    def _settle(self, result: object, number: int | None) -> None:
        """Name the data that is new, and keep it, so that its place is not taken by other data."""
        for position, tensor in enumerate(_items(result)):
            if isinstance(tensor, Tensor):
                if number is not None:
                    label = f"%{number}.{position}" if position else f"%{number}"
                    self._labels.setdefault(_storage(tensor), label)
                self._alive.append(tensor)

    def _follow(self, args: tuple[Any, ...], result: object) -> None:
        """A constant that becomes a fake tensor keeps its name: its values are gone."""
        if isinstance(result, Tensor) and args and isinstance(args[0], Tensor):
            storage = _storage(result)
            if storage not in self._labels and storage != _storage(args[0]):
                self._labels[storage] = str(self._reference(args[0])[1])

    def _named(self, value: object) -> object:
        if isinstance(value, Tensor):
            return self._reference(value)
        if isinstance(value, list | tuple):
            return tuple(self._named(item) for item in value)
        if isinstance(value, torch.Generator):
            return "<generator>"
        if value != value:
            return "nan"  # it does not equal itself, but it is a constant like any other
        return value if isinstance(value, int | float | str | bool | None) else str(value)

    def _reference(self, tensor: Tensor) -> tuple[object, ...]:
        storage = _storage(tensor)
        if storage not in self._labels:
            self._labels[storage] = f"constant {content(tensor)}"
            self._alive.append(tensor)
        return (
            _REFERENCE,
            self._labels[storage],
            str(tensor.dtype).removeprefix("torch."),
            tuple(tensor.shape),
            tuple(tensor.stride()),
            tensor.storage_offset(),
        )


_REFERENCE = "data"


def content(tensor: Tensor) -> str:
    """A short hash of the values of `tensor`, its shape and its dtype."""
    digest = hashlib.blake2b(f"{tensor.dtype} {tuple(tensor.shape)}".encode(), digest_size=8)
    with unset_fake_temporarily():  # or what is computed of it here would have no values
        plain = tensor.detach().cpu().contiguous().flatten()
        digest.update(plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b"")
    return digest.hexdigest()


def first_difference(one: Program, other: Program) -> int | None:
    """The position of the first operation that differs; that behind the last if outputs do."""
    if one == other:
        return None
    for index, (a, b) in enumerate(zip(one.operations, other.operations, strict=False)):
        if a != b:
            return index
    return min(len(one.operations), len(other.operations))


def same_program(one: Program, other: Program) -> bool:
    return first_difference(one, other) is None


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _items(result: object) -> tuple[object, ...]:
    """What an operation gives back: one thing, several, or lists of them."""
    if isinstance(result, list | tuple):
        return tuple(item for each in result for item in _items(each))
    return (result,)


_natures: dict[Any, tuple[bool, tuple[tuple[int, str], ...]]] = {}


def _nature(func: Any) -> tuple[bool, tuple[tuple[int, str], ...]]:
    """Does an operation only look at data in another way; which of its arguments does it write?"""
    if func not in _natures:
        schema = func._schema
        written = tuple(
            (index, argument.name)
            for index, argument in enumerate(schema.arguments)
            if argument.alias_info is not None and argument.alias_info.is_write
        )
        aliases = [each.alias_info is not None for each in schema.returns]
        is_view = bool(aliases) and all(aliases) and not written
        # Of a fake tensor it is even asked on which device it is.
        _natures[func] = (is_view or func.namespace == "prim", written)
    return _natures[func]


def _references(arguments: object) -> Iterator[str]:
    if isinstance(arguments, tuple):
        if len(arguments) == 6 and arguments[0] == _REFERENCE:
            yield str(arguments[1])
        else:
            for item in arguments:
                yield from _references(item)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        if len(value) == 6 and value[0] == _REFERENCE:
            _, label, dtype, shape, stride, offset = value
            return f"{label}:{dtype}{list(shape)}" + _layout(shape, stride, offset)
        if len(value) == 2 and isinstance(value[0], str) and value[0].isidentifier():
            return f"{value[0]}={_shown(value[1])}"
        return f"[{', '.join(map(_shown, value))}]"
    return repr(value) if isinstance(value, float | str) else str(value)


def _layout(shape: tuple[int, ...], stride: tuple[int, ...], offset: int) -> str:
    """How a tensor lies on its data, where it is not simply one row behind the other."""
    wanted, size = [], 1
    for extent in reversed(shape):
        wanted.append(size)
        size *= extent
    text = "" if tuple(reversed(wanted)) == tuple(stride) else f"/{list(stride)}"
    return text + (f"+{offset}" if offset else "")


def _draws(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Does this call take random numbers? Attention may, and does not without dropout."""
    if torch.Tag.nondeterministic_seeded not in func.tags:
        return False
    for index, each in enumerate(func._schema.arguments):
        if each.name == "dropout_p":
            given = args[index] if index < len(args) else each.default_value
            return bool(kwargs.get("dropout_p", given))
    return True


def _where(frame: FrameType | None) -> tuple[tuple[Frame, ...], str]:
    """The lines outside of torch that led here, innermost first, and the module that runs."""
    frames: list[Frame] = []
    module = ""
    while frame is not None:
        path = frame.f_code.co_filename
        if "/torch/" not in path and not path.endswith(("/program.py", "/scenarios.py")):
            frames.append(Frame(path, frame.f_lineno, frame.f_code.co_name))
            owner = frame.f_locals.get("self")
            if not module and isinstance(owner, nn.Module):
                module = getattr(owner, MODULE_PATH, "")
        frame = frame.f_back
    return tuple(frames[:12]), module


MODULE_PATH = "_unravel_path"
"""The attribute under which a module is told its own path before a run that locates."""
