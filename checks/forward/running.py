"""The checks of all models of a project."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from checks.forward.sides import Project
from checks.forward.verdicts import ModelReport


def check_forward(
    *,
    root: str | Path,
    models: Sequence[str] = (),
    on_report: Callable[[ModelReport, int], None] = lambda report, total: None,
) -> list[ModelReport]:
    """A report for each model, in the order of their names; `on_report` is told each at once.

    Raises a LookupError naming a model that there is not.
    """
    project = Project(Path(root).resolve())
    wanted = _wanted(project, models)
    if str(project.root) not in sys.path:
        sys.path.insert(0, str(project.root))
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch

    from checks.forward import session, settings

    torch.set_num_threads(1)  # tensors this small are not worth a second one
    known = settings.read(project.root / settings.FILE)
    reports = []
    for model in wanted:
        report = session.check_model(project, model, known.get(model, settings.ModelSettings()))
        on_report(report, len(wanted))
        reports.append(report)
    return reports


def _wanted(project: Project, models: Sequence[str]) -> list[str]:
    there = project.models()
    missing = sorted(set(models).difference(there))
    if missing:
        raise LookupError(f"there is no model {', '.join(missing)} in {project.root}")
    return [name for name in there if name in models or not models]
