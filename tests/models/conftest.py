"""Settings that all tests of models share."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Tensors this small are not worth a second thread, least of all beside other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def seed() -> None:
    """Fresh weights are the same ones, whatever ran before."""
    torch.manual_seed(20260501)
    np.random.seed(20260501)
    random.seed(20260501)
