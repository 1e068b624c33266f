"""Adapters of `bert_adapters`: equal to peft's, harmless while fresh, and all that learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from torch import Tensor, nn

from models.bert_adapters.configuration_bert_adapters import (
    BertAdaptersConfig,
    BottleneckConfig,
    LoraConfig,
    PrefixConfig,
)
from models.bert_adapters.modeling_bert_adapters import (
    FORMATS,
    BertAdaptersForSequenceClassification,
    BertAdaptersModel,
    BertAdaptersModelWithHeads,
)
from tests.models.encoders import CASES, HEADS, for_head, inputs
from tests.models.parity import BOUND, Case, perturb, relative

CASE = next(case for case in CASES if case.model == "bert_adapters")
TARGETS = ["query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense"]
KINDS = {
    "lora": LoraConfig(rank=5, alpha=7.0, targets=TARGETS),
    "prefix": PrefixConfig(length=4),
    "bottleneck": BottleneckConfig(size=7, activation="gelu"),
}
PLAIN_PREFIX = PrefixConfig(length=4, gated=False)

all_kinds = pytest.mark.parametrize("kind", KINDS)
all_heads = pytest.mark.parametrize("head", HEADS)
eager_or_sdpa = pytest.mark.parametrize("attention", ["eager", "sdpa"])


def move(model: Any, name: str) -> None:
    """Moves an adapter's parameters off their initial values."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.adapter_parameters(name).values():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))


def encoder(**adapters: Any) -> BertAdaptersModel:
    """An encoder with these adapters, moved, and none of them active."""
    own, _ = CASE.pair("Model", "sdpa")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(9)
        for name, config in adapters.items():
            own.add_adapter(config, name)
            move(own, name)
    own.set_adapter([])
    return own


def hidden(model: Any, *, padded: bool = True) -> Tensor:
    """What the model's encoder answers."""
    with torch.no_grad():
        return model.base_model(**inputs(CASE, "Model", padded=padded)).last_hidden_state


def with_peft(
    case: Case, head: str, config: peft.PeftConfig, attention: str
) -> tuple[Any, peft.PeftModel]:
    """Our model, still without adapters, and peft's with one that is perturbed."""
    own, reference = for_head(case, head).pair(head, attention)
    theirs = peft.get_peft_model(reference, config)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(3)
        for name, parameter in theirs.named_parameters():
            if "lora_" in name or "prompt_encoder" in name:
                parameter.normal_(std=0.5)
    return own, theirs.eval()


def compare(own: Any, theirs: Any, head: str, *, padded: bool) -> None:
    """Compares outputs and loss, and leaves gradients."""
    given = inputs(CASE, head, padded=padded, labelled=True)
    actual, expected = own(**given), theirs(**given)
    for name in set(actual) & set(expected):
        assert relative(actual[name], expected[name]) <= BOUND, name
    assert {"loss"} < set(actual) & set(expected)
    for outputs in (actual, expected):
        outputs.loss.backward()


@all_heads
@eager_or_sdpa
def test_lora_equals_pefts(head: str, attention: str) -> None:
    config = peft.LoraConfig(r=5, lora_alpha=7, target_modules=TARGETS)
    own, theirs = with_peft(CASE, head, config, attention)
    own.add_adapter(KINDS["lora"], "fresh")
    of_own, of_peft = own.adapter_parameters("fresh"), dict(theirs.named_parameters())
    names = {
        name: f"base_model.model.bert.{name}".removesuffix(".weight") + ".default.weight"
        for name in of_own
    }
    assert set(names.values()) == {name for name in of_peft if "lora_" in name}
    assert len(names) == 2 * 6 * 3
    with torch.no_grad():
        for name, other in names.items():
            of_own[name].copy_(of_peft[other])
    own.train_adapter("fresh")
    compare(own, theirs, head, padded=True)
    for kind in "AB":  # scaled by what their block has, which is more than rounding
        flat = [
            torch.cat([of[each].grad.flatten() for each in those if f"lora_{kind}" in each])
            for of, those in ((of_own, names), (of_peft, names.values()))
        ]
        assert relative(*flat) <= BOUND


@pytest.mark.parametrize("head", ["ForSequenceClassification", "ForTokenClassification"])
@pytest.mark.parametrize("gated", [False, True], ids=["plain", "open-gate"])
@pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])
@eager_or_sdpa
def test_prefixes_equal_pefts(head: str, gated: bool, padded: bool, attention: str) -> None:
    task = {"ForSequenceClassification": "SEQ_CLS", "ForTokenClassification": "TOKEN_CLS"}[head]
    config = peft.PrefixTuningConfig(task_type=task, num_virtual_tokens=4)
    own, theirs = with_peft(CASE, head, config, attention)
    own.add_adapter(PrefixConfig(length=4, gated=gated), "fresh")
    of_own = own.adapter_parameters("fresh")
    together = theirs.prompt_encoder["default"].embedding.weight
    by_layer = together.view(4, 3 * 2, 6, 8).transpose(0, 1).unflatten(0, (3, 2)).unbind(1)
    parts = {
        f"encoder.layer.{layer}.attention.self.{name}": part[layer].transpose(0, 1)
        for name, part in zip(("key", "value"), by_layer, strict=True)
        for layer in range(3)
    }
    with torch.no_grad():
        for name, part in parts.items():
            of_own[name].copy_(part)
        for name in set(of_own) - set(parts):
            assert name.endswith(".gate")
            of_own[name].fill_(1.0)
    given = inputs(CASE, head, padded=padded, labelled=True)
    # peft's model counts positions from behind the prefix, as ours does where it is not gated.
    behind = {"position_ids": torch.arange(4, 4 + 19)[None]} if gated else {}
    actual, expected = own(**given, **behind), theirs(**given)
    assert relative(actual.logits, expected.logits) <= BOUND
    assert relative(actual.loss, expected.loss) <= BOUND
    for outputs in (actual, expected):
        outputs.loss.backward()
    of_peft = together.grad.view(4, 3 * 2, 6, 8).transpose(0, 1).unflatten(0, (3, 2)).unbind(1)
    for name, part in zip(("key", "value"), of_peft, strict=True):
        found = [of_own[f"encoder.layer.{layer}.attention.self.{name}"].grad for layer in range(3)]
        assert relative(torch.stack(found), part.transpose(1, 2)) <= BOUND, name


@all_kinds
def test_fresh_adapters_change_nothing(kind: str) -> None:
    own = encoder()
    before = hidden(own)
    own.add_adapter(KINDS[kind], "fresh")
    assert own.active_adapters() == ["fresh"]
    assert torch.equal(hidden(own), before)
    move(own, "fresh")
    assert relative(hidden(own), before) > 1e-3


@all_kinds
def test_fresh_adapters_can_learn(kind: str) -> None:
    own = encoder()
    own.add_adapter(KINDS[kind], "fresh")
    own(**inputs(CASE, "Model", padded=True)).last_hidden_state[:, 0].sin().sum().backward()
    learns = {
        name.rsplit(".", 2 if kind != "prefix" else 1)[1]
        for name, parameter in own.adapter_parameters("fresh").items()
        if parameter.grad.abs().max() > 0
    }
    assert learns == {"lora": {"lora_B"}, "prefix": {"gate"}, "bottleneck": {"up"}}[kind]


def test_a_plain_prefix_takes_the_first_positions() -> None:
    own = encoder(plain=PLAIN_PREFIX)
    own.set_adapter("plain")
    given = inputs(CASE, "Model", padded=True)
    with torch.no_grad():
        shifted = own(**given, position_ids=torch.arange(4, 23)[None]).last_hidden_state
        assert torch.equal(own(**given).last_hidden_state, shifted)
        embedded = own.get_input_embeddings()(given.pop("input_ids"))
        assert torch.equal(own(**given, inputs_embeds=embedded).last_hidden_state, shifted)
    with pytest.raises(ValueError, match=r"prefixes \(4\) and tokens \(61\) .* \(64\)"):
        own(torch.ones(1, 61).long())
    with pytest.raises(ValueError, match="2 dimensions, not 4"):
        own(torch.ones(1, 5).long(), torch.zeros(1, 1, 5, 5))


def test_adapters_stack() -> None:
    own = encoder(**KINDS, plain=PLAIN_PREFIX, other=KINDS["lora"])
    without, found = hidden(own), {}
    for names in (["lora"], ["lora", "other"], ["other", "lora"], ["bottleneck"], ["plain"]):
        own.set_adapter(names)
        found[tuple(names)] = hidden(own)
        assert relative(found[tuple(names)], without) > 1e-3
    assert relative(found["lora", "other"], found["lora",]) > 1e-3
    assert relative(found["lora", "other"], found["other", "lora"]) <= BOUND
    own.set_adapter([*KINDS, "plain"])
    everything = hidden(own)
    own.disable_adapters()
    assert torch.equal(hidden(own), without)
    own.enable_adapters()
    assert torch.equal(hidden(own), everything)
    own.add_adapter(KINDS["prefix"], "fresh")
    own.set_adapter([*KINDS, "plain", "fresh"])
    assert torch.equal(hidden(own), everything)
    own.set_adapter([])
    assert torch.equal(hidden(own), without)


def test_two_plain_prefixes_are_one_longer_one() -> None:
    own = encoder(a=PLAIN_PREFIX, b=PrefixConfig(length=3, gated=False))
    own.add_adapter(PrefixConfig(length=7, gated=False), "both")
    parts, both = [own.adapter_parameters(name) for name in "ab"], own.adapter_parameters("both")
    with torch.no_grad():
        for name, parameter in both.items():
            parameter.copy_(torch.cat([part[name] for part in parts], dim=1))
    together = hidden(own)
    own.set_adapter(["a", "b"])
    assert relative(hidden(own), together) <= BOUND


@pytest.mark.parametrize("names", [["lora"], ["lora", "other", "bottleneck"]], ids=len)
def test_merging_changes_nothing(names: list[str]) -> None:
    own = encoder(**KINDS, other=LoraConfig(rank=2))
    own.set_adapter(names)
    before = hidden(own)
    weights = {name: weight.clone() for name, weight in own.state_dict().items()}
    own.merge_adapter("lora")
    assert own.active_adapters() == names[1:]
    assert not any(".adapters.lora." in name for name in own.state_dict())
    changed = {n for n, weight in own.state_dict().items() if not torch.equal(weight, weights[n])}
    assert len(changed) == 6 * 3
    assert relative(hidden(own), before) <= BOUND


def test_only_lora_can_be_merged() -> None:
    own = encoder(**KINDS)
    before = {name: weight.clone() for name, weight in own.state_dict().items()}
    for kind in ("prefix", "bottleneck"):
        with pytest.raises(ValueError, match=f"'{kind}' cannot be merged"):
            own.merge_adapter(kind)
    assert own.state_dict().keys() == before.keys()
    assert all(torch.equal(weight, before[name]) for name, weight in own.state_dict().items())


@pytest.mark.parametrize("heads", [False, True], ids=["adapter-only", "with-head"])
@all_kinds
def test_only_the_adapter_learns(kind: str, heads: bool) -> None:
    own, _ = CASE.pair("ForSequenceClassification")
    for name, config in (("mine", KINDS[kind]), ("other", KINDS[kind])):
        own.add_adapter(config, name)
        move(own, name)
    own.train_adapter("mine", heads=heads)
    before = {name: weight.clone() for name, weight in own.state_dict().items()}
    optimizer = torch.optim.AdamW(own.parameters(), lr=0.1, weight_decay=0.1)
    given = inputs(CASE, "ForSequenceClassification", padded=True, labelled=True)
    own.train()(**given).loss.backward()
    optimizer.step()
    changed = {n for n, weight in own.state_dict().items() if not torch.equal(weight, before[n])}
    expected = {n for n in before if ".mine." in n or (heads and n.startswith("classifier."))}
    assert changed == expected


@all_kinds
def test_checkpointed_activations_change_nothing(kind: str) -> None:
    found = []
    for checkpointed in (False, True):
        own = encoder(mine=KINDS[kind])
        if checkpointed:
            own.activation_checkpointing_enable()
        own.train().train_adapter("mine")
        torch.manual_seed(5)
        own(**inputs(CASE, "Model", padded=True)).last_hidden_state.sin().sum().backward()
        found.append([parameter.grad for parameter in own.adapter_parameters("mine").values()])
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))


def test_deleted_adapters_are_gone() -> None:
    own = encoder(**KINDS)
    names = list(own.state_dict())
    own.set_adapter(list(KINDS))
    own.delete_adapter(["prefix", "lora"])
    assert own.active_adapters() == list(own.config.adapters) == ["bottleneck"]
    assert list(own.state_dict()) == [
        name for name in names if ".adapters." not in name or ".bottleneck." in name
    ]
    own.delete_adapter("bottleneck")
    assert torch.equal(hidden(own), hidden(encoder()))


@pytest.mark.parametrize("config", [*KINDS.values(), PLAIN_PREFIX], ids=[*KINDS, "plain-prefix"])
def test_adapters_are_saved_on_their_own(config: Any, tmp_path: Path) -> None:
    own = encoder(mine=config, other=config)
    own.set_adapter("mine")
    own.save_adapter(tmp_path, "mine")
    assert {path.name for path in tmp_path.iterdir()} == {"adapter.json", "adapter.safetensors"}
    # Another model with the same encoder, another head and another name for the adapter.
    again = BertAdaptersForSequenceClassification(own.config.__class__(**CASE.sizes)).eval()
    again.bert.load_state_dict(encoder().state_dict())
    again.load_adapter(tmp_path, "yours")
    assert again.active_adapters() == ["yours"]
    assert torch.equal(hidden(again), hidden(own))
    smaller = BertAdaptersModel(BertAdaptersConfig(**{**CASE.sizes, "num_hidden_layers": 2}))
    with pytest.raises(ValueError, match=r"encoder\.layer\.2.* is \(.*\) there and missing here"):
        smaller.load_adapter(tmp_path)
    assert not smaller.config.adapters
    assert not any(".adapters." in name for name in smaller.state_dict())


def test_models_are_saved_with_adapters_and_heads(tmp_path: Path) -> None:
    own = many_headed()
    for name, config in KINDS.items():
        own.add_adapter(config, name)
        move(own, name)
    own.set_adapter(["prefix", "lora"])
    own.set_head("tagging")
    own.save_pretrained(tmp_path)
    loaded, information = BertAdaptersModelWithHeads.from_pretrained(
        tmp_path, output_loading_info=True
    )
    assert not any(information.values()), information
    of_loaded, of_own = (model.config.to_dict() for model in (loaded, own))
    assert {name for name in of_own if of_own[name] != of_loaded[name]} <= {"_name_or_path"}
    assert loaded.state_dict().keys() == own.state_dict().keys()
    assert torch.equal(hidden(loaded), hidden(own))
    for head in own.heads:
        given = inputs(CASE, HEAD_OF[head], padded=True)
        with torch.no_grad():
            actual, expected = loaded(**given, head=head), own(**given, head=head)
        assert all(torch.equal(actual[name], expected[name]) for name in expected), head
    decoder = loaded.heads["masked_lm"].cls.predictions.decoder
    assert decoder.weight is loaded.get_input_embeddings().weight


HEAD_OF = {
    "classification": "ForSequenceClassification",
    "masked_lm": "ForMaskedLM",
    "multiple_choice": "ForMultipleChoice",
    "question_answering": "ForQuestionAnswering",
    "tagging": "ForTokenClassification",
}


def many_headed() -> BertAdaptersModelWithHeads:
    """A model with a head of each format, called like it, all of it perturbed."""
    config, _ = CASE.configs()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        own = BertAdaptersModelWithHeads(config).eval()
        for format in FORMATS:
            labels = {} if format == "question_answering" else {"num_labels": 5}
            own.add_head(format, format, **labels)
        perturb(own)
    return own


@pytest.mark.parametrize("format", HEAD_OF)
def test_heads_are_the_task_models(format: str) -> None:
    """Each computes what the reference's task model does with the encoder's and its weights."""
    own = many_headed()
    head = HEAD_OF[format]
    reference = CASE.reference(head)(for_head(CASE, head).configs()[1]).eval()
    weights = {name: weight for name, weight in own.state_dict().items() if "heads." not in name}
    prefix = f"heads.{format}."
    weights |= {
        name.removeprefix(prefix): weight
        for name, weight in own.state_dict().items()
        if name.startswith(prefix)
    }
    if not any("pooler" in name for name in reference.state_dict()):
        weights = {name: weight for name, weight in weights.items() if "pooler" not in name}
    reference.load_state_dict(weights, strict=True)
    own.set_head(format)
    compare(own, reference, head, padded=True)
    assert (
        relative(
            own.get_input_embeddings().weight.grad, reference.get_input_embeddings().weight.grad
        )
        <= BOUND
    )


def test_heads_come_and_go() -> None:
    config, _ = CASE.configs()
    own = BertAdaptersModelWithHeads(config).eval()
    of_encoder = list(own.state_dict())
    given = inputs(CASE, "ForSequenceClassification", padded=True)
    with torch.no_grad():
        assert torch.equal(own(**given).last_hidden_state, hidden(own))
    own.add_head("sentiment", "classification", num_labels=3)
    own.add_head("words", "masked_lm")
    own.add_head("topic", "classification", num_labels=7)
    assert own(**given).logits.shape == (3, 7)
    assert own(**given, head="sentiment").logits.shape == (3, 3)
    own.set_head("words")
    assert own(**given).logits.shape == (3, 19, 61)
    assert own.heads["words"].cls.predictions.decoder.weight is own.get_input_embeddings().weight
    assert own(**given, return_dict=False)[0].shape == (3, 19, 61)
    for head in list(own.heads):
        own.delete_head(head)
    assert list(own.state_dict()) == of_encoder
    assert not own.all_tied_weights_keys
    assert own.config.active_head is None and not own.config.heads


def test_what_cannot_be_done_is_refused() -> None:
    own = BertAdaptersModelWithHeads(CASE.configs()[0])
    own.add_adapter(KINDS["lora"], "mine")
    own.add_head("mine", "tagging")
    for wrong, message in (
        (lambda: own.add_adapter(KINDS["lora"], "mine"), "there is an adapter 'mine' already"),
        (lambda: own.add_adapter(KINDS["lora"], "a.b"), "'a.b' cannot be the name of a module"),
        (lambda: own.add_adapter(KINDS["lora"], "keys"), "'keys' cannot be the name of a module"),
        (
            lambda: own.add_adapter(LoraConfig(targets=["query", "q_proj"]), "b"),
            "'b' finds no place for .*'q_proj'",
        ),
        (lambda: own.set_adapter("other"), "no adapter 'other'; there are \\['mine'\\]"),
        (lambda: own.delete_adapter("other"), "no adapter 'other'"),
        (lambda: own.add_head("mine", "tagging"), "there is a head 'mine' already"),
        (lambda: own.add_head("keys", "tagging"), "'keys' cannot be the name of a module"),
        (lambda: own.add_head("other", "parsing"), "no format of heads: 'parsing'"),
        (lambda: own(torch.ones(1, 5).long(), head="other"), "no head 'other'"),
        (lambda: own.set_head("other"), "no head 'other'; there are \\['mine'\\]"),
        (lambda: LoraConfig(rank=0), "rank must be at least 1, not 0"),
        (lambda: PrefixConfig(length=0), "length must be at least 1, not 0"),
        (lambda: BottleneckConfig(size=-1), "size must be at least 1, not -1"),
    ):
        with pytest.raises(ValueError, match=message):
            wrong()
    assert list(own.config.adapters) == own.active_adapters() == ["mine"]
    assert isinstance(own.heads, nn.ModuleDict) and list(own.heads) == ["mine"]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_adapters_take_the_encoders_dtype(dtype: torch.dtype) -> None:
    own = encoder().to(dtype)
    before = hidden(own)
    for name, config in KINDS.items():
        own.add_adapter(config, name)
    own.set_adapter(list(KINDS))
    assert {parameter.dtype for parameter in own.parameters()} == {dtype}
    assert torch.equal(hidden(own), before)


def test_compiled_in_one_graph() -> None:
    own = BertAdaptersModel(BertAdaptersConfig(**{**CASE.sizes, "num_hidden_layers": 1})).eval()
    for name, config in {**KINDS, "plain": PLAIN_PREFIX}.items():
        own.add_adapter(config, name)
        move(own, name)
    own.set_adapter([*KINDS, "plain"])
    given = inputs(CASE, "Model", padded=True)
    with torch.no_grad():
        compiled = torch.compile(own, backend="eager", fullgraph=True)
        assert relative(compiled(**given).last_hidden_state, hidden(own)) <= BOUND
