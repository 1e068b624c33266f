# unravel: generated from modular/modular_gemma2.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: f06a218233160c98

from typing import ClassVar

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_rope_utils import RopeParameters


@strict
class Gemma2Config(PreTrainedConfig):
    """Sizes and switches of a Gemma 2 decoder; as it stands, Gemma 2 2B.

    Paper: Gemma 2 (Riviere et al. 2024, arXiv:2408.00118). Sizes are those of its table 1, window
    and caps those of section 2; the feed-forward size there counts both halves of the gated network.
    """

    model_type = "gemma2"
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
    hidden_size: int = 2304
    intermediate_size: int = 9216
    num_hidden_layers: int = 26
    num_attention_heads: int = 8
    num_key_value_heads: int = 4
    head_dim: int = 256
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
    hidden_activation: str = "gelu_pytorch_tanh"
    query_pre_attn_scalar: int = 256  # queries are divided by its square root
    sliding_window: int | None = 4096  # how many tokens one sees, itself included
    layer_types: list[str] | None = None  # None: sliding_attention, full_attention, and so on
    final_logit_softcapping: float | None = 30.0  # None: logits are not capped
    attn_logit_softcapping: float | None = 50.0

    def __post_init__(self, **kwargs):
        if self.layer_types is None:
            self.layer_types = [
                "full_attention" if layer % 2 else "sliding_attention"
                for layer in range(self.num_hidden_layers)
            ]
        super().__post_init__(**kwargs)


__all__ = ["Gemma2Config"]
