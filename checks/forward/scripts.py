"""A program that shows one failure: for whoever mends it, or is to be told of it.

It builds the two models with the configuration, weights and inputs of the check, runs them, prints
what differs, and ends with 1 as long as something does. Where something of ours is needed (how
weights are drawn, how a scenario runs a model) its very source is written into it: it asks for no
more than torch, transformers and the two models. Only what compares with a modular file, or a model
with itself, loads `checks`.
"""

from __future__ import annotations

import inspect
import pprint
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor

from checks.forward import scenarios, weights
from checks.forward.configs import Options
from checks.forward.inputs import Inputs, Request
from checks.forward.leaves import tensors
from checks.forward.media import generator
from checks.forward.scenarios import Scenario
from checks.forward.sides import Side
from checks.forward.verdicts import Finding, ModelReport

WIDTH = 96


def of_pair(
    finding: Finding,
    one: Side,
    other: Side,
    options: Options,
    scenario: Scenario | None = None,
    given: Inputs | None = None,
) -> str:
    """A program that runs both sides over `scenario`, or only looks at them if there is none.

    Empty where a side cannot be imported again, and where it would have to look at more than names,
    shapes, buffers, configuration and arguments.
    """
    name = finding.subject
    if scenario is None and ("initialised" in finding.note or "of the class" in finding.note):
        return ""
    sides = (one, other)
    if not all(_can_be_imported(side.model_class(name)) for side in sides if side.role != "live"):
        return ""
    needed: list[Callable[..., Any]] = [weights.fill, off]
    if scenario is None:
        needed = [unlike]
    elif scenario.run.__name__ != "<lambda>":
        needed.append(scenario.run)
    else:
        return ""
    imports, sources = inlined(needed)
    more = ("import copy", "import random", "import sys", "import numpy as np", "import torch")
    homes = [_home(side.model_class(name)) for side in sides if side.role != "live"]
    if other.role == "live" or other.recipe:
        homes.append(str(Path(__file__).parents[2]))
    parts = [
        f"{_about(finding)}\nfrom __future__ import annotations",
        "\n".join(sorted({*imports, *more})),
        _path(homes),
        f"OPTIONS = {_text(dict(options))}",
        _asking(scenario, given or {}) if scenario else _LOOKING,
        *sources,
        *_answers(one, other, name),
        _SHOWING.format(bound=finding.bound or 0.0) if scenario else _TELLING,
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def of_itself(finding: Finding, side: Side, options: Options, request: Request) -> str:
    """A program that asks a model for the two answers again. Empty where it cannot be imported."""
    model_class = side.model_class(finding.subject)
    if not _can_be_imported(model_class):
        return ""
    parts = [
        f"{_about(finding)}\nimport sys",
        _path([_home(model_class), str(Path(__file__).parents[2])]),
        _importing(side, finding.subject, "mine", call=False),
        _ITSELF.format(
            name=finding.subject,
            options=_text(dict(options)),
            overrides=dict(request.overrides),
            without=request.without,
            check=finding.check,
            bound=finding.bound or 0.0,
        ),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def written(reports: Sequence[ModelReport], folder: Path | None) -> list[ModelReport]:
    """`reports` with the path of a program in the place of its text; they lie in `folder`.

    One is written for each pair and class of a model: what fails first fails for the others, too.
    None is where there is no folder.
    """
    return [
        replace(report, findings=tuple(_each_written(report.findings, folder)))
        for report in reports
    ]


def _each_written(findings: Iterable[Finding], folder: Path | None) -> Iterator[Finding]:
    seen = set[tuple[str, str]]()
    for finding in findings:
        about = (finding.pair, finding.subject)
        if folder is None or not finding.script or about in seen:
            yield replace(finding, script="")
            continue
        seen.add(about)
        name = re.sub(r"[^\w.]+", "-", f"{finding.model} {finding.name}").strip("-")
        path = folder.absolute() / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(finding.script, "utf-8")
        yield replace(finding, script=str(path))


# -- what is written into it ---------------------------------------------------------------------


def off(actual: Any, expected: Any) -> dict[str, float]:
    """How far each tensor is off, relative to the largest value that it should have."""
    found = {}
    for name, wanted in tensors(expected).items():
        got = tensors(actual).get(name)
        if got is None or got.shape != wanted.shape:
            found[name] = float("inf")
        elif wanted.numel():
            gap = (got.double() - wanted.double()).abs().max().item()
            found[name] = gap / (wanted.double().abs().max().item() or 1.0)
    return found


def unlike(one: Any, other: Any) -> list[str]:
    """What two models differ in before they are run: weights, buffers, configuration, arguments."""
    found: list[str] = []
    a: Any
    b: Any
    for what in ("state_dict", "named_buffers"):
        a, b = (dict(getattr(each, what)()) for each in (one, other))
        found += [f"{what}: only one has {name}" for name in sorted(a.keys() ^ b.keys())]
        for name in sorted(a.keys() & b.keys()):
            if a[name].shape != b[name].shape:
                found.append(f"{name}: {tuple(a[name].shape)}, not {tuple(b[name].shape)}")
            elif what == "named_buffers" and not torch.equal(a[name], b[name]):
                found.append(f"{name}: other values")
    a, b = (each.config.to_dict() for each in (one, other))
    found += [
        f"config.{name}: {a.get(name)!r}, not {b.get(name)!r}"
        for name in sorted(a.keys() | b.keys())
        if a.get(name) != b.get(name)
    ]
    a, b = (inspect.signature(type(each).forward).parameters for each in (one, other))
    return found + [f"forward: only one has {name}" for name in sorted(a.keys() ^ b.keys())]


_BUILD = f"""
    torch.manual_seed({scenarios.SEED})
    model = model_class(config_class(**copy.deepcopy(OPTIONS))).eval()"""

_LOOKING = f"""
def answer(model_class, config_class):{_BUILD}
    return model

"""

_TELLING = """
print(*unlike(mine, theirs), sep="\\n")
sys.exit(bool(unlike(mine, theirs)))
"""

_SHOWING = """
found = off(mine, theirs)
for name, error in found.items():
    if error:
        print(f"{{name}} is off by {{error:.1e}} of its largest value")
sys.exit(not all(error <= {bound} for error in found.values()))
"""

_CAST = """
    for each in model.state_dict(keep_vars=True).values():
        each.data = each.data.to({dtype}) if each.is_floating_point() else each.data"""

_ITSELF = """
from checks.forward import attention, itself, numerics
from checks.forward.inputs import Request
from checks.forward.instances import instance
from checks.forward.sides import Side

one = instance(Side("generated", {{"{name}": Mine}}, MineConfig), "{name}", {options})
request = Request(Mine, one.config, {overrides}, without={without})
known = (*itself.COMPARISONS, *attention.COMPARISONS)
(comparison,) = (each for each in known if each.name == "{check}")
found = numerics.furthest(*comparison.ask(one, request))
print(found.message if found else "both answers are the same")
sys.exit(found is not None and not found.error <= {bound})
"""


def _asking(scenario: Scenario, given: Inputs) -> str:
    lines = [
        f"        {name!r}: {_literal(name, value)}{_cast(scenario, value)},"
        for name, value in given.items()
    ]
    text = "\n".join(["def given():", "    return {", *lines, "    }"])
    attention = ""
    if scenario.attention:
        attention = f'\n    model.set_attn_implementation("{scenario.attention}")'
    cast = _CAST.format(dtype=scenario.dtype) if scenario.dtype else ""
    return f"""{text}


def answer(model_class, config_class):{_BUILD}
    fill(model){attention}{cast}
    model.train({scenario.training})
    random.seed({scenarios.SEED})
    np.random.seed({scenarios.SEED % 2**32})
    torch.manual_seed({scenarios.SEED})
    return {scenario.run.__name__}(model, given())
"""


def _cast(scenario: Scenario, value: Any) -> str:
    is_cast = scenario.dtype and isinstance(value, Tensor) and value.is_floating_point()
    return f".to({scenario.dtype})" if is_cast else ""


def _literal(name: str, value: Any) -> str:
    """Python for an input: how it was drawn, if it was, or else all its values."""
    if not isinstance(value, Tensor):
        return repr(value)
    if value.is_floating_point():
        drawn = torch.randn(value.shape, generator=generator(name))
        if torch.equal(drawn, value):
            seed = generator(name).initial_seed()
            shape = tuple(value.shape)
            return f"torch.randn({shape}, generator=torch.Generator().manual_seed({seed}))"
    rows = _text(value.tolist()).replace("\n", "\n" + " " * 12)
    return f"torch.tensor(\n            {rows},\n            dtype={value.dtype},\n        )"


def _text(value: object) -> str:
    return pprint.pformat(value, width=WIDTH - 12, compact=True, sort_dicts=False)


def _answers(one: Side, other: Side, name: str) -> list[str]:
    """Statements that bind `mine` and `theirs`."""
    if other.recipe:
        asked = 'answer({side}.classes["{name}"], {side}.config)'
        mine, theirs = (asked.format(side=each, name=name) for each in ("one", "other"))
        return [other.recipe, f"mine, theirs = {mine}, {theirs}"]
    mine = _importing(one, name, "mine")
    if other.role == "live":
        return [mine, _live(one, other, name)]
    return [mine, _importing(other, name, "theirs")]


def _importing(side: Side, name: str, as_name: str, *, call: bool = True) -> str:
    model_class, config = side.model_class(name), side.config
    alias = as_name.capitalize()
    lines = [
        f"from {model_class.__module__} import {model_class.__name__} as {alias}",
        f"from {config.__module__} import {config.__name__} as {alias}Config",
    ]
    if call:
        lines.append(f"{as_name} = answer({alias}, {alias}Config)")
    return "\n".join(lines) + "\n"


def _live(one: Side, live: Side, name: str) -> str:
    """The modular file, executed as the checks do it."""
    module = one.model_class(name).__module__
    if module.startswith("transformers."):
        having = "from checks.forward.catalogue import live_class\nwith live_class(Mine) as live:"
    else:
        model = module.rpartition("modeling_")[2]
        having = (
            "from pathlib import Path\n"
            "from checks.forward.project import Project\n"
            "from checks.forward.sides import generated, live_side\n"
            f"project = Project(Path({_home(one.model_class(name))!r}))\n"
            f'with live_side(project, "{model}", generated(project, "{model}")) as live:'
        )
    return f'{having}\n    theirs = answer(live.classes["{name}"], live.config)\n'


def _about(finding: Finding) -> str:
    places = [f"{place.role}: {place}: {place.text}" for place in finding.places]
    parts = [f"{finding.verdict.label}: {finding.model}: {finding.name}", finding.note, *places]
    text = "\n".join(filter(None, parts)).replace("\\", "/").replace('"""', "'''")
    return f'"""{text}\n\nIt prints what differs, and ends with 1 as long as something does.\n"""\n'


def _path(homes: Iterable[str]) -> str:
    """Where the models are found, and `checks` if it is needed; what is installed, is found."""
    wanted = [each for each in dict.fromkeys(homes) if "-packages" not in each]
    return f"sys.path[:0] = {wanted}" if wanted else ""


def _home(model_class: Any) -> str:
    """The folder from which the module of a class is imported."""
    name = model_class.__module__
    return str(Path(str(sys.modules[name].__file__)).resolve().parents[name.count(".")])


def _can_be_imported(model_class: Any) -> bool:
    return sys.modules[model_class.__module__].__spec__ is not None


# -- source --------------------------------------------------------------------------------------


def inlined(functions: Iterable[Callable[..., Any]]) -> tuple[list[str], list[str]]:
    """Import statements, and the source of `functions` with all of ours that they need."""
    imports, sources = dict[str, None](), dict[str, str]()
    added: dict[str, FunctionType] = {}

    def add(function: FunctionType) -> None:
        if added.setdefault(function.__name__, function) is not function:
            raise ValueError(f"two functions are called {function.__name__}")
        if function.__name__ in sources:
            return
        sources[function.__name__] = ""
        for name in sorted(set(_names(function.__code__)) & function.__globals__.keys()):
            value = function.__globals__[name]
            bare = inspect.unwrap(value) if callable(value) else value  # it may be a cached one
            if name.startswith("__"):
                continue
            if isinstance(bare, FunctionType) and bare.__module__.startswith("checks."):
                add(bare)
                if name != bare.__name__:
                    sources[name] = f"{name} = {bare.__name__}\n"
            elif isinstance(value, ModuleType):
                imports[_import(value.__name__, name)] = None
            elif isinstance(value, int | float | str | tuple | dict):
                sources[name] = f"{name} = {value!r}\n"
            else:
                imports[f"from {value.__module__} import {name}"] = None
        sources[function.__name__] = "\n" + inspect.getsource(function).strip()

    for function in functions:
        assert isinstance(function, FunctionType)
        add(function)
    return sorted(imports), list(sources.values())


def _import(module: str, name: str) -> str:
    package, _, last = module.rpartition(".")
    if package and last == name:
        return f"from {package} import {name}"
    return f"import {module}" + (f" as {name}" if module != name else "")


def _names(code: CodeType) -> Iterator[str]:
    """The global names, attributes and imports of a function and of the functions in it."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)
