"""A made-up project of any size: hand-written models, and modular files that extend them.

`python -m benchmarks.synthetic COUNT FOLDER` writes one with COUNT modular files. One in ten models
is written by hand; of each ten modular files eight extend one of these, the ninth extends the
eighth, and the tenth extends the ninth. So all sizes have the same mix, and depth.
"""

from __future__ import annotations

import sys
from pathlib import Path

_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_SYLLABLES = [c + v for c in _CONSONANTS for v in _VOWELS]

_PARENT = '''\
"""{Name}: attention, a gated feed-forward layer, and a stack of both."""

import math

import torch
from torch import nn

from .configuration_{name} import {Name}Config

{NAME}_INITIAL_SCALE = 0.02


def rotate_half(x: torch.Tensor) -> torch.Tensor:
    """The second half of the last dimension, negated, and the first."""
    first, second = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    return torch.cat((-second, first), dim=-1)


def apply_rotary(query, key, cos, sin, unsqueeze_dim: int = 1):
    """Turn queries and keys by their positions."""
    cos, sin = cos.unsqueeze(unsqueeze_dim), sin.unsqueeze(unsqueeze_dim)
    return query * cos + rotate_half(query) * sin, key * cos + rotate_half(key) * sin


class {Name}Norm(nn.Module):
    """Root mean square, in float32."""

    def __init__(self, size: int, eps: float = 1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        given = hidden_states.dtype
        hidden_states = hidden_states.to(torch.float32)
        variance = hidden_states.pow(2).mean(-1, keepdim=True)
        hidden_states = hidden_states * torch.rsqrt(variance + self.eps)
        return self.weight * hidden_states.to(given)


class {Name}RotaryEmbedding(nn.Module):
    def __init__(self, config: {Name}Config):
        super().__init__()
        steps = torch.arange(0, config.head_size, 2, dtype=torch.float32)
        frequencies = 1.0 / (config.rope_theta ** (steps / config.head_size))
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, hidden_states: torch.Tensor, positions: torch.Tensor):
        angles = positions[..., None].to(torch.float32) * self.frequencies
        angles = torch.cat((angles, angles), dim=-1)
        return angles.cos().to(hidden_states.dtype), angles.sin().to(hidden_states.dtype)


class {Name}MLP(nn.Module):
    def __init__(self, config: {Name}Config):
        super().__init__()
        self.gate = nn.Linear(config.hidden_size, config.inner_size, bias=False)
        self.up = nn.Linear(config.hidden_size, config.inner_size, bias=False)
        self.down = nn.Linear(config.inner_size, config.hidden_size, bias=False)
        self.activation = nn.SiLU()

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return self.down(self.activation(self.gate(hidden_states)) * self.up(hidden_states))


class {Name}Attention(nn.Module):
    """Heads that share keys and values."""

    def __init__(self, config: {Name}Config, layer: int):
        super().__init__()
        self.config = config
        self.layer = layer
        self.groups = config.heads // config.key_value_heads
        self.scale = 1 / math.sqrt(config.head_size)
        inner, shared = config.heads * config.head_size, config.key_value_heads * config.head_size
        self.query = nn.Linear(config.hidden_size, inner, bias=config.bias)
        self.key = nn.Linear(config.hidden_size, shared, bias=config.bias)
        self.value = nn.Linear(config.hidden_size, shared, bias=config.bias)
        self.output = nn.Linear(inner, config.hidden_size, bias=config.bias)

    def forward(self, hidden_states, position_embeddings, attention_mask=None):
        shape = (*hidden_states.shape[:-1], -1, self.config.head_size)
        query = self.query(hidden_states).view(shape).transpose(1, 2)
        key = self.key(hidden_states).view(shape).transpose(1, 2)
        value = self.value(hidden_states).view(shape).transpose(1, 2)
        cos, sin = position_embeddings
        query, key = apply_rotary(query, key, cos, sin)
        key = key.repeat_interleave(self.groups, dim=1)
        value = value.repeat_interleave(self.groups, dim=1)
        weights = query @ key.transpose(2, 3) * self.scale
        if attention_mask is not None:
            weights = weights + attention_mask
        mixed = weights.softmax(-1, dtype=torch.float32).to(query.dtype) @ value
        return self.output(mixed.transpose(1, 2).flatten(2))


class {Name}Layer(nn.Module):
    def __init__(self, config: {Name}Config, layer: int):
        super().__init__()
        self.attention = {Name}Attention(config, layer)
        self.mlp = {Name}MLP(config)
        self.attention_norm = {Name}Norm(config.hidden_size, config.eps)
        self.mlp_norm = {Name}Norm(config.hidden_size, config.eps)

    def forward(self, hidden_states, position_embeddings, attention_mask=None):
        normed = self.attention_norm(hidden_states)
        hidden_states = hidden_states + self.attention(normed, position_embeddings, attention_mask)
        return hidden_states + self.mlp(self.mlp_norm(hidden_states))


class {Name}Model(nn.Module):
    """The stack of layers; `{name}` has no head."""

    def __init__(self, config: {Name}Config):
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.hidden_size)
        nn.init.normal_(self.embedding.weight, std={NAME}_INITIAL_SCALE)
        self.layers = nn.ModuleList(
            [{Name}Layer(config, layer) for layer in range(config.layers)]
        )
        self.norm = {Name}Norm(config.hidden_size, config.eps)
        self.rotary = {Name}RotaryEmbedding(config)

    def forward(self, tokens: torch.Tensor, attention_mask=None) -> torch.Tensor:
        hidden_states = self.embedding(tokens)
        positions = torch.arange(tokens.shape[1], device=tokens.device)[None]
        position_embeddings = self.rotary(hidden_states, positions)
        for layer in self.layers:
            hidden_states = layer(hidden_states, position_embeddings, attention_mask)
        return self.norm(hidden_states)


class {Name}ForCausalLM(nn.Module):
    def __init__(self, config: {Name}Config):
        super().__init__()
        self.model = {Name}Model(config)
        self.head = nn.Linear(config.hidden_size, config.vocabulary, bias=False)

    def forward(self, tokens: torch.Tensor, attention_mask=None) -> torch.Tensor:
        return self.head(self.model(tokens, attention_mask))
'''

_CONFIG = '''\
"""The sizes of {Name}."""


class {Name}Config:
    """What {Name} is made of."""

    model_type = "{name}"

    vocabulary: int = 32000
    hidden_size: int = 2048
    inner_size: int = 8192
    layers: int = 24
    heads: int = 32
    key_value_heads: int = 8
    head_size: int = 64
    rope_theta: float = 10000.0
    eps: float = 1e-6
    bias: bool = False
'''

_MODULAR = '''\
"""{Name}: like {Parent}, with a norm behind the attention and another scale."""

import torch
from torch import nn

from models.{parent}.configuration_{parent} import {Parent}Config
from models.{parent}.modeling_{parent} import (
    {Parent}Attention,
    {Parent}ForCausalLM,
    {Parent}Layer,
    {Parent}Model,
    {Parent}Norm,
)


class {Name}Config({Parent}Config):
    model_type = "{name}"
    bias: bool = True
    {name}_extra: int = {number}


class {Name}Norm({Parent}Norm):
    pass


class {Name}Attention({Parent}Attention):
    def __init__(self, config: {Name}Config, layer: int):
        super().__init__(config, layer)
        self.scale = 1 / config.head_size
        self.{name}_gate = nn.Linear(config.hidden_size, 1)


class {Name}Layer({Parent}Layer):
    def __init__(self, config: {Name}Config, layer: int):
        super().__init__(config, layer)
        self.{name}_norm = {Name}Norm(config.hidden_size, config.eps)

    def forward(self, hidden_states, position_embeddings, attention_mask=None):
        normed = self.attention_norm(hidden_states)
        mixed = self.attention(normed, position_embeddings, attention_mask)
        hidden_states = hidden_states + self.{name}_norm(mixed)
        return hidden_states + self.mlp(self.mlp_norm(hidden_states)) / {number}


class {Name}Model({Parent}Model):
    pass


class {Name}ForCausalLM({Parent}ForCausalLM):
    def forward(self, tokens: torch.Tensor, attention_mask=None) -> torch.Tensor:
        return super().forward(tokens, attention_mask) * {number}
'''


def write_project(count: int, folder: Path) -> None:
    """Write the project of `count` modular files into `folder`, which must not exist."""
    (folder / "modular").mkdir(parents=True)
    (folder / "pyproject.toml").write_text("[tool.unravel]\n\n[tool.ruff]\nline-length = 100\n")
    for number in range(count):
        if number % 10 == 0:
            _write_parent(_parent(number), folder)
        of_ten = number % 10
        parent = _name(number - 1) if of_ten >= 8 else _parent(number)
        text = _filled(_MODULAR, _name(number), parent=parent, number=number + 2)
        (folder / "modular" / f"modular_{_name(number)}.py").write_text(text)


def _write_parent(name: str, folder: Path) -> None:
    place = folder / "models" / name
    place.mkdir(parents=True)
    (place / f"modeling_{name}.py").write_text(_filled(_PARENT, name))
    (place / f"configuration_{name}.py").write_text(_filled(_CONFIG, name))


def _filled(template: str, name: str, *, parent: str = "", number: int = 0) -> str:
    values = {"name": name, "Name": name.title(), "NAME": name.upper(), "number": str(number)}
    values |= {"parent": parent, "Parent": parent.title()}
    for key, value in values.items():
        template = template.replace(f"{{{key}}}", value)
    return template


def _name(number: int) -> str:
    """Made of four syllables, so that no name begins with another."""
    parts = []
    for _ in range(4):
        number, rest = divmod(number, len(_SYLLABLES))
        parts.append(_SYLLABLES[rest])
    return "".join(reversed(parts))


def _parent(number: int) -> str:
    """The hand-written model that the ten models around `number` are built on."""
    return _name(number // 10) + "x"


if __name__ == "__main__":
    write_project(int(sys.argv[1]), Path(sys.argv[2]))
