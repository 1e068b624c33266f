"""A modular file's outline becomes generated files, or is refused."""

from __future__ import annotations

from tests.golden_case import Case, converted
from unravel.types import Converted, Failed

OLD = "class OldConfig: pass\nclass OldModel: pass\nclass OldTokenizer: pass\n"
HEAD = "from models.old.modeling_old import OldConfig, OldModel, OldTokenizer\n"


def result(modular: str, **parents: str) -> Converted | Failed:
    files = {f"models/{name}/modeling_{name}.py": text for name, text in parents.items()}
    return converted(Case("", {**files, "modular/modular_new.py": modular}, "", {}))


def test_one_file_of_each_kind() -> None:
    modular = HEAD + (
        "class NewTokenizer(OldTokenizer): pass\nclass NewModel(OldModel): pass\n"
        "class NewConfig(OldConfig): pass\n__all__ = ['NewConfig', 'NewModel', 'NewTokenizer']\n"
    )
    found = result(modular, old=OLD)
    assert isinstance(found, Converted)
    assert {(file.kind, file.path) for file in found.files} == {
        ("modeling", "models/new/modeling_new.py"),
        ("configuration", "models/new/configuration_new.py"),
        ("tokenization", "models/new/tokenization_new.py"),
    }
    for file in found.files:
        assert file.text.count("class ") == 1
        assert file.text.count("__all__ = [") == 1
        assert file.text.rstrip().endswith('"]')


def test_inputs_are_the_modules_that_were_read() -> None:
    modular = (
        "from models.b.modeling_b import B\nfrom models.a.modeling_a import A\n"
        "class NewA(A): pass\nclass NewB(B): pass\n"
    )
    found = result(modular, a="class A: pass\n", b="class B: pass\n", c="class C: pass\n")
    assert isinstance(found, Converted)
    assert found.source == "modular/modular_new.py"
    assert found.inputs == ("models/a/modeling_a.py", "models/b/modeling_b.py")


def test_a_refusal_is_returned() -> None:
    found = result(HEAD + "print('loose')\n", old=OLD)
    assert isinstance(found, Failed)
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["UNR205"]
    assert found.diagnostics[0].excerpt == "print('loose')"


def test_a_parent_that_is_not_python_is_reported_where_it_stands() -> None:
    found = result(HEAD, old="class OldConfig(:\n")
    assert isinstance(found, Failed)
    (diagnostic,) = found.diagnostics
    assert (diagnostic.code, diagnostic.path) == ("UNR003", "models/old/modeling_old.py")


def test_the_header_opens_every_file() -> None:
    classes = "class NewModel(OldModel): pass\nclass NewConfig(OldConfig): pass\n"
    modular = f"# licence\n\n{HEAD}{classes}"
    found = result(modular, old="# other licence\n" + OLD)
    assert isinstance(found, Converted)
    assert len(found.files) == 2
    for file in found.files:
        assert file.text.startswith("# licence\n")
        assert "other licence" not in file.text


def test_pieces_make_up_the_file_and_say_where_they_came_from() -> None:
    modular = HEAD + "\n\nclass NewModel(OldModel):\n    pass\n\n\ndef own():\n    return 1\n"
    found = result(modular, old=OLD + "\n\nLIMIT = 3\n")
    assert isinstance(found, Converted)
    (file,) = found.files
    assert "".join(piece.text for piece in file.pieces) == file.text
    origins = {piece.text.strip(): piece.origin for piece in file.pieces}
    (model,) = (origin for text, origin in origins.items() if text.startswith("class NewModel"))
    assert (model.path, model.line) == ("modular/modular_new.py", 4)


def test_pieces_of_a_parent_module_name_it() -> None:
    old = "def f():\n    return 1\n\n\nclass OldModel:\n    def m(self):\n        return f()\n"
    found = result(
        "from models.old.modeling_old import OldModel\nclass NewModel(OldModel): pass\n", old=old
    )
    assert isinstance(found, Converted)
    origins = [piece.origin for piece in found.files[0].pieces if "def f()" in piece.text]
    assert [(origin.path, origin.line) for origin in origins] == [("models/old/modeling_old.py", 1)]
