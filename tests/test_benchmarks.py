"""The benchmark runs and says what it should; nothing here depends on how fast that is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.corpus import PARTS
from benchmarks.measuring import Cost, MeasuringFailed, Process, measure, peak, python, run
from benchmarks.synthetic import write_project
from benchmarks.tables import Goal, Part, Row, as_json
from tests.corpus.release import REPOSITORY
from unravel import State, convert

MIB = 2**20


def test_what_all_processes_take_is_counted(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    outer = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])"
    cost = run(Process(python("-c", outer), folder=tmp_path))
    assert cost.cpu >= 0.3
    assert cost.wall >= 0.3
    assert cost.peak == 0


def test_memory_of_all_processes_is_counted() -> None:
    hold = f"import time\nheld = b'x' * {60 * MIB}\ntime.sleep(0.5)"
    outer = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {hold!r}])"
    assert 60 * MIB < peak(Process(python("-c", outer))) < 160 * MIB


def test_processes_take_turns_on_the_cores_that_they_are_given(tmp_path: Path) -> None:
    log = tmp_path / "log"
    note = f"import os\nprint('?', len(os.sched_getaffinity(0)), file=open({str(log)!r}, 'a'))"
    one, two = (Process(python("-c", note.replace("?", name))) for name in "ab")
    assert measure({"a": one, "b": two}, 3).keys() == {"a", "b"}
    assert log.read_text().splitlines() == ["a 1", "b 1"] * 3


def test_a_process_that_fails_is_not_measured() -> None:
    with pytest.raises(MeasuringFailed, match="code 3:\nwhy"):
        run(Process(python("-c", "import sys\nsys.stderr.write('why')\nsys.exit(3)")))


def test_a_part_says_which_goals_are_met() -> None:
    rows = [Row("unravel", Cost(4.0, 5.0, 3 * MIB), 2.0), Row("floor", Cost(2.0, 2.5), 1.0)]
    part = Part("cold", rows, "x floor", [Goal("cpu", 2.0, 2.0), Goal("wall", 0.5, 0.6, " s")])
    assert [" ".join(line.split()) for line in str(part).splitlines()] == [
        "cold",
        "cpu s wall s peak MiB x floor",
        "unravel 4.000 5.000 3 2",
        "floor 2.000 2.500 1",
        "met cpu: 2 of 2",
        "MISSED wall: 0.6 of 0.5 s, 20% over",
    ]
    (read,) = json.loads(as_json([part]))
    assert [goal["is_met"] for goal in read["goals"]] == [True, False]


def test_a_synthetic_project_converts(tmp_path: Path) -> None:
    write_project(12, tmp_path / "project")
    found = convert(root=tmp_path / "project")
    assert found.failed == ()
    assert {file.state for each in found.finished for file in each.files} == {State.NEW}
    assert len(found.finished) == 12
    assert not any(each.warnings for each in found.finished)


@pytest.mark.slow
@pytest.mark.corpus
def test_every_part_runs(tmp_path: Path) -> None:
    few = ("--repeat", "1", "--models", "4", "--growth", "2", "--synthetic", "2", "4")
    done = subprocess.run(
        python("-m", "benchmarks.corpus", *few, "--json", str(tmp_path / "figures.json")),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    parts = json.loads((tmp_path / "figures.json").read_text())
    assert len(parts) == len(PARTS)
    assert all(part["title"] in done.stdout for part in parts)
    assert all(row["cost"]["cpu"] > 0 for part in parts for row in part["rows"])
    assert "goals are met" in done.stdout


def test_parts_that_do_not_exist() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.corpus", "colder"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no part colder" in done.stderr
