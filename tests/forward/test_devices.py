"""Devices, precisions, attention: what is asked of them, on machines without a GPU, too.

The second device here is a pretended one (`checks.forward.pretended`): what is tested with it is
that everything goes where it should and that what does not is found, not how a GPU rounds.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from checks.forward import across, attention, devices, itself, precision, pretended, session, sides
from checks.forward.conditions import Conditions, conditions
from checks.forward.inputs import Request
from checks.forward.instances import Instance, instance
from checks.forward.pairs import Question
from checks.forward.precision import Models
from checks.forward.routing import Choices
from checks.forward.settings import ModelSettings
from checks.forward.sides import Project, Side
from checks.forward.verdicts import Finding, Verdict
from tests.forward import small

NAME = "SmallModel"
QUESTION = Question("small", "itself", NAME, "tiny")
Change = tuple[str, str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def side(folder: Path, name: str, *changes: Change) -> Side:
    module = importlib.import_module(small.write(folder, name, *changes))
    return sides.side_of("generated", module, {str(module.__file__): "generated"})


def models_of(own: Side, **others: Side) -> Models:
    one = instance(own, NAME, {})
    request = Request(type(one.model), one.config, {})
    return Models({"generated": own, **others}, NAME, {}, request)


def in_dtype(models: Models, dtype: torch.dtype = torch.bfloat16) -> list[Finding]:
    return list(precision.check_precision(QUESTION, models, dtype, {}))


def placements(models: Models) -> dict[str, Finding]:
    return {each.check: each for each in across.check_devices(QUESTION, models, {})}


# -- what is asked -------------------------------------------------------------------------------


def test_a_gpu_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, device in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert devices.certain(conditions()).device == device
        assert devices.certain(conditions("cpu")).device == "cpu"
    for asked in (conditions("cuda"), conditions(require_cuda=True)):
        with pytest.raises(LookupError, match="there is no CUDA device"):
            devices.certain(asked)
    with pytest.raises(LookupError, match="the CPU was asked for"):
        conditions("cpu", require_cuda=True)


def test_precisions_by_their_names() -> None:
    assert conditions().dtypes == ("bfloat16",)
    assert conditions(dtypes="float32").dtypes == ()
    asked = conditions(dtypes="float16, bfloat16")
    assert (asked.dtypes, asked.thorough) == (("bfloat16", "float16"), True)
    for wrong in ("int8", ","):
        with pytest.raises(LookupError, match="--dtype takes"):
            conditions(dtypes=wrong)


def switches() -> list[Any]:
    found = [read() for read, _, _ in devices._switches(is_gpu=True)]
    return [*found, torch.get_rng_state().tolist(), random.getstate()]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_switches_are_as_they_were_also_after_an_error(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What there is to restore of a GPU's dice, a machine without one cannot say.
    fork = torch.random.fork_rng
    monkeypatch.setattr(torch.random, "fork_rng", lambda _: fork([]))
    torch.set_default_dtype(torch.float64)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    before = switches()
    try:
        with pytest.raises(ZeroDivisionError), devices.controlled(device):
            assert torch.get_default_dtype() is torch.float32
            assert torch.get_float32_matmul_precision() == "highest"
            assert not torch.backends.cuda.matmul.allow_tf32
            assert not torch.backends.cudnn.allow_tf32
            assert not torch.backends.cudnn.benchmark
            assert torch.are_deterministic_algorithms_enabled() == (device == "cuda")
            torch.manual_seed(1)
            random.seed(1)
            raise ZeroDivisionError
        assert switches() == before
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.benchmark = False


# -- a second device -----------------------------------------------------------------------------


@pytest.fixture
def there() -> Iterator[torch.device]:
    with pretended.second_device() as device:
        yield device


def test_what_is_there_is_computed_with(there: torch.device) -> None:
    one = torch.tensor([1.0, 2.0], device=there)
    two = torch.arange(2, device=there)
    assert (one.device, two.device) == (there, there)
    assert (one + two).cpu().tolist() == [1.0, 3.0]
    one.add_(1).mul_(two)
    assert one.tolist() == [0.0, 3.0]
    assert one[torch.tensor([1])].item() == 3.0
    assert (one * torch.tensor(2.0)).device == there


def test_devices_do_not_mix(there: torch.device) -> None:
    with pytest.raises(RuntimeError, match="expected all tensors to be on the same device"):
        torch.ones(2, device=there) + torch.ones(2)
    with pytest.raises(RuntimeError, match="expected all tensors to be on the same device"):
        nn.functional.embedding(torch.tensor([1]), torch.ones(3, 2, device=there))


def test_what_is_tied_stays_tied_and_learns(there: torch.device) -> None:
    one, two = nn.Linear(3, 3), nn.Linear(3, 3)
    two.weight = one.weight
    model = nn.Sequential(one, two)
    pretended.place(model)
    assert one.weight is two.weight
    model(torch.ones(2, 3, device=there)).sum().backward()
    assert one.weight.grad is not None
    assert one.weight.grad.device == there


def test_all_pairs_of_a_model_on_a_second_device(project: Project) -> None:
    own = sides.generated(project, "vit")
    own = sides.Side(own.role, {"ViTModel": own.classes["ViTModel"]}, own.config, own.files)
    reference = sides.reference(own)
    assert reference is not None
    with pretended.second_device() as device:
        asked = Conditions(str(device), ())
        settings = ModelSettings(
            skip=dict.fromkeys(("half", "eager ↔ flex"), "that is not pretended")
        )
        subject = session.Subject("vit", own, {"reference": reference}, settings, conditions=asked)
        found = {f"{each.pair} {each.check}": each for each in session.check_subject(subject)}
    assert {name for name, each in found.items() if each.verdict.is_failure} == set()
    assert found["reference plain"].verdict is Verdict.PROVED
    assert found["itself saved ↔ not"].verdict is Verdict.EQUAL_BITS
    assert found["itself placement, plain"].verdict is Verdict.WITHIN_NOISE


LEFT_BEHIND = (
    ("super().__init__()", "super().__init__()\n        self.scale = torch.full((32,), 2.0)"),
    ("return states + self", "return states * self.scale + self"),
)


def test_what_is_left_on_the_cpu_is_named_with_its_line(folder: Path) -> None:
    fine = placements(models_of(side(folder, "fine")))
    assert fine["placement, learning"].verdict is Verdict.EQUAL_BITS
    assert fine["placement, decoding"].verdict is Verdict.SKIPPED
    assert fine["CPU ↔ GPU"].verdict is Verdict.SKIPPED
    found = placements(models_of(side(folder, "left_behind", *LEFT_BEHIND)))["placement, learning"]
    assert found.verdict is Verdict.BROKEN
    assert "expected all tensors to be on the same device" in found.note
    assert [each.text for each in found.places] == [
        "return states * self.scale + self.down(torch.tanh(self.up(self.norm(states))))"
    ]


def test_what_comes_back_on_the_cpu_is_told(folder: Path) -> None:
    fetched = side(folder, "fetched", ("state=states)", "state=states.cpu())"))
    found = placements(models_of(fetched))["placement, learning"]
    assert found.verdict is Verdict.DIVERGED
    assert found.note == "`outputs.last_hidden_state` comes out on cpu"


# -- precisions ----------------------------------------------------------------------------------

RAISED = (
    (
        "self.post_init()",
        'self.register_buffer("scale", torch.full((32,), 0.3, dtype=torch.float32))',
    ),
    ("state=states)", "state=states * self.scale)"),
)
IN_A_LAYER = (
    (
        "super().__init__()",
        'super().__init__()\n        self.register_buffer("scale", torch.ones(32).float())',
    ),
    ("self.up(self.norm(states))", "self.up(self.norm(states) * self.scale)"),
)
FAR_BELOW = (
    (
        "states = layer(states)",
        "states = layer(states.masked_fill(input_ids[..., None] < 30, -1e9))",
    ),
)
FAR_BELOW_ADDED = (
    ("state=states)", "state=states + (input_ids[..., None] < 30).to(states.dtype) * -1e9)"),
)
ALL_IN_FLOAT32 = (
    ("nn.LayerNorm(", "nn.LayerNorm(dtype=torch.float32, normalized_shape="),
    ("3 * config.hidden_size)\n", "3 * config.hidden_size, dtype=torch.float32)\n"),
    ("bias=False)", "bias=False, dtype=torch.float32)"),
    ("self.norm(states)", "self.norm(states.float())"),
)
ISLAND = (("torch.tanh(", "torch.exp(-"), ("(states))))", "(states)).float()).to(states.dtype))"))
NO_ISLAND = (("torch.tanh(", "torch.exp(-"),)


def test_a_sound_model_is_as_exact_as_its_dtype(folder: Path) -> None:
    models = models_of(side(folder, "sound"))
    for dtype in (torch.bfloat16, torch.float16):
        (found,) = in_dtype(models, dtype)
        assert found.verdict is Verdict.WITHIN_NOISE
        assert found.error is not None
        assert found.bound is not None
        assert 0 < found.error < found.bound < 64 * torch.finfo(dtype).eps


@pytest.mark.parametrize(
    ("name", "changes", "dtype", "verdict", "told"),
    [
        ("raised", RAISED, torch.bfloat16, Verdict.DIVERGED, "float32: `scale` is, and raises it"),
        ("in_a_layer", IN_A_LAYER, torch.bfloat16, Verdict.BROKEN, "dtype"),
        ("far_below", FAR_BELOW, torch.float16, Verdict.BROKEN, "overflow"),
        ("added", FAR_BELOW_ADDED, torch.float16, Verdict.DIVERGED, "off by inf"),
        ("float32", ALL_IN_FLOAT32, torch.bfloat16, Verdict.VACUOUS, "not one of its 4 products"),
    ],
)
def test_what_breaks_below_float32_is_caught(
    folder: Path,
    name: str,
    changes: tuple[Change, ...],
    dtype: torch.dtype,
    verdict: Verdict,
    told: str,
) -> None:
    models = models_of(side(folder, name, *changes))
    (found,) = in_dtype(models, dtype)
    assert (found.verdict, told in found.note) == (verdict, True), found
    if verdict is Verdict.BROKEN:
        assert [each.role for each in found.places] == ["generated"]


def test_beside_a_reference(folder: Path) -> None:
    island, none = side(folder, "island", *ISLAND), side(folder, "no_island", *NO_ISLAND)
    (same,) = in_dtype(models_of(island, reference=side(folder, "island_too", *ISLAND)))
    assert same.verdict is Verdict.PROVED
    (lowered,) = in_dtype(models_of(none, reference=island))
    assert lowered.verdict is Verdict.DIVERGED
    assert lowered.note == "`exp` is computed in bfloat16, reference does so in float32"
    assert "torch.exp(" in lowered.places[0].text
    (better,) = in_dtype(models_of(island, reference=none))
    assert better.verdict.is_agreement


def test_less_exact_than_the_reference(folder: Path) -> None:
    rounded = side(
        folder, "rounded", ("states = layer(states)", "states = (layer(states) * 8).round() / 8")
    )
    reference = side(folder, "exact")
    (found,) = in_dtype(models_of(rounded, reference=reference), torch.float16)
    assert found.verdict is Verdict.DIVERGED
    assert found.error is not None
    assert found.bound is not None
    assert found.error > 2 * found.bound


def test_a_lost_float32_island_is_caught_and_its_line_named(project: Project) -> None:
    right = "softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)"

    def lose(text: str) -> str:
        assert right in text
        return text.replace(right, "softmax(scores, dim=-1)")

    whole = sides.generated(project, "mistral")
    name = "MistralForCausalLM"
    own = sides.Side(whole.role, {name: whole.classes[name]}, whole.config, whole.files)
    with sides.altered(own, lose) as lost, sides.live_side(project, "mistral", lost) as live:
        subject = session.prepared(
            session.Subject("mistral", lost, {"live": live}, ModelSettings())
        )
        options = subject.options["tiny"]
        one = instance(lost, name, options)
        request = session.request_of(subject, one)
        models = Models({"generated": lost, "live": live}, name, options, request)
        found = in_dtype(models)
    assert found[0].verdict is Verdict.DIVERGED
    assert found[0].note == "`_softmax` is computed in bfloat16, live does so in float32"
    assert "softmax(scores, dim=-1" in found[0].places[0].text


# -- routers -------------------------------------------------------------------------------------


def test_choices_are_replayed_and_flips_counted() -> None:
    scores = torch.tensor([[0.1, 0.9, 0.5], [0.3, 0.2, 0.1]])
    with Choices() as first:
        scores.topk(2)
        scores.argmax(-1)
        scores.max(-1)
    other = scores.flip(-1)
    with Choices(first.made) as second:
        values, indices = other.topk(2)
        assert other.argmax(-1).tolist() == [1, 0]
        largest = other.max(-1).values
    assert indices.tolist() == first.made[0].tolist()
    assert torch.equal(values, other.gather(-1, indices))
    assert largest.tolist() == other[[0, 1], [1, 0]].tolist()
    assert second.flipped == 4


# -- attention -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vit(project: Project) -> tuple[Instance, Request]:
    own = sides.generated(project, "vit")
    subject = session.prepared(session.Subject("vit", own, {}, ModelSettings()), ("tiny",))
    one = instance(own, "ViTModel", session.for_head("ViTModel", subject.options["tiny"]))
    return one, session.request_of(subject, one)


def flex(one: Instance, request: Request) -> Finding:
    (found,) = (
        each
        for each in itself.check_itself(QUESTION, one, request, {}, attention.COMPARISONS)
        if each.check == "eager ↔ flex"
    )
    return found


def test_flex_attention_is_run_and_compiles_nothing(vit: tuple[Instance, Request]) -> None:
    compile_before = torch.compile
    assert flex(*vit).verdict in (Verdict.EQUAL_BITS, Verdict.WITHIN_NOISE)
    assert torch.compile is compile_before


def test_flex_attention_that_is_never_called_is_vacuous(folder: Path) -> None:
    without = side(folder, "without")
    claims = side(
        folder,
        "claims",
        ("_class = SmallConfig", "_class = SmallConfig\n    _supports_flex_attn = True"),
    )
    for own, verdict, note in (
        (without, Verdict.SKIPPED, "it does not support flex attention"),
        (claims, Verdict.VACUOUS, "flex attention was not called"),
    ):
        models = models_of(own)
        found = flex(models.build("generated", torch.float32), models.request)
        assert (found.verdict, found.note) == (verdict, note)


def test_flash_attention_has_a_reason_where_it_is_not_there(project: Project) -> None:
    own = sides.generated(project, "vit")
    one = instance(own, "ViTModel", {"num_hidden_layers": 1})
    models = Models({"generated": own}, "ViTModel", {}, Request(type(one.model), one.config, {}))
    found = attention.check_flash(QUESTION, models, {})
    assert (found.verdict, found.note) == (Verdict.SKIPPED, "flash attention needs a GPU")


def test_flash_attention_is_as_exact_as_eager_attention(project: Project) -> None:
    own = sides.generated(project, "vit")
    options = session.for_head("ViTModel", {"num_hidden_layers": 1, "hidden_size": 48})
    options = {**options, "num_attention_heads": 4, "image_size": 32, "intermediate_size": 64}
    one = instance(own, "ViTModel", options, dtype=torch.bfloat16)
    models = Models(
        {"generated": own}, "ViTModel", options, Request(type(one.model), one.config, {})
    )
    # sdpa stands for a flash kernel, which no CPU has.
    asked = attention._with(one, "sdpa")
    found = attention.compare_flash(QUESTION, models, one, asked)
    assert found.verdict is Verdict.WITHIN_NOISE
