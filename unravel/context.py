"""What merging one class needs to know, and the text of both classes under the new names."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from unravel.ancestry import Ancestry, members_of
from unravel.effects import stored_attributes
from unravel.naming import CasedNames, common_suffix
from unravel.renaming import Renaming
from unravel.scanning import replace_code
from unravel.types import ClassOutline, Method, Outline

Rename = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Context:
    """A child class of `module` and the parent class that it knows as `base`.

    `own` goes over the child's text, `rename` over the parent's; `bases` are those of the generated
    class, `ancestry` is what is known of the parent's. `helpers` gathers the parent's methods that
    are kept beside the child's, by new names.
    """

    child: ClassOutline
    parent: ClassOutline
    module: Outline
    rename: Rename
    own: Rename
    bases: tuple[str, ...]
    base: str
    ancestry: Ancestry
    corpus_rules: bool
    helpers: dict[str, str] = field(default_factory=dict)

    def inherits(self, name: str) -> bool:
        """Has a base of the generated class a member called `name`, as far as can be seen?"""
        return any(name in map(self.rename, members_of(each)) for each in self.ancestry.classes)

    @property
    def inherited_attributes(self) -> set[str]:
        """The attributes that bases of the generated class set, as far as can be seen."""
        nodes = [each.node for each in self.ancestry.classes]
        return set(map(self.rename, stored_attributes(nodes, "self")))

    @property
    def parent_methods(self) -> set[str]:
        """The new names of the parent's methods."""
        return {self.rename(member.name) for member in self.parent.members if member.method}

    @property
    def all_methods(self) -> dict[str, ast.AST]:
        """The methods of the generated class, by name: the child's hide the parent's.

        They are also found under the names that they have in the parent's code. A property stands
        for all of its methods, as an attribute does not tell which of them it calls.
        """
        both = ((self.parent, self.rename), (self.child, lambda name: name))
        methods: dict[tuple[str, str], ast.stmt] = {}
        for outline, rename in both:
            for member in outline.members:
                if member.method is not None:
                    name, accessor = method_key(member.method)
                    methods[rename(name), accessor] = member.statement.node
        bodies: dict[str, list[ast.stmt]] = {}
        for (name, _), node in methods.items():
            bodies.setdefault(name, []).append(node)
        found: dict[str, ast.AST] = {
            name: body[0] if len(body) == 1 else ast.Module(body, [])
            for name, body in bodies.items()
        }
        old = {m.name: found[self.rename(m.name)] for m in self.parent.members if m.method}
        return {**old, **found}

    def helper(self, method: str) -> str:
        """The name under which the parent's `method` is kept.

        Two underscores make it private to this very class: its children may have helpers, too.
        """
        if method not in self.helpers:
            taken = {m.name for m in self.child.members}
            taken.update(self.rename(m.name) for m in self.parent.members)
            taken.update(self.helpers.values())
            name = f"__parent_{method.strip('_')}"
            while name in taken:
                name += "x"
            self.helpers[method] = name
        return self.helpers[method]

    def calls(self, text: str) -> str:
        """The child's `text` with calls by the name of a generated base class as `super()`."""
        text = self.own(text)
        names = _names_of_bases(self.bases if self.corpus_rules else self.bases[:1])
        if not any(map(text.__contains__, names)):
            return text
        pattern = _call_by_class(names, self.corpus_rules)
        return replace_code(text, pattern, lambda match: f"super().{match[1]}(")


def method_key(method: Method) -> tuple[str, str]:
    """A property and its setter share a name, and are two methods."""
    for decorator in method.decorator_names:
        name, _, accessor = decorator.rpartition(".")
        if name == method.name:
            return method.name, accessor
    return method.name, ""


@lru_cache(maxsize=256)
def _names_of_bases(bases: tuple[str, ...]) -> frozenset[str]:
    names = set(bases)
    if "GradientCheckpointingLayer" in names:
        names.add("nn.Module")
    if any("PreTrainedModel" in name for name in names):
        names.add("PreTrainedModel")
    return frozenset(names)


@lru_cache(maxsize=256)
def _call_by_class(names: frozenset[str], without_self: bool) -> re.Pattern[str]:
    either = "|".join(re.escape(name) for name in sorted(names))
    receiver = r"(?:\s*self\s*(?:,\s*|(?=\))))" + ("?" if without_self else "")
    return re.compile(rf"(?<![\w.\"'])(?:{either})\.(\w+)\({receiver}")


def class_renaming(
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
    # Without whole words, `PPFormulaNe` becomes `PPFormulaNetTex`, and nothing in lower case does:
    # pp_formulanet says both `PPFormulaNetTextConfig` and `pp_formulanet-large`.
    suffix = common_suffix(child, renamed, whole_words=renaming.whole_words)
    old, new = renamed.removesuffix(suffix), child.removesuffix(suffix)
    further = Renaming(
        names.lower_name(old),
        old,
        names.lower_name(new),
        new,
        whole_words=renaming.whole_words,
        kept_text=renaming.kept_text,
    )
    return lambda text: further.strings_and_comments(renaming.text(text))
