"""The checks as pytest's items: what is collected, what is told, and nothing unless asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from checks.forward import plugin, session  # torch must not be loaded by a run that forgets it
from tests.forward.small import write

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytest_plugins = ["pytester"]

FORGETFUL = ("states = self.embedding", "states = len(input_ids) * self.embedding")
PLUGIN = ("-p", plugin.__name__, "--forward", "-rs")


@pytest.fixture
def models(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the models of a project that has one, `small`."""
    assert session.__name__ in sys.modules
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in [name for name in sys.modules if name.partition(".")[0] == "models"]:
        monkeypatch.delitem(sys.modules, name)
    add(pytester.path, "small")
    pytester.makepyfile(test_other="def test_other(): pass")
    return pytester.path / "models"


def add(root: Path, model: str, *changes: tuple[str, str]) -> None:
    folder = root / "models" / model
    folder.mkdir(parents=True)
    (root / "models" / "__init__.py").touch()
    write(folder, f"modeling_{model}", *changes)


def test_nothing_is_collected_unless_asked_for(pytester: pytest.Pytester, models: Path) -> None:
    result = pytester.runpytest_inprocess("-p", plugin.__name__, "models", "test_other.py")
    result.assert_outcomes(passed=1)


def test_each_pair_is_an_item_and_is_not_run_again(pytester: pytest.Pytester, models: Path) -> None:
    result = pytester.runpytest_inprocess(*PLUGIN, "-v", "--strict-markers")
    result.assert_outcomes(passed=2, skipped=3)
    result.stdout.fnmatch_lines(
        [
            "models/small/modeling_small.py::live SKIPPED*",
            "models/small/modeling_small.py::itself PASSED*",
            "SKIPPED*it is written by hand*",
        ]
    )
    # Two workers, neither of which could load torch: nothing has changed.
    pytester.makeconftest("import sys\nsys.modules['torch'] = None\n")
    result = pytester.runpytest_subprocess(
        *PLUGIN, "-p", "xdist", "-n", "2", "--dist", "loadgroup", "-m", "forward"
    )
    result.assert_outcomes(passed=1, skipped=3)


def test_a_failure_says_what_was_found(pytester: pytest.Pytester, models: Path) -> None:
    add(pytester.path, "forgetful", FORGETFUL)
    result = pytester.runpytest_inprocess(*PLUGIN, "models/forgetful", "-k", "itself")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["DIVERGED: forgetful: itself SmallModel tiny single*", "*is off by*", "*script*.py"]
    )
    assert "Traceback" not in result.stdout.str()


def test_what_cannot_be_loaded_fails(pytester: pytest.Pytester, models: Path) -> None:
    add(pytester.path, "lost", ("import torch", "import no_such_module"))
    result = pytester.runpytest_inprocess(*PLUGIN, "models/lost")
    result.assert_outcomes(failed=1, skipped=3)
    result.stdout.fnmatch_lines(["*BROKEN: lost*", "*no_such_module*"])


def test_pytest_finds_the_plugin(repository: Path) -> None:
    document = tomllib.loads((repository / "pyproject.toml").read_text())
    assert plugin.__name__ in document["project"]["entry-points"]["pytest11"].values()
