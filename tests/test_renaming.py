"""The old model's name becomes the new one's, in all spellings and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unravel.renaming import Renaming

OLD_NEW = Renaming("old", "Old", "new", "New")
CLIP = Renaming("clip", "CLIP", "siglip2", "Siglip2")
QWEN = Renaming("qwen2_vl", "Qwen2VL", "glm_x", "GlmX")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1\n",
        "threshold = bold + fold2old\n",
        "f'old {{old}} Old'\n",
        "f'''old\n{x!r:old>10} OLD'''\n",
        "from old_kernels import old_scan, OldScan\n",
        "from old_kernels import (\n    old_scan,\n    OldScan,\n)\n",
        "import old_kernels.old as old\n",
        "    from old.ops import scan as old_scan\n",
    ],
)
def test_left_alone(text: str) -> None:
    assert OLD_NEW.text(text) == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("old\n", "new\n"),
        ("old_x, x_old, OldX, XOld, OLD_X, X_OLD\n", "new_x, x_new, NewX, XNew, NEW_X, X_NEW\n"),
        ("oLD, oLd\n", "New, New\n"),
        ("'old' \"Old\" b'old' r'old' u'old'\n", "'new' \"New\" b'new' r'new' u'new'\n"),
        ("x  # old, Old's\n", "x  # new, New's\n"),
        ('"""Old.\n\nold\n"""\n', '"""New.\n\nnew\n"""\n'),
        ("f'old {old} {old!r:{old}} {x[\"old\"]}'\n", "f'old {new} {new!r:{new}} {x[\"new\"]}'\n"),
        ("from ..old.modeling_old import OldX\n", "from ..new.modeling_new import NewX\n"),
        ("from .old import OldX\n", "from .new import NewX\n"),
        ("x = old\n# Copied from models.old.OldX\ny = 1\n", "x = new\ny = 1\n"),
        ("def old():  # Copied from elsewhere\n    pass\n", "def new():\n    pass\n"),
    ],
)
def test_renamed(text: str, wanted: str) -> None:
    assert OLD_NEW.text(text) == wanted


@pytest.mark.parametrize(
    ("renaming", "text", "wanted"),
    [
        (
            CLIP,
            "CLIPModel, CLIP_START, clip_x, Clip",
            "Siglip2Model, SIGLIP2_START, siglip2_x, Siglip2",
        ),
        (QWEN, "Qwen2VLModel, qwen2_vl, QWEN2_VL_X", "GlmXModel, glm_x, GLM_X_X"),
        (QWEN, "qwen2vl", "GlmX"),
    ],
)
def test_other_spellings(renaming: Renaming, text: str, wanted: str) -> None:
    assert renaming.text(text) == wanted


def test_only_strings_and_comments() -> None:
    text = "old = 'old'  # old\nf'old{old}'\n"
    assert OLD_NEW.strings_and_comments(text) == "old = 'new'  # new\nf'old{old}'\n"


def test_a_name() -> None:
    assert OLD_NEW.name("OldNorm") == "NewNorm"
    assert OLD_NEW.name("Norm") == "Norm"


WHOLE = replace(OLD_NEW, whole_words=True)


@pytest.mark.parametrize("name", ["older", "oldest_x", "Older", "olds"])
def test_words_that_hold_the_name_are_left_alone(name: str) -> None:
    assert WHOLE.name(name) == name


@pytest.mark.parametrize("name", ["Bold", "OLDER", "BOLD"])
def test_words_in_capitals_are_left_alone(name: str) -> None:
    assert WHOLE.name(name) == name


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('x = "acme/old-7b"\n', 'x = "acme/old-7b"\n'),
        ('"""See `acme/old-7b` of old."""\n', '"""See `acme/old-7b` of new."""\n'),
        ("old_x, x_Old, OldX, X_OLD_Y, old2\n", "new_x, x_New, NewX, X_NEW_Y, new2\n"),
    ],
)
def test_whole_words(text: str, wanted: str) -> None:
    assert WHOLE.text(text) == wanted


PARTS = st.lists(
    st.sampled_from(["old", "Old", "OLD", "norm", "Norm", "x1", "LAYER", "be"]), min_size=1
)
BACK = Renaming("new", "New", "old", "Old")


@given(PARTS)
def test_there_and_back(parts: list[str]) -> None:
    name = "_".join(parts)
    assert BACK.name(OLD_NEW.name(name)) == name


@given(st.lists(st.sampled_from(["old ", "'old' ", "# old\n", "f'{old}' ", "x ", "(\n", ")\n"])))
def test_renaming_twice_is_renaming_once(parts: list[str]) -> None:
    once = OLD_NEW.text("".join(parts))
    assert OLD_NEW.text(once) == once
