"""`bert_multitask`: tasks of five formats on one encoder, each equal to `bert`'s own task model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import BertTokenizer, RobertaTokenizer

from models.bert_multitask.configuration_bert_multitask import BertMultitaskConfig
from models.bert_multitask.modeling_bert_multitask import (
    ARCHITECTURES,
    Architecture,
    MultitaskModel,
    register,
    resolve,
)
from models.roberta.configuration_roberta import RobertaConfig
from models.roberta.modeling_roberta import (
    RobertaForMaskedLM,
    RobertaForMultipleChoice,
    RobertaForQuestionAnswering,
    RobertaForSequenceClassification,
    RobertaForTokenClassification,
    RobertaModel,
)
from tests.models.encoders import MODELS, for_head, inputs
from tests.models.parity import BOUND, gradients, perturb, relative

CASE = next(case for case in MODELS if case.model == "bert")
HEAD_OF = {
    "classification": "ForSequenceClassification",
    "masked_lm": "ForMaskedLM",
    "multiple_choice": "ForMultipleChoice",
    "question_answering": "ForQuestionAnswering",
    "tagging": "ForTokenClassification",
}
HEADS = {
    format: {"format": format, **({} if format == "question_answering" else {"num_labels": 5})}
    for format in HEAD_OF
}
TASKS = {
    "topic": "classification",
    "words": "masked_lm",
    "ending": "multiple_choice",
    "answer": "question_answering",
    "names": "tagging",
}
ROBERTA = Architecture(
    config=RobertaConfig,
    encoder=RobertaModel,
    tokenizer=RobertaTokenizer,
    heads={
        "classification": RobertaForSequenceClassification,
        "masked_lm": RobertaForMaskedLM,
        "multiple_choice": RobertaForMultipleChoice,
        "question_answering": RobertaForQuestionAnswering,
        "tagging": RobertaForTokenClassification,
    },
)

all_tasks = pytest.mark.parametrize("task", TASKS)


@pytest.fixture
def roberta() -> Architecture:
    """Makes another architecture known, for one test."""
    register("roberta", ROBERTA)
    yield ROBERTA
    del ARCHITECTURES["roberta"]


SIZES = {name: size for name, size in CASE.sizes.items() if name != "num_labels"}


def config(**others: object) -> BertMultitaskConfig:
    """Five formats, and as many tasks, on a tiny encoder."""
    return BertMultitaskConfig(**{**SIZES, "heads": HEADS, "tasks": TASKS, **others})


def multitask(**others: object) -> MultitaskModel:
    """A model whose parameters are all moved off their initial values."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = MultitaskModel(config(**others)).eval()
        perturb(model)
    return model


def batch(task: str) -> dict[str, Tensor]:
    return inputs(CASE, HEAD_OF[TASKS[task]], padded=True, labelled=True)


@all_tasks
def test_each_task_equals_its_own_model(task: str) -> None:
    """Loss, logits and gradients are those of bert with the encoder's and the head's weights."""
    own, head = multitask(), HEAD_OF[TASKS[task]]
    alone = CASE.own(head)(for_head(CASE, head).configs()[0]).eval()
    prefix = f"heads.{TASKS[task]}."
    names = {
        name: f"encoder.{name.removeprefix('bert.')}" if name.startswith("bert.") else prefix + name
        for name in alone.state_dict()
    }
    weights = own.state_dict()
    assert {name for name in weights if name.startswith(prefix)} <= set(names.values())
    alone.load_state_dict({name: weights[other] for name, other in names.items()}, strict=True)
    given = batch(task)
    actual, expected = own(**given, task=task), alone(**given)
    for name in expected:
        assert relative(actual[name], expected[name]) <= BOUND, name
    for outputs in (actual, expected):
        outputs.loss.backward()
    of_own, of_alone = gradients(own), gradients(alone)
    for name, other in names.items():
        if of_alone[name] is not None and not name.endswith("key.bias"):
            assert relative(of_own[other], of_alone[name]) <= BOUND, name
    used = {*names.values(), *own.all_tied_weights_keys}
    assert all(gradient is None for name, gradient in of_own.items() if name not in used)


def test_all_tasks_share_one_encoder() -> None:
    own = multitask()
    names = list(own.state_dict())
    encoder = [name for name in names if name.startswith("encoder.")]
    assert len(encoder) == len(own.encoder.state_dict())
    assert all(name.startswith(("encoder.", "heads.")) for name in names)
    assert not any(
        ".bert_multitask." in name or ".embeddings." in name for name in names[len(encoder) :]
    )
    losses = own.losses({task: batch(task) for task in TASKS})
    assert list(losses) == list(TASKS)
    sum(losses.values()).backward()
    together = own.encoder.embeddings.word_embeddings.weight.grad
    alone = torch.zeros_like(together)
    for task in TASKS:
        again = multitask()
        again(**batch(task), task=task).loss.backward()
        alone += again.encoder.embeddings.word_embeddings.weight.grad
    assert relative(together, alone) <= BOUND


def test_several_tasks_do_with_one_head() -> None:
    own = multitask(tasks={"films": "classification", "books": "classification"})
    assert own.head_of("films") is own.head_of("books")
    given = inputs(CASE, "ForSequenceClassification", padded=True)
    with torch.no_grad():
        assert torch.equal(own(**given, task="films").logits, own(**given, task="books").logits)


def test_models_are_saved_and_loaded(tmp_path: Path) -> None:
    own = multitask()
    own.save_pretrained(tmp_path)
    loaded, information = MultitaskModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(information.values()), information
    assert (loaded.config.heads, loaded.config.tasks) == (HEADS, TASKS)
    assert loaded.state_dict().keys() == own.state_dict().keys()
    decoder = loaded.heads["masked_lm"].cls.predictions.decoder
    assert decoder.weight is loaded.get_input_embeddings().weight
    for task in TASKS:
        with torch.no_grad():
            actual, expected = loaded(**batch(task), task=task), own(**batch(task), task=task)
        assert all(torch.equal(actual[name], expected[name]) for name in expected), task


def test_a_registered_architecture_does_every_task(roberta: Architecture) -> None:
    own = multitask(architecture="roberta", encoder={**SIZES, "num_hidden_layers": 2})
    assert type(own.encoder) is RobertaModel
    assert len(own.encoder.encoder.layer) == 2
    assert resolve("roberta").tokenizer is RobertaTokenizer
    for task in TASKS:
        head = own.head_of(task)
        assert type(head) is roberta.heads[TASKS[task]]
        assert own(**batch(task), task=task).loss.isfinite()
        assert set(dict(head.named_parameters())).isdisjoint(dict(own.encoder.named_parameters()))


def test_a_name_resolves_to_a_tokenizer_that_fits(tmp_path: Path) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "who", "came", "?", "a", "cat"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    assert resolve("bert").tokenizer is BertTokenizer
    tokenizer = resolve("bert").tokenizer(vocab={word: at for at, word in enumerate(words)})
    given = tokenizer("Who came?", "A cat", return_tensors="pt")
    assert given["input_ids"].tolist() == [[2, 5, 6, 7, 3, 8, 9, 3]]
    outputs = multitask()(**given, task="answer")
    assert outputs.start_logits.shape == (1, 8)


def test_what_is_not_there_is_refused() -> None:
    own = multitask()
    for wrong, message in (
        (lambda: resolve("roberta"), r"no architecture 'roberta'; there are \['bert'\]"),
        (lambda: register("bert", ROBERTA), "there is an architecture 'bert' already"),
        (lambda: own(torch.ones(1, 5).long(), task="parsing"), "no task 'parsing'; there are"),
        (lambda: multitask(tasks={"a": "parser"}), "task 'a' has no head 'parser'; there are"),
        (lambda: multitask(heads={"a": {"format": "parsing"}}, tasks={}), "no format .* 'parsing'"),
        (
            lambda: multitask(heads={"keys": HEADS["tagging"]}, tasks={}),
            "'keys' cannot be the name",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            wrong()


MARKERS = torch.tensor([5, 6, 7])
"""One of them stands somewhere in each text: which one, is what it is about."""
LENGTH = 12


def texts(generator: torch.Generator, size: int = 32) -> dict[str, Mapping[str, Tensor]]:
    """A batch for each of three tasks: which marker a text has, tags, a span between two signs."""
    rows = torch.arange(size)

    def words() -> Tensor:
        return torch.randint(10, 40, (size, LENGTH), generator=generator)

    marked, tagged, spanned = words(), words(), words()
    about = torch.randint(3, (size,), generator=generator)
    marked[rows, torch.randint(1, LENGTH, (size,), generator=generator)] = MARKERS[about]
    start = torch.randint(0, LENGTH // 2, (size,), generator=generator)
    end = start + torch.randint(1, LENGTH // 2, (size,), generator=generator)
    spanned[rows, start], spanned[rows, end] = 8, 9
    return {
        "topic": {"input_ids": marked, "labels": about},
        "names": {"input_ids": tagged, "labels": tagged % 4},
        "answer": {"input_ids": spanned, "start_positions": start, "end_positions": end},
    }


def accuracies(
    model: MultitaskModel, batches: Mapping[str, Mapping[str, Tensor]]
) -> dict[str, float]:
    """The share of right answers, by task; an answer is right if both of its ends are."""
    model.eval()
    with torch.no_grad():
        found = {task: model(**given, task=task) for task, given in batches.items()}
    start, end = (found["answer"][f"{side}_logits"].argmax(-1) for side in ("start", "end"))
    answer = batches["answer"]
    right = {
        "topic": found["topic"].logits.argmax(-1) == batches["topic"]["labels"],
        "names": found["names"].logits.argmax(-1) == batches["names"]["labels"],
        "answer": (start == answer["start_positions"]) & (end == answer["end_positions"]),
    }
    return {task: each.float().mean().item() for task, each in right.items()}


def test_three_tasks_learn_at_once() -> None:
    sizes = {
        "vocab_size": 40,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": LENGTH,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    heads = {
        "markers": {"format": "classification", "num_labels": 3},
        "tags": {"format": "tagging", "num_labels": 4},
        "spans": {"format": "question_answering"},
    }
    tasks = {"topic": "markers", "names": "tags", "answer": "spans"}
    generator = torch.Generator().manual_seed(1)
    unseen = texts(torch.Generator().manual_seed(2), size=256)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = MultitaskModel(BertMultitaskConfig(**sizes, heads=heads, tasks=tasks))
        before = accuracies(model, unseen)
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
        model.train()
        for _ in range(120):
            optimizer.zero_grad()
            sum(model.losses(texts(generator)).values()).backward()
            optimizer.step()
    after = accuracies(model, unseen)
    chance = {"topic": 1 / 3, "names": 1 / 4, "answer": 1 / LENGTH**2}
    for task, by_chance in chance.items():
        assert before[task] < by_chance + 0.2, (task, before)
        assert after[task] > 0.9, (task, after)
