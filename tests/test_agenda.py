"""Which worker converts which model, and in what order."""

from __future__ import annotations

from unravel.agenda import Agenda, shares

LLAMA, BERT = "llama.py", "bert.py"
GRAPH: dict[str, tuple[str, ...]] = dict.fromkeys("abcdef", ()) | {"g": ("a",)}
READS = {
    **{name: {LLAMA} for name in "ace"},
    **{name: {BERT} for name in "bdf"},
    "g": {"a"},
}
SIZES = {LLAMA: 100, BERT: 100, **dict.fromkeys("abcdefg", 10)}


def test_models_that_read_the_same_share_a_worker() -> None:
    homes = shares(GRAPH, READS, SIZES, 2)
    assert {homes[name] for name in "ace"} != {homes[name] for name in "bdf"}
    assert all(len({homes[name] for name in group}) == 1 for group in ("ace", "bdf"))


def test_no_worker_gets_everything() -> None:
    graph: dict[str, tuple[str, ...]] = {f"m{n}": () for n in range(100)}
    reads = {name: {LLAMA} for name in graph}
    homes = shares(graph, reads, {LLAMA: 100, **dict.fromkeys(graph, 10)}, 4)
    assert sorted(homes) == sorted(graph)
    counts = [list(homes.values()).count(worker) for worker in range(4)]
    assert sum(counts) == 100
    assert min(counts) > 15


def test_parents_come_first_and_the_longest_chain_before_all() -> None:
    agenda = Agenda(GRAPH, SIZES | {"g": 1000}, dict.fromkeys(GRAPH, 0))
    assert len(agenda) == 6
    assert agenda.take(0) == "a"
    assert agenda.is_awaited("a")
    assert not agenda.is_awaited("b")
    agenda.done("a")
    assert agenda.take(0) == "g"


def test_who_has_nothing_left_helps_the_other() -> None:
    agenda = Agenda(GRAPH, SIZES, dict.fromkeys(GRAPH, 0) | {"b": 1})
    assert agenda.take(1) == "b"
    assert agenda.take(1) in set("acdef")
