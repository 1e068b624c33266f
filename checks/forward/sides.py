"""Where definitions of a model come from: a generated file, a live modular file, a reference."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from checks.forward.project import Project
from checks.live import live

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Side:
    """One definition of a model. `role` is what findings call it."""

    role: str
    classes: Mapping[str, Any]
    """The model classes that can be run, by name."""
    config: Any
    """The configuration class."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The role of each source file of this side, by its path: generated, modular, parent."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Where its classes have other names: by ours, its own."""
    recipe: str = ""
    """Python that makes `one` and `other`, where it takes more than to import two classes."""

    def model_class(self, name: str) -> Any:
        return self.classes[self.names.get(name, name)]


def generated(project: Project, model: str) -> Side:
    """The model as its files say. Raises what importing them raises."""
    module = importlib.import_module(project.modeling.format(model=model))
    file = project.path(project.modeling, model)
    if not file.samefile(str(module.__file__)):
        raise ImportError(f"{module.__name__} is that of another project: {module.__file__}")
    return side_of("generated", module, {str(module.__file__): "generated"})


@contextmanager
def altered(side: Side, change: Callable[[str], str]) -> Iterator[Side]:
    """`side` with the source of its classes changed; nothing else notices.

    Raises what running the changed source raises.
    """
    home = sys.modules[next(iter(side.classes.values())).__module__]
    path = str(home.__file__)
    text = change(Path(path).read_text("utf-8"))
    module = ModuleType(f"{home.__name__}__altered{next(_numbers)}")
    module.__file__, module.__package__ = path, home.__package__
    sys.modules[module.__name__] = module
    try:
        exec(compile(text, path, "exec", dont_inherit=True), vars(module))
        found = side_of(side.role, module, side.files)
        yield replace(found, classes={name: found.classes[name] for name in side.classes})
    finally:
        del sys.modules[module.__name__]


@contextmanager
def live_side(project: Project, model: str, like: Side) -> Iterator[Side]:
    """The modular file of the model, executed; it has the classes of `like`."""
    with live(project.modular.format(model=model), modular_of=project.modular_of) as module:
        own = str(project.path(project.modular, model))
        found = {name: getattr(module, name) for name in like.classes if hasattr(module, name)}
        files = {str(project.path(project.modular, each)): "parent" for each in project.models()}
        files |= {str(project.path(project.modeling, each)): "parent" for each in project.models()}
        config = getattr(module, like.config.__name__)
        yield Side("live", found, config, {**files, own: "modular"})


def side_of(role: str, module: ModuleType, files: Mapping[str, str]) -> Side:
    """The models that `module` defines. Raises a LookupError where there are none."""
    classes = {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, PreTrainedModel)
        and value.__module__ == module.__name__
        and runs(value)
    }
    if not classes:
        raise LookupError(f"{module.__name__} defines no model that can be run")
    return Side(role, classes, config_of(classes), files)


def config_of(classes: Mapping[str, Any]) -> Any:
    """The configuration class of the model that most of `classes` are heads of."""
    found = [each.config_class for each in classes.values() if each.config_class is not None]
    return max(found, key=found.count)


def runs(model_class: type) -> bool:
    """Does the class, or one that it extends, say how to run it?"""
    forward = getattr(model_class, "forward", None)
    unset = getattr(nn.Module.forward, "__name__", "_forward_unimplemented")
    return forward is not None and getattr(forward, "__name__", unset) != unset


def reference(like: Side, module: ModuleType | None = None) -> Side | None:
    """The models of transformers, or of `module`, with the same names as those of `like`."""
    import transformers

    home: Any = module or transformers
    found = {name: getattr(home, name) for name in like.classes if hasattr(home, name)}
    found = {name: value for name, value in found.items() if inspect.isclass(value)}
    if not found:
        return None
    files = {str(inspect.getsourcefile(each)): "reference" for each in found.values()}
    return Side("reference", found, config_of(found), files)


def is_config(value: Any) -> bool:
    return inspect.isclass(value) and issubclass(value, PreTrainedConfig)
