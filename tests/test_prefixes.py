"""The prefix that child classes give to their parent module."""

from __future__ import annotations

import pytest

from unravel.naming import cased_names
from unravel.outline import read_outline
from unravel.parents import Parent
from unravel.prefixes import renaming_of
from unravel.types import Settings

PARENT = """\
class OldNorm: pass
class OldMLP: pass
class OldModel: pass
class OldTextHead: pass
"""


def prefix(
    children: dict[str, str], parent: str = PARENT, *, model: str = "old", whole_words: bool = True
) -> str:
    """What `Old` becomes where the modular file has these `{child: parent}` classes."""
    modular = "".join(f"class {child}({base}): pass\n" for child, base in children.items())
    imported = {base: base for base in children.values()}
    found = Parent(read_outline(f"{model}.py", parent), "modeling", model, imported)
    outline = read_outline("modular_new.py", modular)
    settings = Settings(corpus_rules=not whole_words)
    return renaming_of(found, outline, "new", cased_names(()), (), settings).new_cased


@pytest.mark.parametrize(
    "children",
    [
        {},
        {"NewNorm": "OldNorm"},
        {"NewModel": "OldModel", "NewMLP": "OldMLP"},
        {"Whatever": "OldNorm"},
        {"New": "OldNorm"},
        {"NewNorm": "OldNorm", "NewTextMLP": "OldMLP"},  # a tie
        {"NewTextMLP": "OldMLP", "NewNorm": "OldNorm"},
        {"NewTextModel": "OldModel", "NewTextMLP": "OldMLP"},  # `OldText...` is there already
    ],
)
def test_the_models_own_name(children: dict[str, str]) -> None:
    assert prefix(children) == "New"


WITHOUT_PARTS = PARENT.replace("OldTextHead", "OldHead")


@pytest.mark.parametrize(
    ("children", "wanted"),
    [
        ({"NewTextNorm": "OldNorm"}, "NewText"),
        ({"NewTextNorm": "OldNorm", "NewTextMLP": "OldMLP", "NewModel": "OldModel"}, "NewText"),
        ({"NewTextNorm": "OldNorm", "NewVisionMLP": "OldMLP"}, "NewVision"),
        ({"NewVisionMLP": "OldMLP", "NewTextNorm": "OldNorm"}, "NewText"),
        ({"NewOldNorm": "OldNorm"}, "NewOld"),
    ],
)
def test_a_prefix_of_a_part(children: dict[str, str], wanted: str) -> None:
    assert prefix(children, WITHOUT_PARTS) == wanted


def test_without_whole_words_an_ending_within_a_word_gives_no_prefix() -> None:
    children = {"NewTextConfig": "BartConfig"}
    parent = "class BartConfig: pass\n"
    assert prefix(children, parent, model="bart") == "NewText"
    assert prefix(children, parent, model="bart", whole_words=False) == "New"


def test_other_bases_count_for_nothing() -> None:
    modular = read_outline("modular_new.py", "class NewTextNorm(Norm, OldNorm): pass\n")
    parent = Parent(read_outline("old.py", "class Norm: pass\n"), "modeling", "old", {})
    assert renaming_of(parent, modular, "new", cased_names(()), (), Settings()).new_cased == "New"


def test_all_spellings_are_those_of_the_part() -> None:
    modular = read_outline("modular_new.py", "class NewTextNorm(OldNorm): pass\n")
    outline = read_outline("old.py", "class OldNorm: pass\n")
    parent = Parent(outline, "modeling", "old", {"OldNorm": "OldNorm"})
    renaming = renaming_of(parent, modular, "new", cased_names(()), (), Settings())
    text = "init_old_weights(OldNorm, 'old_norm')  # Old, old\n"
    wanted = "init_new_text_weights(NewTextNorm, 'new_text_norm')  # NewText, new_text\n"
    assert renaming.text(text) == wanted
