# unravel: generated from modular/modular_deberta_v2.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: 5746af74c7a56295

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig


@strict
class DebertaV2Config(PreTrainedConfig):
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
    hidden_act: str = "gelu"
    hidden_dropout_prob: float | int = 0.1
    attention_probs_dropout_prob: float | int = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 0
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-7
    pad_token_id: int | None = 0
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None
    tie_word_embeddings: bool = True
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

    def __post_init__(self, **kwargs):
        if isinstance(self.pos_att_type, str):
            self.pos_att_type = [each.strip() for each in self.pos_att_type.lower().split("|")]
        self.pooler_hidden_size = kwargs.pop("pooler_hidden_size", self.hidden_size)
        super().__post_init__(**kwargs)


__all__ = ["DebertaV2Config"]
