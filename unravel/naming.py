"""Model names and their spellings, and the prefix that a child class gives to its parent module."""

from __future__ import annotations

import ast
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from unravel.types import DefinitionKind, Outline


def model_name(source: str) -> str:
    """`modular/modular_qwen2.py` -> `qwen2`."""
    return posixpath.basename(source).removesuffix(".py").removeprefix("modular_")


@dataclass(frozen=True, slots=True)
class CasedNames:
    """Which spelling each model name has: `qwen2_vl` is `Qwen2VL`.

    Both tables come from a register of configuration classes; a name that is not there is spelled
    by rule.
    """

    cased: Mapping[str, str]
    lower: Mapping[str, str]

    def cased_name(self, name: str) -> str:
        """`qwen2_vl` -> `Qwen2VL`."""
        found = self.cased.get(name) or self.cased.get(name.replace("_", "-"))
        return found or "".join(part[:1].upper() + part[1:] for part in name.split("_"))

    def lower_name(self, cased: str) -> str:
        """`Qwen2VL` -> `qwen2_vl`."""
        return self.lower.get(cased) or re.sub(r"(?<!^)(?=[A-Z])", "_", cased).lower()

    def learned(self, models: Iterable[tuple[str, Outline]]) -> CasedNames:
        """Also the spellings that classes show: `MyBERTModel` in `my_bert` says `MyBERT`."""
        cased = dict(self.cased)
        for name, outline in models:
            start = name.replace("_", "")
            if not start:
                continue
            spellings = Counter(
                definition.name[: len(start)]
                for definition in outline.definitions.values()
                if definition.kind is DefinitionKind.CLASS
                and definition.name.lower().startswith(start)
            )
            if spellings and name not in cased:
                cased[name] = spellings.most_common(1)[0][0]
        lower = {spelled: name for name, spelled in cased.items() if spelled not in self.lower}
        return CasedNames(cased, {**self.lower, **lower})


@lru_cache(maxsize=8)
def cased_names(registers: tuple[Outline, ...]) -> CasedNames:
    """Read `("qwen2_vl", "Qwen2VLConfig")` and `{"qwen2_vl": "Qwen2VLConfig"}` entries as data."""
    cased: dict[str, str] = {}
    lower: dict[str, str] = {}
    for register in registers:
        for definition in register.definitions.values():
            for name, value in _entries(definition.statement.node):
                if value.endswith("Config"):
                    cased[name] = value.removesuffix("Config")
                    lower.setdefault(value.removesuffix("Config"), name)
    underscored = {spelled: name.replace("-", "_") for spelled, name in lower.items()}
    return CasedNames(cased, underscored)


def _entries(node: ast.AST) -> Iterable[tuple[str, str]]:
    """Each pair of strings in a mapping, written as a dictionary or as a list of pairs."""
    for inner in ast.walk(node):
        pairs: list[tuple[ast.expr | None, ast.expr]] = []
        if isinstance(inner, ast.Tuple) and len(inner.elts) == 2:
            pairs = [(inner.elts[0], inner.elts[1])]
        elif isinstance(inner, ast.Dict):
            pairs = list(zip(inner.keys, inner.values, strict=True))
        for key, value in pairs:
            texts = [part.value for part in (key, value) if isinstance(part, ast.Constant)]
            if len(texts) == 2 and all(isinstance(text, str) for text in texts):
                yield str(texts[0]), str(texts[1])


def shared_ending(one: str, other: str) -> str:
    """The longest ending that both names share and that starts with a capital letter."""
    ending = _longest_ending(one, other)
    start = re.search("[A-Z]", ending)
    return ending[start.start() :] if start else ""


def common_suffix(child: str, parent: str, *, whole_words: bool = True) -> str:
    """The ending that both names share; empty where it would be all of one of them.

    It begins with a capital letter; without `whole_words`, it may begin within a word.
    """
    ending = _longest_ending(child, parent)
    if ending in (child, parent):
        return ""
    return shared_ending(child, parent) if whole_words else ending


def _longest_ending(one: str, other: str) -> str:
    length = 0
    for mine, theirs in zip(reversed(one), reversed(other), strict=False):
        if mine != theirs:
            break
        length += 1
    return one[len(one) - length :]
