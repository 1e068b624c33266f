"""The profiles: each one is complete and can be used as it is."""

from __future__ import annotations

import re

import pytest

from unravel.printing import banner
from unravel.profiles import MARKERS, PROFILES
from unravel.routing import KINDS, target
from unravel.writing import banner_of, is_generated

SOURCES = {
    "default": "modular/modular_olmo2.py",
    "transformers": "src/transformers/models/olmo2/modular_olmo2.py",
}
TARGETS = {
    "default": "models/olmo2/modeling_olmo2.py",
    "transformers": "src/transformers/models/olmo2/modeling_olmo2.py",
}


def test_each_has_a_marker() -> None:
    assert PROFILES.keys() == MARKERS.keys() == SOURCES.keys()


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_names_itself(name: str) -> None:
    assert PROFILES[name].profile == name


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_target(name: str) -> None:
    assert target(PROFILES[name], SOURCES[name], "modeling") == TARGETS[name]


@pytest.mark.parametrize("name", sorted(PROFILES))
@pytest.mark.parametrize("kind", KINDS)
def test_banner_is_recognised(name: str, kind: str) -> None:
    """What unravel writes for a new file, it must take for its own afterwards."""
    settings = PROFILES[name]
    text = banner(settings, SOURCES[name], "olmo2", kind)
    assert all(re.match(settings.banner_line, line) for line in text.splitlines())
    assert banner_of(text + "\nimport os\n", line=settings.banner_line) == text
    assert is_generated(text, source=SOURCES[name], line=settings.banner_line)


def test_only_transformers_follows_the_corpus() -> None:
    assert [name for name in PROFILES if PROFILES[name].corpus_rules] == ["transformers"]
