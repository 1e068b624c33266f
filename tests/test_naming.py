"""Model names in their spellings, and what names share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unravel.naming import cased_names, common_suffix, model_name, shared_ending
from unravel.outline import read_outline

REGISTER = """\
CONFIGS = OrderedDict([("qwen2_vl", "Qwen2VLConfig"), ("data2vec-audio", "Data2VecAudioConfig")])
MORE = {"mlcd": "MLCDConfig", "part_model": "PartConfig", "other": "not a configuration"}
PART_TO_MODULE_NAME = {"part_model": "whole"}
"""


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("modular/modular_qwen2.py", "qwen2"),
        ("modular_a_b.py", "a_b"),
        ("modular/modular_modular_x.py", "modular_x"),
    ],
)
def test_model_name(path: str, wanted: str) -> None:
    assert model_name(path) == wanted


@pytest.mark.parametrize(
    ("name", "by_rule", "registered"),
    [
        ("llama", "Llama", "Llama"),
        ("olmo2", "Olmo2", "Olmo2"),
        ("new_text", "NewText", "NewText"),
        ("qwen2_vl", "Qwen2Vl", "Qwen2VL"),
        ("mlcd", "Mlcd", "MLCD"),
        ("data2vec_audio", "Data2vecAudio", "Data2VecAudio"),
        ("other", "Other", "Other"),
    ],
)
def test_cased_name(name: str, by_rule: str, registered: str) -> None:
    register = read_outline("register.py", REGISTER)
    assert cased_names(()).cased_name(name) == by_rule
    assert cased_names((register,)).cased_name(name) == registered


@pytest.mark.parametrize(("cased", "wanted"), [("Qwen2VL", "qwen2_vl"), ("NewText", "new_text")])
def test_lower_name(cased: str, wanted: str) -> None:
    assert cased_names((read_outline("register.py", REGISTER),)).lower_name(cased) == wanted


def test_spellings_are_learned_from_classes() -> None:
    outline = read_outline("m.py", "class MyBERTModel: pass\nclass MyBERTLayer: pass\n")
    names = cased_names(()).learned([("my_bert", outline), ("other_name", outline)])
    assert names.cased_name("my_bert") == "MyBERT"
    assert names.lower_name("MyBERT") == "my_bert"
    assert names.cased_name("other_name") == "OtherName"


def test_a_register_knows_better_than_classes() -> None:
    outline = read_outline("m.py", "class MlcdModel: pass\n")
    names = cased_names((read_outline("register.py", REGISTER),)).learned([("mlcd", outline)])
    assert names.cased_name("mlcd") == "MLCD"


WORDS = st.lists(st.from_regex(r"[A-Z][a-z]{1,5}", fullmatch=True), min_size=1, max_size=4)


@given(WORDS)
def test_lower_names_are_those_that_are_cased(words: list[str]) -> None:
    names = cased_names(())
    cased = "".join(words)
    assert names.cased_name(names.lower_name(cased)) == cased


@pytest.mark.parametrize(
    ("one", "other", "shared", "suffix"),
    [
        ("NewNorm", "OldMlp", "", ""),
        ("newnorm", "oldnorm", "", ""),
        ("NewNorm", "OldNorm", "Norm", "Norm"),
        ("NewRMSNorm", "OldRMSNorm", "RMSNorm", "RMSNorm"),
        ("NewTextAttention", "OldAttention", "Attention", "Attention"),
        ("XNorm", "Norm", "Norm", ""),  # all of one name is no suffix
        ("Norm", "Norm", "Norm", ""),
        ("Aluminum", "Museum", "", ""),
    ],
)
def test_shared_endings(one: str, other: str, shared: str, suffix: str) -> None:
    assert (shared_ending(one, other), common_suffix(one, other)) == (shared, suffix)
    assert (shared_ending(other, one), common_suffix(other, one)) == (shared, suffix)


@pytest.mark.parametrize(
    ("child", "parent", "suffix"),
    [
        ("NewNorm", "OldMlp", ""),
        ("XNorm", "Norm", ""),
        ("NewTextConfig", "OldConfig", "Config"),
        ("NewTextConfig", "BartConfig", "tConfig"),
        ("newnorm", "oldnorm", "norm"),
    ],
)
def test_suffixes_that_begin_within_a_word(child: str, parent: str, suffix: str) -> None:
    assert common_suffix(child, parent, whole_words=False) == suffix
