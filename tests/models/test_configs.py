"""Each config reads, says and writes what the reference's of the same name does."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from huggingface_hub.errors import StrictDataclassFieldValidationError

from tests.models import encoders, parity, seq2seq, vision
from tests.models.parity import Case

CASES = (*parity.CASES, *encoders.CASES, *vision.CASES, *seq2seq.CASES)
MODELS = (*parity.MODELS, *encoders.MODELS, *vision.MODELS, *seq2seq.MODELS)
# What only computes the same has settings of its own.
CASES, MODELS = (tuple(case for case in cases if not case.like) for cases in (CASES, MODELS))

all_cases = pytest.mark.parametrize("case", CASES, ids=str)
all_models = pytest.mark.parametrize("case", MODELS, ids=lambda case: case.model)

EXCEPTIONS: dict[str, dict[str, str]] = {}
"""Fields of a model's config whose default is not the reference's, each with the reason."""

CLASS_ATTRIBUTES = (
    "model_type",
    "keys_to_ignore_at_inference",
    "attribute_map",
    "base_model_tp_plan",
    "base_model_pp_plan",
    "base_model_ep_plan",
)


@all_models
def test_fields_and_defaults(case: Case) -> None:
    own, reference = case.own("Config"), case.reference("Config")
    assert {field.name for field in dataclasses.fields(own)} == {
        field.name for field in dataclasses.fields(reference)
    }
    actual, expected = own().to_dict(), reference().to_dict()
    assert actual.keys() == expected.keys()
    differing = {name for name in expected if actual[name] != expected[name]}
    assert differing == set(EXCEPTIONS.get(case.model, {}))


@all_models
@pytest.mark.parametrize("name", CLASS_ATTRIBUTES)
def test_class_attributes(case: Case, name: str) -> None:
    own, reference = (
        getattr(config("Config"), name, None) for config in (case.own, case.reference)
    )
    assert own == reference


@all_cases
def test_config_files_load_both_ways(case: Case, tmp_path: Path) -> None:
    own, reference = case.configs()
    assert own.to_dict() == reference.to_dict()
    own.save_pretrained(tmp_path / "own")
    reference.save_pretrained(tmp_path / "reference")
    texts = {(tmp_path / side / "config.json").read_text() for side in ("own", "reference")}
    assert len(texts) == 1
    for config in (case.own("Config"), case.reference("Config")):
        loaded = config.from_pretrained(tmp_path / "own").to_dict()
        assert loaded == config.from_pretrained(tmp_path / "reference").to_dict()


@all_models
def test_a_wrong_type_is_refused(case: Case) -> None:
    field = next(name for name in ("hidden_size", "d_model", "num_channels") if name in case.sizes)
    with pytest.raises(StrictDataclassFieldValidationError, match=field):
        case.own("Config")(**{field: "48"})
