# unravel: generated from modular/modular_qwen3.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: 7f7a82f1abf59146

from collections.abc import Callable

import torch
from torch import nn
from transformers.activations import ACT2FN
from transformers.cache_utils import Cache, DynamicCache
from transformers.generation import GenerationMixin
from transformers.masking_utils import create_causal_mask, create_sliding_window_causal_mask
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import (
    BaseModelOutputWithPast,
    CausalLMOutputWithPast,
    SequenceClassifierOutputWithPast,
)
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS, dynamic_rope_update
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS, PreTrainedModel
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple
from transformers.utils.generic import maybe_autocast, merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs

from .configuration_qwen3 import Qwen3Config


class Qwen3RMSNorm(nn.Module):
    """Divides each vector by its root mean square, times a learned weight (arXiv:1910.07467)."""

    def __init__(self, hidden_size: int, eps: float = 1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden_size))
        self.eps = eps

    def unscaled(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., hidden_size), float32, of root mean square one."""
        # float32: squares overflow float16 and a mean over thousands of them is beyond bfloat16
        hidden_states = hidden_states.float()
        mean_square = hidden_states.square().mean(-1, keepdim=True)
        return hidden_states * torch.rsqrt(mean_square + self.eps)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., hidden_size), of the same dtype."""
        return self.weight * self.unscaled(hidden_states).to(hidden_states.dtype)

    def extra_repr(self) -> str:
        return f"{tuple(self.weight.shape)}, eps={self.eps}"


def rotate(states: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Turns each pair of features by its angle.

    `states` is (batch, heads, length, head_dim), `cos` and `sin` are (batch, length, head_dim).
    What comes back has the shape and dtype of `states`; the arithmetic has the wider dtype.
    """
    first, second = states.chunk(2, dim=-1)
    quarter_turned = torch.cat((-second, first), dim=-1)
    return (states * cos[:, None] + quarter_turned * sin[:, None]).to(states.dtype)


def attention_scores(
    query: torch.Tensor, key: torch.Tensor, scaling: float, **kwargs
) -> torch.Tensor:
    """(batch, heads, length, head_dim) and (batch, heads, seen, head_dim) -> (..., length, seen)"""
    return query @ key.transpose(2, 3) * scaling


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

    `query` is (batch, heads, length, head_dim), `key` and `value` are (batch, key_value_heads,
    seen, head_dim); the mask is added to the scores. Returns (batch, length, heads, head_dim) and
    the weights, (batch, heads, length, seen).
    """
    key = key.repeat_interleave(module.num_key_value_groups, dim=1)
    value = value.repeat_interleave(module.num_key_value_groups, dim=1)
    scores = attention_scores(query, key, scaling, **kwargs)
    if attention_mask is not None:
        scores = scores + attention_mask
    # float32: the softmax's sum runs over the whole context
    weights = nn.functional.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    weights = nn.functional.dropout(weights, p=dropout, training=module.training)
    return (weights @ value).transpose(1, 2).contiguous(), weights


class Qwen3Attention(nn.Module):
    """Causal self-attention with rotary positions; each head's queries and keys are normed."""

    def __init__(self, config: Qwen3Config, layer_idx: int):
        windowed = config.layer_types[layer_idx] == "sliding_attention"
        super().__init__()
        if config.num_attention_heads % config.num_key_value_heads:
            raise ValueError(
                f"num_attention_heads ({config.num_attention_heads}) is not a multiple of "
                f"num_key_value_heads ({config.num_key_value_heads})"
            )
        self.config = config
        self.layer_idx = layer_idx
        self.head_dim = (
            getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        )
        self.num_key_value_groups = config.num_attention_heads // config.num_key_value_heads
        self.scaling = self.head_dim**-0.5
        self.attention_dropout = config.attention_dropout
        self.is_causal = True
        self.attention_options = {"sliding_window": config.sliding_window if windowed else None}
        self.q_proj = nn.Linear(
            config.hidden_size,
            config.num_attention_heads * self.head_dim,
            bias=config.attention_bias,
        )
        self.k_proj = nn.Linear(
            config.hidden_size,
            config.num_key_value_heads * self.head_dim,
            bias=config.attention_bias,
        )
        self.v_proj = nn.Linear(
            config.hidden_size,
            config.num_key_value_heads * self.head_dim,
            bias=config.attention_bias,
        )
        self.o_proj = nn.Linear(
            config.num_attention_heads * self.head_dim,
            config.hidden_size,
            bias=config.attention_bias,
        )
        self.q_norm = Qwen3RMSNorm(self.head_dim, eps=config.rms_norm_eps)
        self.k_norm = Qwen3RMSNorm(self.head_dim, eps=config.rms_norm_eps)

    def project(
        self, hidden_states: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(batch, length, hidden_size) -> query, key, value: (batch, length, heads * head_dim)."""
        query, key = (
            norm(proj(hidden_states).unflatten(-1, (-1, self.head_dim))).flatten(-2)
            for norm, proj in ((self.q_norm, self.q_proj), (self.k_norm, self.k_proj))
        )
        return query, key, self.v_proj(hidden_states)

    def forward(
        self,
        hidden_states: torch.Tensor,
        position_embeddings: tuple[torch.Tensor, torch.Tensor],
        attention_mask: torch.Tensor | None = None,
        past_key_values: Cache | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(batch, length, hidden_size) -> the same shape, and the weights or None.

        `past_key_values` is extended in place; the mask covers all that it then holds. Which
        weights come back is up to the attention implementation.
        """
        batch_and_length = hidden_states.shape[:-1]
        query, key, value = (
            states.view(*batch_and_length, -1, self.head_dim).transpose(1, 2)
            for states in self.project(hidden_states)
        )
        query, key = rotate(query, *position_embeddings), rotate(key, *position_embeddings)
        if past_key_values is not None:
            key, value = past_key_values.update(key, value, self.layer_idx)

        attention: Callable = ALL_ATTENTION_FUNCTIONS.get_interface(
            self.config._attn_implementation, eager_attention_forward
        )
        attended, weights = attention(
            self,
            query,
            key,
            value,
            attention_mask,
            dropout=self.attention_dropout if self.training else 0.0,
            scaling=self.scaling,
            **self.attention_options,
            **kwargs,
        )
        return self.o_proj(attended.reshape(*batch_and_length, -1)), weights


class Qwen3RotaryEmbedding(nn.Module):
    """Cosines and sines of rotary positions (arXiv:2104.09864), scaled as `rope_parameters` says.

    Feature i of a head is paired with feature i + head_dim / 2, and the pair is turned by
    position * inv_freq[i] radians.
    """

    def __init__(self, config: Qwen3Config, device: torch.device | None = None):
        super().__init__()
        self.config = config
        self.rope_type = config.rope_parameters["rope_type"]
        self.max_seq_len_cached = config.max_position_embeddings
        self.original_max_seq_len = config.max_position_embeddings
        init_frequencies = ROPE_INIT_FUNCTIONS.get(
            self.rope_type, self.compute_default_rope_parameters
        )
        inv_freq, self.attention_scaling = init_frequencies(config, device)
        self.register_buffer("inv_freq", inv_freq, persistent=False)
        self.register_buffer("original_inv_freq", inv_freq.clone(), persistent=False)

    @staticmethod
    def rotated_features(config: Qwen3Config) -> int:
        """How many features of a head are turned: all of them."""
        return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads

    @staticmethod
    def compute_default_rope_parameters(
        config: Qwen3Config, device: torch.device | None = None, seq_len: int | None = None
    ) -> tuple[torch.Tensor, float]:
        """Unscaled float32 frequencies, (size / 2,), and the factor of cosines and sines.

        The library calls this by its name, also to fill buffers that were not loaded. Nothing here
        depends on `seq_len`; scaled frequencies may.
        """
        size = Qwen3RotaryEmbedding.rotated_features(config)
        exponents = torch.arange(0, size, 2, device=device, dtype=torch.float32) / size
        return 1.0 / config.rope_parameters["rope_theta"] ** exponents, 1.0

    def cos_sin(self, position_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(batch, length) -> two float32 tensors, (batch, length, head_dim)."""
        # float32, under autocast too: bfloat16 does not tell neighbouring positions apart beyond 256
        with maybe_autocast(device_type=position_ids.device.type, enabled=False):
            angles = position_ids[..., None].float() * self.inv_freq.float()
            angles = torch.cat((angles, angles), dim=-1)
            return angles.cos() * self.attention_scaling, angles.sin() * self.attention_scaling

    @torch.no_grad()
    @dynamic_rope_update
    def forward(
        self, hidden_states: torch.Tensor, position_ids: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(batch, length) positions -> two tensors (batch, length, head_dim).

        Only the dtype and the device of `hidden_states` matter: the tensors have the same.
        """
        cos, sin = self.cos_sin(position_ids)
        return cos.to(hidden_states.dtype), sin.to(hidden_states.dtype)


class Qwen3MLP(nn.Module):
    """Gated feed-forward network: act(gate(x)) * up(x), projected back (arXiv:2002.05202)."""

    def __init__(self, config: Qwen3Config):
        super().__init__()
        self.gate_proj = nn.Linear(
            config.hidden_size, config.intermediate_size, bias=config.mlp_bias
        )
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=config.mlp_bias)
        self.down_proj = nn.Linear(
            config.intermediate_size, config.hidden_size, bias=config.mlp_bias
        )
        self.act_fn = ACT2FN[config.hidden_act]

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., hidden_size)"""
        return self.down_proj(
            self.act_fn(self.gate_proj(hidden_states)) * self.up_proj(hidden_states)
        )


class Qwen3DecoderLayer(GradientCheckpointingLayer):
    """Attention, then feed-forward, each normed on the way in and added to what it was given."""

    def __init__(self, config: Qwen3Config, layer_idx: int):
        super().__init__()
        self.self_attn = Qwen3Attention(config, layer_idx)
        self.mlp = Qwen3MLP(config)
        self.input_layernorm = Qwen3RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.post_attention_layernorm = Qwen3RMSNorm(config.hidden_size, eps=config.rms_norm_eps)

    def forward(
        self, hidden_states: torch.Tensor, **kwargs: Unpack[TransformersKwargs]
    ) -> torch.Tensor:
        """(batch, length, hidden_size) -> the same shape; the rest goes to the attention."""
        attended, _ = self.self_attn(self.input_layernorm(hidden_states), **kwargs)
        hidden_states = hidden_states + attended
        return hidden_states + self.mlp(self.post_attention_layernorm(hidden_states))


class Qwen3PreTrainedModel(PreTrainedModel):
    """What the library needs to know to initialise, load, split and run these models."""

    config: Qwen3Config
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _no_split_modules = ["Qwen3DecoderLayer"]
    _skip_keys_device_placement = ["past_key_values"]
    _supports_flash_attn = True
    _supports_sdpa = True
    _supports_flex_attn = True
    _supports_attention_backend = True
    _can_compile_fullgraph = True
    _can_record_outputs = {"hidden_states": Qwen3DecoderLayer, "attentions": Qwen3Attention}


def masks_by_type(
    config: Qwen3Config, attention_mask: torch.Tensor | dict | None, **inputs
) -> list:
    """One attention mask for each layer, by the layer's type.

    `attention_mask` may already hold a mask for each type. The rest of the inputs is what the
    library makes masks from.
    """
    masks = attention_mask
    if not isinstance(attention_mask, dict):
        kinds = {
            "full_attention": create_causal_mask,
            "sliding_attention": create_sliding_window_causal_mask,
        }
        masks = {
            kind: create_mask(config, attention_mask=attention_mask, **inputs)
            for kind, create_mask in kinds.items()
            if kind in config.layer_types
        }
    return [masks[kind] for kind in config.layer_types]


class Qwen3Model(Qwen3PreTrainedModel):
    """Embedding, decoder layers and final norm."""

    output_type = BaseModelOutputWithPast

    def __init__(self, config: Qwen3Config):
        super().__init__(config)
        self.embed_tokens = nn.Embedding(
            config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id
        )
        self.layers = nn.ModuleList(
            Qwen3DecoderLayer(config, layer) for layer in range(config.num_hidden_layers)
        )
        self.norm = Qwen3RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.rotary_emb = Qwen3RotaryEmbedding(config)
        self.gradient_checkpointing = False
        self.post_init()

    def layer_masks(self, attention_mask: torch.Tensor | dict | None, **inputs) -> list:
        """One attention mask for each layer, as the attention implementation takes it.

        `inputs` are what the library makes masks from: inputs_embeds, attention_mask,
        past_key_values and position_ids.
        """
        return masks_by_type(self.config, attention_mask, **inputs)

    @merge_with_config_defaults
    @capture_outputs
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.LongTensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: torch.Tensor | None = None,
        use_cache: bool | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> BaseModelOutputWithPast:
        """(batch, length) token ids or their embeddings -> (batch, length, hidden_size).

        `attention_mask` is (batch, seen + length), 0 for padding. Without `position_ids`,
        positions go on from what the cache has seen, padding included.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("exactly one of input_ids and inputs_embeds is needed")
        if inputs_embeds is None:
            inputs_embeds = self.embed_tokens(input_ids)
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache(config=self.config)
        if position_ids is None:
            seen = 0 if past_key_values is None else past_key_values.get_seq_length()
            position_ids = (
                torch.arange(inputs_embeds.shape[1], device=inputs_embeds.device) + seen
            ).unsqueeze(0)

        masks = self.layer_masks(
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            past_key_values=past_key_values,
            position_ids=position_ids,
        )
        hidden_states = inputs_embeds
        position_embeddings = self.rotary_emb(hidden_states, position_ids)
        for layer, mask in zip(self.layers, masks, strict=True):
            hidden_states = layer(
                hidden_states,
                attention_mask=mask,
                position_embeddings=position_embeddings,
                position_ids=position_ids,
                past_key_values=past_key_values,
                use_cache=use_cache,
                **kwargs,
            )
        return self.output_type(
            last_hidden_state=self.norm(hidden_states),
            past_key_values=past_key_values if use_cache else None,
        )


class Qwen3ForCausalLM(Qwen3PreTrainedModel, GenerationMixin):
    """The decoder with a language modelling head: predicts the next token."""

    _tied_weights_keys = {"lm_head.weight": "model.embed_tokens.weight"}
    _tp_plan = {"lm_head": "colwise_gather_output"}
    _pp_plan = {"lm_head": (["hidden_states"], ["logits"])}
    _fsdp_plan = {"lm_head": "keep_full_weight"}

    def __init__(self, config: Qwen3Config):
        super().__init__(config)
        self.model = Qwen3Model(config)
        self.vocab_size = config.vocab_size
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def vocabulary_logits(
        self, hidden_states: torch.Tensor, logits_to_keep: int | torch.Tensor
    ) -> torch.Tensor:
        """(batch, length, hidden_size) -> (batch, kept, vocab_size)"""
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        return self.lm_head(hidden_states[:, kept])

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.LongTensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.LongTensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | torch.Tensor = 0,
        **kwargs: Unpack[TransformersKwargs],
    ) -> CausalLMOutputWithPast:
        """(batch, length) -> logits (batch, kept, vocab_size), and the loss if there are labels.

        `labels` are token ids, -100 where none is scored; each is predicted from the position
        before it. `logits_to_keep` says which positions get logits: how many of the last ones
        (0: all), or their indices.
        """
        outputs = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            **kwargs,
        )
        logits = self.vocabulary_logits(outputs.last_hidden_state, logits_to_keep)
        loss = None
        if labels is not None:
            loss = self.loss_function(
                logits=logits, labels=labels, vocab_size=self.config.vocab_size, **kwargs
            )
        return CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )


class Qwen3ForSequenceClassification(Qwen3PreTrainedModel):
    """The decoder with a linear head on each sequence's last token that is not padding."""

    def __init__(self, config: Qwen3Config):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.model = Qwen3Model(config)
        self.score = nn.Linear(config.hidden_size, config.num_labels, bias=False)
        self.post_init()

    def last_positions(
        self, input_ids: torch.LongTensor | None, hidden_states: torch.Tensor
    ) -> torch.Tensor:
        """(batch,) index of each sequence's last token that is not padding.

        It is the very last token where padding cannot be told by its id.
        """
        batch, length = hidden_states.shape[:2]
        if self.config.pad_token_id is None and batch > 1:
            raise ValueError(
                f"without a pad_token_id, 1 sequence can be classified at a time, not {batch}"
            )
        if self.config.pad_token_id is None or input_ids is None:
            return torch.full((batch,), length - 1, device=hidden_states.device)
        positions = torch.arange(length, device=input_ids.device)
        return torch.where(input_ids == self.config.pad_token_id, 0, positions).amax(dim=-1)

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.LongTensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        use_cache: bool | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> SequenceClassifierOutputWithPast:
        """(batch, length) -> logits (batch, num_labels), and the loss if there are labels."""
        outputs = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            **kwargs,
        )
        hidden_states = outputs.last_hidden_state
        sequences = torch.arange(hidden_states.shape[0], device=hidden_states.device)
        logits = self.score(hidden_states[sequences, self.last_positions(input_ids, hidden_states)])
        loss = None
        if labels is not None:
            loss = self.loss_function(
                logits=logits, labels=labels, pooled_logits=logits, config=self.config
            )
        return SequenceClassifierOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )


__all__ = ["Qwen3ForCausalLM", "Qwen3ForSequenceClassification", "Qwen3Model"]
