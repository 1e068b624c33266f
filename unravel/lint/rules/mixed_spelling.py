"""Two spellings of one prefix."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from unravel.lint.modular import Modular
from unravel.lint.rule import Example, Finding, Rule
from unravel.types import Severity


def check(modular: Modular) -> Iterator[Finding]:
    """Compare what stands in front of the words that classes share with their parents."""
    prefixes: dict[str, str] = {}
    for child in modular.children:
        suffix = _common_ending(child.cls.name, child.theirs.name)
        if suffix and suffix != child.cls.name:
            prefixes[child.cls.name] = child.cls.name.removesuffix(suffix)
    spellings: dict[str, Counter[str]] = {}
    for prefix in prefixes.values():
        spellings.setdefault(_plain(prefix), Counter())[prefix] += 1
    for name, prefix in prefixes.items():
        (usual, count), *others = spellings[_plain(prefix)].most_common()
        if others and prefix != usual and count > spellings[_plain(prefix)][prefix]:
            yield Finding(
                modular.classes[name].node,
                f"`{name}` begins with `{prefix}`, where {count} classes begin with `{usual}`",
                f"call it `{usual}{name.removeprefix(prefix)}`",
            )


def _plain(prefix: str) -> str:
    return prefix.replace("_", "").lower()


def _common_ending(one: str, other: str) -> str:
    length = 0
    while length < min(len(one), len(other)) and one[-1 - length] == other[-1 - length]:
        length += 1
    ending = one[len(one) - length :]
    start = re.search("[A-Z]", ending)
    return ending[start.start() :] if start else ""


RULE = Rule(
    code="UNM107",
    name="mixed-spelling",
    severity=Severity.WARNING,
    summary="Classes of one file begin with different spellings of the same name.",
    why="""\
What is copied from a parent gets the prefix that most classes have. A class that is spelled
otherwise stands beside the copied one in place of replacing it, and no search finds both.""",
    examples=(
        Example(
            bad="""\
from models.old.modeling_old import OldAttention, OldMLP, OldModel


class BrandNewMLP(OldMLP):
    pass


class BrandNewAttention(OldAttention):
    pass


class BrandnewModel(OldModel):
    pass
""",
            good="""\
from models.old.modeling_old import OldAttention, OldMLP, OldModel


class BrandNewMLP(OldMLP):
    pass


class BrandNewAttention(OldAttention):
    pass


class BrandNewModel(OldModel):
    pass
""",
            path="modular/modular_brand_new.py",
        ),
    ),
    check=check,
)
