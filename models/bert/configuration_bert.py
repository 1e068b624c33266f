from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig


@strict
class BertConfig(PreTrainedConfig):
    """Sizes and switches of a BERT encoder; as it stands, BERT base, uncased.

    Paper: BERT (Devlin et al. 2018, arXiv:1810.04805). Layers, heads and hidden size are those of
    its section 3, dropout that of appendix A.2; the vocabulary and the norm's epsilon are those of
    the weights released with it. Field names are those of the published `config.json` files.
    """

    model_type = "bert"

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


__all__ = ["BertConfig"]
