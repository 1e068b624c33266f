# unravel: generated from modular/modular_gemma.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: ee6f58f23243ab0b

from typing import ClassVar

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_rope_utils import RopeParameters


@strict
class GemmaConfig(PreTrainedConfig):
    """Sizes and switches of a Gemma decoder; as it stands, Gemma 7B.

    Paper: Gemma (Mesnard et al. 2024, arXiv:2403.08295). Sizes are those of its table 1; the
    feed-forward size there counts both halves of the gated network.
    """

    model_type = "gemma"
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

    vocab_size: int = 256000
    hidden_size: int = 3072
    intermediate_size: int = 24576
    num_hidden_layers: int = 28
    num_attention_heads: int = 16
    num_key_value_heads: int = 16
    head_dim: int = 256
    hidden_act: str = "gelu_pytorch_tanh"
    max_position_embeddings: int = 8192
    rope_parameters: RopeParameters | dict | None = None  # None: unscaled, base 10000
    rms_norm_eps: float = 1e-6
    attention_bias: bool = False
    attention_dropout: float | int | None = 0.0
    mlp_bias: ClassVar[bool] = False  # no field: there never is any
    initializer_range: float = 0.02
    use_cache: bool = True
    tie_word_embeddings: bool = True
    pad_token_id: int | None = 0
    bos_token_id: int | None = 2
    eos_token_id: int | list[int] | None = 1
    # Whether attention functions are told that it is not causal; masks, where they are made, stay so.
    use_bidirectional_attention: bool | None = None

    def __post_init__(self, **kwargs):
        if self.hidden_act == "gelu":  # so the first files call the approximation that is meant
            self.hidden_act = "gelu_pytorch_tanh"
        super().__post_init__(**kwargs)


__all__ = ["GemmaConfig"]
