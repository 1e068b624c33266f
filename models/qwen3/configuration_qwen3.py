# unravel: generated from modular/modular_qwen3.py; do not edit.
# unravel: change that file and run `unravel convert`.
# unravel: digest of what follows: 9fb1281bc0614ffb

from typing import ClassVar

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_rope_utils import RopeParameters


@strict
class Qwen3Config(PreTrainedConfig):
    """Sizes and switches of a Qwen3 decoder.

    Paper: Qwen3 Technical Report (Yang et al. 2025, arXiv:2505.09388). The defaults are what the
    published `config.json` files leave unsaid; they are no model of the paper's table 1.
    """

    model_type = "qwen3"
    keys_to_ignore_at_inference = ["past_key_values"]
    base_model_tp_plan = {
        "layers.*.self_attn.q_proj": "colwise",
        "layers.*.self_attn.k_proj": "colwise",
        "layers.*.self_attn.v_proj": "colwise",
        "layers.*.self_attn.q_norm": "replicated_with_grad_allreduce",
        "layers.*.self_attn.k_norm": "replicated_with_grad_allreduce",
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

    vocab_size: int = 151936
    hidden_size: int = 4096
    intermediate_size: int = 22016
    num_hidden_layers: int = 32
    num_attention_heads: int = 32
    num_key_value_heads: int | None = 32  # None: as many as attention heads
    hidden_act: str = "silu"
    max_position_embeddings: int = 32768
    rope_parameters: RopeParameters | dict | None = None  # None: unscaled, base 10000
    rms_norm_eps: float = 1e-6
    attention_bias: bool = False
    attention_dropout: float | int | None = 0.0
    mlp_bias: ClassVar[bool] = False
    initializer_range: float = 0.02
    use_cache: bool = True
    tie_word_embeddings: bool = False
    pad_token_id: int | None = None
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None
    use_sliding_window: bool = False
    sliding_window: int | None = 4096  # how many tokens one sees, itself included
    max_window_layers: int = 28  # how many of the first layers have no window even so
    layer_types: list[str] | None = None  # full_attention, sliding_attention; None: by the above

    head_dim: int = 128

    def __post_init__(self, **kwargs):
        if not self.use_sliding_window:
            self.sliding_window = None
        if self.layer_types is None:
            full = self.num_hidden_layers if self.sliding_window is None else self.max_window_layers
            self.layer_types = [
                "full_attention" if layer < full else "sliding_attention"
                for layer in range(self.num_hidden_layers)
            ]
        if self.num_key_value_heads is None:
            self.num_key_value_heads = self.num_attention_heads
        if getattr(self, "head_dim", 0) is None:  # some decoders have no such setting
            self.head_dim = self.hidden_size // self.num_attention_heads
        super().__post_init__(**kwargs)


__all__ = ["Qwen3Config"]
