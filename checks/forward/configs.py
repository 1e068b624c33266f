"""A tiny configuration for any configuration class, and one that is moved off its defaults.

Rules over the names of fields say how small each may be: few layers, yet one of every kind; sizes
that differ from each other, so that a transpose shows; windows shorter than the inputs. Where a
model cannot be built from all of that, fields get their defaults back, group by group.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from transformers import PreTrainedConfig

Options = Mapping[str, Any]
"""Keyword arguments of a configuration class; those of an inner configuration are nested."""

VOCABULARY = 97
LENGTH = 17
"""Of the inputs, in tokens; windows are shorter."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Fields whose whole name matches are at most `size`, while `group` is in force."""

    group: str
    names: str
    size: int

    def fits(self, name: str) -> bool:
        return re.fullmatch(self.names, name) is not None


RULES = (
    Rule("tokens", r".*_token_(id|index)|.*_token_ids", 0),  # see _Tokens
    Rule("vocabulary", r"type_vocab_size", 3),
    Rule("vocabulary", r".*vocab_size|.*codebook_size|.*num_embeddings|vocab_size_.*", VOCABULARY),
    Rule("experts", r".*(experts_per_tok|num_selected_experts|top_?k|moe_k|top_k_experts)", 2),
    Rule("experts", r".*shared_experts|first_k_dense_replace|topk_group", 1),
    Rule("experts", r"n_group", 2),
    Rule("experts", r".*num_.*experts|.*n_.*experts|num_experts|moe_num_experts", 4),
    Rule("heads", r".*(key_value_heads|kv_heads|num_key_value.*|query_groups)", 2),
    Rule("heads", r".*heads?|.*n_head|.*num_heads", 4),
    Rule("heads", r"qk_rope_head_dim", 8),
    Rule("heads", r"v_head_dim", 12),
    Rule("heads", r".*head_dim|d_kv|.*head_size|attention_key_value_dim", 16),
    Rule("layers", r"(max_window_layers|.*_layers_(period|offset))", 1),
    Rule("layers", r".*(num_|n_|hidden_|encoder_|decoder_|_)layers?|depth|num_layers|.*_depth", 2),
    Rule("layers", r".*num_(hidden_|encoder_|decoder_)?(blocks|groups_of_layers)", 2),
    Rule("windows", r".*sliding_window.*|attention_window|local_attention|attention_chunk_size", 5),
    Rule("windows", r"index_topk|block_size|.*chunk_size|local_attention_window.*", 8),
    Rule("positions", r".*max_(source_|target_)?position.*|n_positions|n_ctx|context_length", 64),
    Rule("positions", r"max_(seq|sequence).*len.*|seq_length|model_max_length", 64),
    Rule("feed-forward", r"moe_.*intermediate.*|.*expert.*(intermediate|ffn).*|expert_dim", 40),
    Rule("feed-forward", r".*(intermediate_size|ffn_dim|d_ff|mlp_dim|n_inner|ffn_hidden.*)", 96),
    Rule("ranks", r"kv_lora_rank", 24),
    Rule("ranks", r".*_rank|.*lora.*|.*_bottleneck.*", 20),
    Rule("hidden", r"(projection|codebook|proj)_dim|classifier_proj_size", 24),
    Rule("hidden", r".*(hidden_size|d_model|n_embd|embed_dim|hidden_dim|embedding_size)", 64),
    Rule("hidden", r"(.*_)?(dim|width|channels)|.*(conv_dim|_dim|model_dim|embed_size)", 64),
    Rule("image", r".*image_size|img_size|input_size", 64),
    Rule("image", r".*num_channels|in_channels|in_chans", 3),
    Rule("stages", r"depths|num_blocks|layers|num_layers", 2),
    Rule("stages", r".*(hidden_sizes|embed_dims|dims|channels|num_filters|neck_hidden_sizes)", 48),
    Rule("audio", r".*num_mel_bins|.*mel_bins|feature_size|input_feat.*", 16),
    Rule("audio", r"mask_time_length|mask_feature_length", 2),
    Rule("queries", r".*num_(object_)?quer.*|.*num_latents|num_denoising|.*num_labels", 7),
)
GROUPS = tuple(dict.fromkeys([*(rule.group for rule in RULES), "kinds"]))

PLAIN = frozenset(field.name for field in dataclasses.fields(PreTrainedConfig))
"""What every configuration has: it says how to call a model, not what it computes."""


def build(config_class: type, options: Options) -> Any:
    """A configuration with these options; what it cannot take raises what it raises."""
    return config_class(**copy.deepcopy(dict(options)))


def tiny(
    config_class: type, overrides: Options, works: Callable[[Options], bool] = lambda options: True
) -> Options:
    """Options that make a small model that `works`. Raises a ValueError where none do."""
    default = build(config_class, _chosen(config_class, overrides))
    for groups in itertools.islice(_fewer(GROUPS), TRIES):
        options = merged(_shrunk(default, frozenset(groups), _Tokens()), overrides)
        if works(options):
            return options
    raise ValueError("no tiny configuration could be built")


def perturbed(
    config_class: type,
    base: Options,
    overrides: Options,
    works: Callable[[Options], bool] = lambda options: True,
) -> Options:
    """`base` with each float, flag, activation and rotary base moved, as far as that `works`."""
    default = build(config_class, base)
    for moves in _fewer(MOVES):
        options = merged(_moved(default, base, frozenset(moves)), overrides)
        if works(options):
            return options
    raise ValueError("no perturbed configuration could be built")


def moved(config_class: type, base: Options, moves: frozenset[str]) -> Options:
    """`base` with what `moves` names moved off its value, whether that works or not."""
    return _moved(build(config_class, base), base, moves)


def merged(one: Options, other: Options) -> dict[str, Any]:
    """`one` updated by `other`, inner configurations too."""
    both = dict(one)
    for name, value in other.items():
        inner = both.get(name)
        if isinstance(inner, Mapping) and isinstance(value, Mapping) and "rope_type" not in value:
            both[name] = merged(inner, value)
        else:  # rotary parameters, too: those of another type are other ones
            both[name] = value
    return both


def _chosen(config_class: type, overrides: Options) -> Options:
    """The overrides without which the class cannot be instantiated at all."""
    try:
        config_class()
    except Exception:
        return overrides
    return {}


def _fewer(groups: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """All groups; all but one; all but two; then fewer and fewer."""
    for left_out in range(3):
        for out in itertools.combinations(groups, left_out):
            yield tuple(group for group in groups if group not in out)
    for kept in range(len(groups) - 3, -1, -1):
        yield groups[:kept]


def fields(config: Any) -> list[str]:
    """The names of what a configuration class declares for itself."""
    if dataclasses.is_dataclass(config):
        names = [field.name for field in dataclasses.fields(config)]
    else:
        names = list(inspect.signature(type(config).__init__).parameters)[1:]
    return [name for name in names if name not in PLAIN and hasattr(config, name)]


# -- tiny ----------------------------------------------------------------------------------------


class _Tokens:
    """Special tokens by their published id, in a small vocabulary: equal ids stay equal."""

    def __init__(self) -> None:
        self._given: dict[int, int] = {}

    def small(self, value: int) -> int:
        if value < 0 or (value <= 3 and value not in self._given.values()):
            self._given.setdefault(value, value)
        return self._given.setdefault(value, self._free())

    def _free(self) -> int:
        return next(n for n in itertools.count(4) if n not in self._given.values())


def _shrunk(config: Any, groups: frozenset[str], tokens: _Tokens) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name in fields(config):
        value = getattr(config, name)
        if isinstance(value, PreTrainedConfig):
            options[name] = {
                "model_type": value.model_type,
                **_shrunk(value, groups, tokens),
            }
            if value.model_type == "timm_backbone" and "image" in groups:
                options[name] = _BACKBONE  # it would need a package, and weights from the network
            continue
        if isinstance(value, Mapping) and "mrope_section" in value and "heads" in groups:
            options[name] = {**value, "mrope_section": [2, 3, 3]}  # half of a head's 16
            continue
        rule = next((each for each in RULES if each.fits(name)), None)
        if rule is None or rule.group not in groups:
            continue
        if rule.group == "tokens":
            small = _mapped(value, tokens.small)
        elif rule.group == "stages":
            small = _staged(value, rule.size)
        else:
            small = _mapped(value, partial(min, rule.size))
        if small is not None and (small != value or rule.group == "tokens"):
            options[name] = small
    if "pad_token_id" in fields(config) and config.pad_token_id is None:
        options["pad_token_id"] = 0
    if "kinds" in groups:
        options |= _kinds(config, options)
    return options


_BACKBONE = {
    "model_type": "resnet",
    "embedding_size": 16,
    "hidden_sizes": [16, 24, 32, 40],
    "depths": [1, 2, 1, 1],
    "out_features": ["stage2", "stage3", "stage4"],
}


def _mapped(value: object, small: Callable[[int], int]) -> Any:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return small(value)
    if isinstance(value, list | tuple) and value and all(isinstance(n, int) for n in value):
        return type(value)(small(n) for n in value)
    return None


def _staged(value: object, size: int) -> Any:
    """Sizes by stage: rising, in multiples of eight; depths: no two neighbours alike."""
    if isinstance(value, int):
        return _mapped(value, lambda n: min(n, size))
    if not isinstance(value, list | tuple) or not all(isinstance(n, int) for n in value):
        return None
    if size <= 2:
        return type(value)(min(n, 1 + index % 2) for index, n in enumerate(value))
    return type(value)(min(n, 16 + 8 * index) for index, n in enumerate(value))


def _kinds(config: Any, options: Options) -> dict[str, Any]:
    """One layer of every kind that the default configuration has, in their order."""
    found: dict[str, Any] = {}
    for name in fields(config):
        value = getattr(config, name)
        if not name.endswith(("layer_types", "layers_block_type", "block_types")):
            continue
        if isinstance(value, list | tuple) and all(isinstance(kind, str) for kind in value):
            kinds = list(dict.fromkeys(value))
            found[name] = kinds if len(kinds) > 1 else kinds * 2
    length = max((len(kinds) for kinds in found.values()), default=0)
    for name, kinds in found.items():
        found[name] = (kinds * length)[:length] if length else kinds
    if length and "num_hidden_layers" in fields(config):
        found["num_hidden_layers"] = length
    return found


# -- perturbed -----------------------------------------------------------------------------------

MOVES = ("absences", "flags", "sizes", "activations", "rotary", "floats")

_NOT_COMPUTED = re.compile(
    r"use_cache|is_decoder|is_encoder_decoder|add_cross_attention|auxiliary_loss|output_.*|return_.*"
    r"|.*initializer.*|init_.*|.*init_std|.*_?layerdrop|mask_(time|feature)_prob|.*use_mask_token"
)
"""Fields that say how to call or to initialise a model, or that make it throw dice."""


def _moved(config: Any, base: Options, moves: frozenset[str]) -> dict[str, Any]:
    options = dict(base)
    for name in fields(config):
        value = getattr(config, name)
        if isinstance(value, PreTrainedConfig):
            options[name] = _moved(value, options.get(name, {}), moves)
        elif isinstance(value, Mapping) and "rotary" in moves and "rope" in name:
            options[name] = _moved_rotary(value)
        elif not _NOT_COMPUTED.fullmatch(name):
            new = _moved_value(name, value, moves)
            if new is not None:
                options[name] = new
    if "absences" in moves and "sliding_window" in fields(config):
        options["sliding_window"] = None
    if "sizes" in moves:
        options |= _moved_sizes(config, base)
    return options


def _moved_value(name: str, value: object, moves: frozenset[str]) -> Any:
    if isinstance(value, bool):
        return not value if "flags" in moves else None
    if value is None and "absences" in moves and re.fullmatch(_OFTEN_ABSENT, name):
        return 0.4375
    if isinstance(value, float) and "floats" in moves:
        return _moved_float(name, value)
    if isinstance(value, str) and "activations" in moves and re.search(_ACTIVATION, name):
        return "gelu" if value != "gelu" else "relu"
    if isinstance(value, int) and "floats" in moves and re.search(r"dropout|_drop$|pdrop", name):
        return 0.1
    return None


_OFTEN_ABSENT = r"clip_.*|.*soft_?cap.*"
_ACTIVATION = r"act(ivation)?\b|_act"


def _moved_float(name: str, value: float) -> float:
    if re.search(r"eps(ilon)?$|_eps_|^eps", name):
        return 2e-3
    if re.search(r"drop|prob", name):
        return 0.125 if value != 0.125 else 0.25
    return value * 0.6875 if value else 0.3125


def _moved_rotary(value: Mapping[str, Any]) -> dict[str, Any]:
    moved = dict(value)
    for key, item in value.items():
        if isinstance(item, Mapping):
            moved[key] = _moved_rotary(item)
        elif key == "rope_theta":
            moved[key] = float(item) * 0.0371
    return moved


def _moved_sizes(config: Any, base: Options) -> dict[str, Any]:
    """A head that is not the hidden size over the number of heads, and a third layer."""
    names = fields(config)
    moved: dict[str, Any] = {}
    if "head_dim" in names and isinstance(getattr(config, "head_dim", None), int):
        moved["head_dim"] = 24
    if "num_hidden_layers" in names and not any(name.endswith("_types") for name in base):
        moved["num_hidden_layers"] = 3
    return moved


# -- does it work? -------------------------------------------------------------------------------

TRIES = 60
"""So many times is it tried to build a model, each time with fewer fields changed."""
LARGEST = 40_000_000
"""So many parameters may a tiny model have."""


def buildable(model_class: Any, config_class: type) -> Callable[[Options], bool]:
    """A test of options: can the model be built from them, and is it small?"""

    def works(options: Options) -> bool:
        try:
            with torch.device("meta"):
                model = model_class(build(config_class, options))
        except Exception:
            return False
        return bool(sum(each.numel() for each in model.parameters()) <= LARGEST)

    return works


def why_not(model_class: Any, config_class: type, options: Options) -> str:
    """Why the model cannot be built from these options."""
    try:
        with torch.device("meta"):
            model_class(build(config_class, options))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "it has too many parameters"


def lacking(config: Any, tried: Iterable[Any]) -> list[str]:
    """Kinds of layers that the published `config` has and none of those `tried`."""

    def kinds(of: Any) -> set[str]:
        return {
            f"{name}: {kind}"
            for name in fields(of)
            if name.endswith(("layer_types", "layers_block_type", "block_types"))
            for kind in getattr(of, name) or ()
        }

    return sorted(kinds(config).difference(*(kinds(each) for each in tried)))
