# unravel: generated from modular/modular_electra.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: b4c712a59dd37e15

from huggingface_hub.dataclasses import strict
from torch import nn
from transformers.configuration_utils import PreTrainedConfig


@strict
class ElectraConfig(PreTrainedConfig):
    """Sizes and switches of an ELECTRA discriminator or generator; as it stands, ELECTRA small.

    Paper: ELECTRA (Clark et al. 2020, arXiv:2003.10555); sizes are those of its table 6.
    """

    model_type = "electra"

    vocab_size: int = 30522
    hidden_size: int = 256
    num_hidden_layers: int = 12
    num_attention_heads: int = 4
    intermediate_size: int = 1024
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

    embedding_size: int = 128
    summary_type: str = "first"  # which tokens multiple choice looks at: first, last, mean
    summary_use_proj: bool = True
    summary_activation: str = "gelu"
    summary_last_dropout: float | int = 0.1


def classifier_dropout(config: ElectraConfig) -> nn.Dropout:
    """The dropout in front of a linear head."""
    if config.classifier_dropout is None:
        return nn.Dropout(config.hidden_dropout_prob)
    return nn.Dropout(config.classifier_dropout)


__all__ = ["ElectraConfig"]
