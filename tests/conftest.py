"""Settings and fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.corpus.release import REPOSITORY, Release

if "PYTEST_XDIST_WORKER" in os.environ:
    # Each process has a core to itself; torch reads this when it is first imported.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples on every machine, and none fails for being slow while the others are busy.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def release() -> Release:
    """The corpus' release; a run that lacks it fails, for skipping it would prove nothing."""
    release = Release()
    if not release.is_complete:
        pytest.fail("the corpus is not there: `make corpus-fetch` fetches it", pytrace=False)
    return release
