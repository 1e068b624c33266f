from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from transformers import BertTokenizer, PreTrainedTokenizerBase
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_outputs import ModelOutput
from transformers.modeling_utils import PreTrainedModel
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs

from models.bert.configuration_bert import BertConfig
from models.bert.modeling_bert import (
    BertForMaskedLM,
    BertForMultipleChoice,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
    BertPreTrainedModel,
)
from models.bert_adapters.modeling_bert_adapters import head_on, ties_of_heads


class BertMultitaskConfig(BertConfig):
    """Sizes and switches of an encoder that tasks share, the heads on it, and what each head does.

    Papers: BERT (Devlin et al. 2018, arXiv:1810.04805), whose defaults are those of `bert`, and
    MT-DNN (Liu et al. 2019, arXiv:1901.11504): heads on one encoder, some for several tasks. The
    settings of a head are its `format` and fields of the encoder's config, such as num_labels, which
    is 2 if it is not given; `tasks` are names of heads, by task. `encoder` are the settings of an
    architecture that has a config of its own.
    """

    model_type = "bert_multitask"

    architecture: str = "bert"
    encoder: dict[str, Any] = field(default_factory=dict)
    heads: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)


class BertMultitaskPreTrainedModel(BertPreTrainedModel):
    pass


class BertMultitaskModel(BertModel):
    pass


class BertMultitaskForMaskedLM(BertForMaskedLM):
    pass


class BertMultitaskForSequenceClassification(BertForSequenceClassification):
    pass


class BertMultitaskForTokenClassification(BertForTokenClassification):
    pass


class BertMultitaskForQuestionAnswering(BertForQuestionAnswering):
    pass


class BertMultitaskForMultipleChoice(BertForMultipleChoice):
    pass


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What a name stands for: a config, an encoder, a tokenizer, and a task model for each format.

    The task models keep their encoder under their `base_model_prefix`, as the library's do.
    """

    config: type[PreTrainedConfig]
    encoder: type[PreTrainedModel]
    tokenizer: type[PreTrainedTokenizerBase]
    heads: Mapping[str, type[PreTrainedModel]]


ARCHITECTURES = {
    "bert": Architecture(
        config=BertMultitaskConfig,
        encoder=BertMultitaskModel,
        tokenizer=BertTokenizer,
        heads={
            "classification": BertMultitaskForSequenceClassification,
            "masked_lm": BertMultitaskForMaskedLM,
            "multiple_choice": BertMultitaskForMultipleChoice,
            "question_answering": BertMultitaskForQuestionAnswering,
            "tagging": BertMultitaskForTokenClassification,
        },
    )
}


def register(name: str, architecture: Architecture):
    """Makes an architecture known: with this, all tasks can be done with it."""
    if ARCHITECTURES.setdefault(name, architecture) is not architecture:
        raise ValueError(f"there is an architecture {name!r} already")


def resolve(name: str) -> Architecture:
    """What is registered under that name."""
    if name not in ARCHITECTURES:
        raise ValueError(f"no architecture {name!r}; there are {list(ARCHITECTURES)}")
    return ARCHITECTURES[name]


class MultitaskModel(PreTrainedModel):
    """Task models by name, on one encoder; each may do several tasks."""

    config: BertMultitaskConfig
    base_model_prefix = "encoder"
    supports_gradient_checkpointing = True
    _supports_flash_attn = True
    _supports_sdpa = True
    _supports_flex_attn = True
    _supports_attention_backend = True

    def __init__(self, config: BertMultitaskConfig):
        super().__init__(config)
        architecture = resolve(config.architecture)
        of_encoder = config
        if not isinstance(config, architecture.config):
            of_encoder = architecture.config(**config.encoder)
            of_encoder._attn_implementation = config._attn_implementation
        self.encoder = architecture.encoder(of_encoder)
        self.heads = nn.ModuleDict()
        for name, settings in config.heads.items():
            if not name.isidentifier() or hasattr(nn.ModuleDict, name):
                raise ValueError(f"{name!r} cannot be the name of a module")
            format = settings["format"]
            if format not in architecture.heads:
                raise ValueError(
                    f"no format of heads: {format!r}; there are {list(architecture.heads)}"
                )
            of_head = deepcopy(of_encoder)
            of_head.update({"num_labels": 2, **settings})
            self.heads[name] = head_on(self.encoder, architecture.heads[format], of_head)
        for task, head in config.tasks.items():
            if head not in self.heads:
                raise ValueError(
                    f"task {task!r} has no head {head!r}; there are {list(self.heads)}"
                )
        self.post_init()

    @property
    def _tied_weights_keys(self) -> dict[str, str]:
        return ties_of_heads(self.heads, "encoder")

    def head_of(self, task: str) -> PreTrainedModel:
        """The task model that does a task."""
        if task not in self.config.tasks:
            raise ValueError(f"no task {task!r}; there are {list(self.config.tasks)}")
        return self.heads[self.config.tasks[task]]

    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.LongTensor | None = None,
        position_ids: torch.LongTensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        start_positions: torch.LongTensor | None = None,
        end_positions: torch.LongTensor | None = None,
        task: str | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> ModelOutput | tuple:
        """What the task's model returns for a batch of that task; without one, what the encoder does."""
        given = {
            "labels": labels,
            "start_positions": start_positions,
            "end_positions": end_positions,
        }
        model = self.encoder if task is None else self.head_of(task)
        return model(
            input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            **{key: each for key, each in given.items() if each is not None},
            **kwargs,
        )

    def losses(self, batches: Mapping[str, Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        """The loss of each task on its batch, as its format has it: their sum trains them at once."""
        return {task: self(**batch, task=task).loss for task, batch in batches.items()}


__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "BertMultitaskConfig",
    "BertMultitaskForMaskedLM",
    "BertMultitaskForMultipleChoice",
    "BertMultitaskForQuestionAnswering",
    "BertMultitaskForSequenceClassification",
    "BertMultitaskForTokenClassification",
    "BertMultitaskModel",
    "BertMultitaskPreTrainedModel",
    "MultitaskModel",
    "register",
    "resolve",
]
