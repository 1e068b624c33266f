"""What the old model's name becomes in each parent module's code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from unravel.naming import CasedNames, common_suffix
from unravel.outline import base_names
from unravel.parents import Parent
from unravel.renaming import Renaming, foreign_names
from unravel.types import DefinitionKind, Outline, Settings, remembered


def renaming_of(
    parent: Parent,
    modular: Outline,
    model: str,
    names: CasedNames,
    parents: Sequence[Parent],
    settings: Settings,
) -> Renaming:
    """The renaming of a parent module's code.

    `class NewTextAttention(LlamaAttention)` makes it `Llama` -> `NewText`, `llama` -> `new_text`.
    """
    cased, cased_old = names.cased_name(model), names.cased_name(parent.model)
    prefix = _prefix(parent, modular, cased, cased_old, not settings.corpus_rules)
    foreign = foreign_names(parent.outline, parent.model).union(
        *(foreign_names(other.outline, other.model) for other in parents)
    )
    # A part of a model may be registered under a name of its own: `lw_detr_vit` for `LwDetrViT`.
    new = model if prefix == cased else names.lower_name(prefix)
    renaming = Renaming(
        parent.model,
        cased_old,
        new,
        prefix,
        foreign=foreign,
        whole_words=not settings.corpus_rules,
        kept_text=settings.kept_text,
    )
    spelled = prefix if not settings.corpus_rules or new == model else names.cased_name(new)
    if spelled == prefix:
        return renaming
    # In the corpus, strings and comments spell the cased name by the lower-case one: they say
    # `NemotronHOmniRMSNorm` of the class `NemotronH_Omni_RMSNorm` in nemotron_h_omni.
    return replace(renaming, prose=replace(renaming, new_cased=spelled))


def _prefix(parent: Parent, modular: Outline, cased: str, cased_old: str, whole_words: bool) -> str:
    """The prefix that most child classes give; the model's own name where none does."""
    pairs = (
        (child, parent.imported[base]) for child, base in _bases(modular) if base in parent.imported
    )
    prefixes = (_class_prefix(*pair, cased, cased_old, whole_words) for pair in pairs)
    found = [prefix for prefix in prefixes if prefix]
    if not found:
        return cased
    counts = Counter(found)
    most = [prefix for prefix in found if counts[prefix] == max(counts.values())]
    prefix = cased if cased in most else most[-1]
    is_cased = prefix.lower() == cased.lower()  # `MLCD` of mlcd is no part of a longer name
    return cased if not is_cased and _is_taken(parent, prefix, cased, cased_old) else prefix


@remembered
def _bases(modular: Outline) -> tuple[tuple[str, str], ...]:
    """Each class of the modular file with each of its bases; asked for once a parent module."""
    return tuple(
        (definition.name, base)
        for definition in modular.definitions.values()
        if definition.kind is DefinitionKind.CLASS
        for base in base_names(modular, definition)
    )


def _class_prefix(child: str, parent: str, cased: str, cased_old: str, whole_words: bool) -> str:
    """What a child class puts before the ending that it shares with its parent class."""
    if child == cased + parent:
        return cased + cased_old
    suffix = common_suffix(child, parent, whole_words=whole_words)
    if not suffix[:1].isupper():
        # `AltCLIPMLP(CLIPMLP)` in altclip, `MoonshineDecoder(LlamaModel)` in moonshine; in the
        # corpus also `PPFormulaNetTextConfig(MBartConfig)` of pp_formulanet: they share `tConfig`.
        return cased if child.startswith(cased) else ""
    prefix = child.removesuffix(suffix)
    return cased if len(prefix) < len(cased) and cased in child else prefix


def _is_taken(parent: Parent, prefix: str, cased: str, cased_old: str) -> bool:
    """Has the parent module classes of its own that begin like this prefix?

    With `XCLIPVision` for `CLIP`, both `CLIPVisionModel` and `CLIPModel` would be claimed.
    """
    start = prefix.lower().find(cased.lower())
    if start < 0:
        return False
    theirs = prefix[:start] + cased_old + prefix[start + len(cased) :]
    return any(
        name.startswith(theirs) and definition.kind is DefinitionKind.CLASS
        for name, definition in parent.outline.definitions.items()
    )
