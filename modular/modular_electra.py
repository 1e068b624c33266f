import torch
from torch import nn
from transformers import initialization as init
from transformers.activations import get_activation
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.modeling_utils import PreTrainedModel

from models.bert.configuration_bert import BertConfig
from models.bert.modeling_bert import (
    BertEmbeddings,
    BertEncoder,
    BertForMaskedLM,
    BertForMultipleChoice,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
    BertPreTrainedModel,
    classifier_dropout,
)


class ElectraConfig(BertConfig):
    """Sizes and switches of an ELECTRA discriminator or generator; as it stands, ELECTRA small.

    Paper: ELECTRA (Clark et al. 2020, arXiv:2003.10555); sizes are those of its table 6.
    """

    model_type = "electra"

    embedding_size: int = 128
    hidden_size: int = 256
    num_attention_heads: int = 4
    intermediate_size: int = 1024
    summary_type: str = "first"  # which tokens multiple choice looks at: first, last, mean
    summary_use_proj: bool = True
    summary_activation: str = "gelu"
    summary_last_dropout: float | int = 0.1


class ElectraEmbeddings(BertEmbeddings):
    """The sum of word, position and token type embeddings, normed, of size `embedding_size`."""

    def __init__(self, config: ElectraConfig):
        super().__init__(config)
        self.word_embeddings = nn.Embedding(
            config.vocab_size, config.embedding_size, padding_idx=config.pad_token_id
        )
        self.position_embeddings = nn.Embedding(
            config.max_position_embeddings, config.embedding_size
        )
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.embedding_size)
        self.LayerNorm = nn.LayerNorm(config.embedding_size, eps=config.layer_norm_eps)


class ElectraGeneratorPredictions(nn.Module):
    """Takes the generator's hidden states back to the size of its embeddings."""

    def __init__(self, config: ElectraConfig):
        super().__init__()
        self.activation = get_activation("gelu")
        self.LayerNorm = nn.LayerNorm(config.embedding_size, eps=config.layer_norm_eps)
        self.dense = nn.Linear(config.hidden_size, config.embedding_size)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., embedding_size)"""
        return self.LayerNorm(self.activation(self.dense(hidden_states)))


class ElectraDiscriminatorPredictions(nn.Module):
    """Scores each token as one that the generator has put in."""

    def __init__(self, config: ElectraConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = get_activation(config.hidden_act)
        self.dense_prediction = nn.Linear(config.hidden_size, 1)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, length, hidden_size) -> (batch, length)"""
        return self.dense_prediction(self.activation(self.dense(hidden_states))).squeeze(-1)


class ElectraClassificationHead(nn.Module):
    """Scores a whole sequence from its first token's hidden state."""

    def __init__(self, config: ElectraConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = get_activation("gelu")
        self.dropout = classifier_dropout(config)
        self.out_proj = nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, length, hidden_size) -> (batch, num_labels)"""
        first = self.dropout(hidden_states[:, 0])
        return self.out_proj(self.dropout(self.activation(self.dense(first))))


class ElectraSequenceSummary(nn.Module):
    """One vector for a sequence, made from the tokens that `summary_type` names."""

    def __init__(self, config: ElectraConfig):
        super().__init__()
        if config.summary_type not in ("first", "last", "mean"):
            raise ValueError(
                f"summary_type must be 'first', 'last' or 'mean', not {config.summary_type!r}"
            )
        self.summary_type = config.summary_type
        size = config.hidden_size
        self.summary = nn.Linear(size, size) if config.summary_use_proj else nn.Identity()
        activation = config.summary_activation
        self.activation = get_activation(activation) if activation else nn.Identity()
        self.last_dropout = nn.Dropout(config.summary_last_dropout)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, length, hidden_size) -> (batch, hidden_size)"""
        if self.summary_type == "mean":
            summed = hidden_states.mean(dim=1)
        else:
            summed = hidden_states[:, 0 if self.summary_type == "first" else -1]
        return self.last_dropout(self.activation(self.summary(summed)))


class ElectraPreTrainedModel(BertPreTrainedModel):
    def _init_weights(self, module: nn.Module):
        PreTrainedModel._init_weights(self, module)
        if isinstance(module, ElectraEmbeddings):
            init.copy_(module.position_ids, torch.arange(module.position_ids.shape[1])[None])
            init.zeros_(module.token_type_ids)


class ElectraModel(BertModel):
    """Embeddings, projected to the encoder's size where theirs is another one, and layers."""

    def __init__(self, config: ElectraConfig):
        ElectraPreTrainedModel.__init__(self, config)
        self.embeddings = ElectraEmbeddings(config)
        if config.embedding_size != config.hidden_size:
            self.embeddings_project = nn.Linear(config.embedding_size, config.hidden_size)
        self.encoder = BertEncoder(config)
        self.pooler = None
        self.post_init()

    def embed(self, **inputs) -> torch.Tensor:
        embeddings = super().embed(**inputs)
        if self.config.embedding_size == self.config.hidden_size:
            return embeddings
        return self.embeddings_project(embeddings)


class ElectraForPreTraining(BertForTokenClassification):
    """The discriminator: tells the generator's tokens, labelled 1, from the original ones, 0."""

    def __init__(self, config: ElectraConfig):
        ElectraPreTrainedModel.__init__(self, config)
        self.electra = ElectraModel(config)
        self.discriminator_predictions = ElectraDiscriminatorPredictions(config)
        self.post_init()

    def token_logits(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, length, hidden_size) -> (batch, length)"""
        return self.discriminator_predictions(hidden_states)

    def token_loss(
        self,
        logits: torch.Tensor,
        labels: torch.LongTensor,
        attention_mask: torch.Tensor | None,
        **kwargs,
    ) -> torch.Tensor:
        """The mean over the tokens that are scored: all but padding."""
        is_scored = torch.ones_like(labels) if attention_mask is None else attention_mask
        return nn.functional.binary_cross_entropy_with_logits(
            logits[is_scored == 1], labels[is_scored == 1].to(logits.dtype)
        )


class ElectraForMaskedLM(BertForMaskedLM):
    """The generator: fills masks with likely words."""

    _tied_weights_keys = {"generator_lm_head.weight": "electra.embeddings.word_embeddings.weight"}

    def __init__(self, config: ElectraConfig):
        ElectraPreTrainedModel.__init__(self, config)
        self.electra = ElectraModel(config)
        self.generator_predictions = ElectraGeneratorPredictions(config)
        self.generator_lm_head = nn.Linear(config.embedding_size, config.vocab_size)
        self.post_init()

    def get_output_embeddings(self) -> nn.Linear:
        return self.generator_lm_head

    def set_output_embeddings(self, new_embeddings: nn.Linear):
        self.generator_lm_head = new_embeddings

    def vocabulary_logits(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return self.generator_lm_head(self.generator_predictions(hidden_states))


class ElectraForSequenceClassification(BertForSequenceClassification):
    """The encoder with a head of two layers on each sequence's first token."""

    def __init__(self, config: ElectraConfig):
        ElectraPreTrainedModel.__init__(self, config)
        self.num_labels = config.num_labels
        self.electra = ElectraModel(config)
        self.classifier = ElectraClassificationHead(config)
        self.post_init()

    def sequence_logits(self, outputs: BaseModelOutputWithPooling) -> torch.Tensor:
        return self.classifier(outputs.last_hidden_state)


class ElectraForTokenClassification(BertForTokenClassification):
    def __init__(self, config: ElectraConfig):
        super().__init__(config)
        self.electra = ElectraModel(config)


class ElectraForQuestionAnswering(BertForQuestionAnswering):
    def __init__(self, config: ElectraConfig):
        super().__init__(config)
        self.electra = ElectraModel(config)


class ElectraForMultipleChoice(BertForMultipleChoice):
    def __init__(self, config: ElectraConfig):
        ElectraPreTrainedModel.__init__(self, config)
        self.electra = ElectraModel(config)
        self.sequence_summary = ElectraSequenceSummary(config)
        self.classifier = nn.Linear(config.hidden_size, 1)
        self.post_init()

    def sequence_logits(self, outputs: BaseModelOutputWithPooling) -> torch.Tensor:
        return self.classifier(self.sequence_summary(outputs.last_hidden_state))


__all__ = [
    "ElectraConfig",
    "ElectraForMaskedLM",
    "ElectraForMultipleChoice",
    "ElectraForPreTraining",
    "ElectraForQuestionAnswering",
    "ElectraForSequenceClassification",
    "ElectraForTokenClassification",
    "ElectraModel",
    "ElectraPreTrainedModel",
]
