import torch
from torch import nn
from transformers import initialization as init
from transformers.activations import ACT2FN
from transformers.cache_utils import Cache
from transformers.configuration_utils import PreTrainedConfig
from transformers.integrations import use_experts_implementation
from transformers.modeling_outputs import MoeCausalLMOutputWithPast, MoeModelOutputWithPast
from transformers.modeling_utils import PreTrainedModel
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple
from transformers.utils.output_capturing import OutputRecorder

from models.mistral.configuration_mistral import MistralConfig
from models.mistral.modeling_mistral import (
    MistralAttention,
    MistralDecoderLayer,
    MistralForCausalLM,
    MistralForSequenceClassification,
    MistralModel,
    MistralPreTrainedModel,
)


class MixtralConfig(MistralConfig):
    """Sizes and switches of a Mixtral decoder; as it stands, Mixtral 8x7B.

    Paper: Mixtral of Experts (Jiang et al. 2024, arXiv:2401.04088). Sizes are those of its table 1;
    the share of the routers' loss is what the published `config.json` leaves unsaid.
    """

    model_type = "mixtral"
    attribute_map = {"num_experts": "num_local_experts"}
    default_theta = 1000000.0
    base_model_tp_plan = {
        "layers.*.self_attn.q_proj": "colwise",
        "layers.*.self_attn.k_proj": "colwise",
        "layers.*.self_attn.v_proj": "colwise",
        "layers.*.self_attn.o_proj": "rowwise",
        "layers.*.mlp.experts.gate_up_proj": "packed_colwise",
        "layers.*.mlp.experts.down_proj": "rowwise",
        "layers.*.mlp.experts": "moe_tp_experts",
    }
    base_model_ep_plan = {
        "layers.*.mlp.experts.gate_up_proj": "grouped_gemm",
        "layers.*.mlp.experts.down_proj": "grouped_gemm",
        "layers.*.mlp.experts": "ep_dispatch_experts",
    }

    rms_norm_eps: float = 1e-5
    sliding_window: int | None = None  # how many tokens one sees, itself included; None: all
    num_experts_per_tok: int = 2
    num_local_experts: int = 8
    output_router_logits: bool = False  # whether their loss is computed and added
    router_aux_loss_coef: float = 0.001
    router_jitter_noise: float = 0.0  # in training, inputs are scaled by 1 plus or minus up to this

    def __post_init__(self, **kwargs):
        if self.num_key_value_heads is None:
            self.num_key_value_heads = self.num_attention_heads
        PreTrainedConfig.__post_init__(self, **kwargs)


class MixtralTopKRouter(nn.Module):
    """Chooses the experts of each token."""

    def __init__(self, config: MixtralConfig):
        super().__init__()
        self.top_k = config.num_experts_per_tok
        self.weight = nn.Parameter(torch.empty(config.num_local_experts, config.hidden_size))

    def forward(
        self, hidden_states: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(tokens, hidden_size) -> logits (tokens, experts); weights and indices (tokens, top_k).

        The weights of a token's experts are float32 and sum to one.
        """
        logits = nn.functional.linear(hidden_states, self.weight)
        # float32: neighbouring weights are one number in bfloat16, and the ranking would depend on it
        weights, indices = logits.softmax(dim=-1, dtype=torch.float32).topk(self.top_k, dim=-1)
        return logits, weights / weights.sum(dim=-1, keepdim=True), indices


@use_experts_implementation
class MixtralExperts(nn.Module):
    """Gated feed-forward networks side by side; gate and up projections are one matrix each."""

    def __init__(self, config: MixtralConfig):
        super().__init__()
        self.num_experts, size = config.num_local_experts, config.intermediate_size
        self.gate_up_proj = nn.Parameter(
            torch.empty(self.num_experts, 2 * size, config.hidden_size)
        )
        self.down_proj = nn.Parameter(torch.empty(self.num_experts, config.hidden_size, size))
        self.act_fn = ACT2FN[config.hidden_act]

    def forward(
        self, hidden_states: torch.Tensor, top_k_index: torch.Tensor, top_k_weights: torch.Tensor
    ) -> torch.Tensor:
        """Expert after expert, for `experts_implementation="eager"`.

        `hidden_states` is (tokens, hidden_size), the others are (tokens, top_k).
        """
        mixed = torch.zeros_like(hidden_states)
        for expert in top_k_index.unique().tolist():
            token, rank = torch.where(top_k_index == expert)
            gate_up = nn.functional.linear(hidden_states[token], self.gate_up_proj[expert])
            gate, up = gate_up.chunk(2, dim=-1)
            fed = nn.functional.linear(self.act_fn(gate) * up, self.down_proj[expert])
            weighted = fed * top_k_weights[token, rank, None]
            mixed.index_add_(0, token, weighted.to(mixed.dtype))
        return mixed


class MixtralSparseMoeBlock(nn.Module):
    """Mixture of experts: each token is fed through few of many networks (arXiv:1701.06538)."""

    def __init__(self, config: MixtralConfig):
        super().__init__()
        self.jitter_noise = config.router_jitter_noise
        self.gate = MixtralTopKRouter(config)
        self.experts = MixtralExperts(config)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, length, hidden_size) -> the same shape"""
        if self.training and self.jitter_noise > 0:
            low, high = 1.0 - self.jitter_noise, 1.0 + self.jitter_noise
            hidden_states = hidden_states * torch.empty_like(hidden_states).uniform_(low, high)
        tokens = hidden_states.flatten(0, 1)
        _, weights, indices = self.gate(tokens)
        return self.experts(tokens, indices, weights).view_as(hidden_states)


class MixtralDecoderLayer(MistralDecoderLayer):
    def __init__(self, config: MixtralConfig, layer_idx: int):
        super().__init__(config, layer_idx)
        self.mlp = MixtralSparseMoeBlock(config)


class MixtralPreTrainedModel(MistralPreTrainedModel):
    _can_record_outputs = {
        "router_logits": OutputRecorder(MixtralTopKRouter, index=0),
        "hidden_states": MixtralDecoderLayer,
        "attentions": MistralAttention,
    }

    @classmethod
    def is_custom_code(cls) -> bool:
        """False, so that published weights, three matrices an expert, are loaded as the library's."""
        return False

    def _init_weights(self, module: nn.Module):
        PreTrainedModel._init_weights(self, module)
        if isinstance(module, (MixtralTopKRouter, MixtralExperts)):
            for weight in module.parameters():
                init.normal_(weight, std=self.config.initializer_range)


class MixtralModel(MistralModel):
    output_type = MoeModelOutputWithPast


def load_balancing_loss(
    router_logits: tuple[torch.Tensor, ...], top_k: int, attention_mask: torch.Tensor | None
) -> torch.Tensor:
    """The loss that keeps experts equally busy; `top_k` where they are (arXiv:2101.03961, 2.2).

    Each layer's logits are (batch * length, experts). If the mask is (batch, seen + length), 0 for
    padding, padding does not count. Shares are taken over all layers together.
    """
    probabilities = torch.stack(router_logits).softmax(dim=-1)
    layers, tokens, experts = probabilities.shape
    chosen = probabilities.topk(top_k, dim=-1).indices
    busy = torch.zeros_like(probabilities).scatter(-1, chosen, 1.0)
    counts = probabilities.new_ones(tokens)
    if isinstance(attention_mask, torch.Tensor) and attention_mask.ndim == 2:
        counts = attention_mask[:, -(tokens // len(attention_mask)) :].flatten().to(counts)
    shares = counts / (counts.sum() * layers)
    busy, routed = (torch.einsum("lte,t->e", each, shares) for each in (busy, probabilities))
    return experts * (busy * routed).sum()


class MixtralForCausalLM(MistralForCausalLM):
    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.LongTensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.LongTensor | None = None,
        use_cache: bool | None = None,
        output_router_logits: bool | None = None,
        logits_to_keep: int | torch.Tensor = 0,
        **kwargs: Unpack[TransformersKwargs],
    ) -> MoeCausalLMOutputWithPast:
        if output_router_logits is None:
            output_router_logits = self.config.output_router_logits
        outputs = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            output_router_logits=output_router_logits,
            **kwargs,
        )
        logits = self.vocabulary_logits(outputs.last_hidden_state, logits_to_keep)
        aux_loss = None
        if output_router_logits:
            aux_loss = load_balancing_loss(
                outputs.router_logits, self.config.num_experts_per_tok, attention_mask
            )
        loss = None
        if labels is not None:
            loss = self.loss_function(
                logits=logits, labels=labels, vocab_size=self.config.vocab_size, **kwargs
            )
            if aux_loss is not None:
                loss = loss + self.config.router_aux_loss_coef * aux_loss
        return MoeCausalLMOutputWithPast(
            loss=loss,
            aux_loss=aux_loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
            router_logits=outputs.router_logits,
        )


class MixtralForSequenceClassification(MistralForSequenceClassification):
    pass


__all__ = [
    "MixtralConfig",
    "MixtralForCausalLM",
    "MixtralForSequenceClassification",
    "MixtralModel",
    "MixtralPreTrainedModel",
]
