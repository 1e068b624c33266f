"""Devices as torch knows them, and torch's switches while models are run."""

from __future__ import annotations

import os
import random
import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from checks.forward.conditions import Conditions

CPU = torch.device("cpu")


def certain(conditions: Conditions) -> Conditions:
    """`conditions` with a device instead of `auto`. Raises a LookupError where there is no GPU."""
    if conditions.device != "auto" and not conditions.needs_cuda:
        return conditions
    if has_cuda():
        return replace(conditions, device="cuda")
    if conditions.needs_cuda:
        built = "for CUDA" if torch.version.cuda else "without CUDA"
        raise LookupError(f"there is no CUDA device (torch {torch.__version__}, built {built})")
    return replace(conditions, device="cpu")


def has_cuda() -> bool:
    """Asked of the driver: a process that has asked CUDA itself cannot fork others that use it."""
    before = os.environ.get(_BY_DRIVER)
    os.environ[_BY_DRIVER] = "1"
    try:
        return torch.cuda.is_available()
    finally:
        _restore_variable(_BY_DRIVER, before)


_BY_DRIVER = "PYTORCH_NVML_BASED_CUDA_CHECK"


def moved(value: Any, device: torch.device, dtype: torch.dtype | None = None) -> Any:
    """Nested inputs on `device`; real numbers among them in `dtype`, if one is given."""
    if isinstance(value, Tensor):
        return value.to(device, dtype if value.is_floating_point() else None)
    if isinstance(value, Mapping):
        return {key: moved(item, device, dtype) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(moved(item, device, dtype) for item in value)
    return value


def device_of(model: Any) -> torch.device:
    """Where the weights of `model` lie."""
    return next((each.device for each in model.parameters()), torch.device("cpu"))


def dtype_of(model: Any) -> torch.dtype | None:
    """That of the weights of `model`, which it wants its inputs in."""
    found = (each.dtype for each in model.parameters())
    return next((each for each in found if each.is_floating_point), None)


def name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


# -- switches ------------------------------------------------------------------------------------


@contextmanager
def controlled(device: str = "cpu") -> Iterator[None]:
    """Full float32 products, the same bits each time, and dice that nobody else has thrown.

    TF32 and reduced sums are off, algorithms are fixed, the default dtype is float32; all is as it
    was afterwards, whatever happens.
    """
    with ExitStack() as stack:
        stack.callback(random.setstate, random.getstate())
        stack.callback(np.random.set_state, np.random.get_state())
        is_gpu = device == "cuda"
        stack.enter_context(torch.random.fork_rng([torch.device(device)] if is_gpu else []))
        if is_gpu:
            stack.enter_context(_all_addresses())
        for read, write, wanted in _switches(is_gpu=is_gpu):
            before = read()
            write(wanted)
            stack.callback(write, before)
        yield


@contextmanager
def _all_addresses() -> Iterator[None]:
    """CUDA takes more of the addresses than there is memory; a limit on them would stop it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


Switch = tuple[Callable[[], Any], Callable[[Any], object], Any]
"""How it is read, how it is set, and what it is to be."""


def _switches(*, is_gpu: bool) -> Iterator[Switch]:
    cuda, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    yield torch.get_default_dtype, torch.set_default_dtype, torch.float32
    yield torch.is_grad_enabled, torch.set_grad_enabled, True
    # First: setting it sets `allow_tf32`, too.
    yield torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"
    yield _attribute(cuda, "allow_tf32", False)
    yield _attribute(cuda, "allow_bf16_reduced_precision_reduction", False)
    yield _attribute(cuda, "allow_fp16_reduced_precision_reduction", False)
    yield _attribute(cudnn, "allow_tf32", False)
    yield _attribute(cudnn, "benchmark", False)
    yield _attribute(cudnn, "deterministic", True)
    if is_gpu:  # on a CPU nothing is gained, and recorded programs would be others
        yield _deterministic, _set_deterministic, (True, True)
        yield _attribute(torch.utils.deterministic, "fill_uninitialized_memory", False)
        yield _workspace, _set_workspace, ":4096:8"


def _attribute(owner: Any, name: str, wanted: object) -> Switch:
    return lambda: getattr(owner, name), lambda value: setattr(owner, name, value), wanted


def _deterministic() -> tuple[bool, bool]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )


def _set_deterministic(value: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(value[0], warn_only=value[1])


_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


def _workspace() -> str | None:
    return os.environ.get(_WORKSPACE)


def _set_workspace(value: str | None) -> None:
    _restore_variable(_WORKSPACE, value)


def _restore_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
