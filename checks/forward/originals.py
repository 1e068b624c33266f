"""A model of another make beside ours: what has other names there is given ours.

The original can be any module of torch. Both it and ours are wrapped: they take the arguments and
give back the outputs that correspond, and nothing else, and their weights have our names. So they
can be compared like any other two definitions.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from checks.forward import catalogue, configs, naming
from checks.forward.naming import Names, NamesError
from checks.forward.sides import Side


def corresponding(own: str, original: str, path: str | Path) -> tuple[Side, Side]:
    """The two sides, by the names of their modules and of the file that says what is what.

    Raises a NamesError, a LookupError where `own` has no models, and what importing raises.
    """
    names = naming.read(Path(path))
    module = importlib.import_module(original)
    mine = catalogue.side(own, "generated")
    if names.config_class and not hasattr(module, names.config_class):
        raise names.mistake("config_class", f"{original} has no {names.config_class}")
    own_classes, classes = dict[str, Any](), dict[str, Any]()
    for theirs, ours in names.classes.items():
        if ours not in mine.classes:
            there = ", ".join(mine.classes)
            raise names.mistake(f"classes.{theirs}", f"{own} has no {ours}; there are {there}")
        their_class = getattr(module, theirs, None)
        if not (inspect.isclass(their_class) and issubclass(their_class, nn.Module)):
            raise names.mistake(f"classes.{theirs}", f"{original} has no such module")
        own_classes[ours] = _wrapped(Ours, ours, mine.classes[ours], names)
        classes[ours] = _wrapped(Original, ours, their_class, names)
        classes[ours].own_class = mine.classes[ours]
        _match(own_classes[ours], classes[ours], mine.config)
    recipe = (
        "from checks.forward.originals import corresponding\n\n"
        f"one, other = corresponding({own!r}, {original!r}, {str(Path(path).resolve())!r})\n"
    )
    files = {str(module.__file__): "reference"}
    return (
        Side("generated", own_classes, mine.config, mine.files, recipe=recipe),
        Side("reference", classes, mine.config, files, recipe=recipe),
    )


def unmoved(own: Side) -> dict[str, Any]:
    """The fields of our configuration that the original does not have, as they are by default.

    A configuration that moves them asks for what the original cannot do. Sizes are left out.
    """
    names: Names = next(iter(own.classes.values())).names
    config = own.config()
    found = {
        name: getattr(config, name)
        for name in (*configs.fields(config), "tie_word_embeddings")
        if hasattr(config, name) and name not in names.config.values()
    }
    return {name: value for name, value in found.items() if type(value) is not int}


def _match(own: type[Ours], original: type[Original], config: Any) -> None:
    """Raises a NamesError that lists the weights of both that have no counterpart.

    What ours ties to a weight that has one needs none, and is hidden.
    """
    try:
        with torch.device("meta"):
            mine, theirs = own(config()), original(config())
    except NamesError:
        raise
    except Exception:  # as large as it was published, it may be for no machine of this size
        return
    here, there = mine.state_dict(keep_vars=True), theirs.state_dict()
    matched = {id(here[name]) for name in here.keys() & there.keys()}
    own.hidden = frozenset(n for n in here.keys() - there.keys() if id(here[n]) in matched)
    renamed = [(name, theirs.ours(name)) for name in theirs.inner.state_dict()]
    lists = {
        "of the original": [
            f"{name} ({ours})" for name, ours in renamed if ours and ours not in here
        ],
        "of ours": [name for name in here if name not in there and name not in own.hidden],
    }
    if any(lists.values()):
        said = (f"{who}: {', '.join(each)}" for who, each in lists.items() if each)
        raise original.names.mistake("weights", f"without counterpart, {'; '.join(said)}")


def _wrapped(kind: type[_Wrapped], name: str, inner: type, names: Names) -> type[_Wrapped]:
    """A class of that name, whose `forward` has the arguments that correspond."""

    def forward(self: _Wrapped, **given: Any) -> dict[str, Any]:
        return self.answer(given)

    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    arguments = [
        inspect.Parameter(each, inspect.Parameter.KEYWORD_ONLY)
        for each in dict.fromkeys(names.arguments.values())
    ]
    forward.__signature__ = inspect.Signature([own, *arguments])  # type: ignore[attr-defined]
    members = {
        "forward": forward,
        "names": names,
        "inner_class": inner,
        "__module__": inner.__module__,
        "main_input_name": getattr(inner, "main_input_name", arguments[0].name),
    }
    return type(name, (kind,), members)


class _Wrapped(nn.Module):
    """`inner`, which does the work, under our names."""

    names: ClassVar[Names]
    inner_class: ClassVar[Any]

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.inner = self.build(config)

    def build(self, config: Any) -> nn.Module:
        raise NotImplementedError

    def answer(self, given: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def ours(self, name: str) -> str:
        """Our name of a weight of `inner`; empty where it has none."""
        return name

    def named_parameters(self, *args: Any, **options: Any) -> Iterator[tuple[str, nn.Parameter]]:
        return self._renamed(self.inner.named_parameters(*args, **options))

    def named_buffers(self, *args: Any, **options: Any) -> Iterator[tuple[str, Tensor]]:
        """Those that are saved; what others hold is up to each."""
        saved = self.inner.state_dict()
        named = self.inner.named_buffers(*args, **options)
        return self._renamed((name, each) for name, each in named if name in saved)

    def state_dict(self, *args: Any, **options: Any) -> Any:
        return dict(self._renamed(self.inner.state_dict(*args, **options).items()))

    def _renamed(self, named: Any) -> Iterator[tuple[str, Any]]:
        return ((ours, value) for name, value in named if (ours := self.ours(name)))


class Ours(_Wrapped):
    """Our model: of its outputs, those that the original has."""

    hidden: ClassVar[frozenset[str]] = frozenset()
    """Further names of weights that the original has one name for."""

    def build(self, config: Any) -> nn.Module:
        found: nn.Module = self.inner_class(config)
        return found

    def answer(self, given: Mapping[str, Any]) -> dict[str, Any]:
        outputs = self.inner(**given)
        return {ours: _part(outputs, ours) for ours in self.names.outputs.values()}

    def ours(self, name: str) -> str:
        return "" if name in self.hidden or self.names.is_ignored(name) else name


class Original(_Wrapped):
    """The original: built from our configuration, called with our arguments."""

    own_class: ClassVar[Any]
    """Ours, unwrapped: the sizes of what is joined are its."""

    def build(self, config: Any) -> nn.Module:
        names, found = self.names, dict(self.names.constants)
        for theirs, ours in names.config.items():
            if not hasattr(config, ours):
                kind = type(config).__name__
                raise names.mistake(f"config.{theirs}", f"{kind} has no field `{ours}`")
            found[theirs] = copy.deepcopy(getattr(config, ours))
        if names.config_class:
            module = importlib.import_module(self.inner_class.__module__)
            inner: nn.Module = self.inner_class(getattr(module, names.config_class)(**found))
        else:
            inner = self.inner_class(**found)
        weights = inner.state_dict()
        names.check(weights)
        for name, weight in weights.items():
            if names.is_transposed(name) or names.parts(name):
                rows = self._rows(config, name, weight) if names.parts(name) else []
                laid = _Laid(rows, is_transposed=names.is_transposed(name))
                home, _, last = name.rpartition(".")
                parametrize.register_parametrization(inner.get_submodule(home), last, laid)
        return inner

    def _rows(self, config: Any, name: str, weight: Tensor) -> list[int]:
        """How many rows of a weight each of those has that are joined in it."""
        with torch.device("meta"):
            there = self.own_class(config).state_dict()
        parts = self.names.parts(name)
        missing = [part for part in parts if part not in there]
        if missing:
            raise self.names.mistake("joined", f"there is no {', '.join(missing)}, as in `{name}`")
        rows = [int(there[part].shape[0]) for part in parts]
        whole = weight.shape[-1 if self.names.is_transposed(name) else 0]
        if sum(rows) != whole:
            said = f"`{name}` has {whole} rows, and its parts have {sum(rows)}"
            raise self.names.mistake("joined", said)
        return rows

    def answer(self, given: Mapping[str, Any]) -> dict[str, Any]:
        names = self.names
        outputs = self.inner(**{theirs: given[ours] for theirs, ours in names.arguments.items()})
        return {ours: _part(outputs, theirs) for theirs, ours in names.outputs.items()}

    def ours(self, name: str) -> str:
        found = re.fullmatch(r"(.*?)parametrizations\.(.*)\.original(\d*)", name)
        home, last, part = found.groups() if found else ("", name, "")
        if self.names.is_ignored(home + last):
            return ""
        parts = self.names.parts(home + last)
        return parts[int(part)] if part else self.names.ours(home + last)


class _Laid(nn.Module):
    """Lets weights be as ours are, and be used as the original does: joined, turned."""

    def __init__(self, rows: list[int], *, is_transposed: bool) -> None:
        super().__init__()
        self.rows, self.is_transposed = rows, is_transposed

    def forward(self, *parts: Tensor) -> Tensor:
        weight = torch.cat(parts) if self.rows else parts[0]
        return weight.transpose(-1, -2) if self.is_transposed else weight

    def right_inverse(self, weight: Tensor) -> Tensor | tuple[Tensor, ...]:
        laid = weight.transpose(-1, -2).contiguous() if self.is_transposed else weight
        return tuple(each.clone() for each in torch.split(laid, self.rows)) if self.rows else laid


def _part(outputs: Any, path: str) -> Any:
    """A part of what a model gives back: `logits`, `1.hidden`, or all of it."""
    for key in filter(None, path.split(".")):
        try:
            if isinstance(outputs, Mapping):
                outputs = outputs[key]
            elif key.isdecimal():
                outputs = outputs[int(key)]
            else:
                outputs = getattr(outputs, key)
        except (LookupError, AttributeError, TypeError) as error:
            kind = type(outputs).__name__
            raise ValueError(f"there is no `{path}` in the {kind} that is given back") from error
    return outputs
