"""The small project in which the examples of all rules are set."""

from __future__ import annotations

MODULAR = "modular/modular_new.py"
MODELING = "models/new/modeling_new.py"

CONFIGURATION_OLD = '''\
from transformers import PreTrainedConfig


class OldConfig(PreTrainedConfig):
    """Settings of the old model.

    Args:
        hidden_size (`int`): Width of the hidden states.
        dropout (`float`): Share of values that attention drops.
    """

    model_type = "old"

    def __init__(self, hidden_size=64, dropout=0.0, **kwargs):
        self.hidden_size = hidden_size
        self.dropout = dropout
        super().__init__(**kwargs)
'''

MODELING_OLD = '''\
import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.activations import ACT2FN


def scaled(states, scale):
    return states * scale


class OldMLP(nn.Module):
    scale = 1.0

    def __init__(self, config: PreTrainedConfig):
        super().__init__()
        self.config = config
        self.up_proj = nn.Linear(config.hidden_size, 4 * config.hidden_size, bias=False)
        self.down_proj = nn.Linear(4 * config.hidden_size, config.hidden_size, bias=False)
        self.activation = ACT2FN["silu"]

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return self.down_proj(self.activation(self.up_proj(hidden_states)))


class OldAttention(nn.Module):
    def __init__(self, config: PreTrainedConfig):
        super().__init__()
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)
        if config.hidden_size > 64:
            self.gate = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Attend.

        Args:
            hidden_states (`torch.Tensor`): What is attended to.
        """
        return self.dropout(self.query(scaled(hidden_states, 0.5)))


class OldPreTrainedModel(PreTrainedModel):
    base_model_prefix = "model"


class OldModel(OldPreTrainedModel):
    def __init__(self, config: PreTrainedConfig):
        super().__init__(config)
        self.attention = OldAttention(config)
        self.mlp = OldMLP(config)
        self.post_init()

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return self.mlp(self.attention(hidden_states))


__all__ = ["OldModel", "OldPreTrainedModel"]
'''

FILES = {
    "models/old/configuration_old.py": CONFIGURATION_OLD,
    "models/old/modeling_old.py": MODELING_OLD,
}
