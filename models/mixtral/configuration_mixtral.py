# unravel: generated from modular/modular_mixtral.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: 95f5bcc9af2a3553

from typing import ClassVar

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_rope_utils import RopeParameters


@strict
class MixtralConfig(PreTrainedConfig):
    """Sizes and switches of a Mixtral decoder; as it stands, Mixtral 8x7B.

    Paper: Mixtral of Experts (Jiang et al. 2024, arXiv:2401.04088). Sizes are those of its table 1;
    the share of the routers' loss is what the published `config.json` leaves unsaid.
    """

    model_type = "mixtral"
    keys_to_ignore_at_inference = ["past_key_values"]
    base_model_tp_plan = {
        "layers.*.self_attn.q_proj": "colwise",
        "layers.*.self_attn.k_proj": "colwise",
        "layers.*.self_attn.v_proj": "colwise",
        "layers.*.self_attn.o_proj": "rowwise",
        "layers.*.mlp.experts.gate_up_proj": "packed_colwise",
        "layers.*.mlp.experts.down_proj": "rowwise",
        "layers.*.mlp.experts": "moe_tp_experts",
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
    rms_norm_eps: float = 1e-5
    attention_bias: ClassVar[bool] = False  # no field: there never is any
    attention_dropout: float | int | None = 0.0
    mlp_bias: ClassVar[bool] = False
    initializer_range: float = 0.02
    use_cache: bool = True
    tie_word_embeddings: bool = False
    pad_token_id: int | None = None
    bos_token_id: int | None = 1
    eos_token_id: int | list[int] | None = 2
    sliding_window: int | None = None  # how many tokens one sees, itself included; None: all
    attribute_map = {"num_experts": "num_local_experts"}
    default_theta = 1000000.0
    base_model_ep_plan = {
        "layers.*.mlp.experts.gate_up_proj": "grouped_gemm",
        "layers.*.mlp.experts.down_proj": "grouped_gemm",
        "layers.*.mlp.experts": "ep_dispatch_experts",
    }
    num_experts_per_tok: int = 2
    num_local_experts: int = 8
    output_router_logits: bool = False  # whether their loss is computed and added
    router_aux_loss_coef: float = 0.001
    router_jitter_noise: float = 0.0  # in training, inputs are scaled by 1 plus or minus up to this

    def __post_init__(self, **kwargs):
        if self.num_key_value_heads is None:
            self.num_key_value_heads = self.num_attention_heads
        super().__post_init__(**kwargs)


__all__ = ["MixtralConfig"]
