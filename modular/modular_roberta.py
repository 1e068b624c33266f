import torch
from torch import nn
from transformers.activations import gelu
from transformers.modeling_outputs import BaseModelOutputWithPooling

from models.bert.configuration_bert import BertConfig
from models.bert.modeling_bert import (
    BertEmbeddings,
    BertForMaskedLM,
    BertForMultipleChoice,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertLMPredictionHead,
    BertModel,
    BertPreTrainedModel,
    classifier_dropout,
)


class RobertaConfig(BertConfig):
    """Sizes and switches of a RoBERTa encoder; as it stands, the sizes of BERT base.

    Paper: RoBERTa (Liu et al. 2019, arXiv:1907.11692). The vocabulary is GPT-2's byte-level BPE with
    a mask token and padding to 50265; the other defaults are what the published `config.json` files
    leave unsaid.
    """

    model_type = "roberta"

    vocab_size: int = 50265
    pad_token_id: int | None = 1
    bos_token_id: int | None = 0
    eos_token_id: int | list[int] | None = 2


class RobertaEmbeddings(BertEmbeddings):
    """The sum of word, position and token type embeddings, normed; padding has no position."""

    def __init__(self, config: RobertaConfig):
        super().__init__(config)
        self.padding_idx = config.pad_token_id
        self.position_embeddings = nn.Embedding(
            config.max_position_embeddings, config.hidden_size, padding_idx=config.pad_token_id
        )

    def positions(
        self, input_ids: torch.LongTensor | None, inputs_embeds: torch.Tensor
    ) -> torch.LongTensor:
        """The position of each token where the caller gives none: (batch or 1, length).

        Positions are counted from `padding_idx + 1`, over the tokens that are not padding.
        """
        if input_ids is None:
            return self.position_ids[:, : inputs_embeds.shape[1]] + self.padding_idx + 1
        is_token = (input_ids != self.padding_idx).long()
        return is_token.cumsum(dim=1) * is_token + self.padding_idx


class RobertaLMPredictionHead(BertLMPredictionHead):
    def __init__(self, config: RobertaConfig):
        nn.Module.__init__(self)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.layer_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))  # tied to the decoder's

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., vocab_size)"""
        return self.decoder(self.layer_norm(gelu(self.dense(hidden_states))))


class RobertaClassificationHead(nn.Module):
    """Scores a whole sequence from its first token's hidden state."""

    def __init__(self, config: RobertaConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = classifier_dropout(config)
        self.out_proj = nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, length, hidden_size) -> (batch, num_labels)"""
        first = self.dropout(hidden_states[:, 0])
        return self.out_proj(self.dropout(torch.tanh(self.dense(first))))


class RobertaPreTrainedModel(BertPreTrainedModel):
    pass


class RobertaModel(BertModel):
    pass


class RobertaForMaskedLM(BertForMaskedLM):
    _tied_weights_keys = {
        "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
        "lm_head.decoder.bias": "lm_head.bias",
    }

    def __init__(self, config: RobertaConfig):
        RobertaPreTrainedModel.__init__(self, config)
        self.roberta = RobertaModel(config, add_pooling_layer=False)
        self.lm_head = RobertaLMPredictionHead(config)
        self.post_init()

    def get_output_embeddings(self) -> nn.Linear:
        return self.lm_head.decoder

    def set_output_embeddings(self, new_embeddings: nn.Linear):
        self.lm_head.decoder = new_embeddings
        self.lm_head.bias = new_embeddings.bias

    def vocabulary_logits(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return self.lm_head(hidden_states)


class RobertaForSequenceClassification(BertForSequenceClassification):
    """The encoder with a head of two layers on each sequence's first token."""

    def __init__(self, config: RobertaConfig):
        RobertaPreTrainedModel.__init__(self, config)
        self.num_labels = config.num_labels
        self.roberta = RobertaModel(config, add_pooling_layer=False)
        self.classifier = RobertaClassificationHead(config)
        self.post_init()

    def sequence_logits(self, outputs: BaseModelOutputWithPooling) -> torch.Tensor:
        return self.classifier(outputs.last_hidden_state)


class RobertaForTokenClassification(BertForTokenClassification):
    pass


class RobertaForQuestionAnswering(BertForQuestionAnswering):
    pass


class RobertaForMultipleChoice(BertForMultipleChoice):
    pass


__all__ = [
    "RobertaConfig",
    "RobertaForMaskedLM",
    "RobertaForMultipleChoice",
    "RobertaForQuestionAnswering",
    "RobertaForSequenceClassification",
    "RobertaForTokenClassification",
    "RobertaModel",
    "RobertaPreTrainedModel",
]
