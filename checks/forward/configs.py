"""A tiny configuration for any configuration class, and one that is moved off its defaults.

Rules over the names of fields say how small each may be: few layers, yet one of every kind; sizes
that differ from each other, so that a transpose shows; windows shorter than the inputs. Where a
model cannot be built from all of that, fields get their defaults back, group by group.
"""

from __future__ import annotations

import copy
import dataclasses
import importlib.util
import inspect
import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedConfig

from checks.forward.verdicts import RUNS

Options = Mapping[str, Any]
"""Keyword arguments of a configuration class; those of an inner configuration are nested."""

Trial = Callable[[Options], str]
"""Says why options do not work; empty if they do."""

VOCABULARY = 97
LENGTH = 17
"""Of the inputs, in tokens; windows are shorter."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Fields whose whole name matches are at most `size`, while `group` is in force."""

    group: str
    names: str
    size: int
    otherwise: int | None = None
    """The size while it is not; the default of the field where there is none."""

    def fits(self, name: str) -> bool:
        return re.fullmatch(self.names, name) is not None


RULES = (
    Rule("tokens", r".*_token_(id|index)|.*_token_ids", 0),  # see _Tokens
    Rule("vocabulary", r"type_vocab_size", 3),
    Rule("vocabulary", r".*vocab(_size)?|.*num_embeddings|vocab_size_.*", VOCABULARY),
    Rule("vocabulary", r".*codebook_size", 64),  # a power of two: dac
    Rule("experts", r".*(experts_per_tok|num_selected_experts|top_?k|moe_k|top_k_experts)", 2),
    Rule("experts", r".*shared_experts|first_k_dense_replace|topk_group", 1),
    Rule("experts", r"n_group", 2),
    Rule("experts", r".*num_.*experts|.*n_.*experts|num_experts|moe_num_experts", 4),
    Rule("grouped", r".*(key_value_heads|kv_heads|num_key_value.*|query_groups)", 2, 4),
    Rule("heads", r"(.*_)?n(um)?_?groups", 2),
    Rule("heads", r"rotary_dim", 8),
    Rule("heads", r"d_head", 16),
    Rule("heads", r"qk_head_dim", 24),
    Rule("heads", r".*heads?|.*n_head|.*num_heads", 4),
    Rule("heads", r"qk_rope_head_dim", 8),
    Rule("heads", r"v_head_dim", 12),
    Rule("heads", r".*head_dim|d_kv|.*head_size|attention_key_value_dim", 16),
    Rule("layers", r"num_kv_shared_layers", 0),
    Rule("layers", r".*layer_period|num_self_attends_per_block", 2),
    Rule("layers", r".*layer_offset", 1),
    Rule("layers", r".*feature_layers?", 2),  # counted from either end
    Rule("layers", r"(max_window_layers|.*_layers_(period|offset))", 1),
    Rule("layers", r".*(num_|n_|hidden_|encoder_|decoder_|_)layers?|depth|num_layers|.*_depth", 2),
    Rule("layers", r".*num_(hidden_|encoder_|decoder_)?(blocks|groups_of_layers)", 2),
    Rule("windows", r"attention_window|window_size", 4),
    Rule("windows", r".*sliding_window.*|local_attention|attention_chunk_size", 5),
    Rule("windows", r"index_topk|block_size|.*chunk_size|local_attention_window.*", 8),
    Rule("positions", r".*max_(source_|target_)?position.*|n_positions|n_ctx|context_length", 64),
    Rule("positions", r"context_size", 8),
    Rule("positions", r"max_(seq|sequence).*len.*|seq_length|model_max_length", 64),
    Rule("feed-forward", r"moe_.*intermediate.*|.*expert.*(intermediate|ffn).*|expert_dim", 40),
    Rule("feed-forward", r".*(intermediate_size|ffn_dim|d_ff|mlp_dim|n_inner|ffn_hidden.*)", 96),
    Rule("ranks", r"kv_lora_rank", 24),
    Rule("ranks", r".*_rank|.*lora.*|.*_bottleneck.*", 20),
    Rule("hidden", r"d_latents|.*upsample_groups", 64),
    Rule("hidden", r"codebook_dim|vector_quantization_hidden_dimension", 64),
    Rule("projected", r"(projection|proj)_dim|classifier_proj_size", 24, 64),
    Rule("hidden", r".*(hidden_size|d_model|n_embd|embed_dim|hidden_dim|embedding_size)", 64),
    Rule("hidden", r"(.*_)?(dim|width|channels)|.*(conv_dim|_dim|model_dim|embed_size)", 64),
    Rule("image", r".*image_size|(.*_)?img_size|input_size|crop_size", 64),
    Rule("image", r"num_frames|frames_per_clip|frame_num", 4),
    Rule("image", r"mm_tokens_per_image", 4),
    Rule("image", r".*num_channels|in_channels|in_chans", 3),
    Rule("stages", r"n(um)?_filters", 4),  # doubled by each stage
    Rule("stages", r"depths|num_blocks|layers|num_layers", 2),
    Rule("stages", r".*(hidden_sizes|embed_dims|dims|channels|num_filters|neck_hidden_sizes)", 48),
    Rule("audio", r".*num_mel_bins|.*mel_bins|feature_size|input_feat.*", 16),
    Rule("audio", r"mask_time_length|mask_feature_length", 2),
    Rule("series", r"context_length|prediction_length", 16),
    Rule("series", r"lags_sequence", 7),
    Rule("queries", r".*num_(object_)?quer.*|.*num_latents|num_denoising|.*num_labels", 7),
)
GROUPS = tuple(dict.fromkeys([*(rule.group for rule in RULES), "kinds", "absences"]))

PLAIN = frozenset(field.name for field in dataclasses.fields(PreTrainedConfig))
"""What every configuration has: it says how to call a model, not what it computes."""


def build(config_class: type, options: Options) -> Any:
    """A configuration with these options; what it cannot take raises what it raises."""
    return config_class(**copy.deepcopy(dict(options)))


def tiny(config_class: type, overrides: Options, why_not: Trial = lambda options: "") -> Options:
    """Options that make a small model that works. Raises a ValueError where none do, and why."""
    default = _readable(build(config_class, _chosen(config_class, overrides)))

    def made(groups: frozenset[str]) -> Options:
        return merged(_shrunk(default, groups, _Tokens()), overrides)

    return _first_that_works("tiny", GROUPS, made, why_not)


def perturbed(
    config_class: type,
    base: Options,
    overrides: Options,
    why_not: Trial = lambda options: "",
) -> Options:
    """`base` with each float, flag, activation and rotary base moved, as far as that works."""
    default = _readable(build(config_class, base))

    def made(moves: frozenset[str]) -> Options:
        return merged(_moved(default, base, moves), overrides)

    return _first_that_works("perturbed", MOVES, made, why_not)


def _readable(config: Any) -> Any:
    """Where layers may have values of their own, the one of all may be read."""
    if hasattr(type(config), "allow_global_per_layer_attribute_access"):
        config.allow_global_per_layer_attribute_access = True
    for inner in vars(config).values():
        if isinstance(inner, PreTrainedConfig):
            _readable(inner)
    return config


def _first_that_works(
    kind: str,
    groups: tuple[str, ...],
    made: Callable[[frozenset[str]], Options],
    why_not: Trial,
) -> Options:
    """With as many of the groups as possible: the first options that can be built and run.

    Only a group without which something else goes wrong, or nothing, can have to do with what goes
    wrong: where one left out does not suffice, two or three of those are.
    """
    whole = frozenset(groups)
    tried: dict[str, str] = {}

    def reason(options: Options) -> str:
        """Asked once of the same options: to most models most groups make no difference."""
        key = repr(options)
        if key not in tried:
            tried[key] = why_not(options)
        return tried[key]

    options = made(whole)
    first = reason(options)
    if not first:
        return options
    if first.removeprefix(RUNS).startswith(HOPELESS):
        raise ValueError(first)
    matter = []
    for group in groups:
        options = made(whole - {group})
        if not reason(options):
            return options
        if reason(options) != first:
            matter.append(group)
    several = (set(out) for n in (2, 3) for out in itertools.combinations(matter, n))
    fewer = (set(groups[:kept]) for kept in range(2, len(groups) + 1))
    for out in itertools.chain(several, fewer):
        if len(tried) > TRIES:
            break
        options = made(whole - out)
        if not reason(options):
            return options
    raise ValueError(f"no {kind} configuration works: {first}")


def shrunk(config_class: type, overrides: Options, groups: frozenset[str]) -> Options:
    """Options that make the fields of these groups small and no others, whether that works or not.

    `overrides` are taken where the class cannot be instantiated without.
    """
    chosen = _chosen(config_class, overrides)
    return merged(_shrunk(build(config_class, chosen), groups, _Tokens()), chosen)


def moved(config_class: type, base: Options, moves: frozenset[str]) -> Options:
    """`base` with what `moves` names moved off its value, whether that works or not."""
    return _moved(_readable(build(config_class, base)), base, moves)


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


def fields(config: Any) -> list[str]:
    """The names of what a configuration class declares for itself, as fields or as arguments."""
    declared = dataclasses.fields(config) if dataclasses.is_dataclass(config) else ()
    arguments = list(inspect.signature(type(config).__init__).parameters)[1:]
    names = dict.fromkeys([*(field.name for field in declared), *arguments])
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
                **_said(value),
                **_shrunk(value, groups, tokens),
            }
            if value.model_type == "timm_backbone" and "image" in groups:
                options[name] = _BACKBONE  # it would need a package, and weights from the network
            continue
        if name == "rope_parameters" and "heads" in groups and _has_axes(config):
            options[name] = _with_axes(value or {})
            continue
        if name == "image_grid_pinpoints" and value and "image" in groups:
            options[name] = [[64, 128], [128, 64]]
            continue
        rule = next((each for each in RULES if each.fits(name)), None)
        if rule is None or (rule.group not in groups and rule.otherwise is None):
            continue
        size = rule.size if rule.group in groups else rule.otherwise or 0
        if rule.group == "tokens":
            small = _mapped(value, tokens.small)
        elif rule.group == "stages":
            small = _staged(value, rule.size)
        elif rule.names.endswith("feature_layers?"):
            small = _mapped(value, lambda n: max(-2, min(n, 1)))
        elif rule.group in ("heads", "grouped") and rule.size <= HEADS:
            small = _mapped(value, partial(_power_of_two, size))
        else:
            small = _mapped(value, partial(min, size))
        if small is not None and (small != value or rule.group == "tokens"):
            options[name] = small
    if "pad_token_id" in fields(config) and config.pad_token_id is None:
        options["pad_token_id"] = 0
    if "kinds" in groups:
        options |= _kinds(config, options)
    if "layers" in groups:
        options |= _by_layer(config, options)
        if _of(config, "mlp_only_layers"):  # flint: all of the first layers, and so of a small one
            options["mlp_only_layers"] = [0]
    if "absences" in groups:
        options |= _absent(config)
    return options | _state_space(config, options)


HEADS = 4


def _has_axes(config: Any) -> bool:
    """Do positions have several axes: does the model read how a head is shared among them?"""
    home = type(config).__module__.replace(".configuration_", ".modeling_")
    found = importlib.util.find_spec(home)
    path = found.origin if found else None
    return path is not None and "mrope_section" in Path(path).read_text("utf-8")


def _with_axes(rotary: Mapping[str, Any]) -> dict[str, Any]:
    if any(isinstance(value, Mapping) for value in rotary.values()):  # for each kind of layer
        return {kind: _with_axes(value) for kind, value in rotary.items()}
    half = int(16 * rotary.get("partial_rotary_factor", 1)) // 2
    section = [half // 4, half - half // 4 - half // 3, half // 3]
    return {"rope_type": "default", "rope_theta": 10000.0, **rotary, "mrope_section": section}


def _power_of_two(most: int, value: int) -> int:
    """Heads of a stage are to divide its width: 3 are 2."""
    return min(most, 1 << value.bit_length() - 1) if value > 0 else value


def _by_layer(config: Any, options: Options) -> dict[str, Any]:
    """What is listed layer by layer is as long as there are layers now."""
    before, now = (
        getattr(config, "num_hidden_layers", None),
        options.get("num_hidden_layers"),
    )
    if not isinstance(before, int) or not isinstance(now, int):
        return {}
    return {
        name: options.get(name, value)[:now]
        for name in fields(config)
        if isinstance(value := getattr(config, name), list | tuple) and len(value) == before
        if len(options.get(name, value)) == before
    }


_ABSENT = {
    "head_dim": 16,
    "num_key_value_heads": HEADS,
    "prediction_length": 6,
    "vocab_size": VOCABULARY,
    "image_token_index": VOCABULARY - 1,
    "image_token_id": VOCABULARY - 1,
    "n_routed_experts": 4,
    "n_shared_experts": 1,
    "num_experts_per_tok": 2,
    "decoder_hidden_size": 64,
}
"""What some leave to be said, and cannot be built without."""


def _absent(config: Any) -> dict[str, Any]:
    names = fields(config)
    return {name: n for name, n in _ABSENT.items() if name in names and _of(config, name) is None}


_HEADS_OF_STATES = (
    ("mamba_n_heads", "mamba_d_head", "mamba_expand"),
    ("num_heads", "head_dim", "expand"),
)


def _state_space(config: Any, options: Options) -> dict[str, Any]:
    """The heads of a state space together are as wide as the hidden size is expanded."""
    names = fields(config)
    for heads, width, times in _HEADS_OF_STATES:
        if {heads, width, times} <= set(names) and heads in options and "hidden_size" in options:
            wide = int(options["hidden_size"] * getattr(config, times))
            more = {"mamba_d_ssm": wide} if isinstance(_of(config, "mamba_d_ssm"), int) else {}
            return {width: wide // options[heads], **more}
    return {}


def _of(config: Any, name: str) -> Any:
    return getattr(config, name, None)


_BACKBONE = {
    "model_type": "resnet",
    "embedding_size": 16,
    "hidden_sizes": [16, 24, 32, 40],
    "depths": [1, 2, 1, 1],
    "out_features": ["stage2", "stage3", "stage4"],
}


def _said(config: Any) -> dict[str, Any]:
    """What an inner configuration has that is not the default of its class."""
    try:
        default = _readable(type(config)())
    except Exception:  # it cannot be made of nothing
        return {}
    said = {
        name: getattr(config, name)
        for name in fields(config)
        if not name.startswith("_") and getattr(config, name) != getattr(default, name, None)
    }
    stages = getattr(config, "out_features", None)
    if stages and stages != getattr(default, "out_features", None):
        said["out_features"] = list(stages)
    return {name: value for name, value in said.items() if not isinstance(value, PreTrainedConfig)}


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
    """A head that is not the hidden size over the number of heads, and a third layer.

    Heads share one key: with 4 heads on 2, `//` and `*` could not be told apart.
    """
    names = fields(config)
    moved: dict[str, Any] = {}
    if "num_key_value_heads" in names and config.num_key_value_heads == 2:
        moved["num_key_value_heads"] = 1
    if "head_dim" in names and isinstance(getattr(config, "head_dim", None), int):
        moved["head_dim"] = 24
    if "num_hidden_layers" in names and not any(name.endswith("_types") for name in base):
        moved["num_hidden_layers"] = 3
    return moved


# -- does it work? -------------------------------------------------------------------------------

TRIES = 40
"""So many options are tried at most."""
HOPELESS = ("ImportError", "ModuleNotFoundError", "NotImplementedError", "LookupError")
"""Reasons that no other options remove: a package, a method or a rule for an input is missing."""
LARGEST = 40_000_000
"""So many parameters may a tiny model have."""


def unbuildable(model_class: Any, config_class: type) -> Trial:
    """A test of options: why the model cannot be built from them, or is not small."""

    def why_not(options: Options) -> str:
        try:
            with torch.device("meta"):
                model = model_class(build(config_class, options))
        except Exception as error:
            return said(error)
        count = sum(each.numel() for each in model.parameters())
        return f"it has {count:,} parameters" if count > LARGEST else ""

    return why_not


def said(error: Exception) -> str:
    """What an exception says: its kind, and its message in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


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
