# unravel: generated from modular/modular_mistral.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: 8dbe0635df510693

from typing import ClassVar

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_rope_utils import RopeParameters


@strict
class MistralConfig(PreTrainedConfig):
    """Sizes and switches of a Mistral decoder; as it stands, Mistral 7B.

    Paper: Mistral 7B (Jiang et al. 2023, arXiv:2310.06825). Sizes and window are those of its
    table 1; the largest position is how far the last layer sees back according to its section 2,
    32 windows of 4096 tokens.
    """

    model_type = "mistral"
    keys_to_ignore_at_inference = ["past_key_values"]
    base_model_tp_plan = {
        "layers.*.self_attn.q_proj": "colwise",
        "layers.*.self_attn.k_proj": "colwise",
        "layers.*.self_attn.v_proj": "colwise",
        "layers.*.self_attn.o_proj": "rowwise",
        "layers.*.mlp.gate_proj": "colwise",
        "layers.*.mlp.up_proj": "colwise",
        "layers.*.mlp.down_proj": "rowwise",
    }
    base_model_pp_plan = {
        "embed_tokens": (["input_ids"], ["inputs_embeds"]),
        "layers": (["hidden_states", "attention_mask"], ["hidden_states"]),
        "norm": (["hidden_states"], ["hidden_states"]),
    }

    vocab_size: int = 32000
    hidden_size: int = 4096
    intermediate_size: int = 14336
    num_hidden_layers: int = 32
    num_attention_heads: int = 32
    num_key_value_heads: int | None = 8  # None: as many as attention heads
    head_dim: int | None = None  # None: hidden_size / num_attention_heads
    hidden_act: str = "silu"
    max_position_embeddings: int = 131072
    rope_parameters: RopeParameters | dict | None = None  # None: unscaled, base 10000
    rms_norm_eps: float = 1e-6
    attention_bias: ClassVar[bool] = False  # no field: there never is any
    attention_dropout: float | int | None = 0.0
    mlp_bias: ClassVar[bool] = False
    initializer_range: float = 0.02
    use_cache: bool = True
    tie_word_embeddings: bool = False
    pad_token_id: int | None = None
    bos_token_id: int | None = 1
    eos_token_id: int | list[int] | None = 2
    sliding_window: int | None = 4096  # how many tokens one sees, itself included; None: all

    def __post_init__(self, **kwargs):
        if self.num_key_value_heads is None:
            self.num_key_value_heads = self.num_attention_heads
        if getattr(self, "head_dim", 0) is None:  # some decoders have no such setting
            self.head_dim = self.hidden_size // self.num_attention_heads
        super().__post_init__(**kwargs)


__all__ = ["MistralConfig"]
