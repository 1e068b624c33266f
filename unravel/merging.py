"""A child class laid over its renamed parent class."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from unravel.naming import CasedNames, common_suffix, shared_ending
from unravel.renaming import Renaming
from unravel.splicing import Overrides, splice
from unravel.scanning import tokens, without_comments
from unravel.types import ClassOutline, Member, MemberKind, Method, Settings, Statement

Rename = Callable[[str], str]

_SUPER_KWARGS = "**super_kwargs"
_NO_INHERITANCE = "no_inherit_decorator"


def unchanged(text: str) -> str:
    """The renaming that renames nothing."""
    return text


@dataclass(frozen=True, slots=True)
class _Context:
    child: ClassOutline
    parent: ClassOutline
    rename: Rename
    bases: tuple[str, ...]
    corpus_rules: bool
    leaked: Overrides

    def overrides(self) -> Overrides:
        """Where a method's overrides are gathered.

        In the corpus those of one method still hold in the class' later ones: in `vivit`,
        `__init__` overrides an assignment in `interpolate_pos_encoding`.
        """
        return self.leaked if self.corpus_rules else Overrides({}, set())

    def calls(self, text: str) -> str:
        """`text` of the child with calls by class name to a base of the generated class as `super()`."""
        names = set(self.bases)
        if "GradientCheckpointingLayer" in names:
            names.add("nn.Module")
        if any("PreTrainedModel" in name for name in names):
            names.add("PreTrainedModel")
        pattern = _call_by_class(frozenset(names))
        return pattern.sub(r"super().\1(", text)


@lru_cache(maxsize=256)
def _call_by_class(names: frozenset[str]) -> re.Pattern[str]:
    either = "|".join(re.escape(name) for name in sorted(names))
    return re.compile(rf"(?<![\w.\"'])(?:{either})\.(\w+)\((?:\s*self\s*(?:,\s*|(?=\))))?")


def merge(
    child: ClassOutline, parent: ClassOutline, renaming: Renaming, names: CasedNames, settings: Settings
) -> str:
    """The text of the generated class. `renaming` is that of the parent's module."""
    rename = _class_renaming(child.name, parent.name, renaming, names)
    bases = merged_bases(child, parent, rename)
    context = _Context(child, parent, rename, bases, settings.corpus_rules, Overrides({}, set()))
    attributes = _attributes(context)
    methods = _methods(context)
    docstring = child.docstring or parent.docstring
    doc = ""
    if docstring is not None:
        doc = docstring.text if child.docstring is not None else rename(docstring.text)
    body = doc + "".join(attributes) + "".join(methods)
    lead = rename(parent.lead) if settings.corpus_rules else child.lead
    decorators = _strip_marker(child.decorators) or (
        "" if _NO_INHERITANCE in child.decorators else rename(parent.decorators)
    )
    keywords = child.keywords or tuple(map(rename, parent.keywords))
    head = _class_head(child.name, (*bases, *keywords))
    return lead + decorators + head + (body or "    pass\n")


def _class_renaming(
    child: str, parent: str, renaming: Renaming, names: CasedNames
) -> Callable[[str], str]:
    """The renaming of one class.

    A child that is not called what its module's prefix makes of the parent's name is still what
    the parent's strings and comments speak of: in `JanusVisionEncoder(SiglipEncoder)`, where code
    says `Janus`, they say `JanusVision`.
    """
    renamed = renaming.name(parent)
    if renamed == child:
        return renaming.text
    suffix = common_suffix(child, renamed)
    old, new = renamed.removesuffix(suffix), child.removesuffix(suffix)
    further = Renaming(names.lower_name(old), old, names.lower_name(new), new)
    return lambda text: further.strings_and_comments(renaming.text(text))


def _class_head(name: str, arguments: Iterable[str]) -> str:
    inside = ", ".join(arguments)
    return f"class {name}({inside}):\n" if inside else f"class {name}:\n"


def _strip_marker(decorators: str) -> str:
    if _NO_INHERITANCE not in decorators:
        return decorators
    return "".join(
        line for line in decorators.splitlines(keepends=True) if _NO_INHERITANCE not in line
    )


def merged_bases(child: ClassOutline, parent: ClassOutline, rename: Rename) -> tuple[str, ...]:
    """The parent's bases; an extra base of the child replaces the one that it resembles."""
    bases = [rename(base) for base in parent.bases]
    for extra in child.bases:
        if extra == parent.name:
            continue
        for index, base in enumerate(bases):
            if shared_ending(extra, base):
                bases[index] = extra
                break
        else:
            bases.append(extra)
    if "GradientCheckpointingLayer" in bases and "nn.Module" in bases:
        bases.remove("nn.Module")
    return tuple(dict.fromkeys(bases))


def _is_filler(member: Member) -> bool:
    node = member.statement.node
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and node.value.value is ...
    )


def _removes_attribute(member: Member) -> bool:
    """`x = AttributeError()`"""
    value = getattr(member.statement.node, "value", None)
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id == "AttributeError"
    )


def _removes_method(member: Member, corpus_rules: bool) -> bool:
    """Is the body nothing but a `raise`?

    In the corpus this is a removal only without decorators and below another statement of the
    class; see `moonshine` and `pocket_tts_audio_tokenizer`.
    """
    method = member.method
    if method is None or len(method.body) != 1 or not isinstance(method.body[0].node, ast.Raise):
        return False
    return not corpus_rules or (bool(member.statement.lead) and not method.decorators)


def _attributes(context: _Context) -> list[str]:
    own = {
        member.name: member
        for member in context.child.members
        if member.kind is not MemberKind.METHOD and member.name
    }
    result, used = [], set()
    for member in context.parent.members:
        if member.kind is MemberKind.METHOD or _is_filler(member):
            continue
        name = context.rename(member.name)
        if name and name in own:
            used.add(name)
            if not _removes_attribute(own[name]):
                result.append(_member_text(own[name], unchanged))
        else:
            result.append(_member_text(member, context.rename))
    for member in context.child.members:
        if member.kind is MemberKind.METHOD or _is_filler(member) or member.name in used:
            continue
        if not _removes_attribute(member):
            result.append(_member_text(member, unchanged))
    return result


def _member_text(member: Member, rename: Rename) -> str:
    return rename(member.statement.lead + member.statement.text)


def _method_key(method: Method) -> tuple[str, str]:
    """A property and its setter share a name, and are two methods."""
    for decorator in method.decorator_names:
        name, _, accessor = decorator.rpartition(".")
        if name == method.name:
            return method.name, accessor
    return method.name, ""


def _methods(context: _Context) -> list[str]:
    own = {
        _method_key(member.method): member for member in context.child.members if member.method
    }
    replaced = {
        member.name for member in context.child.members if member.kind is MemberKind.ATTRIBUTE
    }
    result, used = [], set()
    for member in context.parent.members:
        if member.method is None or context.rename(member.name) in replaced:
            continue
        key = tuple(map(context.rename, _method_key(member.method)))
        override = own.get(key)
        if override is None or override.method is None:
            result.append(_member_text(member, context.rename))
            continue
        used.add(key)
        if not _removes_method(override, context.corpus_rules):
            result.append(_overridden(override, member, context))
    for member in context.child.members:
        if member.method is not None and _method_key(member.method) not in used:
            result.append(_added(member, context))
    return result


def _added(member: Member, context: _Context) -> str:
    return member.statement.lead + context.calls(member.statement.text)


def _overridden(override: Member, member: Member, context: _Context) -> str:
    child, parent, rename = override.method, member.method, context.rename
    assert child is not None and parent is not None
    decorators = _strip_marker(child.decorators)
    if not child.decorators:
        decorators = rename(parent.decorators)
    returns = child.returns or rename(parent.returns)
    parameters = child.parameters
    if _SUPER_KWARGS in parameters:
        parameters = merged_parameters(child, parent, rename)
    head = f"    {child.keyword} {child.name}({parameters})"
    head += f" -> {returns}:" if returns else ":"
    doc = ""
    if child.docstring is not None:
        doc = child.docstring.lead + child.docstring.text
    elif parent.docstring is not None:
        doc = rename(parent.docstring.lead + parent.docstring.text)
    lines = splice(child, parent, rename, context.calls, context.overrides())
    body = "".join(line.lead + line.text for line in lines)
    lead = override.statement.lead
    if context.corpus_rules or not lead.strip():
        lead = rename(member.statement.lead)
    return lead + decorators + head + child.head_comment + "\n" + doc + body + child.footer


def alone(statement: Statement) -> str:
    """A class that extends no parent class is printed as it stands."""
    return statement.lead + statement.text


def merged_parameters(child: Method, parent: Method, rename: Rename) -> str:
    """The parent's parameters for `**super_kwargs`; those that stand beside it override theirs."""
    own = _parameter_texts(child)
    own.pop(_SUPER_KWARGS)
    merged = {name: rename(text) for name, text in _parameter_texts(parent).items()}
    merged.update((name, text) for name, text in own.items() if name in merged)
    new = [text for name, text in own.items() if name not in merged]
    texts = list(merged.values())
    at = next((i for i, text in enumerate(texts) if text.lstrip().startswith("**")), len(texts))
    texts = [*texts[:at], *new, *texts[at:]]
    return "".join(_with_comma(text) for text in texts[:-1]) + texts[-1]


def _with_comma(text: str) -> str:
    """A parameter that others follow; a comment may stand behind its comma."""
    code = text.partition("#")[0].rstrip()
    return text if code.endswith(",") else code + ", " + text[len(code) :].lstrip(" ")


def _parameter_texts(method: Method) -> dict[str, str]:
    """The text of each parameter with its comma, by its name, in order; `*` and `/` are two more."""
    found: dict[str, str] = {}
    for text in _split_at_commas(method.parameters):
        code = without_comments(text).strip()
        if code:
            name = re.match(r"\**\w*|/", code)
            found[name.group() if name else code] = text
    return found


def _split_at_commas(text: str) -> list[str]:
    """Parameters with the comma and the rest of the line behind each."""
    depth, start, hidden, parts = 0, 0, bytearray(len(text)), []
    for kind, begin, end in tokens(text):
        if kind != "name":
            hidden[begin:end] = b"\1" * (end - begin)
    for index, sign in enumerate(text):
        if hidden[index]:
            continue
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth == 0:
            line_end = text.find("\n", index)
            rest = text[index + 1 : line_end if line_end >= 0 else len(text)]
            end = index + 1 + (len(rest) if not without_comments(rest).strip() else 0)
            parts.append(text[start:end])
            start = end
    return [*parts, text[start:]]
