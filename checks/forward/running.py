"""The checks of all models of a project.

torch and transformers are loaded when there is something to run: where nothing has changed, there
is not.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from logging import CRITICAL
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.forward import settings
from checks.forward.conditions import ON_CPU, Conditions
from checks.forward.fingerprints import Fingerprints
from checks.forward.forking import Limits, Lost, run_each
from checks.forward.project import Project
from checks.forward.shards import share
from checks.forward.stored import Digest, Store, Stored
from checks.forward.verdicts import Finding, ModelReport, Verdict

if TYPE_CHECKING:
    from checks.forward.audit import Audit

Check = Callable[[str], ModelReport]
OnBegin = Callable[[int, int, str], None]
"""Is told how many models are done, of how many, and the next; the first of several at once."""
OnReport = Callable[[ModelReport, int], None]
"""Is told each report as it is there, and of how many."""


def _wait(done: int, total: int, model: str) -> None:
    pass


def _ignore(report: ModelReport, total: int) -> None:
    pass


def check_forward(
    *,
    root: str | Path,
    models: Sequence[str] = (),
    record: bool = False,
    conditions: Conditions = ON_CPU,
    jobs: int = 1,
    shard: tuple[int, int] = (1, 1),
    costs: Mapping[str, float] = {},
    slow: settings.Slow | None = None,
    store: Store | None = None,
    on_begin: OnBegin = _wait,
    on_report: OnReport = _ignore,
) -> list[ModelReport]:
    """A report for each model of a project, in the order of their names.

    `record`: what each computes is written down, for later runs to compare with. With one of
    `jobs`, all is run in this process. `shard` (k, n) is the kth of n shares, which take about
    as long by the `costs` that are known. What is in `store` is not run again. Raises a LookupError
    naming a model, or the GPU, that there is not.
    """
    _certain(conditions)
    project = Project(Path(root).resolve())
    wanted = share(_wanted(project, models), shard, costs)
    _make_importable(project)
    known = settings.read(project.root / settings.FILE)

    def own(model: str) -> settings.ModelSettings:
        return known.get(model, settings.ModelSettings())

    def load() -> Check:
        from checks.forward import session

        def check(model: str, now: Conditions) -> ModelReport:
            return session.check_model(
                project, model, own(model), record=record, slow=slow, conditions=now
            )

        return _under(conditions, check)

    def digest(now: Fingerprints, model: str) -> str:
        return now.of_model(model, own(model))

    stored = _stored(None if record else store, project, digest, (conditions, slow))
    return _each(wanted, load, stored, jobs=jobs, limits=_limits(slow), tell=(on_begin, on_report))


def check_all_of(
    package: str,
    *,
    root: str | Path,
    models: Sequence[str] = (),
    conditions: Conditions = ON_CPU,
    jobs: int = 1,
    shard: tuple[int, int] = (1, 1),
    costs: Mapping[str, float] = {},
    limits: Limits | None = None,
    slow: settings.Slow | None = None,
    store: Store | None = None,
    on_begin: OnBegin = _wait,
    on_report: OnReport = _ignore,
) -> list[ModelReport]:
    """A report for each model type of the installed transformers, or for those named.

    Each is run in a process of its own. Raises a LookupError naming what there is not.
    """
    from checks.forward import catalogue

    _certain(conditions)
    if package != "transformers":
        raise LookupError(f"nothing is known of the models of {package}")
    types = catalogue.model_types()
    missing = sorted(set(models).difference(types))
    if missing:
        raise LookupError(f"{package} has no model type {', '.join(missing)}")
    wanted = share([name for name in types if name in models or not models], shard, costs)

    def load() -> Check:
        from checks.forward import session

        known = settings.read(Path(__file__).with_name("transformers.toml"))
        none = settings.ModelSettings()

        def check(name: str, now: Conditions) -> ModelReport:
            return session.check_class(name, *types[name], known.get(name, none), slow, now)

        return _under(conditions, check)

    def digest(now: Fingerprints, name: str) -> str:
        return now.of_modules(types[name], settings.ModelSettings())

    stored = _stored(store, Project(Path(root).resolve()), digest, (conditions, slow))
    limits = limits or _limits(slow)
    return _each(wanted, load, stored, jobs=max(2, jobs), limits=limits, tell=(on_begin, on_report))


def check_named(
    own: str,
    reference: str,
    options: dict[str, Any],
    *,
    root: str | Path,
    names: str | Path | None = None,
    conditions: Conditions = ON_CPU,
    slow: settings.Slow | None = None,
    store: Store | None = None,
    on_begin: OnBegin = _wait,
    on_report: OnReport = _ignore,
) -> list[ModelReport]:
    """Two definitions by the names of their modules: `transformers:mistral`.

    `options` go into both configurations. `names` is a file that says what the names of a model of
    another make are in ours. Raises a LookupError where no two classes match, a ValueError for a
    mistake in the file, and what importing raises.
    """
    _certain(conditions)
    project = Project(Path(root).resolve())
    _make_importable(project)
    chosen = settings.ModelSettings(config=options)
    told = Path(names).read_text("utf-8") if names else ""

    def load() -> Check:
        from checks.forward import catalogue, itself, session

        if names:
            from checks.forward.originals import corresponding, unmoved

            sides = corresponding(own, reference, names)
            left_out = set(itself.scenario_names()).difference(_COMPARED)
            skip = dict.fromkeys(left_out, "only what corresponds is compared")
            still = {**unmoved(sides[0]), **options}
            asked = replace(chosen, skip=skip, perturbed=still)
            return _under(
                conditions, lambda name, now: session.check_pair(name, *sides, asked, None, now)
            )
        one = catalogue.side(own, "generated")
        other = catalogue.paired(one, catalogue.side(reference, "reference"))
        return _under(
            conditions, lambda name, now: session.check_pair(name, one, other, chosen, slow, now)
        )

    def digest(now: Fingerprints, name: str) -> str:
        return now.of_modules((own, reference), (chosen, told))

    stored = _stored(store, project, digest, (conditions, slow))
    return _each([own], load, stored, jobs=1, limits=_limits(slow), tell=(on_begin, on_report))


_COMPARED = ("plain", "padded", "learning")
"""What can be asked of models of two makes."""


def _certain(conditions: Conditions) -> None:
    """Raises a LookupError where a GPU is asked for and there is none, stored reports or not."""
    if conditions.needs_cuda:
        from checks.forward import devices

        devices.certain(conditions)


def _under(conditions: Conditions, check: Callable[[str, Conditions], ModelReport]) -> Check:
    """`check` on the device that there is, with torch's switches as they have to be."""
    from checks.forward import devices

    now = devices.certain(conditions)

    def controlled(name: str) -> ModelReport:
        with devices.controlled(now.device):
            return check(name, now)

    return controlled


def _stored(
    store: Store | None, project: Project, digest: Digest, options: object
) -> Stored | None:
    return None if store is None else Stored(store, Fingerprints(project, options), digest)


def _limits(slow: settings.Slow | None) -> Limits:
    return Limits(600) if slow else Limits()


def _each(
    names: Sequence[str],
    load: Callable[[], Check],
    stored: Stored | None,
    *,
    jobs: int,
    limits: Limits,
    tell: tuple[OnBegin, OnReport],
) -> list[ModelReport]:
    """The report of each of `names`; what is not stored is checked by what `load` gives."""
    on_begin, on_report = tell
    found: dict[str, ModelReport] = {}
    for name in names:
        if stored and (report := stored.get(name)):
            found[name] = report
            on_report(report, len(names))
    waiting = [name for name in names if name not in found]
    if waiting:
        on_begin(len(found), len(names), waiting[0])
        with quiet_and_alone():
            check = load()
            if jobs > 1 and len(waiting) > jobs:
                from checks.forward.warming import warm_up

                warm_up()
            for name, result in _results(waiting, check, jobs=jobs, limits=limits):
                found[name] = report = _lost(name, result) if isinstance(result, Lost) else result
                if stored:
                    stored.put(report)
                on_report(report, len(names))
                left = [name for name in waiting if name not in found]
                if left:
                    on_begin(len(found), len(names), left[0])
    if stored:
        stored.trim()
    return [found[name] for name in names]


def _results(
    names: Sequence[str], check: Check, *, jobs: int, limits: Limits
) -> Iterator[tuple[str, ModelReport | Lost]]:
    if jobs == 1:
        return ((name, check(name)) for name in names)
    return run_each(names, check, jobs=jobs, limits=limits)


def _lost(name: str, lost: Lost) -> ModelReport:
    finding = Finding(name, "itself", "", "", "running", Verdict.BROKEN, lost.reason)
    return ModelReport(name, (finding,), lost.seconds)


def _make_importable(project: Project) -> None:
    """Its own models come before others of the same names."""
    if sys.path[:1] != [str(project.root)]:
        sys.path.insert(0, str(project.root))


def audit_forward(
    *,
    root: str | Path,
    models: Sequence[str],
    most: int = 0,
    jobs: int = 1,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Audit]:
    """What became of the mutants of each model's generated file.

    Raises a LookupError naming a model that there is not, and what loading a model raises.
    """
    from checks.forward.audit import audit
    from checks.forward.devices import controlled

    project = Project(Path(root).resolve())
    wanted = _wanted(project, models)
    _make_importable(project)
    known = settings.read(project.root / settings.FILE)
    with quiet_and_alone(), controlled():
        for model in wanted:
            own = known.get(model, settings.ModelSettings())
            yield audit(project, model, own, most=most, jobs=jobs, on_progress=on_progress)


@contextmanager
def quiet_and_alone() -> Iterator[None]:
    """One thread, nothing from the network, and nothing said by transformers, while this lasts.

    Tensors this small are not worth a second thread.
    """
    import torch
    from transformers.utils import logging

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
