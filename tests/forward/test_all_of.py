"""Models of transformers, of each kind of input: built and run by rule; what is said of many."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import MobileBertConfig, MobileBertForMaskedLM
from transformers.integrations import flex_attention

from checks.forward import (
    catalogue,
    configs,
    design,
    instances,
    itself,
    media,
    settings,
    tally,
    warming,
)
from checks.forward.inputs import Request, make
from checks.forward.instances import instance
from checks.forward.pairs import Question
from checks.forward.precision import Models, check_precision
from checks.forward.running import quiet_and_alone
from checks.forward.scenarios import SCENARIOS, run
from checks.forward.session import VARIANTS, Subject, for_head, prepared, request_of
from checks.forward.settings import ModelSettings
from checks.forward.sides import Side
from checks.forward.verdicts import RUNS, Finding, ModelReport, Verdict

TYPES = catalogue.model_types()
KNOWN = settings.read(Path(str(settings.__file__)).with_name("transformers.toml"))


@pytest.fixture(autouse=True)
def quietly() -> Iterator[None]:
    with quiet_and_alone():
        yield


def _made(name: str) -> tuple[Subject, object, Request]:
    package, class_name = TYPES[name]
    found = catalogue.class_of(package, class_name)
    side = Side("generated", {class_name: found}, found.config_class)
    subject = prepared(Subject(name, side, {}, KNOWN.get(name, ModelSettings())), VARIANTS[:1])
    one = instance(side, class_name, for_head(class_name, subject.options["tiny"]))
    return subject, one.model, request_of(subject, one)


@pytest.mark.parametrize(
    "name, inputs",
    [
        ("llava", {"input_ids", "pixel_values"}),
        ("qwen2_vl", {"input_ids", "pixel_values", "image_grid_thw", "mm_token_type_ids"}),
        ("clip", {"input_ids", "pixel_values"}),
        ("vivit", {"pixel_values"}),
        ("wav2vec2", {"input_values"}),
        ("whisper", {"input_features", "decoder_input_ids"}),
        ("patchtst", {"past_values", "past_observed_mask", "future_values"}),
        ("bros", {"input_ids", "bbox", "token_type_ids"}),
    ],
)
def test_inputs_are_made_by_rule_and_each_has_an_effect(name: str, inputs: set[str]) -> None:
    _, model, request = _made(name)
    given = make(request)
    assert given.keys() == inputs
    plain = SCENARIOS[0]
    expected = run(plain, model, given)[0]
    for key in ("pixel_values", "input_features", "input_values", "past_values", "bbox"):
        if key in given:
            other = given[key].flip(0) if key == "bbox" else given[key] * -0.5
            assert not torch.equal(expected, run(plain, model, {**given, key: other})[0]), key


def test_images_have_as_many_tokens_as_their_tower_makes_rows() -> None:
    subject, _, request = _made("llava")
    token = subject.options["tiny"]["image_token_index"]
    ids = make(request)["input_ids"]
    assert request.image_rows > 0
    assert (ids == token).sum(-1).tolist() == [request.image_rows] * request.batch
    assert not (make(request.of_text)["input_ids"] == token).any()


def test_search_leaves_out_what_matters_only() -> None:
    asked: list[frozenset[str]] = []

    def why_not(options: configs.Options) -> str:
        groups = frozenset(options)
        asked.append(groups)
        if {"a", "b"} & groups:
            return "a" if {"a", "b"} <= groups else "another"
        return ""

    groups = ("c", "a", "d", "b", "e")
    found = configs._first_that_works("tiny", groups, dict.fromkeys, why_not)
    assert set(found) == {"c", "d", "e"}
    assert len(asked) == len(set(asked)) <= 7


def test_a_missing_package_is_not_searched_for() -> None:
    asked = []

    def why_not(options: configs.Options) -> str:
        asked.append(options)
        return "ImportError: X requires the timm library"

    with pytest.raises(ValueError, match="timm"):
        configs._first_that_works("tiny", ("a", "b"), dict.fromkeys, why_not)
    assert len(asked) == 1


def _finding(model: str, check: str, verdict: Verdict, note: str = "") -> Finding:
    return Finding(model, "itself", "M", "tiny", check, verdict, note)


def test_tally_says_how_far_models_came_and_why_not() -> None:
    plain = _finding("a", "plain", Verdict.PROVED)
    reports = [
        ModelReport("a", (plain,), 1.0),
        ModelReport("b", (plain, _finding("b", "causal", Verdict.DIVERGED)), 1.0),
        ModelReport("c", (_finding("c", "plain", Verdict.REFACTOR),), 1.0),
        ModelReport("d", (_finding("d", "loading", Verdict.BROKEN, f"{RUNS}no"),), 1.0),
        ModelReport(
            "e",
            (_finding("e", "loading", Verdict.BROKEN, "ImportError: E requires the timm library"),),
            1.0,
        ),
    ]
    assert list(tally.lines(reports)) == [
        "of 5 model types: built 4, ran 3, traced 2; 1 differ",
        "    not run: built (1): d",
        "    not run: needs timm (1): e",
        "    itself, causal: DIVERGED (1): b",
    ]


def test_what_differs_by_design_is_told_from_the_modules() -> None:
    _, model, request = _made("bros")
    class_name = TYPES["bros"][1]
    side = Side("generated", {class_name: type(model)}, type(model).config_class)  # type: ignore[attr-defined]
    one = instance(side, class_name, {})
    finding = _finding("bros", "padded ↔ not", Verdict.DIVERGED)
    assert design.explained(finding, one, request) is finding
    one.model.slides = nn.Conv1d(4, 4, 3)
    said = design.explained(finding, one, request)
    assert said.verdict is Verdict.SKIPPED
    assert "`slides` slides over the text" in said.note


def test_a_model_that_takes_no_text_without_images_says_so_when_it_is_run() -> None:
    subject, _, request = _made("vilt")
    one = instance(subject.generated, TYPES["vilt"][1], subject.options["tiny"])
    said = design.explained(_finding("vilt", "embedded", Verdict.BROKEN), one, request)
    assert said.verdict is Verdict.SKIPPED
    assert "it takes no text without images: You have to specify" in said.note


@pytest.mark.parametrize(
    "name, verdict, said",
    [
        ("fnet", Verdict.SKIPPED, "Unsupported dtype BFloat16"),  # torch knows no such transform
        # It gives back masked scores.
        ("squeezebert", Verdict.SKIPPED, "masks are lower than float32 goes"),
        # Its class says what stays in float32, which an output comes out in.
        ("deepseek_v4", Verdict.WITHIN_NOISE, ""),
    ],
)
def test_bfloat16_is_judged_where_something_can_be_said_of_it(
    name: str, verdict: Verdict, said: str
) -> None:
    subject, _, request = _made(name)
    models = Models(
        {"generated": subject.generated}, TYPES[name][1], subject.options["tiny"], request
    )
    question = Question(name, "itself", TYPES[name][1], "tiny")
    (found,) = check_precision(question, models, torch.bfloat16, {})
    assert found.verdict is verdict, found.note
    assert said in found.note


def test_what_stays_in_float32_is_named_by_parts_of_paths() -> None:
    class Routed(nn.Module):
        _keep_in_fp32_modules_strict = ("mlp.gate.weight", "e_*_bias")

        def __init__(self) -> None:
            super().__init__()
            self.mlp = nn.ModuleDict({"gate": nn.Linear(2, 2), "up": nn.Linear(2, 2)})
            self.e_score_bias = nn.Buffer(torch.zeros(2))

    model = Routed().bfloat16()
    instances.keep_float32(model, torch.bfloat16)
    kept = {name for name, each in model.state_dict().items() if each.dtype is torch.float32}
    assert kept == {"mlp.gate.weight", "e_score_bias"}


def test_parents_of_a_live_class_are_modeling_files_even_where_those_are_generated() -> None:
    model_class = catalogue.class_of(*TYPES["mixtral"])
    assert catalogue.modular_of("transformers.models.mistral.modeling_mistral")
    with catalogue.live_class(model_class):
        private = {name.rpartition(".")[2] for name in sys.modules if "__live" in name}
    assert {name.partition("__")[0] for name in private} == {"modular_mixtral", "modeling_mistral"}


@pytest.mark.parametrize(
    "name, check, verdict, said",
    [
        # It answers a last bit of its weights with more than the rule allows.
        ("mobilebert", "eager ↔ sdpa", Verdict.WITHIN_NOISE, "it answers a last bit"),
        # Its decay is computed of the configuration, and saved all the same.
        ("minimax", "causal", Verdict.EQUAL_BITS, ""),
        ("zaya", "saved ↔ not", Verdict.WITHIN_NOISE, ""),
        # Its positions are not saved.
        ("marian", "saved ↔ not", Verdict.EQUAL_BITS, ""),
        # Its caches are told otherwise not to be kept.
        ("mimi_encoder", "checkpointed ↔ not", Verdict.EQUAL_BITS, ""),
        ("vilt", "single ↔ batched", Verdict.SKIPPED, "`multinomial.default` draws random"),
        ("funnel", "padded ↔ not", Verdict.SKIPPED, "several tokens become one"),
    ],
)
def test_differences_have_their_causes(name: str, check: str, verdict: Verdict, said: str) -> None:
    subject, _, request = _made(name)
    class_name = TYPES[name][1]
    one = instance(subject.generated, class_name, for_head(class_name, subject.options["tiny"]))
    comparison = next(each for each in itself.COMPARISONS if each.name == check)
    found = itself.answer(Question(name, "itself", class_name, "tiny"), comparison, one, request)
    found = design.explained(found, one, request)
    assert found.verdict is verdict, found.note
    assert said in found.note


def test_a_weight_of_no_size_is_the_same_each_time() -> None:
    options = {**configs.tiny(MobileBertConfig, {}), "hidden_size": 64, "embedding_size": 64}
    side = Side("generated", {"MobileBertForMaskedLM": MobileBertForMaskedLM}, MobileBertConfig)
    one, other = (instance(side, "MobileBertForMaskedLM", options) for _ in range(2))
    assert not one.model.cls.predictions.dense.weight.numel()
    assert one.drawn == other.drawn


def test_warming_up_runs_what_it_is_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Finding] = []
    answer = itself.answer
    monkeypatch.setattr(itself, "answer", lambda *asked: found.append(answer(*asked)))
    warming.warm_up()
    assert [each.verdict.is_agreement for each in found] == [True, True]


@pytest.mark.parametrize(
    "name, check",
    [
        ("musicgen_melody", "learning"),  # its labels have a column for each codebook
        ("dia", "decoding"),  # and its tokens, too
    ],
)
def test_sound_is_written_in_several_books_at_a_time(name: str, check: str) -> None:
    _, model, request = _made(name)
    scenario = next(each for each in SCENARIOS if each.name == check)
    outputs = run(scenario, model, scenario.inputs(request))
    loss = outputs["loss"] if check == "learning" else outputs[-1].logits.sum()
    assert loss.isfinite()
    if check == "decoding":
        # The rest, one, one, and two places of each text.
        assert [each.logits.shape[1] for each in outputs] == [7, 1, 1, 2]


def test_padding_goes_by_places_where_tokens_have_columns() -> None:
    _, _, request = _made("kyutai_speech_to_text")
    given = make(request, padded=True)
    ids, mask = given["input_ids"], given["attention_mask"]
    assert mask.shape == ids.shape[:2] != ids.shape
    assert mask.sum(-1).tolist() == [9, 13, 17]
    assert len(ids[mask == 0].unique()) == 1 < len(ids[mask == 1].unique())


def test_a_mask_of_sound_is_as_long_as_the_sound_that_settings_give() -> None:
    _, _, request = _made("qwen3_asr_encoder")
    given = make(request)
    assert given["input_features"].shape[-1] == given["input_features_mask"].shape[-1] == 100


def test_a_tower_that_takes_one_image_at_a_time_is_given_them_so() -> None:
    class Tower(nn.Module):
        def get_image_features(self, pixel_values: torch.Tensor) -> torch.Tensor:
            _, _, height, width = pixel_values.shape
            return torch.zeros(len(pixel_values), height * width // 4, 8)

    images = torch.zeros(3, 2, 3, 4, 4)
    assert media.image_rows(Tower(), {"pixel_values": images}) == 3 * 2 * 4


def test_defects_are_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each script of the page ends without an error; one whose defect is mended does not."""
    asks = flex_attention.is_torchdynamo_compiling  # which some of them replace
    monkeypatch.setattr(flex_attention, "is_torchdynamo_compiling", asks)
    monkeypatch.setattr(torch, "compile", lambda function=None, **_: function)
    page = Path(__file__).parents[2] / "docs" / "transformers-forward.md"
    defects = page.read_text("utf-8").partition("## Defects found")[2].split("\n### ")[1:]
    assert len(defects) > 10
    for defect in defects:
        code = "\n".join(re.findall(r"```python\n(.*?)```", defect, re.DOTALL))
        assert code, defect
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(code, defect.splitlines()[0], "exec"), {})
