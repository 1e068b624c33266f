"""The checks of all models of a project."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from logging import CRITICAL
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from checks.forward import catalogue, session, settings
from checks.forward.audit import Audit, audit
from checks.forward.forking import Limits, Lost, run_each
from checks.forward.sides import Project
from checks.forward.verdicts import Finding, ModelReport, Verdict

OnReport = Callable[[ModelReport, int], None]
"""Is told each report as it is there, and of how many."""


def _ignore(report: ModelReport, total: int) -> None:
    pass


def check_forward(
    *,
    root: str | Path,
    models: Sequence[str] = (),
    record: bool = False,
    jobs: int = 1,
    shard: tuple[int, int] = (1, 1),
    on_report: OnReport = _ignore,
) -> list[ModelReport]:
    """A report for each model of a project, in the order of their names.

    `record`: what each computes is written down, for later runs to compare with. With one of
    `jobs`, all is run in this process. `shard` (k, n) is every nth model from the kth on.
    Raises a LookupError naming a model that there is not.
    """
    project = Project(Path(root).resolve())
    wanted = _wanted(project, models)[shard[0] - 1 :: shard[1]]
    _make_importable(project)
    known = settings.read(project.root / settings.FILE)

    def check(model: str) -> ModelReport:
        own = known.get(model, settings.ModelSettings())
        return session.check_model(project, model, own, record=record)

    return _each(wanted, check, jobs=jobs, limits=Limits(), on_report=on_report)


def check_all_of(
    package: str,
    *,
    models: Sequence[str] = (),
    jobs: int = 1,
    shard: tuple[int, int] = (1, 1),
    limits: Limits | None = None,
    on_report: OnReport = _ignore,
) -> list[ModelReport]:
    """A report for each model type of the installed transformers, or for those named.

    Each is run in a process of its own. Raises a LookupError naming what there is not.
    """
    if package != "transformers":
        raise LookupError(f"nothing is known of the models of {package}")
    types = catalogue.model_types()
    missing = sorted(set(models).difference(types))
    if missing:
        raise LookupError(f"{package} has no model type {', '.join(missing)}")
    wanted = [name for name in types if name in models or not models][shard[0] - 1 :: shard[1]]

    def check(name: str) -> ModelReport:
        return session.check_class(name, *types[name], settings.ModelSettings())

    limits = limits or Limits(120.0)
    return _each(wanted, check, jobs=max(2, jobs), limits=limits, on_report=on_report)


def check_named(
    own: str, reference: str, options: dict[str, Any], *, root: str | Path
) -> ModelReport:
    """Two definitions by the names of their modules: `transformers:mistral`.

    `options` go into both configurations. Raises a LookupError where no two classes match, and
    what importing raises.
    """
    _make_importable(Project(Path(root).resolve()))
    with quiet_and_alone():
        one = catalogue.side(own, "generated")
        other = catalogue.paired(one, catalogue.side(reference, "reference"))
        return session.check_pair(own, one, other, settings.ModelSettings(config=options))


def _each(
    names: Sequence[str],
    check: Callable[[str], ModelReport],
    *,
    jobs: int,
    limits: Limits,
    on_report: OnReport,
) -> list[ModelReport]:
    found: dict[str, ModelReport] = {}
    with quiet_and_alone():
        results = (
            ((name, check(name)) for name in names)
            if jobs == 1
            else run_each(names, check, jobs=jobs, limits=limits)
        )
        for name, result in results:
            report = _lost(name, result) if isinstance(result, Lost) else result
            on_report(report, len(names))
            found[name] = report
    return [found[name] for name in names]


def _lost(name: str, lost: Lost) -> ModelReport:
    finding = Finding(name, "itself", "", "", "running", Verdict.BROKEN, lost.reason)
    return ModelReport(name, (finding,), lost.seconds)


def _make_importable(project: Project) -> None:
    if str(project.root) not in sys.path:
        sys.path.insert(0, str(project.root))


def audit_forward(
    *,
    root: str | Path,
    models: Sequence[str],
    most: int = 0,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Audit]:
    """What became of the mutants of each model's generated file.

    Raises a LookupError naming a model that there is not, and what loading a model raises.
    """
    project = Project(Path(root).resolve())
    wanted = _wanted(project, models)
    _make_importable(project)
    known = settings.read(project.root / settings.FILE)
    with quiet_and_alone():
        for model in wanted:
            own = known.get(model, settings.ModelSettings())
            yield audit(project, model, own, most=most, on_progress=on_progress)


@contextmanager
def quiet_and_alone() -> Iterator[None]:
    """One thread, nothing from the network, and nothing said by transformers, while this lasts.

    Tensors this small are not worth a second thread.
    """
    threads, verbosity = torch.get_num_threads(), logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    offline = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch.set_num_threads(1)
    logging.set_verbosity(CRITICAL)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
        if offline is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = offline


def _wanted(project: Project, models: Sequence[str]) -> list[str]:
    there = project.models()
    missing = sorted(set(models).difference(there))
    if missing:
        raise LookupError(f"there is no model {', '.join(missing)} in {project.root}")
    return [name for name in there if name in models or not models]
