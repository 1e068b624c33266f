# unravel: generated from modular/modular_bert_adapters.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: e1747e208e34ba38

from dataclasses import dataclass, field
from typing import Any, ClassVar

from huggingface_hub.dataclasses import strict
from torch import nn
from transformers.configuration_utils import PreTrainedConfig


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


@strict
class BertAdaptersConfig(PreTrainedConfig):
    """Sizes and switches of a BERT encoder, and its adapters and heads; at first it has none.

    Paper: BERT (Devlin et al. 2018, arXiv:1810.04805); the defaults are those of `bert`, and so are
    the checkpoints. Adapters and heads are added to models, which keep book of them here.
    """

    model_type = "bert_adapters"

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float | int = 0.1
    attention_probs_dropout_prob: float | int = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int | None = 0
    use_cache: bool = True  # kept for old config files, like the next two: this is an encoder
    classifier_dropout: float | int | None = None  # None: hidden_dropout_prob
    is_decoder: bool = False
    add_cross_attention: bool = False
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None
    tie_word_embeddings: bool = True

    adapters: dict[str, dict[str, Any]] = field(default_factory=dict)
    active_adapters: list[str] = field(default_factory=list)
    heads: dict[str, dict[str, Any]] = field(default_factory=dict)
    active_head: str | None = None


def classifier_dropout(config: BertAdaptersConfig) -> nn.Dropout:
    """The dropout in front of a linear head."""
    if config.classifier_dropout is None:
        return nn.Dropout(config.hidden_dropout_prob)
    return nn.Dropout(config.classifier_dropout)


__all__ = ["BertAdaptersConfig", "BottleneckConfig", "LoraConfig", "PrefixConfig"]
