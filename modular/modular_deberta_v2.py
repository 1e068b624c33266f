import math

import torch
from torch import nn
from transformers import initialization as init
from transformers.activations import ACT2FN
from transformers.modeling_outputs import BaseModelOutput, BaseModelOutputWithPooling
from transformers.modeling_utils import PreTrainedModel
from transformers.processing_utils import Unpack
from transformers.pytorch_utils import apply_chunking_to_forward
from transformers.utils import TransformersKwargs

from models.bert.configuration_bert import BertConfig
from models.bert.modeling_bert import (
    BertEncoder,
    BertForMaskedLM,
    BertForMultipleChoice,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertLayer,
    BertLMPredictionHead,
    BertModel,
    BertOnlyMLMHead,
    BertPredictionHeadTransform,
    BertPreTrainedModel,
    BertSelfAttention,
)


class DebertaV2Config(BertConfig):
    """Sizes and switches of a DeBERTa encoder, version 2; as it stands, the released xxlarge's.

    Papers: DeBERTa (He et al. 2020, arXiv:2006.03654) and DeBERTaV3 (He et al. 2021,
    arXiv:2111.09543). Sizes, vocabulary and the norms' epsilon are those of the `config.json`
    released with the weights, which also set what is no field: see the class attributes.
    """

    model_type = "deberta-v2"

    vocab_size: int = 128100
    hidden_size: int = 1536
    num_hidden_layers: int = 24
    num_attention_heads: int = 24
    intermediate_size: int = 6144
    type_vocab_size: int = 0
    layer_norm_eps: float = 1e-7
    relative_attention: bool = False
    max_relative_positions: int = -1  # not positive: max_position_embeddings
    position_biased_input: bool = True  # whether absolute positions are added to the words
    pos_att_type: str | list[str] | None = None  # of "c2p" and "p2c"; "c2p|p2c" means both
    pooler_dropout: float | int = 0.0
    pooler_hidden_act: str = "gelu"
    legacy: bool = True  # whether masked words are predicted by a head with weights of its own

    # What released files set beside the fields; not written to a file unless it is set.
    position_buckets = -1  # of logarithmic width; not positive: each distance has its own
    share_att_key = False  # whether positions are projected like words
    norm_rel_ebd = "none"  # "layer_norm": relative positions are normed
    embedding_size = None  # None: hidden_size
    attention_head_size = None  # None: hidden_size / num_attention_heads
    conv_kernel_size = 0  # of a convolution beside the first layer; 0: there is none
    conv_groups = 1
    conv_act = "tanh"
    cls_dropout = None  # in front of a sequence's head; None: hidden_dropout_prob

    use_cache = AttributeError()
    classifier_dropout = AttributeError()
    is_decoder = AttributeError()
    add_cross_attention = AttributeError()

    def __post_init__(self, **kwargs):
        if isinstance(self.pos_att_type, str):
            self.pos_att_type = [each.strip() for each in self.pos_att_type.lower().split("|")]
        self.pooler_hidden_size = kwargs.pop("pooler_hidden_size", self.hidden_size)
        super().__post_init__(**kwargs)


def classifier_dropout(config: DebertaV2Config) -> nn.Dropout:
    """The dropout in front of a head for whole sequences."""
    if config.cls_dropout is None:
        return nn.Dropout(config.hidden_dropout_prob)
    return nn.Dropout(config.cls_dropout)


def relative_span(config: DebertaV2Config) -> int:
    """How many relative positions to either side are told apart."""
    if config.position_buckets > 0:
        return config.position_buckets
    if config.max_relative_positions > 0:
        return config.max_relative_positions
    return config.max_position_embeddings


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


class DebertaV2SelfAttention(BertSelfAttention):
    """Each token attends to all tokens: by what they are, and by how far away they are.

    Beside content to content, the scores have content to position ("c2p") and position to content
    ("p2c"): equation 4 of the paper. Positions are relative, with embeddings that all layers share.
    """

    def __init__(self, config: DebertaV2Config, layer_idx: int | None = None):
        nn.Module.__init__(self)
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

    def attend(self):
        raise AttributeError("positions take part in these scores: no other implementation fits")


class DebertaV2Layer(BertLayer):
    """Attention, then feed-forward, then a convolution if there is one; each normed behind its sum."""

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor,
        position_embeddings: torch.Tensor | None = None,
        convolution: nn.Module | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> torch.Tensor:
        attended = self.attention(
            hidden_states, attention_mask, position_embeddings=position_embeddings, **kwargs
        )
        output = apply_chunking_to_forward(
            self.feed_forward, self.chunk_size_feed_forward, 1, attended
        )
        if convolution is None:
            return output
        return convolution(hidden_states, output, attention_mask)


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


class DebertaV2Encoder(BertEncoder):
    """The layers, one after the other, with one table of relative positions for all of them."""

    def __init__(self, config: DebertaV2Config):
        super().__init__(config)
        self.config = config
        self.has_relative_positions = config.relative_attention
        if config.relative_attention:
            self.rel_embeddings = nn.Embedding(2 * relative_span(config), config.hidden_size)
        self.is_normed = "layer_norm" in config.norm_rel_ebd.lower().split("|")
        if self.is_normed:
            self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.conv = DebertaV2Convolution(config) if config.conv_kernel_size > 0 else None

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

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor,
        **kwargs: Unpack[TransformersKwargs],
    ) -> BaseModelOutput:
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


class DebertaV2PredictionHeadTransform(BertPredictionHeadTransform):
    """What the masked language model does before it compares with the embeddings."""

    def __init__(self, config: DebertaV2Config):
        super().__init__(config)
        size = config.embedding_size or config.hidden_size
        self.dense = nn.Linear(config.hidden_size, size)
        self.LayerNorm = nn.LayerNorm(size, eps=config.layer_norm_eps)


class DebertaV2LMPredictionHead(BertLMPredictionHead):
    def __init__(self, config: DebertaV2Config):
        super().__init__(config)
        self.decoder = nn.Linear(config.embedding_size or config.hidden_size, config.vocab_size)


class DebertaV2OnlyMLMHead(BertOnlyMLMHead):
    """Keeps the head's place in checkpoints."""


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


class DebertaV2PreTrainedModel(BertPreTrainedModel):
    base_model_prefix = "deberta"
    _keys_to_ignore_on_load_unexpected = ["position_embeddings"]
    # Scores of positions are added to those of contents, which only written out attention does.
    _supports_flash_attn = False
    _supports_sdpa = False
    _supports_flex_attn = False
    _supports_attention_backend = False

    def _init_weights(self, module: nn.Module):
        PreTrainedModel._init_weights(self, module)
        if isinstance(module, (DebertaV2LMPredictionHead, DebertaV2SharedLMPredictionHead)):
            init.zeros_(module.bias)
        elif isinstance(module, DebertaV2Embeddings):
            init.copy_(module.position_ids, torch.arange(module.position_ids.shape[1])[None])


class DebertaV2Model(BertModel):
    """Embeddings and layers."""

    def __init__(self, config: DebertaV2Config):
        DebertaV2PreTrainedModel.__init__(self, config)
        self.embeddings = DebertaV2Embeddings(config)
        self.encoder = DebertaV2Encoder(config)
        self.pooler = None
        self.post_init()

    def layer_mask(
        self, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None
    ) -> torch.Tensor:
        """(batch, length), 0 for padding: the attention is not the only one to know of it."""
        if attention_mask is None:
            return torch.ones_like(hidden_states[..., 0], dtype=torch.long)
        return attention_mask


class DebertaV2ForMaskedLM(BertForMaskedLM):
    _tied_weights_keys = {
        "cls.predictions.decoder.weight": "deberta.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    }

    def __init__(self, config: DebertaV2Config):
        DebertaV2PreTrainedModel.__init__(self, config)
        self.deberta = DebertaV2Model(config)
        if config.legacy:
            self.cls = DebertaV2OnlyMLMHead(config)
        else:
            self._tied_weights_keys = {}
            self.lm_predictions = DebertaV2SharedMLMHead(config)
        self.post_init()

    def vocabulary_logits(self, hidden_states: torch.Tensor) -> torch.Tensor:
        if self.config.legacy:
            return self.cls(hidden_states)
        return self.lm_predictions(hidden_states, self.get_input_embeddings().weight)


class DebertaV2ForSequenceClassification(BertForSequenceClassification):
    def __init__(self, config: DebertaV2Config):
        DebertaV2PreTrainedModel.__init__(self, config)
        self.num_labels = config.num_labels
        self.deberta = DebertaV2Model(config)
        self.pooler = DebertaV2ContextPooler(config)
        self.classifier = nn.Linear(config.pooler_hidden_size, config.num_labels)
        self.dropout = classifier_dropout(config)
        self.post_init()

    def sequence_logits(self, outputs: BaseModelOutputWithPooling) -> torch.Tensor:
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


class DebertaV2ForTokenClassification(BertForTokenClassification):
    def __init__(self, config: DebertaV2Config):
        DebertaV2PreTrainedModel.__init__(self, config)
        self.num_labels = config.num_labels
        self.deberta = DebertaV2Model(config)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()


class DebertaV2ForQuestionAnswering(BertForQuestionAnswering):
    def __init__(self, config: DebertaV2Config):
        DebertaV2PreTrainedModel.__init__(self, config)
        self.num_labels = config.num_labels
        self.deberta = DebertaV2Model(config)
        self.qa_outputs = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()


class DebertaV2ForMultipleChoice(BertForMultipleChoice):
    def __init__(self, config: DebertaV2Config):
        DebertaV2PreTrainedModel.__init__(self, config)
        self.deberta = DebertaV2Model(config)
        self.pooler = DebertaV2ContextPooler(config)
        self.classifier = nn.Linear(config.pooler_hidden_size, 1)
        self.dropout = classifier_dropout(config)
        self.post_init()

    def sequence_logits(self, outputs: BaseModelOutputWithPooling) -> torch.Tensor:
        return self.classifier(self.dropout(self.pooler(outputs.last_hidden_state)))


__all__ = [
    "DebertaV2Config",
    "DebertaV2ForMaskedLM",
    "DebertaV2ForMultipleChoice",
    "DebertaV2ForQuestionAnswering",
    "DebertaV2ForSequenceClassification",
    "DebertaV2ForTokenClassification",
    "DebertaV2Model",
    "DebertaV2PreTrainedModel",
]
