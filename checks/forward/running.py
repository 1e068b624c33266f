"""The checks of all models of a project."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from logging import CRITICAL
from pathlib import Path

import torch
from transformers.utils import logging

from checks.forward import session, settings
from checks.forward.audit import Audit, audit
from checks.forward.sides import Project
from checks.forward.verdicts import ModelReport


def check_forward(
    *,
    root: str | Path,
    models: Sequence[str] = (),
    record: bool = False,
    on_report: Callable[[ModelReport, int], None] = lambda report, total: None,
) -> list[ModelReport]:
    """A report for each model, in the order of their names; `on_report` is told each at once.
    `record`: what each computes is written down, for later runs to compare with.

    Raises a LookupError naming a model that there is not.
    """
    project = Project(Path(root).resolve())
    wanted = _wanted(project, models)
    if str(project.root) not in sys.path:
        sys.path.insert(0, str(project.root))
    known = settings.read(project.root / settings.FILE)
    reports = []
    with quiet_and_alone():
        for model in wanted:
            own = known.get(model, settings.ModelSettings())
            report = session.check_model(project, model, own, record=record)
            on_report(report, len(wanted))
            reports.append(report)
    return reports


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
    if str(project.root) not in sys.path:
        sys.path.insert(0, str(project.root))
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
