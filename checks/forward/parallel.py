"""A model split among two processes by its own plan for tensor parallelism, and the whole of it.

The processes are launched as torchrun does, with gloo, and load a saved model as a user's would.
They are forked: any class can be loaded, and nothing is imported again.
"""

from __future__ import annotations

import logging
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, Std
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
from torch.distributed.tensor import DTensor

from checks.forward import compiling, scenarios
from checks.forward.inputs import Inputs, Request
from checks.forward.instances import Instance
from checks.forward.itself import NotAskedError, VacuousError, caught, judge
from checks.forward.leaves import leaves
from checks.forward.pairs import Question, first_line
from checks.forward.verdicts import Finding, Verdict, worst

SCENARIO = replace(compiling.SCENARIO, attention="")  # as loaded: attention weights are split
CHECK = "parallel ↔ not"
PLANS = "plans"
PROCESSES = 2
SECONDS = 120
"""Each process ends itself after this long: it may wait for what another never sends."""


class ProcessError(Exception):
    """A process failed, and what it said first."""


def compare(one: Instance, request: Request, question: Question) -> Finding:
    """Outputs, loss and gradients in each process, beside those of the model in one piece."""
    told: list[str] = []

    def find() -> Finding:
        plan = getattr(one.model, "tp_plan", None)
        if not plan:
            raise NotAskedError("it has no plan for tensor parallelism")
        given = SCENARIO.inputs(request)
        results = in_processes(one, given)
        split = results[0]["split"]
        if not split:
            raise VacuousError("the plan splits no weight")
        total = sum(1 for _ in one.model.parameters())
        told.append(f"{len(split)} of {total} weights are split")
        unused = _unused(plan, one.model)
        if unused:
            told.append(f"nothing is named as in {', '.join(unused)}")
        expected = _plain(one.run(SCENARIO, given))

        def again() -> Any:
            return _plain(one.run(SCENARIO, given))

        found = [judge(question, CHECK, one, each["found"], expected, again) for each in results]
        verdict = worst(each.verdict for each in found)
        alike = [each for each in found if each.verdict is verdict]
        return max(alike, key=lambda each: each.error or 0.0)

    found = caught(question, CHECK, find)
    return replace(found, note="; ".join(filter(None, [*told, found.note])))


def compare_plans(one: Instance, other: Instance, question: Question) -> Finding:
    """How either is split among devices: a rule that is lost changes no number."""
    mine, theirs = _rules(one.model), _rules(other.model)
    if not theirs and not mine:
        return question.answer(PLANS, Verdict.SKIPPED, "neither has a plan")
    for rule in [*theirs, *mine]:
        if mine.get(rule) != theirs.get(rule):
            a, b = (str(each.get(rule, "nothing")) for each in (mine, theirs))
            return question.answer(PLANS, Verdict.DIVERGED, f"{rule} is {a}, {other.side.role} {b}")
    return question.answer(PLANS, Verdict.PROVED)


def _rules(model: Any) -> dict[str, object]:
    """All rules of the plans for tensors, experts and layers, by plan and name."""
    return {
        f"`{name}` of the {kind}": rule
        for kind in ("tp_plan", "ep_plan", "pp_plan")
        for name, rule in (getattr(model, kind, None) or {}).items()
    }


def in_processes(one: Instance, given: Inputs, seconds: int = SECONDS) -> list[dict[str, Any]]:
    """What each process found, and which weights it has a part of. Raises a ProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        one.model.save_pretrained(folder)
        logs = Path(folder, "logs")
        logs.mkdir()
        launch = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=PROCESSES,
            run_id="forward",
            max_restarts=0,
            start_method="fork",
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            local_addr="localhost",
            monitor_interval=0.05,
            logs_specs=DefaultLogsSpecs(log_dir=str(logs), redirects=Std.ALL),
        )
        with _undisturbed():
            try:
                elastic_launch(launch, _work)(folder, type(one.model), given, seconds)
            except ChildFailedError as error:
                raise ProcessError(_said(error, Path(folder), seconds)) from None
        return [
            torch.load(_result(Path(folder), rank), weights_only=False) for rank in range(PROCESSES)
        ]


def _work(folder: str, model_class: Any, given: Inputs, seconds: int) -> None:
    """One of the processes: loads its part, runs it, and writes down the whole of what came out."""
    for each in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)
    signal.alarm(seconds)
    torch.set_num_threads(1)
    rank = int(os.environ["RANK"])
    try:
        model = _loaded(model_class, folder)
        found = scenarios.run(SCENARIO, model, given)
        split = [name for name, each in model.named_parameters() if isinstance(each, DTensor)]
        result = {"found": _plain(found), "split": split}
        torch.save(result, _result(Path(folder), rank))
    except Exception as error:
        message = f"{type(error).__name__}: {first_line(error)}"
        _message(Path(folder), rank).write_text(message, "utf-8")
        raise


def _loaded(model_class: Any, folder: str) -> Any:
    """The model split by its own plan. Releases differ in how they are asked for that."""
    from transformers.distributed.configuration_utils import DistributedConfig

    if "tp_size" in DistributedConfig.__dataclass_fields__:
        options: dict[str, Any] = {"distributed_config": DistributedConfig(tp_size=PROCESSES)}
    else:
        options = {"tp_plan": "auto"}
    return model_class.from_pretrained(folder, **options)


def _plain(outputs: Any) -> dict[str, Any]:
    """Every tensor in one piece, by its path. All processes must ask for it in the same order."""
    return {
        path: leaf.full_tensor().detach()
        if isinstance(leaf, DTensor)
        else leaf.detach()
        if isinstance(leaf, Tensor)
        else leaf
        for path, leaf in leaves(outputs)
        if not path.startswith("outputs.past_key_values")
    }


def _result(folder: Path, rank: int) -> Path:
    return folder / f"result{rank}.pt"


def _message(folder: Path, rank: int) -> Path:
    return folder / f"message{rank}.txt"


def _said(error: ChildFailedError, folder: Path, seconds: int) -> str:
    """What the process said that was the first to fail, or how it ended."""
    rank, failure = error.get_first_failure()
    if _message(folder, rank).is_file():
        return _message(folder, rank).read_text("utf-8")
    if failure.exitcode == -signal.SIGALRM:
        return f"it was still running after {seconds} s"
    return f"a process ended with code {failure.exitcode}"


def _unused(plan: dict[str, str], model: Any) -> list[str]:
    """The rules of the plan that name nothing of the model."""
    names = {
        ".".join("*" if part.isdigit() else part for part in name.split("."))
        for named in (model.named_modules(), model.named_parameters())
        for name, _ in named
    }
    return sorted(rule for rule in plan if rule not in names)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """The launcher says nothing, and what it does with signals is undone."""
    log = logging.getLogger("torch.distributed.elastic")
    level = log.level
    log.setLevel(logging.CRITICAL)
    is_main = threading.current_thread() is threading.main_thread()
    handlers = {each: signal.getsignal(each) for each in _SIGNALS} if is_main else {}
    try:
        yield
    finally:
        log.setLevel(level)
        for each, handler in handlers.items():
            signal.signal(each, handler)


_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
