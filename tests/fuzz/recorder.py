"""What generated projects call to leave a trace, and the probe that plays them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from types import GeneratorType
from typing import Any

LOG: list[object] = []
BROKEN = "broken"
"""Marks the end of what can be compared: the code failed in a way that nobody planned."""


def log(*values: Any) -> Any:
    """Note that this was reached, and with what; the last value comes back."""
    LOG.append(tuple(map(_plain, values)))
    return values[-1]


def size(value: Any) -> int:
    """Some number for anything."""
    if isinstance(value, (int, float)):
        return int(value)
    if isinstance(value, GeneratorType):
        return sum(size(each) for each in value)
    if isinstance(value, dict):
        return sum(size(each) for each in value.values())
    return sum(size(each) for each in value) if isinstance(value, (list, tuple)) else 1


@contextmanager
def scope(tag: str) -> Iterator[int]:
    LOG.append(("enter", tag))
    try:
        yield 1
    finally:
        LOG.append(("leave", tag))


class Box:
    """An object whose making changes nothing else."""

    def __init__(self, value: Any) -> None:
        self.value = value


def traced(tag: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that notes calls."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            LOG.append(("traced", tag))
            return function(*args, **kwargs)

        return wrapped

    return decorate


Call = tuple[str, str, tuple[Any, ...], dict[str, Any]]
"""What is done ("call", "set", or a call on the "class"); the method, and its arguments."""


def observe(
    module: Any, plan: Sequence[tuple[str, tuple[Any, ...], dict[str, Any], Sequence[Call]]]
) -> list[tuple[Any, ...]]:
    """Make an object of each class of the plan and call its methods: all that can be seen of it."""
    seen: list[tuple[Any, ...]] = []
    for name, arguments, keywords, calls in plan:
        for step in _steps(getattr(module, name), arguments, keywords, calls):
            seen.append((name, *step))
            if BROKEN in step:
                return seen
    return seen


def _steps(
    cls: type, arguments: tuple[Any, ...], keywords: dict[str, Any], calls: Sequence[Call]
) -> Iterator[tuple[Any, ...]]:
    LOG.clear()
    outcome, made = _attempt(cls, arguments, keywords)
    yield ("made", *outcome, _state(made), list(LOG))
    for way, method, args, kwargs in calls if made is not None else ():
        if way == "set":
            outcome, _ = _attempt(setattr, (made, method, *args), {})
        else:
            target = cls if way == "class" else made
            outcome, _ = _attempt(_call, (target, method, args, kwargs), {})
        yield (method, *outcome, _state(made), list(LOG))


def _attempt(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], Any]:
    try:
        found = function(*args, **kwargs)
    except ValueError as error:
        return ("raised", str(error)), None
    except Exception as error:
        return (BROKEN, type(error).__name__), None
    return ("gave", _plain(found)), found


def _call(target: Any, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    value = getattr(target, method)
    found = value(*args, **kwargs) if callable(value) else value
    return list(found) if isinstance(found, GeneratorType) else found


def _state(made: Any) -> object:
    return None if made is None else _plain(list(vars(made).items()))


def _plain(value: Any, depth: int = 0) -> object:
    """A value as something that can be compared, whichever module it came from."""
    if value is None or isinstance(value, (int, str, float)):
        return value
    if depth > 4:
        return "deep"
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *(_plain(each, depth + 1) for each in value)]
    if isinstance(value, dict):
        return {str(key): _plain(each, depth + 1) for key, each in sorted(value.items())}
    if isinstance(value, type):
        return f"class {value.__name__}"
    if type(value).__module__ == "builtins":
        return type(value).__name__
    return [type(value).__name__, _plain(vars(value), depth + 1)]
