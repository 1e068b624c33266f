"""Processes of their own: what they give back, and how they are lost."""

from __future__ import annotations

import os
import signal
import time

import pytest

from checks.forward.forking import Limits, Lost, run_each


def work(name: str) -> str:
    match name:
        case "dies":
            os.kill(os.getpid(), signal.SIGTERM)
        case "hangs":
            time.sleep(60)
        case "computes":
            while True:
                pass
        case "eats":
            return str(len(bytearray(8 * 2**30)))
        case "raises":
            raise RuntimeError(name)
    return name.upper() * 100_000


def test_each_has_its_result_and_one_that_is_lost_costs_no_other() -> None:
    names = ["one", "dies", "hangs", "computes", "eats", "raises", "two"]
    limits = Limits(seconds=1, memory=2**30, patience=10)
    found = dict(run_each(names, work, jobs=3, limits=limits))
    assert found.keys() == set(names)
    assert found["one"] == "ONE" * 100_000
    assert found["two"] == "TWO" * 100_000
    reasons = {name: each.reason for name, each in found.items() if isinstance(each, Lost)}
    assert reasons == {
        "dies": "it was ended by SIGTERM",
        "hangs": "it was still there after 10 s",
        "computes": "it was still computing after 1 s of a processor's time",
        "eats": "it wants more than 1.0 GiB of memory",
        "raises": "its process ended with code 1",
    }


def test_none_is_left_behind_where_one_stops_listening() -> None:
    results = run_each(["hangs", "one"], work, jobs=2)
    assert next(results)[0] == "one"
    results.close()  # type: ignore[attr-defined]
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
