"""Import generated model files and instantiate what they define, each model in its own process.

`python -m tests.corpus.trying ROOT < MODELS` reads `{model: [folder, module, ...]}` and prints
`{model: outcome}`, as JSON.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

SECONDS = 300
"""How long one model may take."""


@dataclass(frozen=True)
class Trial:
    """What became of one model: how far it got, and why it got no further.

    `classes` are the model classes that were instantiated; `unlike` those whose parameters are
    not those of transformers' class of that name. `theirs` says that transformers' own class
    cannot be instantiated from its default configuration either.
    """

    imported: bool
    error: str = ""
    classes: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    failed: Mapping[str, str] | None = None
    theirs: tuple[str, ...] = ()


def main() -> None:
    root = sys.argv[1]
    models: dict[str, list[str]] = json.load(sys.stdin)
    # The repository's own `models` must not be taken for that of the tree.
    sys.path.insert(0, root)
    import transformers  # noqa: F401  # once, before the processes are forked

    context = multiprocessing.get_context("fork")
    with context.Pool(processes=2, maxtasksperchild=1) as pool:
        waiting = {name: pool.apply_async(_try, modules) for name, modules in models.items()}
        trials = {name: _result(each) for name, each in waiting.items()}
    json.dump({name: asdict(trial) for name, trial in trials.items()}, sys.stdout)


def _result(waiting: Any) -> Trial:
    try:
        trial = waiting.get(SECONDS)
    except multiprocessing.TimeoutError:
        return Trial(False, f"not done after {SECONDS} s")
    assert isinstance(trial, Trial)
    return trial


def _try(folder: str, *names: str) -> Trial:
    """Import the modules `names`, and instantiate what is in those of them that hold models."""
    try:
        modules = [import_module(name) for name in names]
    except Exception as error:
        return Trial(False, _said(error))
    done, unlike, failed, theirs = [], [], {}, []
    for module in modules:
        kind_and_model = module.__name__.rpartition(".")[2]
        if not kind_and_model.startswith("modeling_"):
            continue
        original = import_module(f"transformers.models.{folder}.{kind_and_model}")
        for name in _model_classes(module):
            found, wanted = _attempt(module, name), _attempt(original, name)
            if isinstance(found, str):
                failed[name] = found
                theirs += [name] if isinstance(wanted, str) else []
            else:
                done.append(name)
                unlike += [name] if found != wanted else []
    return Trial(True, "", tuple(done), tuple(unlike), failed, tuple(theirs))


def _model_classes(module: ModuleType) -> Iterator[str]:
    """The models that `module` exports, less the abstract ones."""
    from transformers import PreTrainedModel

    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        is_model = isinstance(value, type) and issubclass(value, PreTrainedModel)
        if is_model and value.config_class is not None and not name.endswith("PreTrainedModel"):
            yield name


def _attempt(module: ModuleType, name: str) -> dict[str, tuple[int, ...]] | str:
    """The shapes of all parameters and buffers by name, or what went wrong."""
    import torch

    model = getattr(module, name, None)
    if model is None:
        return f"there is no {name}"
    try:
        with torch.device("meta"):
            state = model(model.config_class()).state_dict()
    except Exception as error:
        return _said(error)
    return {key: tuple(value.shape) for key, value in state.items()}


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0][:300]


if __name__ == "__main__":
    main()
