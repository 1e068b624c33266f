"""A child class laid over its renamed parent class."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from unravel.diagnostics import nearest, refuse
from unravel.effects import stored_attributes
from unravel.naming import CasedNames, common_suffix, shared_ending
from unravel.outline import is_docstring, place
from unravel.parameters import SUPER_KWARGS, merged_parameters
from unravel.renaming import Renaming
from unravel.scanning import mask_strings, replace_code
from unravel.splicing import (
    Line,
    Overrides,
    deletions,
    obstacle,
    splice,
    splice_as_corpus,
    super_uses,
)
from unravel.types import ClassOutline, Member, MemberKind, Method, Outline, Settings

Rename = Callable[[str], str]

_NO_INHERITANCE = "no_inherit_decorator"


@dataclass(frozen=True, slots=True)
class _Context:
    """What merging one class needs to know. `own` goes over the child's text, `rename` over the
    parent's; `helpers` maps the parent's methods that are kept beside the child's to new names."""

    child: ClassOutline
    parent: ClassOutline
    module: Outline
    rename: Rename
    own: Rename
    bases: tuple[str, ...]
    corpus_rules: bool
    overrides: Overrides
    helpers: dict[str, str]
    base: str

    @property
    def parent_methods(self) -> dict[str, ast.AST]:
        """The parent's methods by their new names."""
        return {
            self.rename(member.name): member.statement.node
            for member in self.parent.members
            if member.method is not None
        }

    def helper(self, method: str) -> str:
        """The private name under which the parent's `method` is kept."""
        if method not in self.helpers:
            taken = {m.name for m in (*self.child.members, *self.parent.members)}
            name = f"_parent_{method.strip('_')}"
            while name in taken:
                name += "_"
            self.helpers[method] = name
        return self.helpers[method]

    def calls(self, text: str) -> str:
        """The child's `text` with calls by the name of a generated base class as `super()`."""
        names = set(self.bases if self.corpus_rules else self.bases[:1])
        if "GradientCheckpointingLayer" in names:
            names.add("nn.Module")
        if any("PreTrainedModel" in name for name in names):
            names.add("PreTrainedModel")
        pattern = _call_by_class(frozenset(names), self.corpus_rules)
        return pattern.sub(r"super().\1(", self.own(text))


@lru_cache(maxsize=256)
def _call_by_class(names: frozenset[str], without_self: bool) -> re.Pattern[str]:
    either = "|".join(re.escape(name) for name in sorted(names))
    receiver = r"(?:\s*self\s*(?:,\s*|(?=\))))" + ("?" if without_self else "")
    return re.compile(rf"(?<![\w.\"'])(?:{either})\.(\w+)\({receiver}")


def merge(
    child: ClassOutline,
    parent: ClassOutline,
    module: Outline,
    renaming: Renaming,
    own: Rename,
    base: str,
    names: CasedNames,
    settings: Settings,
) -> str:
    """The text of the generated class.

    The child knows its parent as `base`. `renaming` is that of the parent's module, `own` what the
    text of the child's `module` needs.
    """
    if settings.corpus_rules:
        child = _with_any_docstring(child)
    rename = _class_renaming(child.name, parent.name, renaming, names)
    bases = merged_bases(child, parent, base, rename, own)
    context = _Context(
        child=child,
        parent=parent,
        module=module,
        rename=rename,
        own=own,
        bases=bases,
        corpus_rules=settings.corpus_rules,
        overrides=Overrides({}, set()),
        helpers={},
        base=base,
    )
    doc = ""
    if child.docstring is not None:
        doc = child.docstring.text
    elif parent.docstring is not None:
        doc = rename(parent.docstring.text)
    members = "".join([*_attributes(context), *_methods(context)])
    lead = rename(parent.lead) if settings.corpus_rules or not child.lead.strip() else child.lead
    decorators = own(_strip_marker(child.decorators)) or (
        "" if _NO_INHERITANCE in child.decorators else rename(parent.decorators)
    )
    keywords = child.keywords or tuple(map(rename, parent.keywords))
    head = _class_head(child.name, (*bases, *keywords))
    text = lead + decorators + head + (doc + members or "    pass\n")
    if not settings.corpus_rules:
        _check_removals(context, text)
    return text


def _with_any_docstring(child: ClassOutline) -> ClassOutline:
    """A string below other statements is a docstring too, in the corpus; see pp_chart2table."""
    for member in child.members:
        if child.docstring is None and is_docstring(member.statement.node):
            rest = tuple(other for other in child.members if other is not member)
            return replace(child, docstring=member.statement, members=rest)
    return child


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


def merged_bases(
    child: ClassOutline, parent: ClassOutline, base: str, rename: Rename, own: Rename
) -> tuple[str, ...]:
    """The parent's bases; an extra base of the child replaces the one that it resembles."""
    bases = [rename(base) for base in parent.bases]
    for written in child.bases:
        if written == base:
            continue
        extra = own(written)
        for index, theirs in enumerate(bases):
            if shared_ending(extra, theirs):
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
    """The parent's attributes, each overridden in its place by the child's; then the child's own."""
    own = {
        member.name: member
        for member in context.child.members
        if member.kind is not MemberKind.METHOD and member.name
    }
    texts: dict[str, str] = {}
    for position, member in enumerate(context.parent.members):
        if member.kind is MemberKind.METHOD or _is_filler(member):
            continue
        name = context.rename(member.name)
        # In the corpus an attribute that stands twice is printed once; see instructblipvideo.
        key = name if name in own or (name and context.corpus_rules) else f"{position}"
        if name not in own:
            texts[key] = _member_text(member, context.rename)
        elif not _removes_attribute(own[name]):
            texts[key] = _in_place(own[name], member, context)
    used = {
        context.rename(member.name)
        for member in context.parent.members
        if member.kind is not MemberKind.METHOD
    }
    for position, member in enumerate(context.child.members):
        if member.kind is MemberKind.METHOD or _is_filler(member):
            continue
        is_placed = member.name in own and member.name in used
        if not is_placed and not _removes_attribute(member):
            texts[f"own {position}"] = _member_text(member, context.own)
    return list(texts.values())


def _in_place(override: Member, member: Member, context: _Context) -> str:
    """A child's attribute where the parent's stood; blank lines above it are those of the place."""
    lead = override.statement.lead
    if not context.corpus_rules and not lead.strip():
        lead = context.rename(member.statement.lead)
    return context.own(lead + override.statement.text)


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
        name, accessor = _method_key(member.method)
        key = (context.rename(name), accessor)
        override = own.get(key)
        if override is None or override.method is None:
            result.append(_member_text(member, context.rename))
            continue
        used.add(key)
        if not _removes_method(override, context.corpus_rules):
            result.append(_overridden(override, member, context))
    result += [
        _added(member, context)
        for member in context.child.members
        if member.method is not None and _method_key(member.method) not in used
    ]
    kept = [m for m in context.parent.members if context.rename(m.name) in context.helpers]
    return result + [_helper(member, context) for member in kept]


def _added(member: Member, context: _Context) -> str:
    method = member.method
    assert method is not None
    text = member.statement.text
    if not context.corpus_rules:
        text = _through_helpers(text, method, context)
    return member.statement.lead + context.calls(text)


def _overridden(override: Member, member: Member, context: _Context) -> str:
    child, parent, rename = override.method, member.method, context.rename
    assert child is not None and parent is not None
    lead = override.statement.lead
    if context.corpus_rules or not lead.strip():
        lead = rename(member.statement.lead)
    inherits, lines = _body(child, parent, context)
    parameters = context.own(child.parameters)
    if SUPER_KWARGS in parameters:
        parameters = merged_parameters(child, parent, rename)
    returns = context.own(child.returns) or rename(parent.returns)
    head = f"    {child.keyword} {child.name}({parameters})"
    head += f" -> {returns}:" if returns else ":"
    doc = ""
    if child.docstring is not None:
        doc = child.docstring.lead + child.docstring.text
    elif parent.docstring is not None:
        doc = rename(parent.docstring.lead + parent.docstring.text)
    decorators = context.own(_strip_marker(child.decorators))
    if not child.decorators and inherits:
        decorators = rename(parent.decorators)
    body = "".join(line.lead + line.text for line in lines)
    return lead + decorators + head + child.head_comment + "\n" + doc + body + child.footer


def _body(child: Method, parent: Method, context: _Context) -> tuple[bool, Sequence[Line]]:
    """The body of a redefined method, and whether it takes the parent's decorators with it."""
    if context.corpus_rules:
        lines = splice_as_corpus(
            child, parent, context.rename, context.calls, context.overrides
        )
        return True, lines
    uses = super_uses(child.node)
    if uses and not obstacle(child, parent):
        return True, splice(child, parent, context.rename, context.calls, context.parent_methods)
    if uses and SUPER_KWARGS in child.parameters:
        raise refuse(
            "UNR203",
            place(context.module, uses[0]),
            f"`{SUPER_KWARGS}` stands for the parent's parameters, but {obstacle(child, parent)}",
            hint=f"write out the parameters of `{context.parent.name}.{parent.name}`",
        )
    texts = [(s, _through_helpers(s.text, child, context)) for s in child.body]
    return False, [Line(s.node, context.own(s.lead), context.calls(text)) for s, text in texts]


_SUPER = re.compile(r"\bsuper\(\s*(?:\w+\s*,\s*\w+\s*)?\)\s*\.\s*(\w+)")
_IMPLICIT = ("__new__", "__init_subclass__", "__class_getitem__")


def _through_helpers(text: str, method: Method, context: _Context) -> str:
    """The child's `text` with `super().m` of its parent class as a call to a helper method.

    In the generated class the parent's methods are the class' own: `super()` would pass them by.
    """
    arguments = [*method.node.args.posonlyargs, *method.node.args.args]
    receiver = arguments[0].arg if arguments else ""
    members = {context.rename(member.name): member for member in context.parent.members}

    def call(match: re.Match[str]) -> str:
        member = members.get(match[1])
        if member is None:
            return match.group()
        if member.method is None or match[1] in _IMPLICIT or not receiver:
            raise refuse(
                "UNR203",
                place(context.module, next(iter(super_uses(method.node)), method.node)),
                f"`super().{match[1]}` cannot be converted: in the generated class "
                f"`{context.child.name}` it is the class' own",
                hint=f"write what `{context.parent.name}.{match[1]}` stands for",
            )
        return f"{receiver}.{context.helper(match[1])}"

    text = replace_code(text, _SUPER, call)
    by_name = re.compile(rf"(?<![\w.]){re.escape(context.base)}\.(\w+)(?=\(\s*{receiver}\b)")
    if not receiver or not by_name.search(text):
        return text
    text = replace_code(text, by_name, call)
    return re.sub(rf"(\b{receiver}\._parent_\w+\()\s*{receiver}\s*(?:,\s*|(?=\)))", r"\1", text)


def _helper(member: Member, context: _Context) -> str:
    """The parent's method under its private name."""
    name = context.rename(member.name)
    text = context.rename(member.statement.lead + member.statement.text)
    return re.sub(rf"(\bdef\s+){name}\b", rf"\g<1>{context.helpers[name]}", text, count=1)


def _check_removals(context: _Context, text: str) -> None:
    """Refuse a `del self.x` that deletes nothing, and removals of what is still used."""
    code = mask_strings(text)
    for member in context.child.members:
        method = member.method
        if method is None:
            continue
        if _removes_method(member, corpus_rules=False):
            used = re.search(rf"\bself\.{member.name}\b", code)
            if used and member.name in context.parent_methods:
                raise refuse(
                    "UNR204",
                    place(context.module, method.node),
                    f"`{member.name}` is removed, but `{context.child.name}` still uses it",
                    hint="redefine the methods that call it",
                )
        elif super_uses(method.node):
            for statement in method.body:
                _check_deletion(statement.node, context, code)


def _check_deletion(node: ast.stmt, context: _Context, code: str) -> None:
    for target in deletions(node):
        name = target.removeprefix("self.")
        if name == target or not name.isidentifier():
            continue
        stored = {
            context.rename(attribute)
            for attribute in stored_attributes([context.parent.node], "self")
        }
        if name not in stored:
            raise refuse(
                "UNR201",
                place(context.module, node),
                f"`{context.parent.name}` never sets `self.{name}`",
                hint=nearest(name, stored),
            )
        if re.search(rf"\bself\.{name}\s*(?::[^=\n]+)?=(?!=)", code):
            continue
        if re.search(rf"(?<!del )\bself\.{name}\b", code):
            raise refuse(
                "UNR204",
                place(context.module, node),
                f"`self.{name}` is deleted, but `{context.child.name}` still reads it",
                hint="redefine the methods that read it",
            )
