"""Weights under other names and in other shapes: what the table of a conversion can say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from models.conversion import (
    ConversionError,
    Rule,
    convert,
    drop,
    halves_of_pairs,
    layer_differences,
    rename,
    require_equal_layers,
    split_rows,
)


class Pair(nn.Module):
    """Two projections, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 3, bias=False)
        self.second = nn.Linear(3, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x))


def pair(scale: float = 1.0) -> Pair:
    model = Pair()
    with torch.no_grad():
        model.first.weight.copy_(scale * torch.arange(1.0, 7.0).view(3, 2))
        model.second.weight.copy_(torch.arange(1.0, 7.0).view(2, 3))
    return model


RENAMED = (rename("a.{n}.w", "{n}.weight"),)


def weights() -> dict[str, Tensor]:
    return {"a.second.w": torch.ones(2, 3), "a.first.w": torch.ones(3, 2)}


def test_weights_come_in_the_models_order() -> None:
    found = convert(weights(), RENAMED, Pair())
    assert list(found) == ["first.weight", "second.weight"]
    Pair().load_state_dict(found, strict=True)


def test_several_become_one_and_one_several() -> None:
    fuse = Rule(("{n}.low", "{n}.high"), ("{n}.weight",), lambda *parts: (torch.cat(parts),))
    parts = {
        "first.high": torch.full((2, 2), 2.0),
        "first.low": torch.ones(1, 2),
        "second.low": torch.ones(1, 3),
        "second.high": torch.ones(1, 3),
    }
    fused = convert(parts, [fuse], Pair())
    assert fused["first.weight"].tolist() == [[1, 1], [2, 2], [2, 2]]
    both = Rule(("both",), ("first.weight", "second.weight"), lambda x: (x[:3, :2], x[3:]))
    assert convert({"both": torch.ones(5, 3)}, [both], Pair()).keys() == fused.keys()


def test_what_a_model_ties_is_needed_once() -> None:
    model = Pair()
    model.third = nn.Linear(2, 3, bias=False)
    model.all_tied_weights_keys = {"third.weight": "first.weight"}
    found = convert(weights(), RENAMED, model)
    assert found["third.weight"] is found["first.weight"]


def test_what_is_known_can_be_dropped() -> None:
    given = {**weights(), "steps": torch.ones(1)}
    assert len(convert(given, [*RENAMED, drop("steps")], Pair())) == 2


@pytest.mark.parametrize(
    ("given", "rules", "problems"),
    [
        pytest.param(
            {"steps": torch.ones(1)}, RENAMED, ["unused: steps"], id="a name without a rule"
        ),
        pytest.param(
            {},
            (*RENAMED, rename("a.first.w", "first.weight")),
            ["ambiguous: a.first.w (a.{n}.w, a.first.w)", "missing: first.weight"],
            id="a name with two rules",
        ),
        pytest.param(
            {"old": torch.ones(3, 2)},
            (*RENAMED, rename("old", "first.weight")),
            ["made twice: first.weight"],
            id="a weight that is made twice",
        ),
        pytest.param(
            {"a.third.w": torch.ones(1)},
            RENAMED,
            ["unknown to the model: third.weight"],
            id="a weight that the model lacks",
        ),
        pytest.param(
            {"a.first.w": torch.ones(2, 3)},
            RENAMED,
            ["first.weight: the shape (2, 3) is not the model's, (3, 2)"],
            id="a shape",
        ),
        pytest.param(
            {"b.low": torch.ones(1)},
            (*RENAMED, Rule(("b.low", "b.high"), (), lambda *_: ())),
            ["b.low: the checkpoint lacks b.high"],
            id="half of a group",
        ),
        pytest.param(
            {"b": torch.ones(1)},
            (*RENAMED, Rule(("b",), ())),
            ["b: 1 weights were made for 0 names"],
            id="a weight too many",
        ),
    ],
)
def test_refused(given: dict[str, Tensor], rules: tuple[Rule, ...], problems: list[str]) -> None:
    with pytest.raises(ConversionError) as error:
        convert({**weights(), **given}, rules, Pair())
    assert list(error.value.problems) == problems


def test_a_dot_is_a_dot_and_a_placeholder_lies_between_two() -> None:
    with pytest.raises(ConversionError, match=r"unused: a_first_w\nunused: a\.x\.first\.w"):
        convert(
            {**weights(), "a_first_w": torch.ones(1), "a.x.first.w": torch.ones(1)}, RENAMED, Pair()
        )


def test_parts_are_all_of_a_projection() -> None:
    assert [len(part) for part in split_rows(torch.ones(7, 2), 4, 2, 1)] == [4, 2, 1]
    with pytest.raises(ValueError, match=r"7 rows are not 4 \+ 2"):
        split_rows(torch.ones(7, 2), 4, 2)


def test_pairs_become_halves() -> None:
    rows = torch.arange(12)[:, None]
    assert halves_of_pairs(rows, 2).flatten().tolist() == [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]
    with pytest.raises(ValueError, match="12 rows are not 5 heads of pairs"):
        halves_of_pairs(rows, 5)


def run(model: nn.Module) -> object:
    return model(torch.tensor([[1.0, -2.0]]))


def test_layers_are_compared_in_the_order_in_which_they_run() -> None:
    pairs = [("second", "second"), ("first", "first")]
    found = layer_differences(pair(), pair(1.01), pairs, run)
    assert [each.original for each in found] == ["first", "second"]
    assert [each.difference for each in found] == pytest.approx([0.01, 0.01], rel=1e-3)
    require_equal_layers(found, 0.011)
    with pytest.raises(ConversionError, match=r"first differs from first by 1\.0e-02, not 1e-03"):
        require_equal_layers(found)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([("third", "first")], "no module of the original is called third"),
        ([("first", "third")], "no module of the model is called third"),
        ([("first", "second")], r"first: the output's shape is \(1, 2\), not \(1, 3\)"),
    ],
)
def test_layers_that_cannot_be_compared(layers: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        layer_differences(pair(), pair(), layers, run)


def test_nothing_finite_is_nothing_to_compare_with() -> None:
    for scale in (float("nan"), float("inf"), 0.0):
        with pytest.raises(ConversionError, match="nothing to compare with"):
            layer_differences(pair(scale), pair(scale), [("first", "first")], run)


def test_a_converted_layer_that_is_not_a_number_differs() -> None:
    found = layer_differences(pair(), pair(float("nan")), [("first", "first")], run)
    with pytest.raises(ConversionError, match="by nan"):
        require_equal_layers(found)
