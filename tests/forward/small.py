"""A model of a few lines, as a user's own file would have it: for tests that run in no time."""

from __future__ import annotations

import sys
from pathlib import Path

SOURCE = """
from dataclasses import dataclass

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput


class SmallConfig(PreTrainedConfig):
    model_type = "small"

    def __init__(self, vocab_size=100, hidden_size=32, num_layers=2, eps=1e-6, **others):
        super().__init__(**others)
        self.vocab_size, self.hidden_size = vocab_size, hidden_size
        self.num_layers, self.eps = num_layers, eps


class SmallLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.eps)
        self.up = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.down = nn.Linear(3 * config.hidden_size, config.hidden_size, bias=False)

    def forward(self, states):
        return states + self.down(torch.tanh(self.up(self.norm(states))))


class SmallModel(PreTrainedModel):
    config_class = SmallConfig

    def __init__(self, config):
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList([SmallLayer(config) for _ in range(config.num_layers)])
        self.post_init()

    def forward(self, input_ids, **others):
        states = self.embedding(input_ids)
        for layer in self.layers:
            states = layer(states)
        return BaseModelOutput(last_hidden_state=states)
"""


def write(folder: Path, name: str, *changes: tuple[str, str]) -> str:
    """A module with the model, changed; its name, under which it can be imported from `folder`."""
    text = SOURCE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / f"{name}.py").write_text(text)
    sys.modules.pop(name, None)
    return name
