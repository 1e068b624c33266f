"""What can be seen of a model without running it: names, shapes, ties, buffers, signature."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from checks.forward import configs
from checks.forward.instances import Instance

SESSION_FIELDS = frozenset({"transformers_version", "architectures"})


@dataclass(frozen=True, slots=True)
class Mismatch:
    """`subject` is the name of what differs: a parameter, a buffer, a field, an argument."""

    kind: str
    subject: str
    message: str


def mismatches(one: Instance, other: Instance, *, exactly: bool) -> Iterator[Mismatch]:
    """How `one` differs from `other` before either is run.

    `exactly`: what weights are before any are loaded, what the class says of itself, the signature
    of `forward` and the configuration agree in every detail. If not, one must take what the other
    takes.
    """
    yield from _tensors(one, other)
    yield from _ties(one, other)
    yield from _buffers(one, other)
    yield from _set_up(one, other)
    if exactly:
        yield from _drawn(one, other)
        yield from _declared(one, other)
    yield from _signature(one, other, exactly=exactly)
    yield from _configuration(one, other, exactly=exactly)


def _tensors(one: Instance, other: Instance) -> Iterator[Mismatch]:
    a, b = (each.model.state_dict(keep_vars=True) for each in (one, other))
    for name in [*a, *(name for name in b if name not in a)]:
        if name not in b or name not in a:
            where, lacks = (one, other) if name in a else (other, one)
            message = f"{where.side.role} has `{name}`, {lacks.side.role} does not"
            yield Mismatch("parameter", name, message)
            continue
        for what in ("shape", "dtype", "requires_grad"):
            mine, theirs = getattr(a[name], what), getattr(b[name], what)
            if mine != theirs:
                message = f"{what} of `{name}`: {_plain(mine)}, {other.side.role} {_plain(theirs)}"
                yield Mismatch("parameter", name, message)


def _ties(one: Instance, other: Instance) -> Iterator[Mismatch]:
    mine, theirs = _tied(one), _tied(other)
    for names in sorted(mine ^ theirs):
        who = one if names in mine else other
        yield Mismatch("parameter", names[0], f"only {who.side.role} ties {' and '.join(names)}")


def _tied(instance: Instance) -> set[tuple[str, ...]]:
    shared: dict[int, list[str]] = {}
    for name, parameter in instance.model.named_parameters(remove_duplicate=False):
        shared.setdefault(id(parameter), []).append(name)
    return {tuple(sorted(names)) for names in shared.values() if len(names) > 1}


def _buffers(one: Instance, other: Instance) -> Iterator[Mismatch]:
    for name in sorted(one.buffers.keys() | other.buffers.keys()):
        mine, theirs = one.buffers.get(name), other.buffers.get(name)
        if mine is None or theirs is None:
            who = one if theirs is None else other
            yield Mismatch("buffer", name, f"only {who.side.role} has the buffer `{name}`")
        elif mine != theirs:
            yield Mismatch("buffer", name, f"the buffer `{name}` holds other values")


def _drawn(one: Instance, other: Instance) -> Iterator[Mismatch]:
    """The first parameter in the model that is initialised otherwise: those behind it follow."""
    for name, _ in other.model.named_parameters():
        mine, theirs = one.drawn.get(name), other.drawn.get(name)
        if mine is None and theirs is not None:
            yield Mismatch("parameter", name, f"`{name}` is not initialised")
            return
        if mine != theirs:
            yield Mismatch("parameter", name, f"`{name}` is initialised to other values")
            return


def _set_up(one: Instance, other: Instance) -> Iterator[Mismatch]:
    """Without `post_init`, no weights are initialised, tied, or split among devices."""
    is_done, is_wanted = ("all_tied_weights_keys" in vars(each.model) for each in (one, other))
    if is_wanted and not is_done:
        yield Mismatch("declaration", "post_init", "`post_init` is not called")


def _declared(one: Instance, other: Instance) -> Iterator[Mismatch]:
    """What the library reads off a class: what it supports, ties, splits, and how it is called."""
    a, b = (_declarations(each.model) for each in (one, other))
    for name in sorted(a.keys() | b.keys()):
        if a.get(name) != b.get(name):
            mine, theirs = (found.get(name, "missing") for found in (a, b))
            message = f"`{name}` of the class is {mine}, {other.side.role} {theirs}"
            yield Mismatch("declaration", name, message)


def _declarations(model: Any) -> dict[str, str]:
    """What the class sets, and which names the model has besides.

    What `post_init` gathers from inner models depends on when it is called, and is left out; and so
    is what transformers notes on a class or a model when it asks for the first time.
    """
    own = [each for each in type(model).__mro__ if not each.__module__.startswith("torch.")]
    names = {name for each in own for name, value in vars(each).items() if _is_plain(value)}
    found = {name: _bare_value(getattr(type(model), name)) for name in names}
    found |= dict.fromkeys(vars(model).keys() - names, "there")
    left_out = {name for name in found if name.startswith("__") or name.endswith(_NOTED)}
    return {name: value for name, value in found.items() if name not in left_out}


_NOTED = ("_cached_value", "_hooks_installed")


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str | list | tuple | dict | set)


def _bare_value(value: object) -> str:
    """As text; classes by their names, sets in order."""
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_bare_value(each)}' for key, each in value.items())}}}"
    if isinstance(value, list | tuple | set | frozenset):
        texts = [_bare_value(each) for each in value]
        return f"[{', '.join(sorted(texts) if isinstance(value, set | frozenset) else texts)}]"
    return repr(value) if _is_plain(value) else type(value).__name__


def _signature(one: Instance, other: Instance, *, exactly: bool) -> Iterator[Mismatch]:
    a, b = (inspect.signature(type(each.model).forward).parameters for each in (one, other))
    if exactly:
        for name in [*a, *(name for name in b if name not in a)]:
            mine, theirs = (repr(_bare(of[name])) if name in of else "nothing" for of in (a, b))
            if mine != theirs:
                yield Mismatch("argument", name, f"argument {mine}, {other.side.role} {theirs}")
        if list(a) != list(b) and a.keys() == b.keys():
            message = "the arguments of `forward` are in another order"
            yield Mismatch("argument", next(iter(a)), message)
        return
    takes_all = any(each.kind is each.VAR_KEYWORD for each in a.values())
    for name, parameter in b.items():
        is_named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if is_named and name not in a and not takes_all:
            yield Mismatch("argument", name, f"`forward` does not take `{name}`")


def _bare(parameter: inspect.Parameter) -> inspect.Parameter:
    return parameter.replace(annotation=parameter.empty)


def _configuration(one: Instance, other: Instance, *, exactly: bool) -> Iterator[Mismatch]:
    """What both configurations say, of this model and as published.

    Those of two models that are different ones have different fields, and that is no finding.
    """
    if not exactly and one.config.model_type != other.config.model_type:
        return
    pairs = [(one.config, other.config)]
    try:
        pairs.append((type(one.config)(), type(other.config)()))
    except Exception as error:
        if exactly:
            message = f"a configuration cannot be made without options: {error}"
            yield Mismatch("field", "", message)
    seen = set()
    for mine, theirs in pairs:
        for name, a, b in _different(mine.to_dict(), theirs.to_dict(), exactly=exactly):
            if name not in seen:
                seen.add(name)
                message = f"`{name}` of the configuration is {a}, {other.side.role} {b}"
                yield Mismatch("field", name, message)


def _different(
    one: dict[str, Any], other: dict[str, Any], *, exactly: bool
) -> Iterator[tuple[str, str, str]]:
    for name in sorted(one.keys() | other.keys()):
        if name in SESSION_FIELDS or name.startswith("_attn") or name in configs.PLAIN:
            continue
        if name not in one or name not in other:
            if exactly or name in other:
                yield name, _said(one, name), _said(other, name)
        elif one[name] != other[name] and repr(one[name]) != repr(other[name]):
            yield name, _said(one, name), _said(other, name)


def _said(of: dict[str, Any], name: str) -> str:
    return repr(of[name]) if name in of else "missing"


def _plain(value: object) -> str:
    return str(tuple(value)) if isinstance(value, torch.Size) else str(value)
