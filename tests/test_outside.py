"""Models of transformers in another repository; `make corpus-outside` tries all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

import unravel
from tests.corpus.outside import installed, lay_out, try_out

MODELS = {
    "helium": "its own base class in front of the parent's",
    "olmo2": "super() calls of every sort, and a configuration of its own",
}


@pytest.mark.slow
def test_converted_models_are_those_of_transformers(tmp_path: Path) -> None:
    outside = lay_out(installed(), tmp_path, MODELS)
    run = unravel.convert(root=outside.root, jobs=1)
    assert [each.model for each in run.finished] == sorted(MODELS)
    for name, trial in try_out(outside, run).items():
        assert trial.imported, f"{name}: {trial.error}"
        assert trial.classes and not trial.failed and not trial.unlike, name
