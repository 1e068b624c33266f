# unravel: generated from modular/modular_bert_multitask.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: fd1c8dec78624d2b

from dataclasses import field
from typing import Any

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig


@strict
class BertMultitaskConfig(PreTrainedConfig):
    """Sizes and switches of an encoder that tasks share, the heads on it, and what each head does.

    Papers: BERT (Devlin et al. 2018, arXiv:1810.04805), whose defaults are those of `bert`, and
    MT-DNN (Liu et al. 2019, arXiv:1901.11504): heads on one encoder, some for several tasks. The
    settings of a head are its `format` and fields of the encoder's config, such as num_labels, which
    is 2 if it is not given; `tasks` are names of heads, by task. `encoder` are the settings of an
    architecture that has a config of its own.
    """

    model_type = "bert_multitask"

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

    architecture: str = "bert"
    encoder: dict[str, Any] = field(default_factory=dict)
    heads: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)


__all__ = ["BertMultitaskConfig"]
