"""`make bench`: what conversion costs on the corpus and on made-up projects, and whether that is
as little as it should be.

Whole processes are measured, each of them several times, and the medians are shown. `python -m
benchmarks.corpus cold warm` measures these parts alone.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from importlib.util import find_spec
from itertools import count
from pathlib import Path

from benchmarks.graph import read_graph
from benchmarks.measuring import MeasuringFailed, Process, measure, python, run, unravel
from benchmarks.synthetic import write_project
from benchmarks.tables import Goal, Part, Row, as_json
from tests.corpus.comparing import compare
from tests.corpus.release import FetchFailed, Release, fetch
from tests.corpus.tree import Corpus, blank, lay_out, model_of, survey

MODEL = "mistral"
"""The one model of the parts that take one: one parent by hand, two generated files."""
BASELINE = ("-c", "import libcst")


class Bench:
    """The corpus in a folder of its own, and the parts of the benchmark."""

    def __init__(self, scratch: Path, options: argparse.Namespace) -> None:
        self.scratch = scratch
        self.repeat: int = options.repeat
        self.synthetic: tuple[int, int] = tuple(options.synthetic)
        self.growth: list[int] = options.growth
        self.release = Release()
        self.tree = scratch / "tree"
        whole = survey(self.release.expected)
        lay_out(whole, self.tree)
        self.graph = read_graph(whole, self.tree)
        self.corpus = self._only(whole, options.models) if options.models else whole
        self.inputs = ("--profile", "transformers", "--root", str(self.tree), "--quiet")
        self.ruff = ("--ruff", str(self.release.ruff))
        self.cores = sorted({1, min(2, len(os.sched_getaffinity(0)))})

    def _only(self, whole: Corpus, number: int) -> Corpus:
        return whole.of_models(map(model_of, {*self.graph.some(number), *self._family(MODEL)}))

    def _family(self, model: str) -> set[str]:
        (source,) = (path for path in self.graph.parents if model_of(path) == model)
        return self.graph.ancestors(source)

    def _convert(self, *arguments: str) -> list[str]:
        return unravel("convert", *self.inputs, *self.ruff, *arguments)

    def _names(self, corpus: Corpus) -> list[str]:
        """What to say on the command line; nothing for all models."""
        names = sorted(map(model_of, corpus.modular))
        return [] if len(names) == len(self.graph.parents) else names

    @cached_property
    def cache(self) -> tuple[str, str]:
        """The options for a cache that knows the converted tree, which is then as it should be."""
        cached, names = ("--cache-dir", str(self.scratch / "cache")), self._names(self.corpus)
        run(Process(self._convert(*cached, *names)))
        # Only what was written some seconds before it was read is not read again.
        time.sleep(2.5)
        run(Process(self._convert(*cached, *names)))
        return cached

    # The parts.

    def cold(self) -> Part:
        """Everything, with nothing to build on; and the least that this takes."""
        floors = {f"floor, {_cores(n)}": self._floor(n) for n in self.cores}
        colds = {
            f"unravel convert, {_cores(n)}": Process(
                self._convert("--no-cache", *self._names(self.corpus)),
                cores=n,
                prepare=lambda: blank(self.corpus, self.tree),
                looks_at_memory=True,
            )
            for n in self.cores
        }
        costs = measure({**colds, **floors}, self.repeat)
        comparison = compare(self.corpus, self.tree)
        if comparison.unlike:
            raise MeasuringFailed(f"not as shipped: {', '.join(sorted(comparison.unlike))}")
        rows, goals = [], []
        for cores, cold, floor in zip(self.cores, colds, floors, strict=True):
            ratio = costs[cold].cpu / costs[floor].cpu
            rows += [Row(cold, costs[cold], ratio), Row(floor, costs[floor], 1.0)]
            goals.append(Goal(f"cpu over that of the floor, {_cores(cores)}", 2.0, ratio))
        if self.cores[-1] == 2:
            goals.append(
                Goal("wall over cpu, 2 cores", 0.6, rows[-2].cost.wall / rows[-2].cost.cpu)
            )
        models, files = len(self.corpus.modular), len(self.corpus.generated)
        title = f"cold: {models} modular files into {files} generated ones, all as shipped"
        return Part(title, rows, "x floor", goals)

    def _floor(self, cores: int) -> Process:
        modules, outputs = self.scratch / "modules", self.scratch / "outputs"
        if not modules.exists():
            paths = self.graph.modules(self.corpus.modular)
            # Generated parents are parsed as they are shipped, not blanked.
            lines = (f"{self.release.expected / path}\n" for path in paths)
            modules.write_text("".join(lines), "utf-8")
            for path in self.corpus.generated:
                (outputs / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.release.expected / path, outputs / path)
            shutil.copyfile(self.release.expected / "pyproject.toml", outputs / "pyproject.toml")
        arguments = (str(modules), str(self.release.ruff), str(outputs))
        return Process(python("-m", "benchmarks.floor", *arguments), cores=cores)

    def grow(self) -> Part:
        """Some models, more, and all of them."""
        sizes = [n for n in self.growth if n < len(self.corpus.modular)]
        chosen = [self.graph.some(n) for n in sizes] + [list(self.corpus.modular)]
        processes, numbers = {}, {}
        for sources in chosen:
            part = self.corpus.of_models(map(model_of, sources))
            name = f"{len(sources)} models, {len(part.generated)} files"
            numbers[name] = len(sources)
            processes[name] = Process(
                self._convert("--no-cache", *self._names(part)),
                prepare=lambda: blank(self.corpus, self.tree),
            )
        costs = measure(processes, self.repeat)
        rows = [Row(name, costs[name], costs[name].cpu / numbers[name] * 1e3) for name in processes]
        return Part("growth: models of the corpus, 1 core", rows, "ms a model")

    def synthetic_projects(self) -> Part:
        """Made-up projects, to see that nothing grows faster than the project."""
        processes, numbers = {}, {}
        for number in self.synthetic:
            folder = self.scratch / f"synthetic-{number}"
            write_project(number, folder)
            generated = [folder / "models" / name for name in _generated_models(folder)]

            def prepare(generated: list[Path] = generated) -> None:
                for each in generated:
                    shutil.rmtree(each, ignore_errors=True)

            name = f"{number} modular files"
            numbers[name] = number
            processes[name] = Process(
                unravel("convert", "--root", str(folder), "--quiet", "--no-cache"),
                cores=self.cores[-1],
                prepare=prepare,
                looks_at_memory=True,
            )
        costs = measure(processes, self.repeat)
        rows = [Row(name, costs[name], costs[name].cpu / numbers[name] * 1e3) for name in processes]
        few, many = (costs[name].cpu / numbers[name] for name in processes)
        goals = [
            Goal(f"cpu a model, of {self.synthetic[1]} over {self.synthetic[0]}", 1.3, many / few),
            Goal("peak memory", 1024, rows[1].cost.peak / 2**20, " MiB"),
        ]
        title = f"synthetic projects, cold, {_cores(self.cores[-1])}"
        return Part(title, rows, "ms a model", goals)

    def warm(self) -> Part:
        """Nothing has changed."""
        names = self._names(self.corpus)
        check = unravel("check", *self.inputs, *self.ruff, *self.cache, *names)
        processes = {
            "unravel check": Process(check, cores=self.cores[-1]),
            "unravel convert": Process(self._convert(*self.cache, *names), cores=self.cores[-1]),
            "floor": self._floor(self.cores[-1]),
        }
        costs = measure(processes, self.repeat)
        floor = costs["floor"].cpu
        rows = [Row(name, cost, cost.cpu / floor) for name, cost in costs.items()]
        goals = [
            Goal("cpu of check over that of the floor", 0.05, rows[0].ratio or 0),
            Goal("wall of check", 0.5, rows[0].cost.wall, " s"),
        ]
        title = f"warm: nothing changed, {len(self.corpus.modular)} models"
        return Part(title, rows, "x floor", goals)

    def one(self) -> Part:
        """One model, without a cache."""
        cold = Process(
            self._convert("--no-cache", MODEL), prepare=lambda: blank(self.corpus, self.tree)
        )
        goal = "wall over that of the import"
        return self._against_import("one model, cold", {f"convert {MODEL}": cold}, 4.0, goal)

    def edit(self) -> Part:
        """One model is edited and converted, with a cache that knows all else."""
        (source,) = (path for path in self.graph.parents if model_of(path) == MODEL)
        file, number = self.tree / source, count()
        original = file.read_text("utf-8")

        def change() -> None:
            line = f"    edited = {next(number)}\n"
            file.write_text(original.replace("    pass\n", line, 1), "utf-8")

        processes = {
            f"edit, convert {MODEL}": Process(self._convert(*self.cache, MODEL), prepare=change),
        }
        goal = "wall over that of the import"
        try:
            return self._against_import("edit one model, and convert", processes, 2.5, goal)
        finally:
            file.write_text(original, "utf-8")

    def _against_import(
        self, title: str, processes: dict[str, Process], limit: float, goal: str
    ) -> Part:
        """`processes` beside the import of a syntax tree library, if that is installed."""
        baseline = " ".join(BASELINE[1:])
        is_there = find_spec(baseline.split()[-1]) is not None
        also = {f"python -c '{baseline}'": Process(python(*BASELINE))} if is_there else {}
        costs = measure({**processes, **also}, self.repeat)
        if not is_there:
            title += " (libcst, to compare with, is not installed)"
            return Part(title, [Row(name, cost) for name, cost in costs.items()])
        theirs = costs[f"python -c '{baseline}'"].wall
        rows = [Row(name, cost, cost.wall / theirs) for name, cost in costs.items()]
        return Part(f"{title}, 1 core", rows, "x import", [Goal(goal, limit, rows[0].ratio or 0)])

    def start(self) -> Part:
        """Before anything is done."""
        processes = {
            "unravel --help": Process(unravel("--help")),
            "python -c 'import unravel'": Process(python("-c", "import unravel")),
            "python -c pass": Process(python("-c", "pass")),
        }
        costs = measure(processes, self.repeat)
        return Part("start-up, 1 core", [Row(name, cost) for name, cost in costs.items()])


PARTS: dict[str, Callable[[Bench], Part]] = {
    "cold": Bench.cold,
    "growth": Bench.grow,
    "warm": Bench.warm,
    "one": Bench.one,
    "edit": Bench.edit,
    "start": Bench.start,
    "synthetic": Bench.synthetic_projects,
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    try:
        fetch(Release())
        with tempfile.TemporaryDirectory(prefix="unravel-bench-") as scratch:
            bench = Bench(Path(scratch), options)
            print(_machine(options.repeat), flush=True)
            parts = []
            for name in options.parts or PARTS:
                parts.append(PARTS[name](bench))
                print(f"\n{parts[-1]}", flush=True)
    except (FetchFailed, MeasuringFailed) as error:
        print(error, file=sys.stderr)
        return 2
    goals = [goal for part in parts for goal in part.goals]
    print(f"\n{sum(goal.is_met for goal in goals)} of {len(goals)} goals are met; {_load()}")
    if options.json:
        options.json.write_text(as_json(parts), "utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corpus", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each (default %(default)s)")
    parser.add_argument("--models", type=int, help="take so many models of the corpus, not all")
    parser.add_argument("--growth", type=int, nargs="+", default=[10, 50, 150], metavar="N")
    parser.add_argument("--synthetic", type=int, nargs=2, default=[300, 3000], metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return parser


def _generated_models(folder: Path) -> Iterator[str]:
    for path in (folder / "modular").iterdir():
        yield path.stem.removeprefix("modular_")


def _cores(number: int) -> str:
    return "1 core" if number == 1 else f"{number} cores"


def _machine(repeat: int) -> str:
    cores = _cores(len(os.sched_getaffinity(0)))
    times = "once" if repeat == 1 else f"{repeat} times, medians"
    return f"Python {platform.python_version()}, {cores}; each run {times}; {_load()}"


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    sys.exit(main())
