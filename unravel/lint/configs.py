"""Configurations, as far as they can be read: which fields a configuration class has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from unravel.lint.code import name_of, self_targets
from unravel.lint.model import ModelFile
from unravel.lint.modular import Modular

CONFIGURATION = "configuration"
_BASES = ("PreTrainedConfig", "PretrainedConfig")
"""What configuration classes extend in transformers, by its two names."""

_INHERITED = """
    _attn_implementation _attn_implementation_internal _auto_class _commit_hash
    _experts_implementation _name_or_path add_cross_attention architectures attn_implementation
    attribute_map auto_map bad_words_ids base_config_key base_model_ep_plan base_model_pp_plan
    base_model_tp_plan begin_suppress_tokens bos_token_id chunk_size_feed_forward
    cross_attention_hidden_size decoder_start_token_id distributed_config diversity_penalty
    do_sample dtype early_stopping encoder_no_repeat_ngram_size eos_token_id
    exponential_decay_length_penalty finetuning_task forced_bos_token_id forced_eos_token_id
    from_dict from_pretrained get_text_config has_no_defaults_at_init id2label is_decoder
    is_encoder_decoder keys_to_ignore_at_inference label2id length_penalty max_length min_length
    model_type name_or_path no_repeat_ngram_size num_beam_groups num_beams num_labels
    num_return_sequences output_attentions output_hidden_states output_scores pad_token_id
    per_layer_input prefix problem_type quantization_config remove_invalid_values
    repetition_penalty return_dict return_dict_in_generate rope_parameters rope_scaling
    save_pretrained sep_token_id sub_configs suppress_tokens task_specific_params temperature
    tf_legacy_loss tie_encoder_decoder tie_word_embeddings to_dict to_diff_dict to_json_file
    to_json_string tokenizer_class top_k top_p torch_dtype torchscript transformers_version
    transformers_weights typical_p update update_from_string use_bfloat16 use_return_dict
    validate
"""
INHERITED = frozenset(re.findall(r"\w+", _INHERITED))
"""What every configuration has from its base class, which is not read: it may not be installed."""


@dataclass(slots=True)
class Fields:
    """The fields of a configuration class.

    `declared` are those that its own files give it; `known` tells whether its bases are all known,
    so that what is not there is nowhere.
    """

    declared: dict[str, ast.AST] = field(default_factory=dict)
    known: bool = True

    def has(self, name: str) -> bool:
        return name in self.declared or name in INHERITED


def config_of(modular: Modular, name: str) -> str:
    """The configuration class that the class `name` says it takes."""
    return config_named(modular.classes[name].node)


def config_named(cls: ast.ClassDef) -> str:
    """`NewConfig` of a class with `config: NewConfig`, in its body or its `__init__`."""
    for item in cls.body:
        if isinstance(item, ast.AnnAssign) and name_of(item.target) == "config":
            return _class_in(item.annotation)
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            for argument in (*item.args.args, *item.args.kwonlyargs):
                if argument.arg == "config" and argument.annotation is not None:
                    return _class_in(argument.annotation)
    return ""


def _class_in(annotation: ast.expr) -> str:
    """The one class that an annotation names; nothing where it names several."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value if annotation.value.isidentifier() else ""
    return name_of(annotation)


def fields_of(name: str, files: Iterable[ModelFile]) -> Fields | None:
    """The fields of the configuration class `name`, if one of a model's `files` defines it."""
    for file in files:
        if file.kind == CONFIGURATION and name in file.classes:
            return _fields(file, name)
    return None


def _fields(file: ModelFile, name: str) -> Fields:
    found = Fields()
    for cls in reversed(file.lineage(name)):
        for item in cls.body:
            _declare(item, found)
    bases = file.outer_bases(name)
    found.known = all(base in _BASES or base.endswith("Mixin") for base in bases)
    if any(base not in _BASES for base in bases):
        found.known = False
    return found


def _declare(item: ast.stmt, found: Fields) -> None:
    if isinstance(item, ast.AnnAssign):
        found.declared.setdefault(name_of(item.target), item)
    elif isinstance(item, ast.Assign):
        for target in item.targets:
            found.declared.setdefault(name_of(target), item)
        if name_of(item.targets[0]) == "attribute_map" and isinstance(item.value, ast.Dict):
            for key in item.value.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    found.declared.setdefault(key.value, item)
    elif isinstance(item, ast.FunctionDef):
        found.declared.setdefault(item.name, item)
        for inner in ast.walk(item):
            for name in self_targets(inner):
                found.declared.setdefault(name, inner)
            if isinstance(inner, ast.Call) and name_of(inner.func) == "setattr":
                found.known = False


def own_fields(cls: ast.ClassDef) -> dict[str, ast.AST]:
    """The fields that one class gives itself: annotated ones, and those set in `__init__`."""
    found: dict[str, ast.AST] = {}
    for item in cls.body:
        if isinstance(item, ast.AnnAssign) and name_of(item.target):
            found[name_of(item.target)] = item
        elif isinstance(item, ast.FunctionDef) and item.name == "__init__":
            for inner in ast.walk(item):
                for name in self_targets(inner):
                    found.setdefault(name, inner)
    return found


def texts_beside(files: Sequence[ModelFile]) -> str:
    """All that a model's files say, but for its configuration."""
    return "\n".join("".join(file.outline.lines) for file in files if file.kind != CONFIGURATION)


def config_reads(cls: ast.ClassDef) -> list[ast.Attribute]:
    """Each `config.x` and `self.config.x` that the methods of a class read, unless it is guarded.

    A method that binds `config` itself, or looks with `hasattr` or `getattr`, is left out.
    """
    found: list[ast.Attribute] = []
    for item in cls.body:
        if not isinstance(item, ast.FunctionDef):
            continue
        nodes = list(ast.walk(item))
        bound = any(
            (isinstance(n, ast.Name) and n.id == "config" and not isinstance(n.ctx, ast.Load))
            or (isinstance(n, ast.arg) and n.arg == "config" and item.name != "__init__")
            for n in nodes
        )
        asked = {
            argument.value
            for n in nodes
            if isinstance(n, ast.Call) and name_of(n.func) in ("hasattr", "getattr", "setattr")
            for argument in n.args[1:2]
            if isinstance(argument, ast.Constant)
        }
        found += [
            n
            for n in nodes
            if isinstance(n, ast.Attribute)
            and isinstance(n.ctx, ast.Load)
            and n.attr not in asked
            and not n.attr.startswith("__")
            and _is_own_config(n.value, bound)
        ]
    return found


def _is_own_config(node: ast.expr, bound: bool) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "config" and name_of(node.value) == "self"
    return name_of(node) == "config" and not bound


_READ_ELSEWHERE = """
    attention_chunk_size classifier_dropout decoder_layers encoder_layers ffn_dim head_dim
    hidden_act hidden_size image_token_id initializer_range intermediate_size is_composition
    layer_types max_position_embeddings max_window_layers num_attention_heads num_channels
    num_hidden_layers num_key_value_heads router_aux_loss_coef sliding_window text_config
    use_cache use_sliding_window vision_config vocab_size audio_config scale_embedding
    attention_dropout rope_theta partial_rotary_factor
"""
READ_ELSEWHERE = frozenset(re.findall(r"\w+", _READ_ELSEWHERE))
"""What the library reads of any configuration: caches, masks, generation, rotary embeddings."""
