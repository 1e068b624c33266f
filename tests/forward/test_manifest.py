"""What is seen of two models before they are run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from checks.forward import catalogue
from checks.forward.instances import instance
from checks.forward.manifest import mismatches
from tests.forward.small import write


def test_what_the_library_notes_on_a_class_is_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    names = (write(tmp_path, "small_asked"), write(tmp_path, "small_new"))
    one, other = (instance(catalogue.side(name, "generated"), "SmallModel", {}) for name in names)
    type(one.model)._can_set_attn_implementation()
    assert list(mismatches(one, other, exactly=True)) == []
    type(one.model).supports_gradient_checkpointing = True
    (found,) = mismatches(one, other, exactly=True)
    assert found.subject == "supports_gradient_checkpointing"
