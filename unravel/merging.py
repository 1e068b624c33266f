"""A child class laid over its renamed parent class."""

from __future__ import annotations

import re
from collections.abc import Iterable

from unravel.ancestry import Ancestry, ancestry
from unravel.context import Context, Rename, class_renaming
from unravel.corpus import corpus_members, with_any_docstring
from unravel.members import CODE, NO_INHERITANCE, merged_members, strip_marker
from unravel.naming import CasedNames, shared_ending
from unravel.refusals import check_child
from unravel.remarks import remarks
from unravel.removals import check_removals
from unravel.renaming import Renaming
from unravel.scanning import replace_code
from unravel.types import ClassOutline, Diagnostic, Outline, Settings


def context_of(
    child: ClassOutline,
    parent: ClassOutline,
    module: Outline,
    parent_module: Outline,
    renaming: Renaming,
    own: Rename,
    base: str,
    names: CasedNames,
    settings: Settings,
) -> Context:
    """What merging `child` with `parent` needs to know.

    The child knows its parent as `base`. `renaming` is that of the parent's module, `own` what the
    text of the child's `module` needs.
    """
    corpus_rules = settings.corpus_rules
    if corpus_rules:
        child = with_any_docstring(child)
        rename = class_renaming(child.name, parent.name, renaming, names)
        bases = _corpus_bases(child, parent, base, rename)
    else:
        rename = _renaming(child, parent, module, renaming, names)
        bases = _bases(child, parent, base, rename, own)
    # The corpus' rules never ask for it.
    known = Ancestry(parent_module) if corpus_rules else ancestry(parent, parent_module)
    return Context(child, parent, module, rename, own, bases, base, known, corpus_rules)


def merge(context: Context) -> tuple[str, tuple[Diagnostic, ...]]:
    """The text of the generated class, and warnings."""
    child, parent, rename = context.child, context.parent, context.rename
    if context.corpus_rules:
        return _class_text(context, rename(parent.lead), "", corpus_members(context)), ()
    check_child(context)
    lead = child.lead if child.lead.strip() else rename(parent.lead)
    text = _class_text(context, lead, child.head_comment, merged_members(context))
    text += child.footer if child.footer.strip() else ""
    check_removals(context, text)
    return text, tuple(remarks(context))


def _class_text(context: Context, lead: str, comment: str, members: str) -> str:
    """The class as it is printed; decorators, docstring and keywords the child's, if it has any."""
    child, parent, rename = context.child, context.parent, context.rename
    decorators = context.own(strip_marker(child.decorators))
    if not decorators and NO_INHERITANCE not in child.decorators:
        decorators = rename(parent.decorators)
    doc = child.docstring.text if child.docstring is not None else ""
    if child.docstring is not None and "#" in child.docstring.lead and not context.corpus_rules:
        doc = child.docstring.lead + doc
    if not doc and parent.docstring is not None:
        doc = rename(parent.docstring.text)
    keywords = _keywords(child, tuple(map(rename, parent.keywords)))
    parameters = child.type_parameters or rename(parent.type_parameters)
    head = _class_head(child.name + parameters, (*context.bases, *keywords), comment)
    body = doc + members
    return lead + decorators + head + (body if CODE.search(body) else body + "    pass\n")


def _keywords(child: ClassOutline, theirs: tuple[str, ...]) -> tuple[str, ...]:
    """The child's keywords; a metaclass is inherited."""
    if not child.keywords:
        return theirs
    inherited = [keyword for keyword in theirs if keyword.startswith("metaclass=")]
    named = any(keyword.startswith("metaclass=") for keyword in child.keywords)
    return child.keywords if named else (*child.keywords, *inherited)


def _renaming(
    child: ClassOutline,
    parent: ClassOutline,
    module: Outline,
    renaming: Renaming,
    names: CasedNames,
) -> Rename:
    """The renaming of the parent's text; where it names itself, it means the child."""
    rename = class_renaming(child.name, parent.name, renaming, names)
    renamed = renaming.name(parent.name)
    return rename if renamed in module.definitions else _naming_itself(rename, renamed, child.name)


def _naming_itself(rename: Rename, renamed: str, child: str) -> Rename:
    """A class that names itself, as in `super(Old, self)`, says the child's name."""
    if renamed == child:
        return rename
    pattern = re.compile(rf"(?<![\w.]){re.escape(renamed)}\b")
    return lambda text: replace_code(rename(text), pattern, lambda match: child)


def _class_head(name: str, arguments: Iterable[str], comment: str) -> str:
    inside = ", ".join(arguments)
    return f"class {name}({inside}):{comment}\n" if inside else f"class {name}:{comment}\n"


def _bases(
    child: ClassOutline, parent: ClassOutline, base: str, rename: Rename, own: Rename
) -> tuple[str, ...]:
    """The child's bases, with those of the parent in the parent's place."""
    at = child.base_names.index(base)
    before, after = map(own, child.bases[:at]), map(own, child.bases[at + 1 :])
    return _without_plain_module([*before, *map(rename, parent.bases), *after])


def _corpus_bases(
    child: ClassOutline, parent: ClassOutline, base: str, rename: Rename
) -> tuple[str, ...]:
    """The parent's bases; a further base of the child replaces the one that it resembles."""
    bases = [rename(theirs) for theirs in parent.bases]
    for extra in child.bases:
        alike = [i for i, theirs in enumerate(bases) if shared_ending(extra, theirs)]
        if extra == base:
            continue
        if alike:
            bases[alike[0]] = extra
        else:
            bases.append(extra)
    return _without_plain_module(bases)


def _without_plain_module(bases: list[str]) -> tuple[str, ...]:
    """`GradientCheckpointingLayer` is an `nn.Module`, and could not stand behind it."""
    if "GradientCheckpointingLayer" in bases and "nn.Module" in bases:
        bases.remove("nn.Module")
    return tuple(dict.fromkeys(bases))
