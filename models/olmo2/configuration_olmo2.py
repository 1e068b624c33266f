# unravel: generated from modular/modular_olmo2.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: 85c3a119b5ccfa0d

from typing import ClassVar

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_rope_utils import RopeParameters


@strict
class Olmo2Config(PreTrainedConfig):
    """Sizes and switches of an OLMo 2 decoder; as it stands, of the sizes of OLMo 7B.

    Paper: 2 OLMo 2 Furious (Team OLMo 2024, arXiv:2501.00656). The defaults are what the published
    `config.json` files leave unsaid.
    """

    model_type = "olmo2"
    keys_to_ignore_at_inference = ["past_key_values"]
    base_model_tp_plan = {
        # the norms of queries and keys run over all heads, so their projections are gathered first
        "layers.*.self_attn.q_proj": "colwise_gather_output",
        "layers.*.self_attn.k_proj": "colwise_gather_output",
        "layers.*.self_attn.v_proj": "colwise_gather_output",
        "layers.*.self_attn.o_proj": "rowwise_split_input",
        "layers.*.mlp.gate_proj": "colwise",
        "layers.*.mlp.up_proj": "colwise",
        "layers.*.mlp.down_proj": "rowwise",
    }
    base_model_pp_plan = {
        "embed_tokens": (["input_ids"], ["inputs_embeds"]),
        "layers": (["hidden_states", "attention_mask"], ["hidden_states"]),
        "norm": (["hidden_states"], ["hidden_states"]),
    }

    vocab_size: int = 50304
    hidden_size: int = 4096
    intermediate_size: int = 11008
    num_hidden_layers: int = 32
    num_attention_heads: int = 32
    num_key_value_heads: int | None = None  # None: as many as attention heads
    hidden_act: str = "silu"
    max_position_embeddings: int = 2048
    rope_parameters: RopeParameters | dict | None = None  # None: unscaled, base 10000
    attention_bias: bool = False
    attention_dropout: float | int | None = 0.0
    mlp_bias: ClassVar[bool] = False  # no field: there never is any
    initializer_range: float = 0.02
    use_cache: bool = True
    tie_word_embeddings: bool = False
    pad_token_id: int | None = 1
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = 50279

    rms_norm_eps: float = 1e-5

    def __post_init__(self, **kwargs):
        if self.num_key_value_heads is None:
            self.num_key_value_heads = self.num_attention_heads
        if getattr(self, "head_dim", 0) is None:  # some decoders have no such setting
            self.head_dim = self.hidden_size // self.num_attention_heads
        super().__post_init__(**kwargs)


__all__ = ["Olmo2Config"]
