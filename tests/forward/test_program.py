"""Programs: what makes two runs the same, and what does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from checks.forward.program import Program, Recorder, first_difference

X = torch.linspace(-1, 1, 12).view(3, 4)
W = torch.linspace(0, 2, 4)


def program(function: Callable[[Tensor, Tensor], Tensor]) -> Program:
    x, w = X.clone(), W.clone()
    with Recorder({"x": x, "w": w}) as recorder:
        result = function(x, w)
    return recorder.program({"result": result})


SAME = {
    "views": (lambda x, w: x.t().contiguous() + 1, lambda x, w: x.transpose(0, 1).contiguous() + 1),
    "names": (lambda x, w: (x * w).sum(), lambda a, b: (a * b).sum()),
    "two views or one": (lambda x, w: x[1:][:, 2] * 1, lambda x, w: x[1:, 2] * 1),
}
OTHER = {
    "constant": (lambda x, w: x + 1.0, lambda x, w: x + 1.0000001),
    "order": (lambda x, w: x - w, lambda x, w: w - x),
    "which data": (lambda x, w: x * x[:1], lambda x, w: x * x[1:2]),
    "layout": (lambda x, w: x[:3, :3].exp(), lambda x, w: x[:3, :3].t().exp()),
    "which result": (lambda x, w: torch.aminmax(x)[0] * 1, lambda x, w: torch.aminmax(x)[1] * 1),
    "in place or not": (lambda x, w: x.mul_(2) + x, lambda x, w: x.mul(2) + x),
    "unnamed data": (
        lambda x, w: x + torch.tensor([1.0, 2.0, 3.0, 4.0]),
        lambda x, w: x + torch.tensor([1.0, 2.0, 3.0, 5.0]),
    ),
    "what is given back": (lambda x, w: (x.exp(), x.sin())[0], lambda x, w: (x.exp(), x.sin())[1]),
    "a number that is read": (lambda x, w: x * w.sum().item(), lambda x, w: x * w.max().item()),
}


@pytest.mark.parametrize("name", SAME)
def test_same(name: str) -> None:
    one, other = map(program, SAME[name])
    assert one.operations
    assert first_difference(one, other) is None


@pytest.mark.parametrize("name", OTHER)
def test_other(name: str) -> None:
    one, other = map(program, OTHER[name])
    assert one.operations
    assert first_difference(one, other) is not None


def test_not_a_number_is_a_constant_like_others() -> None:
    one, other = (program(lambda x, w: torch.nan_to_num(x, nan=float("nan"))) for _ in range(2))
    assert first_difference(one, other) is None


def test_gradients_are_part_of_the_program() -> None:
    def run(sign: float) -> Program:
        w = W.clone().requires_grad_()
        with Recorder({"w": w}) as recorder:
            (w.sin() * sign).sum().backward()  # type: ignore[no-untyped-call]
        return recorder.program({"gradient": w.grad})

    assert first_difference(run(1.0), run(1.0)) is None
    assert first_difference(run(1.0), run(-1.0)) is not None
    (output,) = run(1.0).outputs
    assert "%" in str(output)


def test_text_says_what_feeds_what() -> None:
    text = program(lambda x, w: (x * w).sum() + 2.5).text()
    assert text[0] == "%0 = mul.Tensor(x:float32[3, 4], w:float32[4])"
    assert text[2] == "%2 = add.Tensor(%1:float32[], 2.5)"
    assert text[3] == "result: %2:float32[]"


@pytest.mark.parametrize(("dropout", "draws"), [(0.0, False), (0.5, True)])
def test_attention_draws_random_numbers_for_dropout_alone(dropout: float, draws: bool) -> None:
    def attended(x: Tensor, w: Tensor) -> Tensor:
        heads = x.view(1, 1, 3, 4)
        return torch.nn.functional.scaled_dot_product_attention(
            heads, heads, heads, dropout_p=dropout
        )

    assert any(each.draws for each in program(attended).operations) is draws
