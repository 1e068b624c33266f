# unravel: generated from modular/modular_deberta_v2.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: 59e50b499aa4a75c

import math

import torch
from torch import nn
from transformers import initialization as init
from transformers.activations import ACT2FN
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
from transformers.modeling_utils import PreTrainedModel
from transformers.processing_utils import Unpack
from transformers.pytorch_utils import apply_chunking_to_forward
from transformers.utils import TransformersKwargs, can_return_tuple
from transformers.utils.generic import merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs

from .configuration_deberta_v2 import DebertaV2Config


class DebertaV2Embeddings(nn.Module):
    """Words, and positions and token types where the config has them: projected, summed, normed."""

    def __init__(self, config: DebertaV2Config):
        super().__init__()
        size = config.embedding_size or config.hidden_size
        self.word_embeddings = nn.Embedding(
            config.vocab_size, size, padding_idx=config.pad_token_id
        )
        self.position_embeddings = (
            nn.Embedding(config.max_position_embeddings, size)
            if config.position_biased_input
            else None
        )
        if config.type_vocab_size:
            self.token_type_embeddings = nn.Embedding(config.type_vocab_size, size)
        self.has_token_types = config.type_vocab_size > 0
        self.embed_proj = (
            nn.Identity()
            if size == config.hidden_size
            else nn.Linear(size, config.hidden_size, bias=False)
        )
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        positions = torch.arange(config.max_position_embeddings)[None]
        self.register_buffer("position_ids", positions, persistent=False)

    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        token_type_ids: torch.LongTensor | None = None,
        position_ids: torch.LongTensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """(batch, length) token ids or their embeddings -> (batch, length, hidden_size)."""
        embeddings = self.word_embeddings(input_ids) if inputs_embeds is None else inputs_embeds
        if self.position_embeddings is not None:
            if position_ids is None:
                position_ids = self.position_ids[:, : embeddings.shape[1]]
            embeddings = embeddings + self.position_embeddings(position_ids)
        if self.has_token_types:
            if token_type_ids is None:
                token_type_ids = torch.zeros_like(embeddings[..., 0], dtype=torch.long)
            embeddings = embeddings + self.token_type_embeddings(token_type_ids)
        return self.dropout(self.LayerNorm(self.embed_proj(embeddings)))


class DebertaV2SelfAttention(nn.Module):
    """Each token attends to all tokens: by what they are, and by how far away they are.

    Beside content to content, the scores have content to position ("c2p") and position to content
    ("p2c"): equation 4 of the paper. Positions are relative, with embeddings that all layers share.
    """

    def __init__(self, config: DebertaV2Config, layer_idx: int | None = None):
        super().__init__()
        if config.hidden_size % config.num_attention_heads:
            raise ValueError(
                f"hidden_size ({config.hidden_size}) is not a multiple of num_attention_heads "
                f"({config.num_attention_heads})"
            )
        self.config = config
        self.num_attention_heads = config.num_attention_heads
        self.attention_head_size = (
            config.attention_head_size or config.hidden_size // config.num_attention_heads
        )
        size = self.num_attention_heads * self.attention_head_size
        self.query_proj = nn.Linear(config.hidden_size, size)
        self.key_proj = nn.Linear(config.hidden_size, size)
        self.value_proj = nn.Linear(config.hidden_size, size)
        kinds = config.pos_att_type if config.relative_attention and config.pos_att_type else []
        self.is_c2p, self.is_p2c = "c2p" in kinds, "p2c" in kinds
        if not config.share_att_key:
            if self.is_c2p:
                self.pos_key_proj = nn.Linear(config.hidden_size, size)
            if self.is_p2c:
                self.pos_query_proj = nn.Linear(config.hidden_size, size)
        self.pos_dropout = nn.Dropout(config.hidden_dropout_prob)
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)
        self.num_terms = 1 + self.is_c2p + self.is_p2c

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor,
        position_embeddings: torch.Tensor | None = None,
        relative_positions: torch.LongTensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(batch, length, hidden_size) -> the same shape, and the weights.

        `attention_mask` is (batch, length), 0 for padding.
        """
        query = self.heads(self.query_proj(hidden_states))
        key = self.heads(self.key_proj(hidden_states))
        value = self.heads(self.value_proj(hidden_states))
        scores = query @ (key.transpose(-1, -2) / self.divisor(key))
        if position_embeddings is not None:
            position_embeddings = self.pos_dropout(position_embeddings)
            scores = scores + self.position_scores(
                query, key, position_embeddings, relative_positions
            )
        allowed = (attention_mask[:, None, None] * attention_mask[:, None, :, None]).bool()
        scores = scores.masked_fill(~allowed, torch.finfo(scores.dtype).min)
        weights = self.dropout(nn.functional.softmax(scores, dim=-1))
        return (weights @ value).transpose(1, 2).flatten(2), weights

    def heads(self, states: torch.Tensor) -> torch.Tensor:
        """(..., length, heads * head_size) -> (..., heads, length, head_size)"""
        return states.unflatten(-1, (-1, self.attention_head_size)).transpose(-3, -2)

    def divisor(self, states: torch.Tensor) -> torch.Tensor:
        """What the scores are divided by: a scalar of the states' dtype, rounded to it."""
        size = self.num_terms * self.attention_head_size
        return torch.full((), math.sqrt(size), dtype=states.dtype, device=states.device)

    def position_scores(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        position_embeddings: torch.Tensor,
        relative_positions: torch.LongTensor,
    ) -> torch.Tensor | float:
        """What positions add to the scores: (batch, heads, length, length).

        `position_embeddings` is (2 * span, hidden_size), `relative_positions` (length, length).
        """
        span = position_embeddings.shape[0] // 2
        shape = (*query.shape[:-1], query.shape[-2])
        scores = 0.0
        if self.is_c2p:
            project = self.key_proj if self.config.share_att_key else self.pos_key_proj
            c2p = query @ self.heads(project(position_embeddings)).transpose(-1, -2)
            index = (relative_positions + span).clamp(0, 2 * span - 1)
            scores = c2p.gather(-1, index.expand(shape)) / self.divisor(query)
        if self.is_p2c:
            project = self.query_proj if self.config.share_att_key else self.pos_query_proj
            p2c = key @ self.heads(project(position_embeddings)).transpose(-1, -2)
            index = (span - relative_positions).clamp(0, 2 * span - 1)
            p2c = p2c.gather(-1, index.expand(shape)).transpose(-1, -2)
            scores = scores + p2c / self.divisor(query)
        return scores


class DebertaV2SelfOutput(nn.Module):
    """Projects what the heads found, adds what they were given, norms the sum."""

    def __init__(self, config: DebertaV2Config):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, hidden_states: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        """Two tensors (batch, length, hidden_size) -> one."""
        return self.LayerNorm(self.dropout(self.dense(hidden_states)) + residual)


class DebertaV2Attention(nn.Module):
    """Self-attention with its output projection, residual and norm."""

    def __init__(self, config: DebertaV2Config, layer_idx: int | None = None):
        super().__init__()
        self.self = DebertaV2SelfAttention(config, layer_idx)
        self.output = DebertaV2SelfOutput(config)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> torch.Tensor:
        """(batch, length, hidden_size) -> the same shape."""
        attended, _ = self.self(hidden_states, attention_mask, **kwargs)
        return self.output(attended, hidden_states)


class DebertaV2Intermediate(nn.Module):
    """The first half of the feed-forward network."""

    def __init__(self, config: DebertaV2Config):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)
        self.intermediate_act_fn = ACT2FN[config.hidden_act]

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., intermediate_size)"""
        return self.intermediate_act_fn(self.dense(hidden_states))


class DebertaV2Output(nn.Module):
    """The second half of the feed-forward network, with residual and norm."""

    def __init__(self, config: DebertaV2Config):
        super().__init__()
        self.dense = nn.Linear(config.intermediate_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, hidden_states: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        """(..., intermediate_size) and (..., hidden_size) -> (..., hidden_size)"""
        return self.LayerNorm(self.dropout(self.dense(hidden_states)) + residual)


class DebertaV2Layer(GradientCheckpointingLayer):
    """Attention, then feed-forward, then a convolution if there is one; each normed behind its sum."""

    def __init__(self, config: DebertaV2Config, layer_idx: int | None = None):
        super().__init__()
        self.chunk_size_feed_forward = config.chunk_size_feed_forward
        self.attention = DebertaV2Attention(config, layer_idx)
        self.intermediate = DebertaV2Intermediate(config)
        self.output = DebertaV2Output(config)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor,
        position_embeddings: torch.Tensor | None = None,
        convolution: nn.Module | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> torch.Tensor:
        """(batch, length, hidden_size) -> the same shape; the rest goes to the attention."""
        attended = self.attention(
            hidden_states, attention_mask, position_embeddings=position_embeddings, **kwargs
        )
        output = apply_chunking_to_forward(
            self.feed_forward, self.chunk_size_feed_forward, 1, attended
        )
        if convolution is None:
            return output
        return convolution(hidden_states, output, attention_mask)

    def feed_forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, length, hidden_size) -> the same shape, each position by itself."""
        return self.output(self.intermediate(hidden_states), hidden_states)


class DebertaV2Convolution(nn.Module):
    """Looks at each token's neighbours, beside the first layer (section 5 of DeBERTa's paper)."""

    def __init__(self, config: DebertaV2Config):
        super().__init__()
        self.conv = nn.Conv1d(
            config.hidden_size,
            config.hidden_size,
            config.conv_kernel_size,
            padding=(config.conv_kernel_size - 1) // 2,
            groups=config.conv_groups,
        )
        self.conv_act_fn = ACT2FN[config.conv_act]
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(
        self, hidden_states: torch.Tensor, residual: torch.Tensor, attention_mask: torch.Tensor
    ) -> torch.Tensor:
        """Two tensors (batch, length, hidden_size) -> one, zero where `attention_mask` is."""
        is_token = attention_mask[..., None].to(hidden_states.dtype)
        convolved = self.conv(hidden_states.transpose(1, 2)).transpose(1, 2) * is_token
        return self.LayerNorm(residual + self.conv_act_fn(self.dropout(convolved))) * is_token


def relative_span(config: DebertaV2Config) -> int:
    """How many relative positions to either side are told apart."""
    if config.position_buckets > 0:
        return config.position_buckets
    if config.max_relative_positions > 0:
        return config.max_relative_positions
    return config.max_position_embeddings


class DebertaV2Encoder(nn.Module):
    """The layers, one after the other, with one table of relative positions for all of them."""

    def __init__(self, config: DebertaV2Config):
        super().__init__()
        self.layer = nn.ModuleList(
            DebertaV2Layer(config, layer) for layer in range(config.num_hidden_layers)
        )
        self.config = config
        self.has_relative_positions = config.relative_attention
        if config.relative_attention:
            self.rel_embeddings = nn.Embedding(2 * relative_span(config), config.hidden_size)
        self.is_normed = "layer_norm" in config.norm_rel_ebd.lower().split("|")
        if self.is_normed:
            self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.conv = DebertaV2Convolution(config) if config.conv_kernel_size > 0 else None

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor,
        **kwargs: Unpack[TransformersKwargs],
    ) -> BaseModelOutput:
        """(batch, length, hidden_size) -> the same shape, as `last_hidden_state`."""
        position_embeddings = relative_positions = None
        if self.has_relative_positions:
            position_embeddings = self.rel_embeddings.weight
            if self.is_normed:
                position_embeddings = self.LayerNorm(position_embeddings)
            relative_positions = self.relative_positions(
                hidden_states.shape[1], hidden_states.device
            )
        hidden_states = hidden_states * attention_mask[..., None].to(hidden_states.dtype)
        for index, layer in enumerate(self.layer):
            hidden_states = layer(
                hidden_states,
                attention_mask,
                position_embeddings,
                self.conv if index == 0 else None,
                relative_positions=relative_positions,
                **kwargs,
            )
        return BaseModelOutput(last_hidden_state=hidden_states)

    def relative_positions(self, length: int, device: torch.device) -> torch.LongTensor:
        """How far each token stands behind each other one: (length, length).

        With buckets, the distances from half their number on are told apart by their logarithm.
        """
        positions = torch.arange(length, device=device)
        distances = positions[:, None] - positions
        half = self.config.position_buckets // 2
        if half <= 0:
            return distances
        furthest = self.config.max_relative_positions
        if furthest < 1:
            furthest = self.config.max_position_embeddings
        # float32, whatever the model's dtype: bfloat16 does not tell the distances apart
        ratio = torch.log(distances.abs().clamp(min=half) / half) / math.log((furthest - 1) / half)
        buckets = half + torch.ceil(ratio * (half - 1)).long()
        return torch.where(distances.abs() <= half, distances, distances.sign() * buckets)


class DebertaV2ContextPooler(nn.Module):
    """One vector for the whole sequence, made from its first token's."""

    def __init__(self, config: DebertaV2Config):
        super().__init__()
        self.dense = nn.Linear(config.pooler_hidden_size, config.pooler_hidden_size)
        self.dropout = nn.Dropout(config.pooler_dropout)
        self.activation = ACT2FN[config.pooler_hidden_act]

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, length, hidden_size) -> (batch, hidden_size)"""
        return self.activation(self.dense(self.dropout(hidden_states[:, 0])))


class DebertaV2PredictionHeadTransform(nn.Module):
    """What the masked language model does before it compares with the embeddings."""

    def __init__(self, config: DebertaV2Config):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.transform_act_fn = ACT2FN[config.hidden_act]
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        size = config.embedding_size or config.hidden_size
        self.dense = nn.Linear(config.hidden_size, size)
        self.LayerNorm = nn.LayerNorm(size, eps=config.layer_norm_eps)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> the same shape."""
        return self.LayerNorm(self.transform_act_fn(self.dense(hidden_states)))


class DebertaV2LMPredictionHead(nn.Module):
    """Scores each word of the vocabulary; the decoder's weight is that of the embeddings."""

    def __init__(self, config: DebertaV2Config):
        super().__init__()
        self.transform = DebertaV2PredictionHeadTransform(config)
        self.decoder = nn.Linear(config.embedding_size or config.hidden_size, config.vocab_size)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))  # tied to the decoder's

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., vocab_size)"""
        return self.decoder(self.transform(hidden_states))


class DebertaV2OnlyMLMHead(nn.Module):
    """Keeps the head's place in checkpoints."""

    def __init__(self, config: DebertaV2Config):
        super().__init__()
        self.predictions = DebertaV2LMPredictionHead(config)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., vocab_size)"""
        return self.predictions(hidden_states)


class DebertaV2SharedLMPredictionHead(nn.Module):
    """Scores each word of the vocabulary by its embedding."""

    def __init__(self, config: DebertaV2Config):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.transform_act_fn = ACT2FN[config.hidden_act]
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, hidden_states: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) and (vocab_size, hidden_size) -> (..., vocab_size)"""
        hidden_states = self.LayerNorm(self.transform_act_fn(self.dense(hidden_states)))
        return hidden_states @ embeddings.t() + self.bias


class DebertaV2SharedMLMHead(nn.Module):
    """Keeps the head's place in checkpoints."""

    def __init__(self, config: DebertaV2Config):
        super().__init__()
        self.lm_head = DebertaV2SharedLMPredictionHead(config)

    def forward(self, hidden_states: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) and (vocab_size, hidden_size) -> (..., vocab_size)"""
        return self.lm_head(hidden_states, embeddings)


class DebertaV2PreTrainedModel(PreTrainedModel):
    """What the library needs to know to initialise, load, split and run these models."""

    config: DebertaV2Config
    base_model_prefix = "deberta"
    supports_gradient_checkpointing = True
    _no_split_modules = ["DebertaV2Embeddings", "DebertaV2Layer"]
    # Scores of positions are added to those of contents, which only written out attention does.
    _supports_flash_attn = False
    _supports_sdpa = False
    _supports_flex_attn = False
    _supports_attention_backend = False
    _can_compile_fullgraph = True
    _can_record_outputs = {"hidden_states": DebertaV2Layer, "attentions": DebertaV2SelfAttention}
    _keys_to_ignore_on_load_unexpected = ["position_embeddings"]

    def _init_weights(self, module: nn.Module):
        super()._init_weights(module)
        if isinstance(module, (DebertaV2LMPredictionHead, DebertaV2SharedLMPredictionHead)):
            init.zeros_(module.bias)
        elif isinstance(module, DebertaV2Embeddings):
            init.copy_(module.position_ids, torch.arange(module.position_ids.shape[1])[None])


class DebertaV2Model(DebertaV2PreTrainedModel):
    """Embeddings and layers."""

    def __init__(self, config: DebertaV2Config):
        super().__init__(config)
        self.embeddings = DebertaV2Embeddings(config)
        self.encoder = DebertaV2Encoder(config)
        self.pooler = None
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
    ) -> torch.Tensor:
        """(batch, length), 0 for padding: the attention is not the only one to know of it."""
        if attention_mask is None:
            return torch.ones_like(hidden_states[..., 0], dtype=torch.long)
        return attention_mask

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


class DebertaV2ForMaskedLM(DebertaV2PreTrainedModel):
    """The encoder with a head that predicts the words behind masks."""

    _tied_weights_keys = {
        "cls.predictions.decoder.weight": "deberta.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    }

    def __init__(self, config: DebertaV2Config):
        super().__init__(config)
        self.deberta = DebertaV2Model(config)
        if config.legacy:
            self.cls = DebertaV2OnlyMLMHead(config)
        else:
            self._tied_weights_keys = {}
            self.lm_predictions = DebertaV2SharedMLMHead(config)
        self.post_init()

    def get_output_embeddings(self) -> nn.Linear:
        return self.cls.predictions.decoder

    def set_output_embeddings(self, new_embeddings: nn.Linear):
        self.cls.predictions.decoder = new_embeddings
        self.cls.predictions.bias = new_embeddings.bias

    def vocabulary_logits(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., vocab_size)"""
        if self.config.legacy:
            return self.cls(hidden_states)
        return self.lm_predictions(hidden_states, self.get_input_embeddings().weight)

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


def classifier_dropout(config: DebertaV2Config) -> nn.Dropout:
    """The dropout in front of a head for whole sequences."""
    if config.cls_dropout is None:
        return nn.Dropout(config.hidden_dropout_prob)
    return nn.Dropout(config.cls_dropout)


class DebertaV2ForSequenceClassification(DebertaV2PreTrainedModel):
    """The encoder with a linear head on the pooled sequence."""

    def __init__(self, config: DebertaV2Config):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.deberta = DebertaV2Model(config)
        self.pooler = DebertaV2ContextPooler(config)
        self.classifier = nn.Linear(config.pooler_hidden_size, config.num_labels)
        self.dropout = classifier_dropout(config)
        self.post_init()

    def sequence_logits(self, outputs: BaseModelOutputWithPooling) -> torch.Tensor:
        """What the encoder returns -> (batch, num_labels)"""
        return self.classifier(self.dropout(self.pooler(outputs.last_hidden_state)))

    def sequence_loss(
        self, logits: torch.Tensor, labels: torch.Tensor, **kwargs: Unpack[TransformersKwargs]
    ) -> torch.Tensor:
        """As the config's `problem_type` asks for; without one, labels may be probabilities.

        These are (batch, num_labels). A class below 0 is not scored.
        """
        if self.config.problem_type is not None or self.num_labels == 1:
            return self.loss_function(
                labels=labels, pooled_logits=logits, config=self.config, **kwargs
            )
        if labels.dim() == 2:
            return -(logits.log_softmax(dim=-1) * labels).sum(dim=-1).mean()
        return nn.functional.cross_entropy(logits, labels.clamp(min=-1), ignore_index=-1)

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


class DebertaV2ForTokenClassification(DebertaV2PreTrainedModel):
    """The encoder with a linear head on each token."""

    def __init__(self, config: DebertaV2Config):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.deberta = DebertaV2Model(config)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
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


class DebertaV2ForQuestionAnswering(DebertaV2PreTrainedModel):
    """The encoder with a head that scores each token as an answer's first and last one."""

    def __init__(self, config: DebertaV2Config):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.deberta = DebertaV2Model(config)
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


class DebertaV2ForMultipleChoice(DebertaV2PreTrainedModel):
    """The encoder with a head that scores each of several sequences as the right one."""

    def __init__(self, config: DebertaV2Config):
        super().__init__(config)
        self.deberta = DebertaV2Model(config)
        self.pooler = DebertaV2ContextPooler(config)
        self.classifier = nn.Linear(config.pooler_hidden_size, 1)
        self.dropout = classifier_dropout(config)
        self.post_init()

    def sequence_logits(self, outputs: BaseModelOutputWithPooling) -> torch.Tensor:
        """What the encoder returns -> (batch * choices, 1)"""
        return self.classifier(self.dropout(self.pooler(outputs.last_hidden_state)))

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
    "DebertaV2ForMaskedLM",
    "DebertaV2ForMultipleChoice",
    "DebertaV2ForQuestionAnswering",
    "DebertaV2ForSequenceClassification",
    "DebertaV2ForTokenClassification",
    "DebertaV2Model",
    "DebertaV2PreTrainedModel",
]
