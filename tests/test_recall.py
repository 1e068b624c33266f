"""Nothing stale is ever served, and nothing is converted that needs not be."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import unravel
from tests.small_project import LLAMA, MISTRAL, QWEN, Project, command, small_project
from tests.test_cache import DAMAGES
from unravel import Failed, Finished, Run, Unchanged, fingerprints, workers
from unravel.formatting import find_ruff

OTHER = '''\
import gadget.parts
import os


class OtherModel:
    """One."""

    def forward(self, x):
        return gadget.parts.turn(x, os.sep)
'''
ZETA = """\
from models.other.modeling_other import OtherModel


class ZetaModel(OtherModel):
    pass
"""
CHILD = """\
from models.mynet.modeling_mynet import MynetModel


class ChildModel(MynetModel):
    pass
"""
LIBRARY = """\
class NetModel:
    def forward(self, x):
        return x
"""
PYPROJECT = """\
[tool.unravel]
environment = "env"
cased-names = ["names.py"]
[tool.ruff]
extend = "shared.toml"
"""
ALL = {"child", "mistral", "mynet", "qwen", "zeta"}


def _installed(project: Project, version: str) -> None:
    info = "env/lib/python3.12/site-packages/library-1.dist-info"
    project.write(f"{info}/METADATA", f"Name: library\nVersion: {version}\nLicense: MIT\n\n")
    project.write(f"{info}/RECORD", "library/net/modeling_net.py,,\n")


def _project(root: Path) -> Project:
    """`qwen` on `mistral` on `llama` by hand; `zeta` on `other`, which lies in the second root.

    `child` on `net` on what is installed.
    """
    project = small_project(root)
    project.write("src/models/other/modeling_other.py", OTHER)
    project.write("modular/modular_zeta.py", ZETA)
    project.write("names.py", 'NAMES = {"zeta": "ZetaConfig"}\n')
    project.write("env/lib/python3.12/site-packages/library/net/modeling_net.py", LIBRARY)
    _installed(project, "1.0")
    project.write(
        "modular/modular_mynet.py",
        "from library.net.modeling_net import NetModel\n\nclass MynetModel(NetModel):\n    pass\n",
    )
    project.write("modular/modular_child.py", CHILD)
    project.write("pyproject.toml", PYPROJECT)
    project.write("shared.toml", "line-length = 90\n")
    return project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "default"))
    return _project(tmp_path / "project")


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The models that were really converted; clear it before a run."""
    found: list[str] = []
    real = workers.convert

    def convert(modular: unravel.types.Outline, *rest: object) -> object:
        found.append(Path(modular.path).stem.removeprefix("modular_"))
        return real(modular, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "convert", convert)
    yield found


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stat data count, though the files of a test are too young for that."""
    monkeypatch.setattr(fingerprints, "_TICK", -(2**62))


def _told(run: Run, root: Path) -> list[object]:
    """All that a run says, whether it converted or remembered it."""
    told: list[object] = []
    for each in run.outcomes:
        match each:
            case Finished():
                files = [(file.path, file.content) for file in each.files]
                told.append((each.source, files, each.warnings, each.inputs))
            case Unchanged():
                told.append((each.source, [(p, (root / p).read_bytes()) for p in each.files]))
            case Failed():
                told.append((each.source, each.diagnostics))
    return told


def _agree(project: Project, cache: Path) -> Run:
    """Check with and without the cache, and compare; what the first has said."""
    skipping = unravel.check(root=project.root, cache=cache, skip=True)
    cached = unravel.check(root=project.root, cache=cache)
    fresh = unravel.check(root=project.root)
    assert _told(cached, project.root) == _told(fresh, project.root)
    for one, other in zip(skipping.outcomes, fresh.outcomes, strict=True):
        if isinstance(one, Unchanged):
            assert isinstance(other, Finished)
            assert [file.path for file in other.files] == list(one.files)
            assert all(file.state is unravel.State.UNCHANGED for file in other.files)
            assert (one.warnings, one.model) == (other.warnings, other.model)
        else:
            same = (Run("", (one,)), Run("", (other,)))
            assert _told(same[0], project.root) == _told(same[1], project.root)
    assert skipping.in_sync == fresh.in_sync
    return skipping


def _rewrite(project: Project, path: str, old: str, new: str) -> None:
    text = project.read(path)
    assert old in text
    project.write(path, text.replace(old, new))


def _same_size_and_time(project: Project) -> None:
    path = "models/llama/modeling_llama.py"
    before = (project.root / path).stat()
    _rewrite(project, path, "1e-6", "1e-7")
    os.utime(project.root / path, ns=(before.st_atime_ns, before.st_mtime_ns))


Change = Callable[[Project], object]
CHANGES: dict[str, tuple[Change, set[str]]] = {
    "nothing": (lambda p: None, set()),
    "a modular file": (
        lambda p: _rewrite(p, "modular/modular_mistral.py", "1e-5", "1e-4"),
        {"mistral", "qwen"},
    ),
    "a modular file, with the same output": (
        lambda p: p.write("modular/modular_mistral.py", MISTRAL + "\n\n"),
        {"mistral"},
    ),
    "the last of the line": (
        lambda p: p.write("modular/modular_qwen.py", QWEN + "    size = 3\n"),
        {"qwen"},
    ),
    "a grandparent": (
        lambda p: _rewrite(p, "models/llama/modeling_llama.py", "config.size", "config.width"),
        {"mistral", "qwen"},
    ),
    "a grandparent, with the same outputs": (
        lambda p: p.write(
            "models/llama/modeling_llama.py", LLAMA + "\n\nclass Unused:\n    x = 1\n"
        ),
        {"mistral"},
    ),
    "other bytes, with the same size and time": (_same_size_and_time, {"mistral"}),
    "times": (lambda p: [os.utime(path) for path in p.root.rglob("*")], set()),
    "times and inodes": (
        lambda p: [p.write(path, content) for path, content in p.files().items()],
        set(),
    ),
    "a file that comes first where the parent is looked for": (
        lambda p: p.write("models/other/modeling_other.py", OTHER.replace("One", "Two")),
        {"zeta"},
    ),
    "the same file where the parent is looked for first": (
        lambda p: p.write("models/other/modeling_other.py", OTHER),
        {"zeta"},
    ),
    "a modular file for a parent that was there by hand": (
        lambda p: p.write("modular/modular_other.py", MISTRAL.replace("Mistral", "Other")),
        {"other", "zeta"},
    ),
    "a parent that is gone": (
        lambda p: os.unlink(p.root / "src/models/other/modeling_other.py"),
        {"zeta"},
    ),
    "a parent that is gone and a generated one": (
        lambda p: shutil.rmtree(p.root / "models"),
        {"mistral"},
    ),
    "a register of names": (lambda p: p.write("names.py", "NAMES = {}\n"), ALL),
    "a register that is gone": (lambda p: os.unlink(p.root / "names.py"), ALL),
    "a setting": (
        lambda p: _rewrite(
            p, "pyproject.toml", "cased-names =", 'roots = ["src", "."]\ncased-names ='
        ),
        ALL,
    ),
    "a setting that makes no difference": (
        lambda p: _rewrite(p, "pyproject.toml", "[tool.ruff]", "jobs = 1\n[tool.ruff]"),
        ALL,  # it stands in the formatter's settings file, too
    ),
    "the settings that the formatter's settings extend": (
        lambda p: p.write("shared.toml", "line-length = 60\n"),
        ALL,
    ),
    "settings of the formatter that take precedence": (
        lambda p: p.write("ruff.toml", "line-length = 70\n"),
        ALL,
    ),
    "a module that is now of this project": (
        lambda p: p.write("src/gadget/parts.py", ""),
        {"zeta"},
    ),
    "a folder that is now a package": (
        lambda p: p.write("models/zeta/__init__.py", ""),
        {"zeta"},
    ),
    "the version of an installed parent": (
        lambda p: _installed(p, "1.1"),
        {"child", "mynet"},
    ),
    "an installed parent, and a child that needs to know whose code that is": (
        lambda p: [
            _installed(p, "1.1"),
            p.write("modular/modular_child.py", CHILD.replace("pass", "size = 1")),
        ],
        {"child", "mynet"},
    ),
    "a child of what was installed": (
        lambda p: p.write("modular/modular_child.py", CHILD.replace("pass", "size = 1")),
        {"child"},
    ),
    "a generated file": (lambda p: p.write("models/mistral/modeling_mistral.py", "x"), set()),
    "a name in a generated file": (
        lambda p: _rewrite(p, "models/mistral/modeling_mistral.py", "MistralNorm", "MistralNorms"),
        set(),
    ),
    "all generated files gone": (
        lambda p: [shutil.rmtree(p.root / "models" / each) for each in ALL],
        set(),
    ),
    "a file of a kind that is not generated": (
        lambda p: p.write("models/qwen/tokenization_qwen.py", "x = 1\n"),
        set(),
    ),
    "a left-over of a kind that is not generated": (
        lambda p: p.write(
            "models/qwen/configuration_qwen.py",
            "# unravel: generated from modular/modular_qwen.py; do not edit.\n",
        ),
        set(),
    ),
    "files that have nothing to do with it": (
        lambda p: [p.write(path, "x") for path in (".gitignore", "README.md", "models/x.py")],
        set(),
    ),
    "a new modular file": (
        lambda p: p.write("modular/modular_new.py", MISTRAL.replace("Mistral", "New")),
        {"new"},
    ),
    "a modular file that is gone": (lambda p: os.unlink(p.root / "modular/modular_qwen.py"), set()),
    "a mistake": (lambda p: p.write("modular/modular_mistral.py", "class A("), set()),
}


@pytest.mark.parametrize(("change", "wanted"), CHANGES.values(), ids=CHANGES)
def test_exactly_what_depends_on_it_is_converted_again(
    project: Project,
    tmp_path: Path,
    converted: list[str],
    trusting: None,
    change: Change,
    wanted: set[str],
) -> None:
    cache = tmp_path / "cache"
    assert unravel.convert(root=project.root, cache=cache).in_sync is False
    assert set(converted) == ALL
    assert unravel.check(root=project.root, cache=cache).in_sync
    time.sleep(0.02)  # see test_fingerprints
    change(project)
    converted.clear()
    unravel.check(root=project.root, cache=cache, skip=True)
    assert set(converted) == wanted
    assert len(converted) == len(wanted)
    _agree(project, cache)
    run = unravel.convert(root=project.root, cache=cache, skip=True, force=True)
    checked = unravel.check(root=project.root, cache=cache, skip=True)
    assert (checked.in_sync or bool(checked.orphans)) != bool(run.failed)


def test_going_back_costs_nothing(project: Project, tmp_path: Path, converted: list[str]) -> None:
    for text in (LLAMA, LLAMA.replace("config.size", "config.width"), LLAMA):
        converted.clear()
        project.write("models/llama/modeling_llama.py", text)
        unravel.convert(root=project.root, cache=tmp_path / "cache")
    assert converted == []


def test_another_checkout_shares_the_results(
    project: Project, tmp_path: Path, converted: list[str]
) -> None:
    other = _project(tmp_path / "elsewhere" / "project")
    for each in (project, other):  # where installed packages lie is part of the settings
        each.write("pyproject.toml", PYPROJECT.replace('environment = "env"\n', ""))
        for name in ("mynet", "child"):
            (each.root / f"modular/modular_{name}.py").unlink()
    unravel.convert(root=project.root, cache=tmp_path / "cache")
    converted.clear()
    run = unravel.convert(root=other.root, cache=tmp_path / "cache")
    assert converted == []
    assert other.files() == project.files()
    assert run.finished[0].files[0].pieces


@pytest.mark.parametrize("what", ["unravel", "ruff"])
def test_another_version(
    project: Project,
    tmp_path: Path,
    converted: list[str],
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    cache = tmp_path / "cache"
    unravel.convert(root=project.root, cache=cache)
    converted.clear()
    if what == "ruff":
        installed = find_ruff(unravel.Settings(), project.root)
        project.write("tool", f'#!/bin/sh\nexec "{installed}" "$@"\n').chmod(0o755)
        unravel.check(root=project.root, cache=cache, skip=True, ruff="./tool")
    else:
        package = tmp_path / "package"
        shutil.copytree(Path(unravel.__file__).parent, package)
        (package / "routing.py").write_bytes(b"# changed")
        monkeypatch.setattr("unravel.recall.__file__", str(package / "recall.py"))
        unravel.check(root=project.root, cache=cache, skip=True)
    assert set(converted) == ALL


def test_failures_are_not_kept(project: Project, tmp_path: Path, converted: list[str]) -> None:
    project.write("modular/modular_zeta.py", ZETA.replace("OtherModel", "OtherModell"))
    for _ in range(2):
        converted.clear()
        run = unravel.convert(root=project.root, cache=tmp_path / "cache", skip=True)
        assert [each.source for each in run.failed] == ["modular/modular_zeta.py"]
    assert converted == ["zeta"]


def test_without_skipping_there_are_contents(project: Project, tmp_path: Path) -> None:
    for _ in range(2):
        run = unravel.convert(root=project.root, cache=tmp_path / "cache")
        assert len(run.finished) == len(ALL)
    assert all(file.content for each in run.finished for file in each.files)


@pytest.mark.parametrize("part", ["index", "results"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_is_no_error(
    project: Project, tmp_path: Path, damage: Callable[[Path], object], part: str
) -> None:
    cache = tmp_path / "cache"
    unravel.convert(root=project.root, cache=cache)
    for file in [path for path in (cache / "conversions" / part).rglob("*") if path.is_file()]:
        damage(file)
    assert _agree(project, cache).in_sync


@pytest.mark.parametrize("value", ["null", "[]", "{}", '{"files": 1}', '{"files": [[1]]}', '"x"'])
def test_alien_entries_are_no_error(project: Project, tmp_path: Path, value: str) -> None:
    cache = tmp_path / "cache"
    unravel.convert(root=project.root, cache=cache)
    seal = hashlib.sha256(value.encode()).hexdigest()
    for file in [path for path in (cache / "conversions").rglob("*") if path.is_file()]:
        file.write_text(seal + value)
    assert _agree(project, cache).in_sync


# -- several runs at once ------------------------------------------------------------------------


def _start(project: Project, cache: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command("convert", "--jobs", "2", "--cache-dir", str(cache)),
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def test_runs_at_the_same_time_share_a_cache(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    projects = [_project(tmp_path / str(number) / "project") for number in range(3)]
    running = [_start(project, cache) for project in projects * 2]
    for each in running:
        _, said = each.communicate()
        assert each.returncode == 0, said
    unravel.convert(root=(expected := _project(tmp_path / "expected" / "project")).root)
    for project in projects:
        assert project.files() == expected.files()
        assert _agree(project, cache).in_sync


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_a_killed_run_leaves_nothing_that_harms(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    seen = set()
    for number in range(10):
        project = _project(tmp_path / str(number) / "project")
        project.write("names.py", f"NAMES = {number}\n")  # nothing can be recalled
        process = _start(project, cache)
        time.sleep(0.15 + 0.04 * number)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        seen.add(process.returncode)
        assert _agree(project, cache).failed == ()
    assert -signal.SIGKILL in seen


# -- any edits in any order ----------------------------------------------------------------------

TEXTS: dict[str, tuple[str | None, ...]] = {
    "models/llama/modeling_llama.py": (
        LLAMA,
        LLAMA.replace("1e-6", "1e-7"),
        LLAMA + "\n\ndef unused():\n    pass\n",
        LLAMA.replace("LlamaNorm", "LlamaScale"),
        None,
    ),
    "modular/modular_mistral.py": (
        MISTRAL,
        MISTRAL + "\n",
        MISTRAL + "    size = 3\n",
        "class A(",
        None,
    ),
    "modular/modular_qwen.py": (QWEN, QWEN + "    size = 3\n", "# nothing\n"),
    "modular/modular_zeta.py": (ZETA, ZETA.replace("other", "llama").replace("Other", "Llama")),
    "modular/modular_other.py": (None, MISTRAL.replace("Mistral", "Other")),
    "src/models/other/modeling_other.py": (OTHER, OTHER.replace("One", "Two"), None),
    "models/other/modeling_other.py": (None, OTHER.replace("One", "Three")),
    "models/mistral/modeling_mistral.py": (None, "x = 1\n"),
    "names.py": ('NAMES = {"zeta": "ZetaConfig"}\n', 'NAMES = {"zeta": "ZETAConfig"}\n', None),
    "pyproject.toml": (PYPROJECT, PYPROJECT + "line-length = 50\n", "[tool.unravel"),
    "shared.toml": ("line-length = 90\n", "line-length = 40\n"),
    "src/gadget/parts.py": (None, ""),
    "models/zeta/__init__.py": (None, ""),
}


class Edits(RuleBasedStateMachine):
    """After each edit, a run with the cache says what a run without it says."""

    folder: Path

    @initialize()
    def begin(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.project = _project(self.folder / "project")
        self.cache = self.folder / "cache"

    @rule(path=st.sampled_from(sorted(TEXTS)), data=st.data())
    def edit(self, path: str, data: st.DataObject) -> None:
        text = data.draw(st.sampled_from(TEXTS[path]))
        file = self.project.root / path
        if text is not None:
            self.project.write(path, text)
        elif file.exists():
            file.unlink()

    @rule(skip=st.booleans())
    def convert(self, skip: bool) -> None:
        unravel.convert(root=self.project.root, cache=self.cache, skip=skip)

    @invariant()
    def agree(self) -> None:
        _agree(self.project, self.cache)


@pytest.mark.slow
def test_any_edits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusting: None) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "default"))
    Edits.folder = tmp_path / "edits"
    limits = settings(max_examples=10, stateful_step_count=8, deadline=None)
    run_state_machine_as_test(Edits, settings=limits)
