"""Which imports name parent modules, and where those lie."""

from __future__ import annotations

import pytest

from unravel.outline import read_outline
from unravel.parents import candidates, find_parents, parent_imports, parent_paths
from unravel.types import Import, Outline, Refused, Settings

PATH = "modular/modular_new.py"


def first_import(text: str) -> tuple[Import, Outline]:
    outline = read_outline(PATH, text + "\n")
    return outline.imports[0], outline


def parents_among(text: str, *exists: str, path: str = PATH, **settings: tuple[str, ...]) -> int:
    """How many imports in `text` name parents, where only the files `exists` are there."""
    outline = read_outline(path, text + "\n")
    return len(parent_imports(outline, Settings(**settings), exists.__contains__))


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
    assert not parents_among(text)


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
    assert parents_among(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "from models.old.modeling_old import A",
            [
                "models/old/modeling_old/__init__.py",
                "models/old/modeling_old.py",
                "src/models/old/modeling_old/__init__.py",
                "src/models/old/modeling_old.py",
            ],
        ),
        (
            "from ..old.modeling_old import A",
            ["old/modeling_old/__init__.py", "old/modeling_old.py"],
        ),
        (
            "from .old.modeling_old import A",
            ["modular/old/modeling_old/__init__.py", "modular/old/modeling_old.py"],
        ),
        (
            "from ...old.modeling_old import A",
            ["../old/modeling_old/__init__.py", "../old/modeling_old.py"],
        ),
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


def test_a_file_beside_its_modular_file_is_a_parent() -> None:
    text = "from .modeling_old import A"
    assert not parents_among(text, "flat/modeling_old.py", path="flat/modular_new.py")
    assert parents_among(text, "flat/modular_old.py", path="flat/modular_new.py")


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("from mylib.resnet import A", "mylib.resnet"),
        ("from mylib.blocks.norms import A", "mylib.blocks.*"),
        ("from ..resnet import A", "mylib.resnet"),
        ("from .modeling_old import A", "mylib.sub.modeling_*"),
    ],
)
def test_settings_name_parents(text: str, pattern: str) -> None:
    path = "src/mylib/sub/modular_new.py"
    assert not parents_among(text, path=path)
    assert parents_among(text, path=path, parents=(pattern,))
    assert not parents_among(text, path=path, parents=("mylib.res", "resnet"))


def test_registries_are_no_parents() -> None:
    assert not parents_among("from transformers.models.auto.modeling_auto import AutoModel")


@pytest.mark.parametrize(
    ("module", "classes", "model"),
    [
        ("mylib.resnet", "ResNetBlock Stem", "resnet"),
        ("mylib.lora.layer", "LoraLayer Linear", "lora"),
        ("mylib.swin_transformer", "SwinTransformerBlock", "swin_transformer"),
        ("mylib.blocks", "Attention", ""),
        ("mylib.a", "Attention", ""),  # begins with the letter, not with the name
    ],
)
def test_what_a_module_is_about(module: str, classes: str, model: str) -> None:
    names = classes.split()
    parent = read_outline("x.py", "".join(f"class {name}: pass\n" for name in names))
    outline = read_outline(PATH, f"from {module} import {names[0]}\n")
    (found,) = find_parents(outline, Settings(parents=(module,)), lambda path: parent)
    assert found.model == model


def test_installed_packages_come_last() -> None:
    _, outline = first_import("from mylib.old.modeling_old import A")
    settings = Settings(roots=(".",), installed=("/env/site-packages",))
    assert list(candidates(outline.imports[0], outline, settings)) == [
        "mylib/old/modeling_old/__init__.py",
        "mylib/old/modeling_old.py",
        "/env/site-packages/mylib/old/modeling_old/__init__.py",
        "/env/site-packages/mylib/old/modeling_old.py",
    ]


def test_ordinary_packages_are_no_parents() -> None:
    outline = read_outline(PATH, "from models.auto.modeling_auto import A\n")
    settings = Settings(ordinary=("*.auto.*",))
    assert parent_paths(outline, settings, lambda path: True) == ()


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
    ("name", "package", "home"),
    [
        ("OldModel", "transformers", "transformers.models.old.modeling_old"),
        ("OldConfig", "transformers", "transformers.models.old.configuration_old"),
        ("OldModel", "..old", "..old.modeling_old"),
        ("Old2VLModel", "library", "library.old2_vl.modeling_old2_vl"),
    ],
)
def test_a_package_that_passes_a_class_on_is_refused(name: str, package: str, home: str) -> None:
    text = f"from {package} import {name}\nclass New({name}): pass\n"
    outline = read_outline(PATH, text)
    path = home.lstrip(".").replace(".", "/") + ".py"
    there = read_outline(path, f"class {name}: pass\n")
    with pytest.raises(Refused) as error:
        find_parents(outline, Settings(), {path: there}.get)
    assert error.value.diagnostic.code == "UNR105"
    assert f"`{home}`" in error.value.diagnostic.hint
    # It may be used, and it may be extended where no model's file defines it.
    used = read_outline(PATH, f"from {package} import {name}\nx = {name}\n")
    assert find_parents(used, Settings(), {path: there}.get) == ()
    assert find_parents(outline, Settings(), lambda path: None) == ()


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
