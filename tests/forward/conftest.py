"""What the tests of the forward checks share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from checks.forward.project import Project


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Tensors this small are not worth a second thread, least of all beside other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def seed() -> None:
    """What a test draws is the same, whatever ran before."""
    torch.manual_seed(20260501)


@pytest.fixture(scope="session")
def project(repository: Path) -> Project:
    """This repository's models."""
    return Project(repository)
