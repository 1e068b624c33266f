"""What users see of the cache: its commands, its options, and what a run with nothing to do loads.

That nothing stale is served is tested in test_recall.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.small_project import GENERATED, Project, small_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return small_project(tmp_path / "project")


def _user_cache(project: Project) -> Path:
    return project.root.with_name("project-outside") / "cache/unravel/conversions"


def _settled(project: Project, *options: str) -> None:
    """Converted, and looked at once more: what is two seconds old need not be read again."""
    project.run("convert", *options)
    time.sleep(2.1)
    project.run("check", *options)


def test_info_and_clear(project: Project) -> None:
    place = _user_cache(project)
    assert project.run("cache", "info").stdout == f"{place}: 0 files, 0.0 MiB\n"
    project.run("cache", "clear")  # of nothing
    project.run("convert")
    entries = sum(path.is_file() for path in place.rglob("*"))
    assert project.run("cache", "info").stdout.startswith(f"{place}: {entries} files, ")
    assert project.run("cache", "clear").stdout == ""
    assert not place.exists()
    assert project.run("cache", "info").stdout == f"{place}: 0 files, 0.0 MiB\n"
    project.run("check")  # nothing is lost but time


def test_another_folder(project: Project) -> None:
    project.run("convert", "--cache-dir", "kept")
    assert not _user_cache(project).exists()
    assert project.run("cache", "info", "--cache-dir", "kept").stdout.startswith(
        f"{project.root / 'kept/conversions'}: "
    )
    project.write("kept/mine", "mine")
    project.run("cache", "clear", "--cache-dir", "kept")
    assert [path.name for path in (project.root / "kept").iterdir()] == ["mine"]


def test_the_folder_of_the_settings(project: Project) -> None:
    project.write("pyproject.toml", '[tool.unravel]\ncache-dir = "here"\n')
    project.run("convert")
    assert project.run("cache", "info").stdout.startswith(str(project.root / "here/conversions"))
    assert not _user_cache(project).exists()
    # The command line wins.
    project.run("convert", "--cache-dir", "there")
    assert (project.root / "there/conversions").is_dir()


def test_no_cache(project: Project) -> None:
    project.run("convert", "--no-cache")
    project.run("check", "--no-cache")
    assert not _user_cache(project).exists()
    # What the cache knows is not looked at either.
    project.run("convert")
    project.write(GENERATED[0], project.read(GENERATED[0]) + "# by hand\n")
    assert GENERATED[0] in project.run("check", "--no-cache", code=1).stdout


def test_a_cache_that_cannot_be_there(project: Project) -> None:
    project.write("file", "")
    project.run("convert", "--cache-dir", "file")
    project.run("check", "--cache-dir", "file")
    assert project.run("cache", "info", "--cache-dir", "file").stdout.endswith("0 files, 0.0 MiB\n")
    project.run("cache", "clear", "--cache-dir", "file")
    assert project.read("file") == ""


LOADED_AT_NEED = {
    "unravel.converter",
    "unravel.outline",
    "unravel.parents",
    "unravel.pipeline",
    "unravel.printing",
    "unravel.project",
    "unravel.reading",
    "unravel.scanning",
    "unravel.workers",
    "concurrent.futures",
    "multiprocessing",
    "asyncio",
    "jinja2",
    "libcst",
    "rich",
    "watchfiles",
}
"""What a run over an unchanged project does without."""


@pytest.mark.parametrize("verb", ["check", "convert"])
def test_what_a_run_with_nothing_to_do_loads(project: Project, verb: str) -> None:
    _settled(project)
    program = "import sys\nfrom unravel.cli import run\nassert run([sys.argv[1]]) == 0\n"
    done = subprocess.run(
        [sys.executable, "-c", program + "print('\\n'.join(sys.modules))", verb],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.splitlines())
    assert "unravel.recall" in loaded
    assert loaded & LOADED_AT_NEED == set()
    # Without the memory, it all is needed: so the names above are right.
    project.write("modular/modular_qwen.py", project.read("modular/modular_qwen.py") + "\n\n")
    rerun = subprocess.run(done.args, cwd=project.root, env=project.environment(), text=True,
                           capture_output=True, check=True)  # fmt: skip
    assert {"unravel.converter", "unravel.project"} <= set(rerun.stdout.splitlines())


def test_what_a_run_with_nothing_to_do_reads(project: Project) -> None:
    _settled(project)
    reads = "import sys\nseen = []\n"
    reads += "sys.addaudithook(lambda e, a: seen.append(str(a[0])) if e == 'open' else None)\n"
    reads += "from unravel.cli import run\nassert run(['check']) == 0\n"
    reads += "print(*(path for path in seen if 'project/' in path and path.endswith('.py')))"
    done = subprocess.run(
        [sys.executable, "-c", reads],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[-2].split() == []


def test_a_file_that_becomes_an_orphan(project: Project) -> None:
    """Its banner is looked for again, though nothing else has changed."""
    path, by_hand = "models/gone/modeling_gone.py", "x = 1\n"
    project.write(path, by_hand)
    _settled(project)
    generated = project.read("models/qwen/modeling_qwen.py")
    project.write(path, generated.replace("modular_qwen", "modular_gone"))
    assert "modular_gone.py" in project.run("check", code=1).stdout
    project.write(path, by_hand)
    project.run("check")
