# unravel: generated from modular/modular_roberta.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: ca48623a039453a9

from huggingface_hub.dataclasses import strict
from torch import nn
from transformers.configuration_utils import PreTrainedConfig


@strict
class RobertaConfig(PreTrainedConfig):
    """Sizes and switches of a RoBERTa encoder; as it stands, the sizes of BERT base.

    Paper: RoBERTa (Liu et al. 2019, arXiv:1907.11692). The vocabulary is GPT-2's byte-level BPE with
    a mask token and padding to 50265; the other defaults are what the published `config.json` files
    leave unsaid.
    """

    model_type = "roberta"

    vocab_size: int = 50265
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
    pad_token_id: int | None = 1
    use_cache: bool = True  # kept for old config files, like the next two: this is an encoder
    classifier_dropout: float | int | None = None  # None: hidden_dropout_prob
    is_decoder: bool = False
    add_cross_attention: bool = False
    bos_token_id: int | None = 0
    eos_token_id: int | list[int] | None = 2
    tie_word_embeddings: bool = True


def classifier_dropout(config: RobertaConfig) -> nn.Dropout:
    """The dropout in front of a linear head."""
    if config.classifier_dropout is None:
        return nn.Dropout(config.hidden_dropout_prob)
    return nn.Dropout(config.classifier_dropout)


__all__ = ["RobertaConfig"]
