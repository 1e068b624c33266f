# unravel: generated from modular/modular_phi3.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: e692e6867a451a62

from typing import ClassVar

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_rope_utils import RopeParameters


@strict
class Phi3Config(PreTrainedConfig):
    """Sizes and switches of a Phi-3 decoder; as it stands, Phi-3-mini with a context of 4096.

    Paper: Phi-3 (Abdin et al. 2024, arXiv:2404.14219). Layers, heads and hidden size are those of
    its section 2; the rest is what the published `config.json` files leave unsaid.
    """

    model_type = "phi3"
    keys_to_ignore_at_inference = ["past_key_values"]
    base_model_tp_plan = {
        # several projections are one matrix, so what they give is gathered before it is split
        "layers.*.self_attn.qkv_proj": "colwise_gather_output",
        "layers.*.self_attn.o_proj": "rowwise_split_input",
        "layers.*.mlp.gate_up_proj": "colwise_gather_output",
        "layers.*.mlp.down_proj": "rowwise_split_input",
    }
    base_model_pp_plan = {
        "embed_tokens": (["input_ids"], ["inputs_embeds"]),
        "layers": (["hidden_states", "attention_mask"], ["hidden_states"]),
        "norm": (["hidden_states"], ["hidden_states"]),
    }

    vocab_size: int = 32064
    hidden_size: int = 3072
    intermediate_size: int = 8192
    num_hidden_layers: int = 32
    num_attention_heads: int = 32
    num_key_value_heads: int | None = None  # None: as many as attention heads
    hidden_act: str = "silu"
    max_position_embeddings: int = 4096
    rope_parameters: RopeParameters | dict | None = None  # None: unscaled, base 10000
    rms_norm_eps: float = 1e-5
    attention_bias: ClassVar[bool] = False  # no field: there never is any
    attention_dropout: float | int | None = 0.0
    mlp_bias: ClassVar[bool] = False
    initializer_range: float = 0.02
    use_cache: bool = True
    tie_word_embeddings: bool = False
    pad_token_id: int | None = 32000
    bos_token_id: int | None = 1
    eos_token_id: int | list[int] | None = 32000
    sliding_window: int | None = None  # how many tokens one sees, itself included; None: all
    original_max_position_embeddings: int = 4096
    resid_pdrop: float | int = 0.0
    embd_pdrop: float | int = 0.0  # kept for old config files  # unravel: ignore[UNM114]

    def __post_init__(self, **kwargs):
        self.__parent_post_init(**kwargs)
        share = kwargs.get("partial_rotary_factor", 1.0)
        self.rope_parameters.setdefault("partial_rotary_factor", share)

    def __parent_post_init(self, **kwargs):
        if self.num_key_value_heads is None:
            self.num_key_value_heads = self.num_attention_heads
        if getattr(self, "head_dim", 0) is None:  # some decoders have no such setting
            self.head_dim = self.hidden_size // self.num_attention_heads
        super().__post_init__(**kwargs)


__all__ = ["Phi3Config"]
