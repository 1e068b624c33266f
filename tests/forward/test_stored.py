"""What is not run again: nothing that a finding depends on may change unnoticed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checks.forward import fingerprints
from checks.forward.fingerprints import Fingerprints, imported
from checks.forward.project import Project
from checks.forward.settings import ModelSettings, read
from checks.forward.stored import Stored
from checks.forward.verdicts import Finding, ModelReport, Place, Verdict
from unravel.cache import Cache

FILES = {
    "models/new/modeling_new.py": "from models.old.modeling_old import Old\nfrom .extra import x\n",
    "models/new/extra.py": "import layers.norm, os\n",
    "models/new/vocabulary.txt": "a b c\n",
    "models/old/modeling_old.py": "def f():\n    from . import late as x\n",
    "models/old/late.py": "",
    "models/other/modeling_other.py": "",
    "models/__init__.py": "",
    "modular/modular_new.py": "from models.old.modeling_old import (  # a parent (of it)\n  Old)\n",
    "modular/modular_old.py": "import importlib\nimportlib.import_module('rules')\n",
    "layers/__init__.py": "def __getattr__(name): ...\n",
    "layers/norm.py": "",
    "layers/deep/found_by_name.py": "",
    "rules.py": "",
    "elsewhere.py": "import twice\n",
    "twice.py": "",
    "checks/golden/new.txt": "format: 1\n",
    "forward.toml": '[new]\nreference = "elsewhere"\n',
}
UNRELATED = {"models/other/modeling_other.py"}


@pytest.fixture
def small(tmp_path: Path) -> Project:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Project(tmp_path)


def digest(project: Project, outside: str = "the same", options: object = None) -> str:
    known = read(project.root / "forward.toml")
    return Fingerprints(project, options, outside).of_model("new", known["new"])


def test_what_a_model_does_not_use_is_no_reason_to_run_it(small: Project) -> None:
    before = digest(small)
    for name in UNRELATED:
        (small.root / name).write_text("changed = True\n")
    (small.root / "models" / "new" / "__pycache__").mkdir()
    (small.root / "models" / "new" / "__pycache__" / "x.pyc").write_text("")
    assert digest(small) == before


@pytest.mark.parametrize("name", sorted(FILES.keys() - UNRELATED))
def test_every_file_that_a_model_uses_counts(small: Project, name: str) -> None:
    before = digest(small)
    more = "\ntolerance = 1e-4\nreason = 'x'\n" if name.endswith(".toml") else "\n"
    (small.root / name).write_text(FILES[name] + more)
    assert digest(small) != before
    (small.root / name).write_text(FILES[name])
    assert digest(small) == before


def test_what_is_new_or_gone_counts(small: Project) -> None:
    before = digest(small)
    (small.root / "models/old/__init__.py").write_text("")
    assert digest(small) != before
    (small.root / "models/old/__init__.py").unlink()
    (small.root / "checks/golden/new.txt").unlink()
    assert digest(small) != before


def test_options_and_what_is_outside_count(small: Project) -> None:
    found = {digest(small), digest(small, "other"), digest(small, options={"device": "cuda"})}
    assert len(found) == 3


def test_where_a_project_lies_makes_no_difference(small: Project, tmp_path: Path) -> None:
    before = digest(small)
    moved = tmp_path.with_name(tmp_path.name + "-moved")
    tmp_path.rename(moved)
    try:
        assert digest(Project(moved)) == before
    finally:
        moved.rename(tmp_path)


def add_distribution(folder: Path, patch: pytest.MonkeyPatch) -> None:
    (folder / "new-1.0.dist-info").mkdir()


def change_transformers(folder: Path, patch: pytest.MonkeyPatch) -> None:
    (folder / "transformers" / "new.py").write_text("")


def change_transformers_at_once(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Within the same tick of the file system's clock as the installation."""
    installed = os.stat(folder / "transformers-5.0.dist-info" / "RECORD").st_mtime_ns
    change_transformers(folder, patch)
    os.utime(folder / "transformers" / "new.py", ns=(installed, installed))


def other_interpreter(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sys, "version", "3.99")


def other_checks(folder: Path, patch: pytest.MonkeyPatch) -> None:
    home = folder / "checks" / "forward"
    home.mkdir(parents=True)
    (home / "fingerprints.py").write_text("")
    patch.setattr(fingerprints, "__file__", str(home / "fingerprints.py"))


def other_variable(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("NVIDIA_TF32_OVERRIDE", "1")


def other_device(folder: Path, patch: pytest.MonkeyPatch) -> None:
    program = folder / "nvidia-smi"
    program.write_text("#!/bin/sh\necho NVIDIA H100, 580.1\n")
    program.chmod(0o755)
    patch.setenv("PATH", str(folder), prepend=os.pathsep)


CHANGES = (
    add_distribution,
    change_transformers,
    change_transformers_at_once,
    other_interpreter,
    other_checks,
    other_variable,
    other_device,
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda each: each.__name__)
def test_all_that_is_outside_counts(
    change: Callable[[Path, pytest.MonkeyPatch], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = tmp_path / "site-packages" / "transformers"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    record = package.with_name("transformers-5.0.dist-info") / "RECORD"
    record.parent.mkdir()
    record.write_text("")
    monkeypatch.setattr(sys, "path", [str(package.parent)])
    monkeypatch.delitem(sys.modules, "transformers", raising=False)
    before = fingerprints.outside()
    assert fingerprints.outside() == before
    with monkeypatch.context() as patch:
        change(package.parent, patch)
        assert fingerprints.outside() != before


@pytest.mark.parametrize("name", ["forward/new.py", "live.py", "forward/transformers.toml"])
def test_every_file_of_the_checks_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "forward").mkdir()
    monkeypatch.setattr(fingerprints, "__file__", str(tmp_path / "forward" / "fingerprints.py"))
    before = fingerprints.outside()
    (tmp_path / name).write_text("")
    assert fingerprints.outside() != before


def test_every_way_to_import_is_found() -> None:
    text = (
        "import a.b as c, d; import e\nfrom f import (g,\n  # of (some)\n  h as i,\n)\n"
        "from .. import j\nfrom.k import l\nif x: from m \\\n  import n\n__import__('o')\n"
    )
    wanted = "a.b d e f f.g f.h .. ..j .k .k.l m m.n o"
    assert sorted(imported(text)) == sorted(wanted.split())


# -- what is stored ------------------------------------------------------------------------------

NOTED = Finding("new", "itself", "Model", "tiny", "cached", Verdict.WITHIN_NOISE, error=3e-7)
FAILED = Finding("new", "live", "Model", "tiny", "plain", Verdict.DIVERGED)


def stored(project: Project, cache: Cache) -> Stored:
    now = Fingerprints(project, None, "outside")
    return Stored(cache, now, lambda now, name: now.of_model(name, ModelSettings()))


def report(project: Project, *findings: Finding) -> ModelReport:
    place = Place("modular", str(project.root / "modular" / "modular_new.py"), 1)
    placed = Finding("new", "live", "", "", "reach", Verdict.UNREACHED, "why", (place,))
    return ModelReport("new", (*findings, placed), 1.5)


def test_what_was_found_is_found_again(small: Project, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    first = stored(small, cache)
    assert first.get("new") is None
    first.put(report(small, NOTED))
    again = stored(small, cache).get("new")
    assert again is not None
    assert again.since
    assert (again.findings, again.seconds) == (report(small, NOTED).findings, 1.5)


def test_what_is_damaged_is_not_there(small: Project, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    first = stored(small, cache)
    first.get("new")
    first.put(report(small, NOTED))
    (entry,) = (each for each in (cache.folder / "results").rglob("*") if each.is_file())
    content = entry.read_bytes()
    for damage in (content[:-9], content.replace(b"WITHIN_NOISE", b"EQUAL_BITS"), b""):
        assert damage != content
        entry.write_bytes(damage)
        assert stored(small, cache).get("new") is None


@pytest.mark.parametrize("findings", [(NOTED, FAILED), ()])
def test_a_failure_is_not_kept(small: Project, tmp_path: Path, findings: Any) -> None:
    cache = Cache(tmp_path / "cache")
    first = stored(small, cache)
    first.get("new")
    first.put(report(small, *findings))
    assert stored(small, cache).get("new") is None


def test_what_changes_during_a_run_is_not_kept(small: Project, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    first = stored(small, cache)
    first.get("new")
    (small.root / "models/new/modeling_new.py").write_text("edited = True\n")
    first.put(report(small, NOTED))
    assert stored(small, cache).get("new") is None


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = sys.modules["transformers"] = None
from unravel.cli import run
sys.exit(run(sys.argv[1:]))
"""


def test_nothing_changed_costs_no_import(repository: Path, tmp_path: Path) -> None:
    wanted = ["forward", "resnet50d", "--root", str(repository), "--cache-dir", str(tmp_path)]

    def again(*more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", WITHOUT_TORCH, *wanted, *more]
        return subprocess.run(command, capture_output=True, text=True, cwd=repository, check=False)

    assert again().returncode == 2
    first = subprocess.run(
        [sys.executable, "-m", "unravel", *wanted], capture_output=True, text=True, check=False
    )
    assert first.returncode == 0, first.stdout + first.stderr
    second = again()
    assert second.returncode == 0, second.stdout + second.stderr
    assert "1 of them unchanged" in second.stdout
    assert first.stdout.splitlines()[1].split()[:-1] == second.stdout.splitlines()[1].split()[:-1]
    assert again("--no-cache").returncode == 2
