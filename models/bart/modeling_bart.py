import math
from collections.abc import Callable

import torch
from torch import nn
from transformers import initialization as init
from transformers.activations import ACT2FN
from transformers.cache_utils import Cache, DynamicCache, EncoderDecoderCache
from transformers.generation import GenerationMixin
from transformers.masking_utils import create_bidirectional_mask, create_causal_mask
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import (
    BaseModelOutput,
    BaseModelOutputWithPastAndCrossAttentions,
    Seq2SeqLMOutput,
    Seq2SeqModelOutput,
    Seq2SeqQuestionAnsweringModelOutput,
    Seq2SeqSequenceClassifierOutput,
)
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS, PreTrainedModel
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple, torch_compilable_check
from transformers.utils.generic import merge_with_config_defaults
from transformers.utils.output_capturing import OutputRecorder, capture_outputs

from .configuration_bart import BartConfig


def shift_tokens_right(tokens: torch.LongTensor, config: BartConfig) -> torch.LongTensor:
    """What the decoder is given to predict `tokens`, (batch, length): each one's predecessor.

    The first is predicted from `decoder_start_token_id`. Where -100 stands for what is not scored,
    the decoder is given padding.
    """
    shifted = tokens.roll(1, dims=-1)
    shifted[:, 0] = config.decoder_start_token_id
    return shifted.masked_fill(shifted == -100, config.pad_token_id)


class BartLearnedPositionalEmbedding(nn.Embedding):
    """A vector for each position; the first two are never used, as in the released weights."""

    def __init__(self, num_embeddings: int, embedding_dim: int):
        self.offset = 2
        super().__init__(num_embeddings + self.offset, embedding_dim)

    def forward(self, position_ids: torch.LongTensor) -> torch.Tensor:
        """(...) positions, counted from 0 -> (..., embedding_dim)"""
        return super().forward(position_ids + self.offset)


class BartScaledWordEmbedding(nn.Embedding):
    """A vector for each word, times `embed_scale`."""

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int, embed_scale: float = 1.0
    ):
        super().__init__(num_embeddings, embedding_dim, padding_idx)
        self.embed_scale = embed_scale

    def forward(self, input_ids: torch.LongTensor) -> torch.Tensor:
        """(...) token ids -> (..., embedding_dim)"""
        return super().forward(input_ids) * self.embed_scale


def word_embedding(config: BartConfig) -> BartScaledWordEmbedding:
    """The words of encoder and decoder, scaled as the config says."""
    scale = math.sqrt(config.d_model) if config.scale_embedding else 1.0
    return BartScaledWordEmbedding(config.vocab_size, config.d_model, config.pad_token_id, scale)


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

    `query` is (batch, heads, length, head_dim), `key` and `value` are (batch, heads, seen,
    head_dim); the mask is added to the scores. Returns (batch, length, heads, head_dim) and the
    weights, (batch, heads, length, seen).
    """
    scores = query @ key.transpose(2, 3) * scaling
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = nn.functional.softmax(scores, dim=-1)
    weights = nn.functional.dropout(weights, p=dropout, training=module.training)
    return (weights @ value).transpose(1, 2).contiguous(), weights


class BartAttention(nn.Module):
    """Attention to the sequence itself, or to what the encoder has made of another one."""

    def __init__(
        self,
        config: BartConfig,
        num_heads: int,
        layer_idx: int | None = None,
        is_causal: bool = False,
    ):
        super().__init__()
        if config.d_model % num_heads:
            raise ValueError(
                f"d_model ({config.d_model}) is not a multiple of the number of attention heads "
                f"({num_heads})"
            )
        self.config = config
        self.layer_idx = layer_idx
        self.head_dim = config.d_model // num_heads
        self.scaling = self.head_dim**-0.5
        self.dropout = config.attention_dropout
        self.is_causal = is_causal
        self.k_proj = nn.Linear(config.d_model, config.d_model)
        self.v_proj = nn.Linear(config.d_model, config.d_model)
        self.q_proj = nn.Linear(config.d_model, config.d_model)
        self.out_proj = nn.Linear(config.d_model, config.d_model)

    def heads(self, states: torch.Tensor) -> torch.Tensor:
        """(batch, length, d_model) -> (batch, heads, length, head_dim)"""
        return states.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def keys_and_values(
        self, states: torch.Tensor, past_key_values: Cache | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Those of (batch, length, d_model), behind those that the cache holds, which is extended."""
        key, value = self.heads(self.k_proj(states)), self.heads(self.v_proj(states))
        if past_key_values is None:
            return key, value
        return past_key_values.update(key, value, self.layer_idx)

    def cross_keys_and_values(
        self, states: torch.Tensor, past_key_values: EncoderDecoderCache | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Those of the encoder's (batch, length, d_model): computed once, then from the cache."""
        if past_key_values is None:
            return self.keys_and_values(states, None)
        cache = past_key_values.cross_attention_cache
        if past_key_values.is_updated.get(self.layer_idx):
            return cache.layers[self.layer_idx].keys, cache.layers[self.layer_idx].values
        past_key_values.is_updated[self.layer_idx] = True
        return self.keys_and_values(states, cache)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        key_value_states: torch.Tensor | None = None,
        past_key_values: EncoderDecoderCache | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(batch, length, d_model) -> the same shape, and the weights or None.

        `key_value_states` is what is attended to if not the sequence itself: what the encoder
        returned, (batch, source length, d_model).
        """
        query = self.heads(self.q_proj(hidden_states))
        if key_value_states is not None:
            key, value = self.cross_keys_and_values(key_value_states, past_key_values)
        else:
            cache = None if past_key_values is None else past_key_values.self_attention_cache
            key, value = self.keys_and_values(hidden_states, cache)
        attention: Callable = ALL_ATTENTION_FUNCTIONS.get_interface(
            self.config._attn_implementation, eager_attention_forward
        )
        attended, weights = attention(
            self,
            query,
            key,
            value,
            attention_mask,
            dropout=self.dropout if self.training else 0.0,
            scaling=self.scaling,
            **kwargs,
        )
        return self.out_proj(attended.flatten(2)), weights


class BartLayer(GradientCheckpointingLayer):
    """What the layers of encoder and decoder have in common."""

    def __init__(self, config: BartConfig):
        super().__init__()
        self.embed_dim = config.d_model
        self.dropout = config.dropout
        self.activation_dropout = config.activation_dropout
        self.activation_fn = ACT2FN[config.activation_function]

    def residual(
        self,
        norm: nn.LayerNorm,
        compute: Callable[[torch.Tensor], torch.Tensor],
        hidden_states: torch.Tensor,
    ) -> torch.Tensor:
        """Adds what is computed from (batch, length, d_model) to it, and norms the sum."""
        computed = nn.functional.dropout(compute(hidden_states), self.dropout, self.training)
        return norm(hidden_states + computed)

    def feed_forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, length, d_model) -> the same shape, each position by itself."""
        hidden_states = self.activation_fn(self.fc1(hidden_states))
        hidden_states = nn.functional.dropout(hidden_states, self.activation_dropout, self.training)
        return self.fc2(hidden_states)


class BartEncoderLayer(BartLayer):
    """Self-attention, then feed-forward."""

    def __init__(self, config: BartConfig, layer_idx: int | None = None):
        super().__init__(config)
        self.self_attn = BartAttention(config, config.encoder_attention_heads, layer_idx)
        self.self_attn_layer_norm = nn.LayerNorm(self.embed_dim)
        self.fc1 = nn.Linear(self.embed_dim, config.encoder_ffn_dim)
        self.fc2 = nn.Linear(config.encoder_ffn_dim, self.embed_dim)
        self.final_layer_norm = nn.LayerNorm(self.embed_dim)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> torch.Tensor:
        """(batch, length, d_model) -> the same shape; the rest goes to the attention."""
        hidden_states = self.residual(
            self.self_attn_layer_norm,
            lambda states: self.self_attn(states, attention_mask, **kwargs)[0],
            hidden_states,
        )
        hidden_states = self.residual(self.final_layer_norm, self.feed_forward, hidden_states)
        if hidden_states.dtype == torch.float16:  # what overflows is kept finite
            largest = torch.finfo(torch.float16).max - 1000
            hidden_states = hidden_states.clamp(min=-largest, max=largest)
        return hidden_states


class BartDecoderLayer(BartLayer):
    """Causal self-attention, attention to what the encoder returned, then feed-forward."""

    def __init__(self, config: BartConfig, layer_idx: int | None = None):
        super().__init__(config)
        self.self_attn = BartAttention(
            config, config.decoder_attention_heads, layer_idx, is_causal=True
        )
        self.self_attn_layer_norm = nn.LayerNorm(self.embed_dim)
        self.encoder_attn = BartAttention(config, config.decoder_attention_heads, layer_idx)
        self.encoder_attn_layer_norm = nn.LayerNorm(self.embed_dim)
        self.fc1 = nn.Linear(self.embed_dim, config.decoder_ffn_dim)
        self.fc2 = nn.Linear(config.decoder_ffn_dim, self.embed_dim)
        self.final_layer_norm = nn.LayerNorm(self.embed_dim)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        encoder_hidden_states: torch.Tensor | None = None,
        encoder_attention_mask: torch.Tensor | None = None,
        past_key_values: EncoderDecoderCache | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> torch.Tensor:
        """(batch, length, d_model) -> the same shape; the rest goes to both attentions.

        Without `encoder_hidden_states`, (batch, source length, d_model), nothing is attended to
        but the sequence itself. `past_key_values` is extended in place.
        """
        kwargs["past_key_values"] = past_key_values
        hidden_states = self.residual(
            self.self_attn_layer_norm,
            lambda states: self.self_attn(states, attention_mask, **kwargs)[0],
            hidden_states,
        )
        if encoder_hidden_states is not None:
            hidden_states = self.residual(
                self.encoder_attn_layer_norm,
                lambda states: self.encoder_attn(
                    states, encoder_attention_mask, encoder_hidden_states, **kwargs
                )[0],
                hidden_states,
            )
        return self.residual(self.final_layer_norm, self.feed_forward, hidden_states)


class BartPreTrainedModel(PreTrainedModel):
    """What the library needs to know to initialise, load, split and run these models."""

    config: BartConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _keys_to_ignore_on_load_unexpected = ["encoder.version", "decoder.version"]
    _no_split_modules = ["BartEncoderLayer", "BartDecoderLayer"]
    _skip_keys_device_placement = ["past_key_values"]
    _supports_flash_attn = True
    _supports_sdpa = True
    _supports_flex_attn = True
    _can_compile_fullgraph = True

    def _init_weights(self, module: nn.Module):
        super()._init_weights(module)
        if isinstance(module, BartForConditionalGeneration):
            init.zeros_(module.final_logits_bias)


class BartStack(BartPreTrainedModel):
    """Embeddings and layers: the encoder or the decoder."""

    def __init__(self, config: BartConfig, layers: list[BartLayer], layerdrop: float):
        super().__init__(config)
        self.dropout = config.dropout
        self.layerdrop = layerdrop
        self.embed_tokens = word_embedding(config)
        self.embed_positions = BartLearnedPositionalEmbedding(
            config.max_position_embeddings, config.d_model
        )
        self.layers = nn.ModuleList(layers)
        self.layernorm_embedding = nn.LayerNorm(config.d_model)
        self.layer_norm = nn.Identity()  # what the layers return is normed already
        self.gradient_checkpointing = False
        self.post_init()

    def word_states(
        self, input_ids: torch.LongTensor | None, inputs_embeds: torch.Tensor | None
    ) -> torch.Tensor:
        """(batch, length) token ids or their embeddings -> (batch, length, d_model)"""
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("exactly one of input_ids and inputs_embeds is needed")
        return self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds

    def embed(self, words: torch.Tensor, seen: int | torch.Tensor = 0) -> torch.Tensor:
        """Adds their positions, which go on from what was `seen`, to (batch, length, d_model)."""
        positions = torch.arange(words.shape[1], device=words.device) + seen
        embedded = self.layernorm_embedding(words + self.embed_positions(positions))
        return nn.functional.dropout(embedded, self.dropout, self.training)

    def run_layers(self, hidden_states: torch.Tensor, *args, **kwargs) -> torch.Tensor:
        """(batch, length, d_model) -> the same shape, through the layers that are not dropped."""
        for layer in self.layers:
            if self.training and self.layerdrop and torch.rand([]) < self.layerdrop:
                continue
            hidden_states = layer(hidden_states, *args, **kwargs)
        return self.layer_norm(hidden_states)


class BartEncoder(BartStack):
    """Reads a sequence in both directions."""

    _can_record_outputs = {"hidden_states": BartEncoderLayer, "attentions": BartAttention}

    def __init__(self, config: BartConfig):
        layers = [BartEncoderLayer(config, layer) for layer in range(config.encoder_layers)]
        super().__init__(config, layers, config.encoder_layerdrop)

    @merge_with_config_defaults
    @capture_outputs
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> BaseModelOutput:
        """(batch, length) token ids or their embeddings -> (batch, length, d_model).

        `attention_mask` is (batch, length), 0 for padding.
        """
        hidden_states = self.embed(self.word_states(input_ids, inputs_embeds))
        mask = create_bidirectional_mask(
            config=self.config, inputs_embeds=hidden_states, attention_mask=attention_mask
        )
        return BaseModelOutput(last_hidden_state=self.run_layers(hidden_states, mask, **kwargs))


class BartDecoder(BartStack):
    """Writes a sequence from left to right, looking at what the encoder returned."""

    _can_record_outputs = {
        "hidden_states": BartDecoderLayer,
        "attentions": OutputRecorder(BartAttention, index=1, layer_name="self_attn"),
        "cross_attentions": OutputRecorder(BartAttention, index=1, layer_name="encoder_attn"),
    }

    def __init__(self, config: BartConfig):
        layers = [BartDecoderLayer(config, layer) for layer in range(config.decoder_layers)]
        super().__init__(config, layers, config.decoder_layerdrop)

    @merge_with_config_defaults
    @capture_outputs
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        encoder_hidden_states: torch.Tensor | None = None,
        encoder_attention_mask: torch.Tensor | None = None,
        past_key_values: EncoderDecoderCache | None = None,
        inputs_embeds: torch.Tensor | None = None,
        use_cache: bool | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> BaseModelOutputWithPastAndCrossAttentions:
        """(batch, length) token ids or their embeddings -> (batch, length, d_model).

        `attention_mask` is (batch, seen + length), 0 for padding; `encoder_hidden_states` is
        (batch, source length, d_model), and `encoder_attention_mask` its (batch, source length).
        Positions go on from what the cache has seen.
        """
        words = self.word_states(input_ids, inputs_embeds)
        if use_cache and past_key_values is None:
            past_key_values = EncoderDecoderCache(
                DynamicCache(config=self.config), DynamicCache(config=self.config)
            )
        if past_key_values is not None and not isinstance(past_key_values, EncoderDecoderCache):
            raise ValueError(
                "past_key_values must be an EncoderDecoderCache, not a "
                f"{type(past_key_values).__name__}"
            )
        cache = None if past_key_values is None else past_key_values.self_attention_cache
        hidden_states = self.embed(words, 0 if cache is None else cache.get_seq_length())
        mask = create_causal_mask(
            config=self.config,
            inputs_embeds=hidden_states,
            attention_mask=attention_mask,
            past_key_values=cache,
        )
        if encoder_hidden_states is not None:
            encoder_attention_mask = create_bidirectional_mask(
                config=self.config,
                inputs_embeds=hidden_states,
                attention_mask=encoder_attention_mask,
                encoder_hidden_states=encoder_hidden_states,
            )
        hidden_states = self.run_layers(
            hidden_states,
            mask,
            encoder_hidden_states,
            encoder_attention_mask,
            past_key_values=past_key_values,
            use_cache=use_cache,
            **kwargs,
        )
        return BaseModelOutputWithPastAndCrossAttentions(
            last_hidden_state=hidden_states,
            past_key_values=past_key_values if use_cache else None,
        )


class BartModel(BartPreTrainedModel):
    """The encoder and the decoder, which share the words' embeddings."""

    _tied_weights_keys = {
        "encoder.embed_tokens.weight": "shared.weight",
        "decoder.embed_tokens.weight": "shared.weight",
    }

    def __init__(self, config: BartConfig):
        super().__init__(config)
        self.shared = word_embedding(config)
        self.encoder = BartEncoder(config)
        self.decoder = BartDecoder(config)
        self.post_init()

    def get_input_embeddings(self) -> nn.Embedding:
        return self.shared

    def set_input_embeddings(self, value: nn.Embedding):
        self.shared = value
        self.encoder.embed_tokens = value
        self.decoder.embed_tokens = value

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        decoder_input_ids: torch.LongTensor | None = None,
        decoder_attention_mask: torch.Tensor | None = None,
        encoder_outputs: BaseModelOutput | tuple[torch.Tensor, ...] | None = None,
        past_key_values: EncoderDecoderCache | None = None,
        inputs_embeds: torch.Tensor | None = None,
        decoder_inputs_embeds: torch.Tensor | None = None,
        use_cache: bool | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> Seq2SeqModelOutput:
        """(batch, source length) and (batch, length) token ids -> (batch, length, d_model).

        Either may be given as embeddings, and the source as what the encoder made of it. Without
        decoder inputs, the decoder reads the source, shifted to the right. The masks are 0 for
        padding.
        """
        if decoder_input_ids is None and decoder_inputs_embeds is None:
            if input_ids is None:
                raise ValueError(
                    "without decoder_input_ids or decoder_inputs_embeds, input_ids are needed"
                )
            decoder_input_ids = shift_tokens_right(input_ids, self.config)
        if encoder_outputs is None:
            encoder_outputs = self.encoder(
                input_ids, attention_mask=attention_mask, inputs_embeds=inputs_embeds, **kwargs
            )
        elif not isinstance(encoder_outputs, BaseModelOutput):
            encoder_outputs = BaseModelOutput(*encoder_outputs)
        outputs = self.decoder(
            decoder_input_ids,
            attention_mask=decoder_attention_mask,
            encoder_hidden_states=encoder_outputs.last_hidden_state,
            encoder_attention_mask=attention_mask,
            past_key_values=past_key_values,
            inputs_embeds=decoder_inputs_embeds,
            use_cache=use_cache,
            **kwargs,
        )
        return Seq2SeqModelOutput(
            last_hidden_state=outputs.last_hidden_state,
            past_key_values=outputs.past_key_values,
            decoder_hidden_states=outputs.hidden_states,
            decoder_attentions=outputs.attentions,
            cross_attentions=outputs.cross_attentions,
            encoder_last_hidden_state=encoder_outputs.last_hidden_state,
            encoder_hidden_states=encoder_outputs.hidden_states,
            encoder_attentions=encoder_outputs.attentions,
        )


class BartForConditionalGeneration(BartPreTrainedModel, GenerationMixin):
    """The encoder and the decoder with a head that predicts the decoder's next token."""

    _keys_to_ignore_on_load_missing = ["final_logits_bias"]
    _tied_weights_keys = {"lm_head.weight": "model.shared.weight"}

    def __init__(self, config: BartConfig):
        super().__init__(config)
        self.model = BartModel(config)
        self.register_buffer("final_logits_bias", torch.zeros((1, config.vocab_size)))
        self.lm_head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.post_init()

    def resize_token_embeddings(self, *args, **kwargs) -> nn.Embedding:
        """As in the library; new words' logits get no bias."""
        embeddings = super().resize_token_embeddings(*args, **kwargs)
        more = embeddings.weight.shape[0] - self.final_logits_bias.shape[-1]
        self.final_logits_bias = nn.functional.pad(self.final_logits_bias, (0, more))
        return embeddings

    def prepare_decoder_input_ids_from_labels(self, labels: torch.LongTensor) -> torch.LongTensor:
        """What the decoder is given to predict the labels, (batch, length): for data collators."""
        return shift_tokens_right(labels, self.config)

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        decoder_input_ids: torch.LongTensor | None = None,
        decoder_attention_mask: torch.Tensor | None = None,
        encoder_outputs: BaseModelOutput | tuple[torch.Tensor, ...] | None = None,
        past_key_values: EncoderDecoderCache | None = None,
        inputs_embeds: torch.Tensor | None = None,
        decoder_inputs_embeds: torch.Tensor | None = None,
        labels: torch.LongTensor | None = None,
        use_cache: bool | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> Seq2SeqLMOutput:
        """(batch, length) -> logits (batch, length, vocab_size), and the loss if there are labels.

        `labels` are token ids, (batch, length), -100 where none is scored; without decoder inputs,
        the decoder reads them, shifted to the right.
        """
        if labels is not None:
            use_cache = False
            if decoder_input_ids is None and decoder_inputs_embeds is None:
                decoder_input_ids = self.prepare_decoder_input_ids_from_labels(labels)
        outputs = self.model(
            input_ids,
            attention_mask=attention_mask,
            decoder_input_ids=decoder_input_ids,
            decoder_attention_mask=decoder_attention_mask,
            encoder_outputs=encoder_outputs,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            decoder_inputs_embeds=decoder_inputs_embeds,
            use_cache=use_cache,
            **kwargs,
        )
        logits = self.lm_head(outputs.last_hidden_state) + self.final_logits_bias
        loss = None
        if labels is not None:  # each stands where it is predicted: the decoder's input is shifted
            loss = self.loss_function(
                logits, labels, vocab_size=self.config.vocab_size, shift_labels=labels, **kwargs
            )
        return Seq2SeqLMOutput(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            decoder_hidden_states=outputs.decoder_hidden_states,
            decoder_attentions=outputs.decoder_attentions,
            cross_attentions=outputs.cross_attentions,
            encoder_last_hidden_state=outputs.encoder_last_hidden_state,
            encoder_hidden_states=outputs.encoder_hidden_states,
            encoder_attentions=outputs.encoder_attentions,
        )


class BartForQuestionAnswering(BartPreTrainedModel):
    """The encoder and the decoder, which read the same, with a head that scores each token.

    It is scored as an answer's first and last one.
    """

    def __init__(self, config: BartConfig):
        super().__init__(config)
        self.model = BartModel(config)
        self.qa_outputs = nn.Linear(config.d_model, 2)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        decoder_input_ids: torch.LongTensor | None = None,
        decoder_attention_mask: torch.Tensor | None = None,
        encoder_outputs: BaseModelOutput | tuple[torch.Tensor, ...] | None = None,
        start_positions: torch.LongTensor | None = None,
        end_positions: torch.LongTensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        decoder_inputs_embeds: torch.Tensor | None = None,
        use_cache: bool | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> Seq2SeqQuestionAnsweringModelOutput:
        """(batch, length) -> two logits (batch, length), and the loss if both positions are given.

        A position (batch,) outside the sequence is not scored.
        """
        is_learning = start_positions is not None and end_positions is not None
        outputs = self.model(
            input_ids,
            attention_mask=attention_mask,
            decoder_input_ids=decoder_input_ids,
            decoder_attention_mask=decoder_attention_mask,
            encoder_outputs=encoder_outputs,
            inputs_embeds=inputs_embeds,
            decoder_inputs_embeds=decoder_inputs_embeds,
            use_cache=False if is_learning else use_cache,
            **kwargs,
        )
        start_logits, end_logits = self.qa_outputs(outputs.last_hidden_state).unbind(-1)
        start_logits, end_logits = start_logits.contiguous(), end_logits.contiguous()
        loss = None
        if is_learning:
            loss = self.loss_function(
                start_logits, end_logits, start_positions, end_positions, **kwargs
            )
        return Seq2SeqQuestionAnsweringModelOutput(
            loss=loss,
            start_logits=start_logits,
            end_logits=end_logits,
            past_key_values=outputs.past_key_values,
            decoder_hidden_states=outputs.decoder_hidden_states,
            decoder_attentions=outputs.decoder_attentions,
            cross_attentions=outputs.cross_attentions,
            encoder_last_hidden_state=outputs.encoder_last_hidden_state,
            encoder_hidden_states=outputs.encoder_hidden_states,
            encoder_attentions=outputs.encoder_attentions,
        )


class BartClassificationHead(nn.Module):
    """Two layers on one vector of a sequence."""

    def __init__(self, config: BartConfig):
        super().__init__()
        self.dense = nn.Linear(config.d_model, config.d_model)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.out_proj = nn.Linear(config.d_model, config.num_labels)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, d_model) -> (batch, num_labels)"""
        hidden_states = torch.tanh(self.dense(self.dropout(hidden_states)))
        return self.out_proj(self.dropout(hidden_states))


class BartForSequenceClassification(BartPreTrainedModel):
    """The encoder and the decoder, which read the same, with a head on each sequence's end."""

    def __init__(self, config: BartConfig):
        super().__init__(config)
        self.model = BartModel(config)
        self.classification_head = BartClassificationHead(config)
        self.post_init()

    def last_positions(self, input_ids: torch.LongTensor) -> torch.Tensor:
        """(batch,) index of the last of each sequence's tokens that end it."""
        is_end = input_ids == self.config.eos_token_id
        torch_compilable_check(
            is_end.any(dim=-1).all(),
            f"each sequence needs the token that ends it, {self.config.eos_token_id}",
        )
        positions = torch.arange(input_ids.shape[-1], device=input_ids.device)
        return torch.where(is_end, positions, 0).amax(dim=-1)

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        decoder_input_ids: torch.LongTensor | None = None,
        decoder_attention_mask: torch.Tensor | None = None,
        encoder_outputs: BaseModelOutput | tuple[torch.Tensor, ...] | None = None,
        inputs_embeds: torch.Tensor | None = None,
        decoder_inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        use_cache: bool | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> Seq2SeqSequenceClassifierOutput:
        """(batch, length) -> logits (batch, num_labels), and the loss if there are labels.

        Each sequence ends with `eos_token_id`, by which its end is found: embeddings do not do.
        `labels` are classes (batch,), numbers for regression, or (batch, num_labels) of 0 and 1.
        """
        if input_ids is None:
            raise ValueError("input_ids are needed: they say where a sequence ends")
        outputs = self.model(
            input_ids,
            attention_mask=attention_mask,
            decoder_input_ids=decoder_input_ids,
            decoder_attention_mask=decoder_attention_mask,
            encoder_outputs=encoder_outputs,
            inputs_embeds=inputs_embeds,
            decoder_inputs_embeds=decoder_inputs_embeds,
            use_cache=False if labels is not None else use_cache,
            **kwargs,
        )
        hidden_states = outputs.last_hidden_state
        sequences = torch.arange(hidden_states.shape[0], device=hidden_states.device)
        ends = hidden_states[sequences, self.last_positions(input_ids)]
        logits = self.classification_head(ends)
        loss = None
        if labels is not None:
            loss = self.loss_function(
                labels=labels, pooled_logits=logits, config=self.config, **kwargs
            )
        return Seq2SeqSequenceClassifierOutput(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            decoder_hidden_states=outputs.decoder_hidden_states,
            decoder_attentions=outputs.decoder_attentions,
            cross_attentions=outputs.cross_attentions,
            encoder_last_hidden_state=outputs.encoder_last_hidden_state,
            encoder_hidden_states=outputs.encoder_hidden_states,
            encoder_attentions=outputs.encoder_attentions,
        )


__all__ = [
    "BartForConditionalGeneration",
    "BartForQuestionAnswering",
    "BartForSequenceClassification",
    "BartModel",
    "BartPreTrainedModel",
]
