"""Models by the names that they are known under: `transformers:mistral`, `package.module`."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any

from transformers import PreTrainedModel

from checks.copying import model_of
from checks.forward import sides
from checks.forward.sides import Side
from checks.live import PRIVATE, live

FIRST = (
    "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",
    "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES",
    "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES",
    "MODEL_FOR_MASKED_LM_MAPPING_NAMES",
    "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    "MODEL_FOR_PRETRAINING_MAPPING_NAMES",
    "MODEL_MAPPING_NAMES",
)
"""Which class stands for a model type: the first that one of these tables has.

That which uses most of the model: the decoder of an encoder-decoder also stands alone in one of
these tables, and what predicts masked words is in another as a decoder that it seldom is.
"""


def side(spec: str, role: str) -> Side:
    """The classes of a module, or the one that `spec` names behind a colon.

    `transformers:mistral` is the model of that folder, `package.module` a module, and
    `package.module:Class` one class. Raises a LookupError or what importing raises.
    """
    package, _, name = spec.partition(":")
    if not name:
        module = importlib.import_module(package)
        return sides.side_of(role, module, {str(module.__file__): role})
    if importlib.util.find_spec(f"{package}.models") is None:
        module = importlib.import_module(package)
        found = getattr(module, name, None)
        if not (inspect.isclass(found) and issubclass(found, PreTrainedModel)):
            raise LookupError(f"{package} has no model {name}")
        return Side(role, {name: found}, found.config_class, {str(module.__file__): role})
    path = f"{package}.models.{name}.modeling_{name}"
    module = importlib.import_module(path)
    return sides.side_of(role, module, {str(module.__file__): role})


def paired(one: Side, other: Side) -> Side:
    """`other` with its classes under the names of those of `one` that end alike.

    Raises a LookupError where no two do.
    """
    mine, theirs = _endings(one), _endings(other)
    names = {mine[ending]: theirs[ending] for ending in mine if ending in theirs}
    if not names:
        raise LookupError(f"{', '.join(one.classes)} and {', '.join(other.classes)} have no pair")
    return replace(other, names=names)


def _endings(side: Side) -> dict[str, str]:
    """The names of the classes by what follows the part that all of them begin with."""
    names = sorted(side.classes)
    if len(names) == 1:
        return {"": names[0]}
    shared = next(
        n for n in range(len(names[0]), -1, -1) if all(x[:n] == names[0][:n] for x in names)
    )
    # `Model` and `ForCausalLM` follow the name: an ending begins with a capital.
    while shared and not all(x[shared : shared + 1].isupper() for x in names):
        shared -= 1
    return {name[shared:]: name for name in names}


def model_types() -> dict[str, tuple[str, str]]:
    """Every model type of the installed transformers, with its module and the class to run."""
    from transformers.models.auto import modeling_auto
    from transformers.models.auto.configuration_auto import model_type_to_module_name

    found: dict[str, tuple[str, str]] = {}
    for table in FIRST:
        names = getattr(modeling_auto, table, {})
        for kind, value in names.items():
            name = value if isinstance(value, str) else value[0]
            folder = model_type_to_module_name(kind)
            found.setdefault(kind, (f"transformers.models.{folder}", name))
    return dict(sorted(found.items()))


def class_of(package: str, name: str) -> Any:
    """The model class `name` of a model's package, or that of another which it stands for.

    Raises a LookupError where there is none.
    """
    for module in _homes(package):
        found = getattr(module, name, None)
        if inspect.isclass(found):
            return found
    raise LookupError(f"{package} has no {name}")


def _homes(package: str) -> Iterator[ModuleType]:
    """Where a model's classes may be: what it exports, its modeling files, other models'."""
    module = importlib.import_module(package)
    yield module
    for found in pkgutil.iter_modules(module.__path__):
        if found.name.startswith("modeling_"):
            yield importlib.import_module(f"{package}.{found.name}")
    yield importlib.import_module(package.partition(".")[0])


@contextmanager
def live_class(model_class: Any) -> Iterator[Side]:
    """The class as the modular file beside its module says. Raises a LookupError if none is.

    Its parents are the modeling files that it imports: one that is generated is held against its
    own modular file in its turn. Executing those here, too, and theirs, took minutes of some.
    """
    home = model_class.__module__
    modular = modular_of(home)
    if modular is None:
        raise LookupError("it is written by hand")
    name = model_class.__name__
    with live(modular, is_parent=_is_parent, pastes=True) as module:
        found = getattr(module, name, None)
        if found is None:
            raise LookupError(f"the modular file has no {name}")
        config = getattr(module, model_class.config_class.__name__, model_class.config_class)
        _tell(found, model_class, config)
        file = str(importlib.import_module(home).__file__)
        own = file.replace("modeling_", "modular_")
        yield Side("live", {name: found}, config, {own: "modular"})


def _tell(live: Any, generated: Any, config: Any) -> None:
    """What transformers reads off the text of the file in which a class stands."""
    for what in ("attn", "experts"):
        can_set = getattr(generated, f"_can_set_{what}_implementation", lambda: False)()
        for each in _private_classes():  # of inner models, too, which stand in the same file
            if hasattr(each, f"_can_set_{what}_implementation"):
                setattr(each, f"_can_set_{what}_implementation_cached_value", can_set)
    if isinstance(live.config_class, str):  # an annotation, which is no text in a generated file
        live.config_class = config


def _private_classes() -> list[type]:
    modules = [module for name, module in sys.modules.items() if PRIVATE in name]
    found = (each for module in modules for each in vars(module).values())
    return [each for each in found if isinstance(each, type) and PRIVATE in each.__module__]


def modular_of(module: str) -> str | None:
    """The modular file beside a module of transformers, by its name."""
    package = module.rpartition(".")[0]
    model = model_of(module)
    if not model or not package.startswith("transformers."):
        return None
    found = f"{package}.modular_{model}"
    return found if importlib.util.find_spec(found) is not None else None


def _is_parent(module: str) -> bool:
    return bool(model_of(module)) and ".auto." not in module
