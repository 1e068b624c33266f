"""Which imports name parent modules, and where those lie."""

from __future__ import annotations

import pytest

from unravel.outline import read_outline
from unravel.parents import candidates, find_parents, is_parent_import, parent_paths
from unravel.types import Import, Outline, Refused, Settings

PATH = "modular/modular_new.py"


def first_import(text: str) -> tuple[Import, Outline]:
    outline = read_outline(PATH, text + "\n")
    return outline.imports[0], outline


@pytest.mark.parametrize(
    "text",
    [
        "import models.old.modeling_old",
        "import torch",
        "from torch import nn",
        "from modeling_old import A",  # in no folder
        "from ...modeling_utils import PreTrainedModel",
        "from transformers.modeling_utils import PreTrainedModel",
        "from .configuration_new import NewConfig",
        "from models.old.helping import f",
        "from models.old import modeling_old",
        "from models.new.configuration_new import NewConfig",
        "from models.old.modeling_older import A",
        "if t():\n    from models.old.modeling_old import A",
    ],
)
def test_no_parent_import(text: str) -> None:
    assert not is_parent_import(*first_import(text))


@pytest.mark.parametrize(
    "text",
    [
        "from models.old.modeling_old import A",
        "from models.old.configuration_old import OldConfig",
        "from models.old.image_processing_pil_old import A",
        "from ..old.modeling_old import A",
        "from transformers.models.data2vec.modeling_data2vec_text import A",
    ],
)
def test_parent_import(text: str) -> None:
    assert is_parent_import(*first_import(text))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "from models.old.modeling_old import A",
            ["models/old/modeling_old.py", "src/models/old/modeling_old.py"],
        ),
        ("from ..old.modeling_old import A", ["old/modeling_old.py"]),
        ("from .old.modeling_old import A", ["modular/old/modeling_old.py"]),
        ("from ...old.modeling_old import A", ["../old/modeling_old.py"]),
    ],
)
def test_paths_of_a_module(text: str, wanted: list[str]) -> None:
    assert list(candidates(*first_import(text), Settings())) == wanted


def test_paths_of_all_parents_that_exist() -> None:
    outline = read_outline(
        PATH,
        "from models.b.modeling_b import B\nfrom models.a.modeling_a import A\n"
        "from models.c.modeling_c import C\nfrom models.a.modeling_a import D\n",
    )
    exists = {"src/models/a/modeling_a.py", "models/b/modeling_b.py", "src/models/b/modeling_b.py"}
    found = parent_paths(outline, Settings(), exists.__contains__)
    assert found == ("models/b/modeling_b.py", "src/models/a/modeling_a.py")


def test_ordinary_packages_are_no_parents() -> None:
    outline = read_outline(PATH, "from models.auto.modeling_auto import A\n")
    assert parent_paths(outline, Settings(ordinary=("auto",)), lambda path: True) == ()


def parents_of(text: str, **modules: str) -> dict[str, dict[str, str]]:
    files = {f"models/{model}/modeling_{model}.py": code for model, code in modules.items()}
    outline = read_outline(PATH, text)

    def load(path: str) -> Outline | None:
        return read_outline(path, files[path]) if path in files else None

    return {p.model: p.imported for p in find_parents(outline, Settings(), load)}


def test_parents_and_what_is_imported_from_them() -> None:
    text = (
        "from models.b.modeling_b import B as Base\nfrom models.a.modeling_a import A, f\n"
        "from models.b.modeling_b import g\nimport torch\n"
    )
    found = parents_of(
        text, a="class A: pass\ndef f(): pass\n", b="class B: pass\nfrom x import g\n"
    )
    assert found == {"b": {"Base": "B", "g": "g"}, "a": {"A": "A", "f": "f"}}
    assert list(found) == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "code", "column", "hint"),
    [
        ("from models.b.modeling_b import A\n", "UNR101", 1, "looked for models/b/modeling_b.py"),
        ("from models.a.modeling_a import Am\n", "UNR102", 33, "did you mean `Amp`?"),
        ("from models.a.modeling_a import (\n Xyz)\n", "UNR102", 2, "it defines `Amp`"),
        ("from models.a.modeling_a import *\n", "UNR106", 33, "import the names that are used"),
    ],
)
def test_refused(text: str, code: str, column: int, hint: str) -> None:
    with pytest.raises(Refused) as refused:
        parents_of("x = 1\n" + text, a="class Amp: pass\n")
    found = refused.value.diagnostic
    assert (found.code, found.path, found.column) == (code, PATH, column)
    assert found.hint.startswith(hint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("from transformers import LlamaModel", "does not say which module"),
        ("from ..old.modeling_old import OldConfig", "`OldConfig` is no part of a modeling file"),
    ],
)
def test_transformers_refuses_imports_of_unclear_source(text: str, message: str) -> None:
    _, outline = first_import(text)
    with pytest.raises(Refused) as error:
        find_parents(outline, Settings(corpus_rules=True), lambda path: outline)
    assert error.value.diagnostic.code == "UNR105"
    assert message in error.value.diagnostic.message


def test_other_profiles_leave_such_imports_alone() -> None:
    _, outline = first_import("from transformers import LlamaModel")
    assert find_parents(outline, Settings(), lambda path: None) == ()
