"""`unravel convert --watch`, as a process that goes on until Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.small_project import LLAMA, MISTRAL, QWEN, Project, command, small_project

MODELING = "models/mistral/modeling_mistral.py"
PATIENCE = 60.0


class Watcher:
    """A running `unravel convert --watch`, and what it has said so far."""

    def __init__(self, project: Project, *arguments: str) -> None:
        self.project = project
        self._log = project.root.with_name("log")
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                command("convert", "--watch", *arguments),
                cwd=project.root,
                env=project.environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.wait(lambda: "watching" in self.said)

    @property
    def said(self) -> str:
        return self._log.read_text("utf-8")

    def wait(self, until: Callable[[], bool]) -> None:
        """Until that is so; it never fails for being slow, but for never coming."""
        end = time.monotonic() + PATIENCE
        while not until():
            assert time.monotonic() < end, self.said
            assert self.process.poll() is None, self.said
            time.sleep(0.02)

    def wait_for(self, path: str, text: str) -> None:
        file = self.project.root / path
        self.wait(lambda: file.is_file() and text in file.read_text("utf-8"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return small_project(tmp_path / "project")


@pytest.fixture
def watcher(project: Project) -> Iterator[Watcher]:
    found = Watcher(project)
    yield found
    found.process.kill()
    found.process.wait()


def test_what_is_saved_is_converted_with_all_that_depends_on_it(watcher: Watcher) -> None:
    project = watcher.project
    assert "class QwenModel" in project.read("models/qwen/modeling_qwen.py")
    project.write("modular/modular_mistral.py", MISTRAL.replace("1e-5", "1e-4"))
    watcher.wait_for(MODELING, "1e-4")
    project.write("models/llama/modeling_llama.py", LLAMA.replace("config.size", "config.width"))
    watcher.wait_for(MODELING, "config.width")
    watcher.wait_for("models/qwen/modeling_qwen.py", "config.width")
    project.write("modular/modular_new.py", QWEN.replace("Qwen", "New"))
    watcher.wait_for("models/new/modeling_new.py", "class NewModel")
    assert "Traceback" not in watcher.said


def test_mistakes_are_shown_and_it_goes_on(watcher: Watcher) -> None:
    project = watcher.project
    project.write("modular/modular_mistral.py", MISTRAL + "\n\nclass Broken(\n")
    watcher.wait(lambda: "UNR003" in watcher.said)
    project.write("modular/modular_mistral.py", MISTRAL.replace("1e-5", "1e-3"))
    watcher.wait_for(MODELING, "1e-3")
    project.write("pyproject.toml", "[tool.unravel")
    watcher.wait(lambda: "UNR010" in watcher.said)
    project.write("pyproject.toml", "")
    project.write("modular/modular_mistral.py", MISTRAL.replace("1e-5", "1e-2"))
    watcher.wait_for(MODELING, "1e-2")


def test_what_it_writes_itself_is_no_news(watcher: Watcher) -> None:
    project = watcher.project
    project.write("modular/modular_mistral.py", MISTRAL.replace("1e-5", "1e-4"))
    watcher.wait_for(MODELING, "1e-4")
    # A file that has nothing to do with it brings a look, and no report.
    project.write("notes.py", "x = 1\n")
    project.write("modular/modular_qwen.py", QWEN + "    size = 3\n")
    watcher.wait_for("models/qwen/modeling_qwen.py", "size = 3")
    watcher.wait(lambda: watcher.said.count("converted") >= 3)
    assert watcher.said.count("wrote models/mistral/modeling_mistral.py") == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_leaving(watcher: Watcher, number: signal.Signals) -> None:
    time.sleep(0.3)
    watcher.process.send_signal(number)
    assert watcher.process.wait(PATIENCE) == 0
    assert "Traceback" not in watcher.said
    left = [each.name for each in (watcher.project.root.parent / "project-outside/tmp").iterdir()]
    assert not [name for name in left if name.startswith("unravel-watch")]


def test_without_a_cache_it_keeps_nothing(project: Project) -> None:
    watcher = Watcher(project, "--no-cache")
    try:
        project.write("modular/modular_mistral.py", MISTRAL.replace("1e-5", "1e-4"))
        watcher.wait_for(MODELING, "1e-4")
        assert not (project.root.parent / "project-outside/cache/unravel/conversions").exists()
    finally:
        watcher.process.kill()
        watcher.process.wait()


@pytest.mark.parametrize("other", ["--diff", "--stdout"])
def test_it_writes(project: Project, other: str) -> None:
    assert "excludes" in project.run("convert", "--watch", other, code=2).stderr


def test_without_a_folder(project: Project) -> None:
    done = project.run("convert", "--watch", "--root", "nowhere", code=2)
    assert "UNR001" in done.stderr
    assert "watching" not in done.stderr
