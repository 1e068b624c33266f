"""What a user of transformers expects of any model, on one of each family.

Gradient checkpointing, packed and cached inputs are in the tests of the families.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import transformers
from torch import Tensor
from transformers import PreTrainedModel, Trainer, TrainingArguments

from tests.models import encoders, parity, vision
from tests.models.parity import BOUND, Case, relative


@dataclass(frozen=True)
class Family:
    """One model of a family, and what it is used for."""

    case: Case
    head: str
    batch: Callable[[], dict[str, Tensor]]
    """Three examples, with labels."""

    def __str__(self) -> str:
        return self.case.model

    @property
    def auto(self) -> type:
        """The Auto class of the head, which knows our classes from now on."""
        found = getattr(transformers, f"AutoModel{self.head}")
        found.register(self.case.own("Config"), self.case.own(self.head), exist_ok=True)
        return found

    def model(self) -> PreTrainedModel:
        """Ours, with perturbed weights."""
        return self.case.pair(self.head)[0]


def case(model: str, cases: tuple[Case, ...]) -> Case:
    return next(each for each in cases if each.model == model)


def text() -> dict[str, Tensor]:
    found = parity.tokens(padded=True)
    return {**found, "labels": parity.labels("ForCausalLM", found)}


def pairs_of_sentences() -> dict[str, Tensor]:
    electra = case("electra", encoders.CASES)
    return encoders.inputs(electra, "ForSequenceClassification", padded=True, labelled=True)


def images() -> dict[str, Tensor]:
    pixels = vision.pixels(case("deit", vision.CASES))
    return {"pixel_values": pixels, "labels": torch.arange(3)}


FAMILIES = (
    Family(case("mistral", parity.CASES), "ForCausalLM", text),
    Family(case("gemma2", parity.CASES), "ForCausalLM", text),
    Family(case("mixtral", parity.CASES), "ForCausalLM", text),
    Family(case("electra", encoders.CASES), "ForSequenceClassification", pairs_of_sentences),
    Family(case("deit", vision.CASES), "ForImageClassification", images),
)
each_family = pytest.mark.parametrize("family", FAMILIES, ids=str)
each_decoder = pytest.mark.parametrize(
    "family", [family for family in FAMILIES if family.head == "ForCausalLM"], ids=str
)


def logits(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
    with torch.no_grad():
        return model.eval()(**batch).logits


@each_family
def test_auto_classes(family: Family, tmp_path: Path) -> None:
    model, batch = family.model(), family.batch()
    assert type(family.auto.from_config(model.config)) is type(model)
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    loaded = family.auto.from_pretrained(tmp_path, config=model.config)
    assert type(loaded) is type(model)
    assert torch.equal(logits(loaded, batch), logits(model, batch))


@each_family
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision(family: Family, dtype: torch.dtype, tmp_path: Path) -> None:
    batch = family.batch()
    if "pixel_values" in batch:
        batch["pixel_values"] = batch["pixel_values"].to(dtype)
    family.model().save_pretrained(tmp_path)
    found, expected = (
        logits(loading(family.head).from_pretrained(tmp_path, dtype=dtype), batch)
        for loading in (family.case.own, family.case.reference)
    )
    assert found.dtype == dtype
    assert torch.equal(found, expected)


@each_family
def test_layers_can_lie_on_the_disk(family: Family, tmp_path: Path) -> None:
    model, batch = family.model(), family.batch()
    model.save_pretrained(tmp_path / "saved")
    kept = {name: "cpu" for name, _ in model.named_children()}
    base = model.base_model_prefix
    del kept[base]
    kept |= {f"{base}.{name}": "cpu" for name, _ in model.base_model.named_children()}
    layers = next(name for name in kept if name.endswith((".layers", ".encoder")))
    loaded = type(model).from_pretrained(
        tmp_path / "saved", device_map={**kept, layers: "disk"}, offload_folder=tmp_path / "disk"
    )
    assert loaded.hf_device_map[layers] == "disk"
    assert any(parameter.is_meta for parameter in loaded.parameters())
    assert torch.equal(logits(loaded, batch), logits(model, batch))


@each_family
def test_three_steps_of_training(family: Family, tmp_path: Path) -> None:
    model, batch = family.model(), family.batch()
    examples = [{name: values[row] for name, values in batch.items()} for row in range(3)]
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    with torch.no_grad():
        loss = model(**batch).loss
    arguments = TrainingArguments(
        output_dir=tmp_path,
        max_steps=3,
        per_device_train_batch_size=3,
        learning_rate=1e-3,
        lr_scheduler_type="constant",
        gradient_checkpointing=True,
        use_cpu=True,
        report_to=[],
        disable_tqdm=True,
    )
    trainer = Trainer(model, arguments, train_dataset=examples)
    assert trainer.train().global_step == 3
    with torch.no_grad():
        assert model.eval()(**batch).loss < loss
    unchanged = [name for name, weight in model.named_parameters() if weight.equal(before[name])]
    assert not unchanged
    loaded = type(model).from_pretrained(tmp_path / "checkpoint-3")
    assert torch.equal(logits(loaded, batch), logits(model, batch))


@each_family
def test_the_attention_implementation_can_be_switched(family: Family) -> None:
    model, batch = family.model(), family.batch()
    found = {}
    for name in (*family.case.attentions, "flex_attention", *family.case.attentions):
        model.set_attn_implementation(name)
        assert model.config._attn_implementation == name
        with torch.compiler.set_stance("force_eager"):  # flex attention compiles itself
            found.setdefault(name, []).append(logits(model, batch))
    expected = found["eager"][0]
    real = batch["attention_mask"].bool() if expected.ndim == 3 else ...
    for each in (each for several in found.values() for each in several):
        assert relative(each[real], expected[real]) <= BOUND


@each_family
def test_compiling_breaks_nowhere(family: Family) -> None:
    model, batch = family.model(), family.batch()
    expected = logits(model, batch)
    torch.compiler.reset()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    assert relative(logits(compiled, batch), expected) <= BOUND


@each_decoder
@pytest.mark.parametrize(
    "options",
    [
        {"num_beams": 3},
        {"num_beams": 4, "num_return_sequences": 2, "length_penalty": 0.5},
        {"do_sample": True, "top_k": 20, "temperature": 0.7},
        {"repetition_penalty": 1.5, "no_repeat_ngram_size": 2},
        {"prompt_lookup_num_tokens": 2},
    ],
    ids=["beams", "several-beams", "sampled", "penalised", "looked-up"],
)
def test_ways_to_generate(family: Family, options: dict[str, object]) -> None:
    inputs = parity.tokens(padded=True)
    if "prompt_lookup_num_tokens" in options:
        inputs = {name: values[-1:] for name, values in inputs.items()}
    texts = []
    for model in family.case.pair(family.head):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(13)
            texts.append(model.generate(**inputs, max_new_tokens=8, **options))
    assert torch.equal(*texts)


@each_decoder
def test_padding_on_the_left_changes_no_text(family: Family) -> None:
    model, inputs = family.model(), parity.tokens(padded=True)
    together = model.generate(**inputs, max_new_tokens=8, do_sample=False)
    for row, mask in enumerate(inputs["attention_mask"].bool()):
        alone = inputs["input_ids"][row, mask][None]
        generated = model.generate(alone, max_new_tokens=8, do_sample=False)
        assert torch.equal(together[row, 19:], generated[0, alone.shape[1] :])
