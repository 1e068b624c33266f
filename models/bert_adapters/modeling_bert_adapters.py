# unravel: generated from modular/modular_bert_adapters.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: cd96ae0f35184da1

import json
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import initialization as init
from transformers.activations import ACT2FN
from transformers.configuration_utils import PreTrainedConfig
from transformers.masking_utils import create_bidirectional_mask
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import (
    BaseModelOutput,
    BaseModelOutputWithPooling,
    MaskedLMOutput,
    ModelOutput,
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

from .configuration_bert_adapters import (
    BertAdaptersConfig,
    BottleneckConfig,
    LoraConfig,
    PrefixConfig,
)


class LoraUpdate(nn.Module):
    """What a linear layer's output is changed by: two matrices, the second of which begins as 0."""

    def __init__(self, config: LoraConfig, linear: nn.Linear):
        super().__init__()
        self.scaling = config.alpha / config.rank
        self.dropout = nn.Dropout(config.dropout)
        self.lora_A = nn.Linear(linear.in_features, config.rank, bias=False)
        self.lora_B = nn.Linear(config.rank, linear.out_features, bias=False)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., in_features) -> (..., out_features)"""
        return self.lora_B(self.lora_A(self.dropout(hidden_states))) * self.scaling

    def weight(self) -> torch.Tensor:
        """The same as one matrix (out_features, in_features), in float32 for the sum's sake."""
        return self.lora_B.weight.float() @ self.lora_A.weight.float() * self.scaling


class Prefix(nn.Module):
    """Keys and values of one layer, and for each head how much they count unless they do so fully."""

    def __init__(self, config: PrefixConfig, heads: int, head_dim: int):
        super().__init__()
        self.length = config.length
        self.key = nn.Parameter(torch.empty(heads, config.length, head_dim))
        self.value = nn.Parameter(torch.empty(heads, config.length, head_dim))
        self.gate = nn.Parameter(torch.zeros(heads)) if config.gated else None

    def forward(self, key: torch.Tensor, value: torch.Tensor) -> list[torch.Tensor]:
        """Twice (batch, heads, length, head_dim) -> the same, longer by the prefix."""
        own_and_given = (self.key, key), (self.value, value)
        return [
            torch.cat([own.expand(len(given), -1, -1, -1), given], dim=2)
            for own, given in own_and_given
        ]


class Bottleneck(nn.Module):
    """Down to a small size and back, added to what it is given; the way back begins as 0."""

    def __init__(self, config: BottleneckConfig, hidden_size: int):
        super().__init__()
        self.down = nn.Linear(hidden_size, config.size)
        self.activation = ACT2FN[config.activation]
        self.up = nn.Linear(config.size, hidden_size)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> the same shape."""
        return hidden_states + self.up(self.activation(self.down(hidden_states)))


class AdaptedModule:
    """Mixed into a module that can have adapters: `adapters`, by name, and which are `active`.

    The module sets `adapters` to an empty `nn.ModuleDict` and says which adapters it can have.
    """

    active: tuple[str, ...] = ()

    def stacked_adapters(self) -> list[nn.Module]:
        """Those to be used, in the order in which they were stacked."""
        return [self.adapters[name] for name in self.active if name in self.adapters]

    def new_adapter(self, config: Any, path: str) -> nn.Module | None:
        """An adapter for this module, which has that path in the encoder; None if it has none."""
        raise NotImplementedError


class AdaptedLinear(AdaptedModule, nn.Linear):
    """A linear layer that can be updated."""

    def __init__(self, in_features: int, out_features: int):
        super().__init__(in_features, out_features)
        self.adapters = nn.ModuleDict()

    def new_adapter(self, config: Any, path: str) -> nn.Module | None:
        is_target = isinstance(config, LoraConfig) and any(
            f".{path}".endswith(f".{target}") for target in config.targets
        )
        return LoraUpdate(config, self) if is_target else None

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., in_features) -> (..., out_features)"""
        found = super().forward(hidden_states)
        for update in self.stacked_adapters():
            found = found + update(hidden_states)
        return found


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


class BertAdaptersSelfAttention(AdaptedModule, nn.Module):
    """Each token attends to all tokens, padding excepted, and to the prefixes."""

    def __init__(self, config: BertAdaptersConfig, layer_idx: int | None = None):
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
        self.query = AdaptedLinear(config.hidden_size, config.hidden_size)
        self.key = AdaptedLinear(config.hidden_size, config.hidden_size)
        self.value = AdaptedLinear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)
        self.adapters = nn.ModuleDict()

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
        attention_mask: dict[int, torch.Tensor | None],
        **kwargs: Unpack[TransformersKwargs],
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(batch, heads, length, head_dim) three times -> (batch, length, heads, head_dim)

        There is an `attention_mask` for each length that can stand in front of the tokens. A gated
        prefix adds its share of what it changes, whatever the other gates say.
        """
        taken = 0
        prefixes = self.stacked_adapters()
        for prefix in prefixes:
            if prefix.gate is None:
                key, value = prefix(key, value)
                taken += prefix.length
        attended, weights = self.__parent_attend(query, key, value, attention_mask[taken], **kwargs)
        found = attended
        for prefix in prefixes:
            if prefix.gate is not None:
                mask = attention_mask[taken + prefix.length]
                changed, _ = self.__parent_attend(query, *prefix(key, value), mask, **kwargs)
                found = found + prefix.gate[:, None] * (changed - attended)
        return found, weights

    def new_adapter(self, config: Any, path: str) -> nn.Module | None:
        if not isinstance(config, PrefixConfig):
            return None
        return Prefix(config, self.num_attention_heads, self.attention_head_size)

    def __parent_attend(
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


class BertAdaptersSelfOutput(AdaptedModule, nn.Module):
    """Projects what the heads found, adds what they were given, norms the sum."""

    def __init__(self, config: BertAdaptersConfig):
        super().__init__()
        self.dense = AdaptedLinear(config.hidden_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.adapters = nn.ModuleDict()

    def forward(self, hidden_states: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        """Two tensors (batch, length, hidden_size) -> one."""
        hidden_states = self.dropout(self.dense(hidden_states))
        for bottleneck in self.stacked_adapters():
            hidden_states = bottleneck(hidden_states)
        return self.LayerNorm(hidden_states + residual)

    def new_adapter(self, config: Any, path: str) -> nn.Module | None:
        is_wanted = isinstance(config, BottleneckConfig) and config.after_attention
        return Bottleneck(config, self.dense.out_features) if is_wanted else None


class BertAdaptersIntermediate(nn.Module):
    """The first half of the feed-forward network."""

    def __init__(self, config: BertAdaptersConfig):
        super().__init__()
        self.dense = AdaptedLinear(config.hidden_size, config.intermediate_size)
        self.intermediate_act_fn = ACT2FN[config.hidden_act]

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., intermediate_size)"""
        return self.intermediate_act_fn(self.dense(hidden_states))


class BertAdaptersOutput(AdaptedModule, nn.Module):
    """The second half of the feed-forward network, with residual and norm."""

    def __init__(self, config: BertAdaptersConfig):
        super().__init__()
        self.dense = AdaptedLinear(config.intermediate_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.adapters = nn.ModuleDict()

    def forward(self, hidden_states: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        """(..., intermediate_size) and (..., hidden_size) -> (..., hidden_size)"""
        hidden_states = self.dropout(self.dense(hidden_states))
        for bottleneck in self.stacked_adapters():
            hidden_states = bottleneck(hidden_states)
        return self.LayerNorm(hidden_states + residual)

    def new_adapter(self, config: Any, path: str) -> nn.Module | None:
        is_wanted = isinstance(config, BottleneckConfig) and config.after_feed_forward
        return Bottleneck(config, self.dense.out_features) if is_wanted else None


def adapter_config(settings: dict[str, Any]) -> LoraConfig | PrefixConfig | BottleneckConfig:
    """Settings as they stand in files -> the config of their kind."""
    kinds = {each.kind: each for each in (LoraConfig, PrefixConfig, BottleneckConfig)}
    if settings["kind"] not in kinds:
        raise ValueError(f"no kind of adapter: {settings['kind']!r}; there are {list(kinds)}")
    return kinds[settings["kind"]](**{key: settings[key] for key in settings if key != "kind"})


class AdapterMixin:
    """Adapters of a model, by name: added, activated, stacked, trained, merged, saved and loaded.

    They sit in the encoder, so all heads share them. Methods that transformers has, too, do for
    these adapters what its own do for peft's, which need another package and stand outside.
    """

    def _adapted_modules(self) -> Iterator[tuple[str, nn.Module]]:
        """The modules of the encoder that can have adapters, with their paths in it."""
        for path, module in self.base_model.named_modules():
            if isinstance(module, AdaptedModule):
                yield path, module

    def _known(self, names: str | Iterable[str]) -> list[str]:
        """The names as a list; raises a ValueError if one is no adapter's."""
        names = [names] if isinstance(names, str) else list(names)
        for name in names:
            if name not in self.config.adapters:
                raise ValueError(f"no adapter {name!r}; there are {list(self.config.adapters)}")
        return names

    def _build_adapter(self, name: str, config: Any):
        """Makes an adapter's modules, all or none, where the model's weights are."""
        found = {}
        for path, module in self._adapted_modules():
            adapter = module.new_adapter(config, path)
            if adapter is not None:
                adapter.apply(self._init_weights)
                found[path] = adapter.to(next(module.parameters()))
        missing = [
            target
            for target in getattr(config, "targets", ())
            if not any(f".{path}".endswith(f".{target}") for path in found)
        ]
        if missing or not found:
            raise ValueError(f"adapter {name!r} finds no place for {missing or config}")
        for path, adapter in found.items():
            self.base_model.get_submodule(path).adapters[name] = adapter.train(self.training)

    def add_adapter(self, adapter_config: Any, adapter_name: str = "default"):
        """Adds a fresh adapter and activates it alone.

        It changes nothing before it has learnt something, unless it is a prefix without a gate.
        """
        if adapter_name in self.config.adapters:
            raise ValueError(f"there is an adapter {adapter_name!r} already")
        if not adapter_name.isidentifier() or hasattr(nn.ModuleDict, adapter_name):
            raise ValueError(f"{adapter_name!r} cannot be the name of a module")
        self._build_adapter(adapter_name, adapter_config)
        self.config.adapters[adapter_name] = {"kind": adapter_config.kind, **asdict(adapter_config)}
        self.set_adapter(adapter_name)

    def set_adapter(self, adapter_name: str | Iterable[str]):
        """Activates these adapters and no others, stacked in this order."""
        self.config.active_adapters = self._known(adapter_name)
        self.enable_adapters()

    def active_adapters(self) -> list[str]:
        return list(self.config.active_adapters)

    def disable_adapters(self):
        """Computes without adapters until some are enabled or set."""
        for _, module in self._adapted_modules():
            module.active = ()

    def enable_adapters(self):
        """Computes with the active adapters again."""
        for _, module in self._adapted_modules():
            module.active = tuple(self.config.active_adapters)

    def delete_adapter(self, adapter_names: str | Iterable[str]):
        names = self._known(adapter_names)
        for _, module in self._adapted_modules():
            for name in set(names).intersection(module.adapters):
                del module.adapters[name]
        for name in names:
            del self.config.adapters[name]
        self.set_adapter(name for name in self.active_adapters() if name not in names)

    def train_adapter(self, adapter_names: str | Iterable[str], *, heads: bool = False):
        """Activates these adapters, and lets only them learn, or them and the heads."""
        self.set_adapter(adapter_names)
        self.requires_grad_(heads)
        self.base_model.requires_grad_(False)
        for name in self.active_adapters():
            for parameter in self.adapter_parameters(name).values():
                parameter.requires_grad_(True)

    def adapter_parameters(self, adapter_name: str) -> dict[str, nn.Parameter]:
        """An adapter's parameters, by names that are the same whatever adapter and model are called."""
        (adapter_name,) = self._known(adapter_name)
        return {
            f"{path}.{name}": parameter
            for path, module in self._adapted_modules()
            if adapter_name in module.adapters
            for name, parameter in module.adapters[adapter_name].named_parameters()
        }

    @torch.no_grad()
    def merge_adapter(self, adapter_name: str):
        """Adds an adapter's updates to the weights for good, and deletes it: only LoRA can do so."""
        (adapter_name,) = self._known(adapter_name)
        kind = self.config.adapters[adapter_name]["kind"]
        if kind != LoraConfig.kind:
            raise ValueError(f"adapter {adapter_name!r} cannot be merged: its kind is {kind}")
        for _, module in self._adapted_modules():
            if adapter_name in module.adapters:
                module.weight.copy_(module.weight + module.adapters[adapter_name].weight())
        self.delete_adapter(adapter_name)

    def save_adapter(self, folder: str | Path, adapter_name: str):
        """Writes one adapter: its settings and its weights."""
        weights = self.adapter_parameters(adapter_name)
        Path(folder).mkdir(parents=True, exist_ok=True)
        settings = json.dumps(self.config.adapters[adapter_name], indent=2)
        Path(folder, "adapter.json").write_text(settings + "\n")
        weights = {name: weight.detach().contiguous() for name, weight in weights.items()}
        save_file(weights, Path(folder, "adapter.safetensors"))

    @torch.no_grad()
    def load_adapter(self, folder: str | Path, adapter_name: str = "default"):
        """Adds the adapter that `save_adapter` wrote, under whatever name, and activates it alone."""
        settings = json.loads(Path(folder, "adapter.json").read_text())
        weights = load_file(Path(folder, "adapter.safetensors"))
        self.add_adapter(adapter_config(settings), adapter_name)
        parameters = self.adapter_parameters(adapter_name)
        expected = {name: tuple(parameter.shape) for name, parameter in parameters.items()}
        found = {name: tuple(weight.shape) for name, weight in weights.items()}
        if found != expected:
            self.delete_adapter(adapter_name)
            differing = sorted(name for name, _ in found.items() ^ expected.items())
            name = differing[0]
            raise ValueError(
                f"the adapter in {folder} was made for another model: {name} is "
                f"{found.get(name, 'missing')} there and {expected.get(name, 'missing')} here"
            )
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])


class BertAdaptersEmbeddings(nn.Module):
    """The sum of word, position and token type embeddings, normed."""

    def __init__(self, config: BertAdaptersConfig):
        super().__init__()
        self.word_embeddings = nn.Embedding(
            config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id
        )
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        positions = torch.arange(config.max_position_embeddings)[None]
        self.register_buffer("position_ids", positions, persistent=False)
        self.register_buffer("token_type_ids", torch.zeros_like(positions), persistent=False)

    def positions(
        self, input_ids: torch.LongTensor | None, inputs_embeds: torch.Tensor
    ) -> torch.LongTensor:
        """The position of each token where the caller gives none: (1, length)."""
        return self.position_ids[:, : inputs_embeds.shape[1]]

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


class BertAdaptersAttention(nn.Module):
    """Self-attention with its output projection, residual and norm."""

    def __init__(self, config: BertAdaptersConfig, layer_idx: int | None = None):
        super().__init__()
        self.self = BertAdaptersSelfAttention(config, layer_idx)
        self.output = BertAdaptersSelfOutput(config)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> torch.Tensor:
        """(batch, length, hidden_size) -> the same shape."""
        attended, _ = self.self(hidden_states, attention_mask, **kwargs)
        return self.output(attended, hidden_states)


class BertAdaptersLayer(GradientCheckpointingLayer):
    """Attention, then feed-forward, each normed behind its residual."""

    def __init__(self, config: BertAdaptersConfig, layer_idx: int | None = None):
        super().__init__()
        self.chunk_size_feed_forward = config.chunk_size_feed_forward
        self.attention = BertAdaptersAttention(config, layer_idx)
        self.intermediate = BertAdaptersIntermediate(config)
        self.output = BertAdaptersOutput(config)

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


class BertAdaptersPredictionHeadTransform(nn.Module):
    """What the masked language model does before it compares with the embeddings."""

    def __init__(self, config: BertAdaptersConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.transform_act_fn = ACT2FN[config.hidden_act]
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> the same shape."""
        return self.LayerNorm(self.transform_act_fn(self.dense(hidden_states)))


class BertAdaptersLMPredictionHead(nn.Module):
    """Scores each word of the vocabulary; the decoder's weight is that of the embeddings."""

    def __init__(self, config: BertAdaptersConfig):
        super().__init__()
        self.transform = BertAdaptersPredictionHeadTransform(config)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))  # tied to the decoder's

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., vocab_size)"""
        return self.decoder(self.transform(hidden_states))


class BertAdaptersPreTrainedModel(AdapterMixin, PreTrainedModel):
    """What the library needs to know to initialise, load, split and run these models."""

    config: BertAdaptersConfig
    base_model_prefix = "bert"  # its checkpoints are BERT's
    supports_gradient_checkpointing = True
    _no_split_modules = ["BertAdaptersEmbeddings", "BertAdaptersLayer"]
    _supports_flash_attn = True
    _supports_sdpa = True
    _supports_flex_attn = True
    _supports_attention_backend = True
    _can_compile_fullgraph = True
    _can_record_outputs = {
        "hidden_states": BertAdaptersLayer,
        "attentions": BertAdaptersSelfAttention,
    }

    def _init_weights(self, module: nn.Module):
        super()._init_weights(module)
        if isinstance(module, BertAdaptersLMPredictionHead):
            init.zeros_(module.bias)
        elif isinstance(module, BertAdaptersEmbeddings):
            init.copy_(module.position_ids, torch.arange(module.position_ids.shape[1])[None])
            init.zeros_(module.token_type_ids)
        if isinstance(module, LoraUpdate):
            init.kaiming_uniform_(module.lora_A.weight, a=5**0.5)  # as nn.Linear and peft begin
            init.zeros_(module.lora_B.weight)
        elif isinstance(module, Bottleneck):
            init.zeros_(module.up.weight)
        elif isinstance(module, Prefix):
            init.normal_(module.key)
            init.normal_(module.value)
            if module.gate is not None:
                init.zeros_(module.gate)


class BertAdaptersEncoder(nn.Module):
    """The layers, one after the other."""

    def __init__(self, config: BertAdaptersConfig):
        super().__init__()
        self.layer = nn.ModuleList(
            BertAdaptersLayer(config, layer) for layer in range(config.num_hidden_layers)
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


class BertAdaptersPooler(nn.Module):
    """One vector for the whole sequence, made from its first token's."""

    def __init__(self, config: BertAdaptersConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = nn.Tanh()

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, length, hidden_size) -> (batch, hidden_size)"""
        return self.activation(self.dense(hidden_states[:, 0]))


class BertAdaptersModel(BertAdaptersPreTrainedModel):
    """Embeddings, layers, and the pooled first token unless `add_pooling_layer` is false."""

    def __init__(self, config: BertAdaptersConfig, add_pooling_layer: bool = True):
        super().__init__(config)
        self.embeddings = BertAdaptersEmbeddings(config)
        self.encoder = BertAdaptersEncoder(config)
        self.pooler = BertAdaptersPooler(config) if add_pooling_layer else None
        self.gradient_checkpointing = False
        self.post_init()
        for name, settings in config.adapters.items():
            self._build_adapter(name, adapter_config(settings))
        self.enable_adapters()

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embeddings.word_embeddings

    def set_input_embeddings(self, value: nn.Embedding):
        self.embeddings.word_embeddings = value

    def embed(self, **inputs) -> torch.Tensor:
        """What the first layer is given: (batch, length, hidden_size)."""
        taken, _ = self.prefix_lengths()
        if taken and inputs["position_ids"] is None:
            ids, embeddings = inputs["input_ids"], inputs["inputs_embeds"]
            given = embeddings if ids is None else ids
            end = taken + given.shape[1]
            if end > self.config.max_position_embeddings:
                raise ValueError(
                    f"prefixes ({taken}) and tokens ({given.shape[1]}) take more than "
                    f"max_position_embeddings ({self.config.max_position_embeddings})"
                )
            inputs["position_ids"] = torch.arange(taken, end, device=given.device)[None]
        return self.embeddings(**inputs)

    def layer_mask(
        self, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None
    ) -> dict[int, torch.Tensor | None]:
        """The mask for each number of keys that stand before the tokens': none of them is padding."""
        masks = {}
        for count in self.prefix_lengths()[1]:
            longer = attention_mask
            if count and attention_mask is not None:
                if attention_mask.ndim != 2:
                    raise ValueError(
                        f"prefixes need a mask with 2 dimensions, not {attention_mask.ndim}"
                    )
                in_front = attention_mask.new_ones(len(attention_mask), count)
                longer = torch.cat([in_front, attention_mask], dim=1)
            length = count + hidden_states.shape[1]
            masks[count] = create_bidirectional_mask(
                config=self.config,
                inputs_embeds=hidden_states,
                attention_mask=longer,
                encoder_hidden_states=hidden_states[:, :1].expand(-1, length, -1),
            )
        return masks

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

    def prefix_lengths(self) -> tuple[int, set[int]]:
        """How many places the prefixes take, and all numbers of keys that stand before the tokens'."""
        prefixes = self.encoder.layer[0].attention.self.stacked_adapters()
        taken = sum(prefix.length for prefix in prefixes if prefix.gate is None)
        gated = {taken + prefix.length for prefix in prefixes if prefix.gate is not None}
        return taken, {taken, *gated}


class BertAdaptersOnlyMLMHead(nn.Module):
    """Keeps the place in checkpoints beside which BERT_ADAPTERS's second head, of next sentences, stood."""

    def __init__(self, config: BertAdaptersConfig):
        super().__init__()
        self.predictions = BertAdaptersLMPredictionHead(config)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., vocab_size)"""
        return self.predictions(hidden_states)


class BertAdaptersForMaskedLM(BertAdaptersPreTrainedModel):
    """The encoder with a head that predicts the words behind masks."""

    _tied_weights_keys = {
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    }

    def __init__(self, config: BertAdaptersConfig):
        super().__init__(config)
        self.bert = BertAdaptersModel(config, add_pooling_layer=False)
        self.cls = BertAdaptersOnlyMLMHead(config)
        self.post_init()

    def get_output_embeddings(self) -> nn.Linear:
        return self.cls.predictions.decoder

    def set_output_embeddings(self, new_embeddings: nn.Linear):
        self.cls.predictions.decoder = new_embeddings
        self.cls.predictions.bias = new_embeddings.bias

    def vocabulary_logits(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(..., hidden_size) -> (..., vocab_size)"""
        return self.cls(hidden_states)

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


def classifier_dropout(config: BertAdaptersConfig) -> nn.Dropout:
    """The dropout in front of a linear head."""
    if config.classifier_dropout is None:
        return nn.Dropout(config.hidden_dropout_prob)
    return nn.Dropout(config.classifier_dropout)


class BertAdaptersForSequenceClassification(BertAdaptersPreTrainedModel):
    """The encoder with a linear head on the pooled sequence."""

    def __init__(self, config: BertAdaptersConfig):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.bert = BertAdaptersModel(config)
        self.dropout = classifier_dropout(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def sequence_logits(self, outputs: BaseModelOutputWithPooling) -> torch.Tensor:
        """What the encoder returns -> (batch, num_labels)"""
        return self.classifier(self.dropout(outputs.pooler_output))

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


class BertAdaptersForTokenClassification(BertAdaptersPreTrainedModel):
    """The encoder with a linear head on each token."""

    def __init__(self, config: BertAdaptersConfig):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.bert = BertAdaptersModel(config, add_pooling_layer=False)
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


class BertAdaptersForQuestionAnswering(BertAdaptersPreTrainedModel):
    """The encoder with a head that scores each token as an answer's first and last one."""

    def __init__(self, config: BertAdaptersConfig):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.bert = BertAdaptersModel(config, add_pooling_layer=False)
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


class BertAdaptersForMultipleChoice(BertAdaptersPreTrainedModel):
    """The encoder with a head that scores each of several sequences as the right one."""

    def __init__(self, config: BertAdaptersConfig):
        super().__init__(config)
        self.bert = BertAdaptersModel(config)
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


def head_on(
    encoder: PreTrainedModel, architecture: type[PreTrainedModel], config: PreTrainedConfig
) -> PreTrainedModel:
    """A new task model that uses the encoder given, which is no part of it."""
    with torch.device("meta"):  # an encoder of its own is not worth making
        head = architecture(config)
    delattr(head, head.base_model_prefix)
    # Past nn.Module's own book-keeping: the encoder's weights are not among the head's.
    vars(head)[head.base_model_prefix] = encoder
    head._tied_weights_keys, head.all_tied_weights_keys = None, {}  # see `ties_of_heads`
    head.to_empty(device=encoder.device).to(encoder.dtype).apply(head._init_weights)
    return head.train(encoder.training)


def ties_of_heads(heads: nn.ModuleDict, encoder: str) -> dict[str, str]:
    """What is tied to what in heads of `head_on`, by names in the model that has these `heads`."""
    ties = {}
    for name, head in heads.items():
        prefix = f"{head.base_model_prefix}."
        for tied, kept in (type(head)._tied_weights_keys or {}).items():
            of_encoder = f"{encoder}.{kept.removeprefix(prefix)}"
            ties[f"heads.{name}.{tied}"] = (
                of_encoder if kept.startswith(prefix) else f"heads.{name}.{kept}"
            )
    return ties


# The task models, by what a head can be for.
FORMATS = {
    "classification": BertAdaptersForSequenceClassification,
    "masked_lm": BertAdaptersForMaskedLM,
    "multiple_choice": BertAdaptersForMultipleChoice,
    "question_answering": BertAdaptersForQuestionAnswering,
    "tagging": BertAdaptersForTokenClassification,
}


class BertAdaptersModelWithHeads(BertAdaptersPreTrainedModel):
    """One encoder with its adapters, and heads by name, one of which is active."""

    def __init__(self, config: BertAdaptersConfig):
        super().__init__(config)
        self.bert = BertAdaptersModel(config)
        self.heads = nn.ModuleDict()
        for name, settings in config.heads.items():
            self._build_head(name, **settings)
        self.post_init()

    @property
    def _tied_weights_keys(self) -> dict[str, str]:
        return ties_of_heads(self.heads, "bert")

    def _build_head(self, name: str, format: str, **settings: Any):
        config = deepcopy(self.config)
        config.update({"adapters": {}, "heads": {}, "num_labels": 2, **settings})
        self.heads[name] = head_on(self.bert, FORMATS[format], config)

    def _tie_heads(self):
        """After heads came or went."""
        self.all_tied_weights_keys = self.get_expanded_tied_weights_keys(all_submodels=True)
        self.tie_weights()

    def add_head(self, head_name: str, format: str, **settings: Any):
        """Adds a fresh head for one of `FORMATS` and activates it.

        `settings` are fields of its config, such as num_labels, which is 2 if it is not given.
        """
        if head_name in self.heads:
            raise ValueError(f"there is a head {head_name!r} already")
        if not head_name.isidentifier() or hasattr(nn.ModuleDict, head_name):
            raise ValueError(f"{head_name!r} cannot be the name of a module")
        if format not in FORMATS:
            raise ValueError(f"no format of heads: {format!r}; there are {list(FORMATS)}")
        self._build_head(head_name, format, **settings)
        self._tie_heads()
        self.config.heads[head_name] = {"format": format, **settings}
        self.set_head(head_name)

    def set_head(self, head_name: str):
        """Activates a head: the model is that task's."""
        self._known_head(head_name)
        self.config.active_head = head_name

    def delete_head(self, head_name: str):
        self._known_head(head_name)
        del self.heads[head_name], self.config.heads[head_name]
        self._tie_heads()
        if self.config.active_head == head_name:
            self.config.active_head = None

    def _known_head(self, head_name: str):
        if head_name not in self.heads:
            raise ValueError(f"no head {head_name!r}; there are {list(self.heads)}")

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
        head: str | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> ModelOutput | tuple:
        """What the task model of the active head, or of that named, returns for these inputs.

        Without any, what the encoder returns.
        """
        name = self.config.active_head if head is None else head
        if name is not None:
            self._known_head(name)
        given = {
            "labels": labels,
            "start_positions": start_positions,
            "end_positions": end_positions,
        }
        model = self.bert if name is None else self.heads[name]
        return model(
            input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            **{key: each for key, each in given.items() if each is not None},
            **kwargs,
        )


__all__ = [
    "AdapterMixin",
    "BertAdaptersForMaskedLM",
    "BertAdaptersForMultipleChoice",
    "BertAdaptersForQuestionAnswering",
    "BertAdaptersForSequenceClassification",
    "BertAdaptersForTokenClassification",
    "BertAdaptersModel",
    "BertAdaptersModelWithHeads",
    "BertAdaptersPreTrainedModel",
]
