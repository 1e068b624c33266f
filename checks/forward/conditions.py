"""Under which conditions models are run: what a command is told, for which torch is not needed."""

from __future__ import annotations

from dataclasses import dataclass

DEVICES = ("auto", "cpu", "cuda")
DTYPES = ("float32", "bfloat16", "float16")
CHECKS = (*DTYPES[1:], "CPU ↔ GPU", "placement", "eager ↔ flex", "eager ↔ flash")
"""What is asked under other conditions, by the names under which it can be skipped."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """`device` is one of DEVICES; `auto` is a GPU where there is one.

    `dtypes` are the precisions below float32 that are asked, of the first class of each model; if
    `thorough`, of each class. Everything is asked in float32.
    """

    device: str = "auto"
    dtypes: tuple[str, ...] = ("bfloat16",)
    thorough: bool = False
    require_cuda: bool = False

    @property
    def needs_cuda(self) -> bool:
        return self.require_cuda or self.device == "cuda"


ON_CPU = Conditions("cpu")


def conditions(
    device: str = "auto", *, require_cuda: bool = False, dtypes: str | None = None
) -> Conditions:
    """From what a command is told; `dtypes` are names between commas.

    Raises a LookupError where that is contradictory, or there is no such dtype.
    """
    if require_cuda and device == "cpu":
        raise LookupError("the CPU was asked for, and a GPU required")
    if dtypes is None:
        return Conditions(device, require_cuda=require_cuda)
    names = tuple(filter(None, (name.strip() for name in dtypes.split(","))))
    unknown = [name for name in names if name not in DTYPES]
    if unknown or not names:
        raise LookupError(f"--dtype takes {', '.join(DTYPES)}, not {', '.join(unknown) or dtypes}")
    asked = tuple(name for name in DTYPES[1:] if name in names)
    return Conditions(device, asked, thorough=True, require_cuda=require_cuda)
