import json
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import initialization as init
from transformers.activations import ACT2FN
from transformers.configuration_utils import PreTrainedConfig
from transformers.masking_utils import create_bidirectional_mask
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
    BertIntermediate,
    BertModel,
    BertOnlyMLMHead,
    BertOutput,
    BertPreTrainedModel,
    BertSelfAttention,
    BertSelfOutput,
    classifier_dropout,
)


@dataclass(frozen=True, kw_only=True)
class LoraConfig:
    """Low-rank updates of linear layers.

    Paper: LoRA (Hu et al. 2021, arXiv:2106.09685). Queries and values are updated, as in its
    section 5; a target is the end of a linear layer's name, such as `attention.output.dense`.
    """

    kind: ClassVar[str] = "lora"

    rank: int = 8
    alpha: float = 8.0  # the update is scaled by alpha / rank
    dropout: float = 0.0
    targets: list[str] = field(default_factory=lambda: ["query", "value"])

    def __post_init__(self):
        if self.rank < 1:
            raise ValueError(f"rank must be at least 1, not {self.rank}")


@dataclass(frozen=True, kw_only=True)
class PrefixConfig:
    """Keys and values in front of those of the tokens, in each layer.

    Paper: Prefix-Tuning (Li and Liang 2021, arXiv:2101.00190), without its reparametrisation. A
    gated prefix begins with no influence (as in LLaMA-Adapter, Zhang et al. 2023,
    arXiv:2303.16199), costs an attention of its own, and leaves the tokens' positions alone. One
    that is not gated is the paper's: it changes what is computed at once, and takes the first
    positions, as it does in peft.
    """

    kind: ClassVar[str] = "prefix"

    length: int = 30
    gated: bool = True

    def __post_init__(self):
        if self.length < 1:
            raise ValueError(f"length must be at least 1, not {self.length}")


@dataclass(frozen=True, kw_only=True)
class BottleneckConfig:
    """A small network behind the attention, behind the feed-forward network, or behind both.

    Papers: Houlsby et al. 2019 (arXiv:1902.00751), behind both; Pfeiffer et al. 2020
    (arXiv:2005.00247), behind the feed-forward network only. The size is the former's, section 3.
    """

    kind: ClassVar[str] = "bottleneck"

    size: int = 64
    activation: str = "relu"
    after_attention: bool = True
    after_feed_forward: bool = True

    def __post_init__(self):
        if self.size < 1:
            raise ValueError(f"size must be at least 1, not {self.size}")


def adapter_config(settings: dict[str, Any]) -> LoraConfig | PrefixConfig | BottleneckConfig:
    """Settings as they stand in files -> the config of their kind."""
    kinds = {each.kind: each for each in (LoraConfig, PrefixConfig, BottleneckConfig)}
    if settings["kind"] not in kinds:
        raise ValueError(f"no kind of adapter: {settings['kind']!r}; there are {list(kinds)}")
    return kinds[settings["kind"]](**{key: settings[key] for key in settings if key != "kind"})


class BertAdaptersConfig(BertConfig):
    """Sizes and switches of a BERT encoder, and its adapters and heads; at first it has none.

    Paper: BERT (Devlin et al. 2018, arXiv:1810.04805); the defaults are those of `bert`, and so are
    the checkpoints. Adapters and heads are added to models, which keep book of them here.
    """

    model_type = "bert_adapters"

    adapters: dict[str, dict[str, Any]] = field(default_factory=dict)
    active_adapters: list[str] = field(default_factory=list)
    heads: dict[str, dict[str, Any]] = field(default_factory=dict)
    active_head: str | None = None


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


class BertAdaptersSelfAttention(AdaptedModule, BertSelfAttention):
    """Each token attends to all tokens, padding excepted, and to the prefixes."""

    def __init__(self, config: BertAdaptersConfig, layer_idx: int | None = None):
        super().__init__(config, layer_idx)
        self.query = AdaptedLinear(config.hidden_size, config.hidden_size)
        self.key = AdaptedLinear(config.hidden_size, config.hidden_size)
        self.value = AdaptedLinear(config.hidden_size, config.hidden_size)
        self.adapters = nn.ModuleDict()

    def new_adapter(self, config: Any, path: str) -> nn.Module | None:
        if not isinstance(config, PrefixConfig):
            return None
        return Prefix(config, self.num_attention_heads, self.attention_head_size)

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
        attended, weights = super().attend(query, key, value, attention_mask[taken], **kwargs)
        found = attended
        for prefix in prefixes:
            if prefix.gate is not None:
                mask = attention_mask[taken + prefix.length]
                changed, _ = super().attend(query, *prefix(key, value), mask, **kwargs)
                found = found + prefix.gate[:, None] * (changed - attended)
        return found, weights


class BertAdaptersSelfOutput(AdaptedModule, BertSelfOutput):
    def __init__(self, config: BertAdaptersConfig):
        super().__init__(config)
        self.dense = AdaptedLinear(config.hidden_size, config.hidden_size)
        self.adapters = nn.ModuleDict()

    def new_adapter(self, config: Any, path: str) -> nn.Module | None:
        is_wanted = isinstance(config, BottleneckConfig) and config.after_attention
        return Bottleneck(config, self.dense.out_features) if is_wanted else None

    def forward(self, hidden_states: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        hidden_states = self.dropout(self.dense(hidden_states))
        for bottleneck in self.stacked_adapters():
            hidden_states = bottleneck(hidden_states)
        return self.LayerNorm(hidden_states + residual)


class BertAdaptersIntermediate(BertIntermediate):
    def __init__(self, config: BertAdaptersConfig):
        super().__init__(config)
        self.dense = AdaptedLinear(config.hidden_size, config.intermediate_size)


class BertAdaptersOutput(AdaptedModule, BertOutput):
    def __init__(self, config: BertAdaptersConfig):
        super().__init__(config)
        self.dense = AdaptedLinear(config.intermediate_size, config.hidden_size)
        self.adapters = nn.ModuleDict()

    def new_adapter(self, config: Any, path: str) -> nn.Module | None:
        is_wanted = isinstance(config, BottleneckConfig) and config.after_feed_forward
        return Bottleneck(config, self.dense.out_features) if is_wanted else None

    def forward(self, hidden_states: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        hidden_states = self.dropout(self.dense(hidden_states))
        for bottleneck in self.stacked_adapters():
            hidden_states = bottleneck(hidden_states)
        return self.LayerNorm(hidden_states + residual)


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


class BertAdaptersPreTrainedModel(AdapterMixin, BertPreTrainedModel):
    base_model_prefix = "bert"  # its checkpoints are BERT's

    def _init_weights(self, module: nn.Module):
        super()._init_weights(module)
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


class BertAdaptersModel(BertModel):
    def __init__(self, config: BertAdaptersConfig, add_pooling_layer: bool = True):
        super().__init__(config, add_pooling_layer)
        for name, settings in config.adapters.items():
            self._build_adapter(name, adapter_config(settings))
        self.enable_adapters()

    def prefix_lengths(self) -> tuple[int, set[int]]:
        """How many places the prefixes take, and all numbers of keys that stand before the tokens'."""
        prefixes = self.encoder.layer[0].attention.self.stacked_adapters()
        taken = sum(prefix.length for prefix in prefixes if prefix.gate is None)
        gated = {taken + prefix.length for prefix in prefixes if prefix.gate is not None}
        return taken, {taken, *gated}

    def embed(self, **inputs) -> torch.Tensor:
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
        return super().embed(**inputs)

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


class BertAdaptersForMaskedLM(BertForMaskedLM):
    _tied_weights_keys = {
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    }

    def __init__(self, config: BertAdaptersConfig):
        BertAdaptersPreTrainedModel.__init__(self, config)
        self.bert = BertAdaptersModel(config, add_pooling_layer=False)
        self.cls = BertOnlyMLMHead(config)
        self.post_init()


class BertAdaptersForSequenceClassification(BertForSequenceClassification):
    def __init__(self, config: BertAdaptersConfig):
        BertAdaptersPreTrainedModel.__init__(self, config)
        self.num_labels = config.num_labels
        self.bert = BertAdaptersModel(config)
        self.dropout = classifier_dropout(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()


class BertAdaptersForTokenClassification(BertForTokenClassification):
    def __init__(self, config: BertAdaptersConfig):
        BertAdaptersPreTrainedModel.__init__(self, config)
        self.num_labels = config.num_labels
        self.bert = BertAdaptersModel(config, add_pooling_layer=False)
        self.dropout = classifier_dropout(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()


class BertAdaptersForQuestionAnswering(BertForQuestionAnswering):
    def __init__(self, config: BertAdaptersConfig):
        BertAdaptersPreTrainedModel.__init__(self, config)
        self.num_labels = config.num_labels
        self.bert = BertAdaptersModel(config, add_pooling_layer=False)
        self.qa_outputs = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()


class BertAdaptersForMultipleChoice(BertForMultipleChoice):
    def __init__(self, config: BertAdaptersConfig):
        BertAdaptersPreTrainedModel.__init__(self, config)
        self.bert = BertAdaptersModel(config)
        self.dropout = classifier_dropout(config)
        self.classifier = nn.Linear(config.hidden_size, 1)
        self.post_init()


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
    "BertAdaptersConfig",
    "BertAdaptersForMaskedLM",
    "BertAdaptersForMultipleChoice",
    "BertAdaptersForQuestionAnswering",
    "BertAdaptersForSequenceClassification",
    "BertAdaptersForTokenClassification",
    "BertAdaptersModel",
    "BertAdaptersModelWithHeads",
    "BertAdaptersPreTrainedModel",
    "BottleneckConfig",
    "LoraConfig",
    "PrefixConfig",
]
