"""Configurations, as far as they can be read: which fields a configuration class has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from unravel.lint.code import name_of, self_targets
from unravel.lint.model import ModelFile
from unravel.lint.modular import Modular
from unravel.lint.rule import Finding

CONFIGURATION = "configuration"
_BASES = ("PreTrainedConfig", "PretrainedConfig")
"""What configuration classes extend in transformers, by its two names."""

_INHERITED = """
    _attn_implementation _attn_implementation_internal _auto_class _commit_hash
    _experts_implementation _experts_implementation_internal _name_or_path _output_attentions
    add_cross_attention architectures attn_implementation attribute_map auto_map bad_words_ids
    base_config_key base_model_ep_plan base_model_fsdp_plan base_model_pp_plan
    base_model_tp_plan begin_suppress_tokens bos_token_id chunk_size_feed_forward
    cross_attention_hidden_size decoder_start_token_id default_config_fields dict_dtype_to_str
    distributed_config diversity_penalty do_sample dtype early_stopping
    encoder_no_repeat_ngram_size eos_token_id exponential_decay_length_penalty
    extra_config_files extra_files finetuning_task forced_bos_token_id forced_eos_token_id
    from_dict from_json_file from_pretrained get_config_dict get_mtp_config get_text_config
    has_no_defaults_at_init id2label is_custom_code is_decoder is_encoder_decoder
    is_remote_code keys_to_ignore_at_inference label2id length_penalty max_length min_length
    model_type name_or_path no_repeat_ngram_size num_beam_groups num_beams num_labels
    num_return_sequences output_attentions output_hidden_states output_scores pad_token_id
    per_layer_config per_layer_input prefix problem_type quantization_config
    register_for_auto_class remove_invalid_values repetition_penalty return_dict
    return_dict_in_generate rope_parameters rope_scaling save_pretrained sep_token_id
    sub_configs sub_configs_defaults suppress_tokens task_specific_params temperature
    tf_legacy_loss tie_encoder_decoder tie_word_embeddings to_dict to_diff_dict to_json_file
    to_json_string tokenizer_class top_k top_p torch_dtype torchscript transformers_version
    transformers_weights typical_p update update_from_string use_bfloat16 use_return_dict
    validate validate_architecture validate_layer_type validate_output_attentions
    validate_token_ids
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
    given: set[str] = field(default_factory=set)
    """Those that other configurations of the file set: `self.text_config.dropout = ...`."""
    known: bool = True

    def has(self, name: str) -> bool:
        return name in self.declared or name in self.given or name in INHERITED


def config_of(modular: Modular, name: str) -> str:
    """The configuration class that the class `name` says it takes."""
    return config_named(modular.classes[name].node)


def config_named(cls: ast.ClassDef) -> str:
    """`NewConfig` of a class whose `__init__` takes `config: NewConfig`.

    What a class says of all its children, `config: NewConfig` in its body, may be said of several
    parts of a model with a configuration each.
    """
    for item in cls.body:
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
    for function in file.functions:
        stored = (n for n in function.all(ast.Attribute) if isinstance(n.ctx, ast.Store))
        found.given.update(n.attr for n in stored if name_of(n.value) != "self")
    bases = file.outer_bases(name)
    found.known = found.known and all(base in _BASES for base in bases)
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
        if isinstance(item, ast.AnnAssign) and "ClassVar" not in ast.unparse(item.annotation):
            found[name_of(item.target)] = item
        elif isinstance(item, ast.FunctionDef) and item.name == "__init__":
            for inner in ast.walk(item):
                for name in self_targets(inner):
                    found.setdefault(name, inner)
    return found


def texts_beside(files: Sequence[ModelFile]) -> str:
    """All that a model's files say, but for its configuration."""
    return "\n".join("".join(file.outline.lines) for file in files if file.kind != CONFIGURATION)


def misread(cls: ast.ClassDef, files: Iterable[ModelFile]) -> Iterator[Finding]:
    """What a class reads of its configuration that this does not have.

    Several such attributes are one mistake: the annotation names another configuration.
    """
    config = config_named(cls)
    fields = fields_of(config, files) if config else None
    if fields is None or not fields.known:
        return
    missing = {node.attr: node for node in config_reads(cls) if not fields.has(node.attr)}
    if len(missing) == 1:
        ((name, node),) = missing.items()
        hint = "give it that field, or read the one that is meant"
        yield Finding(node, f"`{config}` has no `{name}`", hint)
    elif missing:
        listed = ", ".join(f"`{name}`" for name in sorted(missing)[:4])
        yield Finding(
            next(iter(missing.values())),
            f"`{config}`, as which `{cls.name}` takes its configuration, has no {listed}",
            "annotate `config` as what it is given, or define these fields",
        )


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
        # `config.x if hasattr(config, "y") else ...` asks in another way.
        asking = [n for n in nodes if isinstance(n, (ast.If, ast.IfExp))]
        asking = [n for n in asking if "hasattr" in ast.unparse(n.test)]
        guarded = {id(inner) for n in asking for inner in ast.walk(n)}
        found += [
            n
            for n in nodes
            if id(n) not in guarded
            and isinstance(n, ast.Attribute)
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
    activation_dropout attention_chunk_size attention_dropout audio_config auxiliary_loss
    bbox_cost bbox_loss_coefficient class_cost class_loss_coefficient classifier_dropout
    cls_loss_coefficient decoder_attention_dropout decoder_attention_heads decoder_hidden_act
    decoder_layers dice_loss_coefficient encoder_attention_heads encoder_layers
    eos_coefficient ffn_dim focal_alpha focal_gamma focal_loss_alpha focal_loss_gamma
    giou_cost giou_loss_coefficient head_dim hidden_act hidden_size image_seq_length
    image_token_id init_std initializer_range intermediate_size is_composition layer_types
    mal_alpha mask_class_loss_coefficient mask_dice_loss_coefficient mask_loss_coefficient
    mask_point_sample_ratio matcher_alpha matcher_bbox_cost matcher_class_cost matcher_gamma
    matcher_giou_cost max_position_embeddings max_window_layers mtp_hidden_states_first
    num_attention_heads num_channels num_experts num_hidden_layers num_key_value_heads
    output_router_logits partial_rotary_factor pretraining_tp rope_theta router_aux_loss_coef
    scale_embedding sliding_window text_config token_classification_bias use_cache
    use_dense_one_to_one use_focal_loss use_sliding_window video_seq_length vision_config
    vocab_size weight_loss_bbox weight_loss_ddf weight_loss_dfl weight_loss_fgl
    weight_loss_giou weight_loss_mal weight_loss_vfl
"""
READ_ELSEWHERE = frozenset(re.findall(r"\w+", _READ_ELSEWHERE))
"""What the library reads of any configuration: caches, masks, generation, losses."""
