# unravel: generated from modular/modular_xlm_roberta.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: ef0f4cb08e7fca55

from collections.abc import Callable

import torch
from torch import nn
from transformers import initialization as init
from transformers.activations import ACT2FN, gelu
from transformers.masking_utils import create_bidirectional_mask
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import (
    BaseModelOutput,
    BaseModelOutputWithPooling,
    MaskedLMOutput,
    MultipleChoiceModelOutput,
    QuestionAnsweringModelOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS, PreTrainedModel
from transformers.processing_utils import Unpack
from transformers.pytorch_utils import apply_chunking_to_forward
from transformers.utils import TransformersKwargs, can_return_tuple
from transformers.utils.generic import merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs

from .configuration_xlm_roberta import XLMRobertaConfig


class XLMRobertaEmbeddings(nn.Module):
    """The sum of word, position and token type embeddings, normed; padding has no position."""

    def __init__(self, config: XLMRobertaConfig):
        super().__init__()
        self.word_embeddings = nn.Embedding(
            config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id
        )
        self.position_embeddings = nn.Embedding(
            config.max_position_embeddings, config.hidden_size, padding_idx=config.pad_token_id
        )
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        positions = torch.arange(config.max_position_embeddings)[None]
        self.register_buffer("position_ids", positions, persistent=False)
        self.register_buffer("token_type_ids", torch.zeros_like(positions), persistent=False)
        self.padding_idx = config.pad_token_id

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

    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        token_type_ids: torch.LongTensor | None = None,
        position_ids: torch.LongTensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """(batch, length) token ids or their embeddings -> (batch, length, hidden_size)."""
        if inputs_embeds is None:
            inputs_embeds = self.word_embeddings(input_ids)
        if position_ids is None:
            position_ids = self.positions(input_ids, inputs_embeds)
        if token_type_ids is None:
            token_type_ids = self.token_type_ids[:, : inputs_embeds.shape[1]]
        embeddings = inputs_embeds + self.token_type_embeddings(token_type_ids)
        embeddings = embeddings + self.position_embeddings(position_ids)
        return self.dropout(self.LayerNorm(embeddings))


class XLMRobertaLMPredictionHead(nn.Module):
    """Scores each word of the vocabulary; the decoder's weight is that of the embeddings."""

    def __init__(self, config: XLMRobertaConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.layer_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))  # tied to the decoder's

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., vocab_size)"""
        return self.decoder(self.layer_norm(gelu(self.dense(hidden_states))))


def eager_attention_forward(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **kwargs,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention written out, for `attn_implementation="eager"`: it can return its weights.

    `query`, `key` and `value` are (batch, heads, length, head_dim); the mask is added to the
    scores. Returns (batch, length, heads, head_dim) and the weights, (batch, heads, length, length).
    """
    scores = query @ key.transpose(2, 3) * scaling
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = nn.functional.softmax(scores, dim=-1)
    weights = nn.functional.dropout(weights, p=dropout, training=module.training)
    return (weights @ value).transpose(1, 2).contiguous(), weights


class XLMRobertaSelfAttention(nn.Module):
    """Each token attends to all tokens, padding excepted."""

    def __init__(self, config: XLMRobertaConfig, layer_idx: int | None = None):
        super().__init__()
        if config.is_decoder or config.add_cross_attention:
            raise ValueError(
                "this model is an encoder: is_decoder and add_cross_attention must be false"
            )
        if config.hidden_size % config.num_attention_heads:
            raise ValueError(
                f"hidden_size ({config.hidden_size}) is not a multiple of num_attention_heads "
                f"({config.num_attention_heads})"
            )
        self.config = config
        self.layer_idx = layer_idx
        self.num_attention_heads = config.num_attention_heads
        self.attention_head_size = config.hidden_size // config.num_attention_heads
        self.scaling = self.attention_head_size**-0.5
        self.is_causal = False
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(batch, length, hidden_size) -> the same shape, and the weights or None."""
        batch_and_length = hidden_states.shape[:-1]
        query, key, value = (
            project(hidden_states)
            .view(*batch_and_length, -1, self.attention_head_size)
            .transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        attended, weights = self.attend(query, key, value, attention_mask, **kwargs)
        return attended.reshape(*batch_and_length, -1), weights

    def attend(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: torch.Tensor | None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(batch, heads, length, head_dim) three times -> (batch, length, heads, head_dim)"""
        attention: Callable = ALL_ATTENTION_FUNCTIONS.get_interface(
            self.config._attn_implementation, eager_attention_forward
        )
        return attention(
            self,
            query,
            key,
            value,
            attention_mask,
            dropout=self.dropout.p if self.training else 0.0,
            scaling=self.scaling,
            **kwargs,
        )


class XLMRobertaSelfOutput(nn.Module):
    """Projects what the heads found, adds what they were given, norms the sum."""

    def __init__(self, config: XLMRobertaConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, hidden_states: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        """Two tensors (batch, length, hidden_size) -> one."""
        return self.LayerNorm(self.dropout(self.dense(hidden_states)) + residual)


class XLMRobertaAttention(nn.Module):
    """Self-attention with its output projection, residual and norm."""

    def __init__(self, config: XLMRobertaConfig, layer_idx: int | None = None):
        super().__init__()
        self.self = XLMRobertaSelfAttention(config, layer_idx)
        self.output = XLMRobertaSelfOutput(config)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> torch.Tensor:
        """(batch, length, hidden_size) -> the same shape."""
        attended, _ = self.self(hidden_states, attention_mask, **kwargs)
        return self.output(attended, hidden_states)


class XLMRobertaIntermediate(nn.Module):
    """The first half of the feed-forward network."""

    def __init__(self, config: XLMRobertaConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)
        self.intermediate_act_fn = ACT2FN[config.hidden_act]

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., intermediate_size)"""
        return self.intermediate_act_fn(self.dense(hidden_states))


class XLMRobertaOutput(nn.Module):
    """The second half of the feed-forward network, with residual and norm."""

    def __init__(self, config: XLMRobertaConfig):
        super().__init__()
        self.dense = nn.Linear(config.intermediate_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, hidden_states: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        """(..., intermediate_size) and (..., hidden_size) -> (..., hidden_size)"""
        return self.LayerNorm(self.dropout(self.dense(hidden_states)) + residual)


class XLMRobertaLayer(GradientCheckpointingLayer):
    """Attention, then feed-forward, each normed behind its residual."""

    def __init__(self, config: XLMRobertaConfig, layer_idx: int | None = None):
        super().__init__()
        self.chunk_size_feed_forward = config.chunk_size_feed_forward
        self.attention = XLMRobertaAttention(config, layer_idx)
        self.intermediate = XLMRobertaIntermediate(config)
        self.output = XLMRobertaOutput(config)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> torch.Tensor:
        """(batch, length, hidden_size) -> the same shape; the rest goes to the attention."""
        hidden_states = self.attention(hidden_states, attention_mask, **kwargs)
        return apply_chunking_to_forward(
            self.feed_forward, self.chunk_size_feed_forward, 1, hidden_states
        )

    def feed_forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, length, hidden_size) -> the same shape, each position by itself."""
        return self.output(self.intermediate(hidden_states), hidden_states)


class XLMRobertaPreTrainedModel(PreTrainedModel):
    """What the library needs to know to initialise, load, split and run these models."""

    config: XLMRobertaConfig
    base_model_prefix = "roberta"  # what its checkpoints call the encoder, below every head
    supports_gradient_checkpointing = True
    _no_split_modules = ["XLMRobertaEmbeddings", "XLMRobertaLayer"]
    _supports_flash_attn = True
    _supports_sdpa = True
    _supports_flex_attn = True
    _supports_attention_backend = True
    _can_compile_fullgraph = True
    _can_record_outputs = {"hidden_states": XLMRobertaLayer, "attentions": XLMRobertaSelfAttention}

    def _init_weights(self, module: nn.Module):
        super()._init_weights(module)
        if isinstance(module, XLMRobertaLMPredictionHead):
            init.zeros_(module.bias)
        elif isinstance(module, XLMRobertaEmbeddings):
            init.copy_(module.position_ids, torch.arange(module.position_ids.shape[1])[None])
            init.zeros_(module.token_type_ids)


class XLMRobertaEncoder(nn.Module):
    """The layers, one after the other."""

    def __init__(self, config: XLMRobertaConfig):
        super().__init__()
        self.layer = nn.ModuleList(
            XLMRobertaLayer(config, layer) for layer in range(config.num_hidden_layers)
        )

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> BaseModelOutput:
        """(batch, length, hidden_size) -> the same shape, as `last_hidden_state`."""
        for layer in self.layer:
            hidden_states = layer(hidden_states, attention_mask, **kwargs)
        return BaseModelOutput(last_hidden_state=hidden_states)


class XLMRobertaPooler(nn.Module):
    """One vector for the whole sequence, made from its first token's."""

    def __init__(self, config: XLMRobertaConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = nn.Tanh()

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, length, hidden_size) -> (batch, hidden_size)"""
        return self.activation(self.dense(hidden_states[:, 0]))


class XLMRobertaModel(XLMRobertaPreTrainedModel):
    """Embeddings, layers, and the pooled first token unless `add_pooling_layer` is false."""

    def __init__(self, config: XLMRobertaConfig, add_pooling_layer: bool = True):
        super().__init__(config)
        self.embeddings = XLMRobertaEmbeddings(config)
        self.encoder = XLMRobertaEncoder(config)
        self.pooler = XLMRobertaPooler(config) if add_pooling_layer else None
        self.gradient_checkpointing = False
        self.post_init()

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embeddings.word_embeddings

    def set_input_embeddings(self, value: nn.Embedding):
        self.embeddings.word_embeddings = value

    def embed(self, **inputs) -> torch.Tensor:
        """What the first layer is given: (batch, length, hidden_size)."""
        return self.embeddings(**inputs)

    def layer_mask(
        self, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None
    ) -> torch.Tensor | None:
        """The mask that each layer is given, as the attention implementation takes it."""
        return create_bidirectional_mask(
            config=self.config, inputs_embeds=hidden_states, attention_mask=attention_mask
        )

    @merge_with_config_defaults
    @capture_outputs
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.LongTensor | None = None,
        position_ids: torch.LongTensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> BaseModelOutputWithPooling:
        """(batch, length) token ids or their embeddings -> (batch, length, hidden_size).

        `attention_mask` is (batch, length), 0 for padding; `token_type_ids` tells the two halves
        of a pair of sentences apart.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("exactly one of input_ids and inputs_embeds is needed")
        hidden_states = self.embed(
            input_ids=input_ids,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
        )
        mask = self.layer_mask(hidden_states, attention_mask)
        hidden_states = self.encoder(hidden_states, mask, **kwargs).last_hidden_state
        return BaseModelOutputWithPooling(
            last_hidden_state=hidden_states,
            pooler_output=None if self.pooler is None else self.pooler(hidden_states),
        )


class XLMRobertaForMaskedLM(XLMRobertaPreTrainedModel):
    """The encoder with a head that predicts the words behind masks."""

    _tied_weights_keys = {
        "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
        "lm_head.decoder.bias": "lm_head.bias",
    }

    def __init__(self, config: XLMRobertaConfig):
        super().__init__(config)
        self.roberta = XLMRobertaModel(config, add_pooling_layer=False)
        self.lm_head = XLMRobertaLMPredictionHead(config)
        self.post_init()

    def get_output_embeddings(self) -> nn.Linear:
        return self.lm_head.decoder

    def set_output_embeddings(self, new_embeddings: nn.Linear):
        self.lm_head.decoder = new_embeddings
        self.lm_head.bias = new_embeddings.bias

    def vocabulary_logits(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., vocab_size)"""
        return self.lm_head(hidden_states)

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.LongTensor | None = None,
        position_ids: torch.LongTensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.LongTensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> MaskedLMOutput:
        """(batch, length) -> logits (batch, length, vocab_size), and the loss if there are labels.

        `labels` are token ids, -100 where none is scored.
        """
        outputs = self.base_model(
            input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            **kwargs,
        )
        logits = self.vocabulary_logits(outputs.last_hidden_state)
        loss = None
        if labels is not None:
            loss = self.loss_function(logits, labels, vocab_size=self.config.vocab_size, **kwargs)
        return MaskedLMOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )


def classifier_dropout(config: XLMRobertaConfig) -> nn.Dropout:
    """The dropout in front of a linear head."""
    if config.classifier_dropout is None:
        return nn.Dropout(config.hidden_dropout_prob)
    return nn.Dropout(config.classifier_dropout)


class XLMRobertaClassificationHead(nn.Module):
    """Scores a whole sequence from its first token's hidden state."""

    def __init__(self, config: XLMRobertaConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = classifier_dropout(config)
        self.out_proj = nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, length, hidden_size) -> (batch, num_labels)"""
        first = self.dropout(hidden_states[:, 0])
        return self.out_proj(self.dropout(torch.tanh(self.dense(first))))


class XLMRobertaForSequenceClassification(XLMRobertaPreTrainedModel):
    """The encoder with a head of two layers on each sequence's first token."""

    def __init__(self, config: XLMRobertaConfig):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.roberta = XLMRobertaModel(config, add_pooling_layer=False)
        self.classifier = XLMRobertaClassificationHead(config)
        self.post_init()

    def sequence_logits(self, outputs: BaseModelOutputWithPooling) -> torch.Tensor:
        """What the encoder returns -> (batch, num_labels)"""
        return self.classifier(outputs.last_hidden_state)

    def sequence_loss(
        self, logits: torch.Tensor, labels: torch.Tensor, **kwargs: Unpack[TransformersKwargs]
    ) -> torch.Tensor:
        """The mean over the sequences, as the config's `problem_type` asks for."""
        return self.loss_function(labels=labels, pooled_logits=logits, config=self.config, **kwargs)

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.LongTensor | None = None,
        position_ids: torch.LongTensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> SequenceClassifierOutput:
        """(batch, length) -> logits (batch, num_labels), and the loss if there are labels.

        `labels` are classes (batch,), numbers for regression, or (batch, num_labels) of 0 and 1.
        """
        outputs = self.base_model(
            input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            **kwargs,
        )
        logits = self.sequence_logits(outputs)
        loss = None
        if labels is not None:
            loss = self.sequence_loss(logits, labels, **kwargs)
        return SequenceClassifierOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )


class XLMRobertaForTokenClassification(XLMRobertaPreTrainedModel):
    """The encoder with a linear head on each token."""

    def __init__(self, config: XLMRobertaConfig):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.roberta = XLMRobertaModel(config, add_pooling_layer=False)
        self.dropout = classifier_dropout(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def token_logits(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, length, hidden_size) -> (batch, length, num_labels)"""
        return self.classifier(self.dropout(hidden_states))

    def token_loss(
        self,
        logits: torch.Tensor,
        labels: torch.LongTensor,
        attention_mask: torch.Tensor | None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> torch.Tensor:
        """The mean over the tokens that are scored: all with a label other than -100."""
        return self.loss_function(logits, labels, config=self.config, **kwargs)

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.LongTensor | None = None,
        position_ids: torch.LongTensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.LongTensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> TokenClassifierOutput:
        """(batch, length) -> logits (batch, length, num_labels), and the loss if there are labels.

        `labels` are classes (batch, length), -100 where none is scored.
        """
        outputs = self.base_model(
            input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            **kwargs,
        )
        logits = self.token_logits(outputs.last_hidden_state)
        loss = None
        if labels is not None:
            loss = self.token_loss(logits, labels, attention_mask, **kwargs)
        return TokenClassifierOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )


class XLMRobertaForQuestionAnswering(XLMRobertaPreTrainedModel):
    """The encoder with a head that scores each token as an answer's first and last one."""

    def __init__(self, config: XLMRobertaConfig):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.roberta = XLMRobertaModel(config, add_pooling_layer=False)
        self.qa_outputs = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.LongTensor | None = None,
        position_ids: torch.LongTensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        start_positions: torch.LongTensor | None = None,
        end_positions: torch.LongTensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> QuestionAnsweringModelOutput:
        """(batch, length) -> two logits (batch, length), and the loss if both positions are given.

        A position (batch,) outside the sequence is not scored.
        """
        outputs = self.base_model(
            input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            **kwargs,
        )
        start_logits, end_logits = self.qa_outputs(outputs.last_hidden_state).unbind(-1)
        start_logits, end_logits = start_logits.contiguous(), end_logits.contiguous()
        loss = None
        if start_positions is not None and end_positions is not None:
            loss = self.loss_function(
                start_logits, end_logits, start_positions, end_positions, **kwargs
            )
        return QuestionAnsweringModelOutput(
            loss=loss,
            start_logits=start_logits,
            end_logits=end_logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )


class XLMRobertaForMultipleChoice(XLMRobertaPreTrainedModel):
    """The encoder with a head that scores each of several sequences as the right one."""

    def __init__(self, config: XLMRobertaConfig):
        super().__init__(config)
        self.roberta = XLMRobertaModel(config)
        self.dropout = classifier_dropout(config)
        self.classifier = nn.Linear(config.hidden_size, 1)
        self.post_init()

    def sequence_logits(self, outputs: BaseModelOutputWithPooling) -> torch.Tensor:
        """What the encoder returns -> (batch * choices, 1)"""
        return self.classifier(self.dropout(outputs.pooler_output))

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.LongTensor | None = None,
        position_ids: torch.LongTensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.LongTensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> MultipleChoiceModelOutput:
        """(batch, choices, length) -> logits (batch, choices), and the loss if there are labels.

        All inputs have the dimension of choices; `labels` are the right ones, (batch,).
        """
        given = input_ids if input_ids is not None else inputs_embeds
        choices = given.shape[1]
        inputs = (input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
        input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds = (
            None if each is None else each.flatten(0, 1) for each in inputs
        )
        outputs = self.base_model(
            input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            **kwargs,
        )
        logits = self.sequence_logits(outputs).view(-1, choices)
        loss = None
        if labels is not None:
            loss = nn.functional.cross_entropy(logits, labels)
        return MultipleChoiceModelOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )


__all__ = [
    "XLMRobertaForMaskedLM",
    "XLMRobertaForMultipleChoice",
    "XLMRobertaForQuestionAnswering",
    "XLMRobertaForSequenceClassification",
    "XLMRobertaForTokenClassification",
    "XLMRobertaModel",
    "XLMRobertaPreTrainedModel",
]
