"""Which lines of a file are run while something is done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


def lines_run(path: str, work: Callable[[], T]) -> tuple[T, frozenset[int]]:
    """What `work` gives back, and the numbers of the lines of `path` that were run meanwhile."""
    found: set[int] = set()

    def inside(frame: FrameType, event: str, _: Any) -> Any:
        found.add(frame.f_lineno)
        return inside

    def enter(frame: FrameType, event: str, _: Any) -> Any:
        return inside if frame.f_code.co_filename == path else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        result = work()
    finally:
        sys.settrace(before)
    return result, frozenset(found)
