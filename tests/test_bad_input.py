"""Whatever lies in a project: what a user is told, and that all the rest goes on."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from tests.small_project import Project
from unravel import writing
from unravel.cli import run
from unravel.parsing import PYTHON
from unravel.reading import Loader

GOOD = "modular/modular_good.py"
BAD = "modular/modular_bad.py"
PARENT = "models/old/modeling_old.py"

OLD = """\
class OldModel:
    size = 8

    def __init__(self, config):
        self.size = config
"""

FROM = "from models.old.modeling_old import OldModel\n\n\n"
CHILD = FROM + "class BadModel(OldModel):\n    depth = 2\n"


@dataclass(frozen=True)
class Told:
    """What a command has said, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A model `good` that can be converted, and a parent `old` for one that cannot."""
    project = Project(tmp_path / "project")
    project.write("models/llama/modeling_llama.py", OLD.replace("Old", "Llama"))
    project.write(PARENT, OLD)
    project.write(
        GOOD, CHILD.replace("old", "llama").replace("Old", "Llama").replace("Bad", "Good")
    )
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return project


@pytest.fixture
def convert(capfd: pytest.CaptureFixture[str]) -> Convert:
    return Convert(capfd)


@dataclass(frozen=True)
class Convert:
    """Runs `unravel convert` in this process."""

    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str, command: str = "convert") -> Told:
        self.capture.readouterr()
        code = run([command, "--jobs", "1", *arguments])
        return Told(code, *self.capture.readouterr())


def text(said: str) -> str:
    """What a table below says in short."""
    return dedent(said).replace("@bad", BAD).replace("@old", PARENT).replace("PYTHON", PYTHON)


def assert_only_good(project: Project, told: Told) -> None:
    """The bad model has failed without a trace, and the good one was converted."""
    assert told.code == 2
    assert told.out == (
        "wrote models/good/modeling_good.py\n"
        "converted 1 model, 1 failed: 1 file written, 0 unchanged\n"
    )
    assert "class GoodModel:" in project.read("models/good/modeling_good.py")
    assert not (project.root / "models/bad").exists()


# -- a modular file that cannot be read ----------------------------------------------------------

MODULAR = {
    "empty": (
        b"",
        """\
        @bad: UNR004 the file defines nothing to generate code from
            hint: define a class in it, or delete the file
        """,
    ),
    "only imports and a docstring": (
        f'"""Nothing."""\n{FROM}'.encode(),
        """\
        @bad: UNR004 the file defines nothing to generate code from
            hint: define a class in it, or delete the file
        """,
    ),
    "syntax error": (
        FROM.encode() + b"class BadModel(OldModel)\n    pass\n",
        """\
        @bad:4:25: UNR003 not valid PYTHON: expected ':'
            class BadModel(OldModel)
                                    ^
        """,
    ),
    "tabs and blanks": (
        CHILD.encode() + b"\ty = 1\n",
        """\
        @bad:6:1: UNR003 not valid PYTHON: inconsistent use of tabs and spaces in indentation
             y = 1
            ^
        """,
    ),
    "merge conflict": (
        b"<<<<<<< HEAD\n" + CHILD.encode(),
        """\
        @bad:1:1: UNR003 not valid PYTHON: invalid syntax
            <<<<<<< HEAD
            ^
        """,
    ),
    "what only the compiler sees": (
        CHILD.encode() + b"\n    def f(self, x, x):\n        pass\n",
        """\
        @bad:7:20: UNR003 not valid PYTHON: duplicate argument 'x' in function definition
            def f(self, x, x):
                           ^
        """,
    ),
    "future behind": (
        CHILD.encode() + b"\n\nfrom __future__ import annotations\n",
        """\
        @bad:8:1: UNR003 `from __future__` stands behind other statements
            from __future__ import annotations
            ^
        """,
    ),
    "latin-1": (
        CHILD.encode() + b"    name = 'ol\xe9'\n",
        """\
        @bad:6:15: UNR002 the file is not valid UTF-8: invalid continuation byte 0xe9
            name = 'ol\N{REPLACEMENT CHARACTER}'
                      ^
            hint: save the file as UTF-8
        """,
    ),
    "latin-1 that says so, but is UTF-8": (
        f"# -*- coding: latin-1 -*-\n{CHILD}    name = 'olé'\n".encode(),
        """\
        @bad:1:15: UNR002 the file declares the coding `latin-1`, and unravel reads UTF-8
            # -*- coding: latin-1 -*-
                          ^
            hint: save the file as UTF-8, and remove the declaration
        """,
    ),
    "coding of nobody": (
        f"#!/usr/bin/python\n# vim: fileencoding=klingon\n{CHILD}".encode(),
        """\
        @bad:2:21: UNR002 the file declares the coding `klingon`, and unravel reads UTF-8
            # vim: fileencoding=klingon
                                ^
            hint: save the file as UTF-8, and remove the declaration
        """,
    ),
    "UTF-16": (
        CHILD.encode("utf-16-le").join([b"\xff\xfe", b""]),
        """\
        @bad:1:1: UNR002 the file is UTF-16
            hint: save the file as UTF-8
        """,
    ),
    "NUL": (
        CHILD.encode() + b"    name = '\0'\n",
        """\
        @bad:6:13: UNR002 the file holds a NUL character
            name = '\N{REPLACEMENT CHARACTER}'
                    ^
            hint: save the file as UTF-8
        """,
    ),
    "invisible character": (
        f"{CHILD}    x\u200b = 1\n".encode(),
        """\
        @bad:6:6: UNR003 not valid PYTHON: invalid non-printable character U+200B
            x\N{REPLACEMENT CHARACTER} = 1
             ^
        """,
    ),
    "class defined twice": (
        f"{CHILD}\n\nclass BadModel(OldModel):\n    pass\n".encode(),
        """\
        @bad:4:1: UNR205 `BadModel` is defined here and once more in line 8
            class BadModel(OldModel):
            ^
            hint: keep one of the two
        """,
    ),
    "class under a condition": (
        FROM.encode() + b"if OldModel:\n    class BadModel(OldModel):\n        pass\n",
        """\
        @bad:4:1: UNR205 `BadModel` is not defined by a plain statement of its own
            if OldModel:
            ^
            hint: define it once, at the top level: what this does is known only when it runs
        """,
    ),
    "statement": (
        f"{CHILD}\n\nprint(BadModel)\n".encode(),
        """\
        @bad:8:1: UNR205 this defines nothing, so no generated file would hold it
            print(BadModel)
            ^
            hint: keep to imports, classes, functions and assignments
        """,
    ),
    "parent module that is missing": (
        CHILD.replace("models.old.modeling_old", "models.odl.modeling_odl").encode(),
        """\
        @bad:1:1: UNR101 the parent module `models.odl.modeling_odl` does not exist
            from models.odl.modeling_odl import OldModel
            ^
            hint: did you mean `models.old.modeling_old`?
        """,
    ),
    "parent module that is missing, relative": (
        CHILD.replace("models.old.modeling_old", "..models.ol.modeling_ol").encode(),
        """\
        @bad:1:1: UNR101 the parent module `..models.ol.modeling_ol` does not exist
            from ..models.ol.modeling_ol import OldModel
            ^
            hint: did you mean `..models.old.modeling_old`?
        """,
    ),
    "parent class that is missing": (
        FROM.encode().replace(b"OldModel", b"OldModul"),
        """\
        @bad:1:37: UNR102 `models/old/modeling_old.py` does not define `OldModul`
            from models.old.modeling_old import OldModul
                                                ^
            hint: did you mean `OldModel`?
        """,
    ),
    "star import of a parent": (
        CHILD.replace("import OldModel", "import *").encode(),
        """\
        @bad:1:37: UNR106 `from models.old.modeling_old import *` does not say what it brings
            from models.old.modeling_old import *
                                                ^
            hint: import the names that are used
        """,
    ),
    "name of a star import": (
        f"from math import *\n{CHILD}    angle = sin(1)\n".encode(),
        """\
        @bad:1:1: UNR106 `from math import *` does not say whether it brings `sin`
            from math import *
            ^
            hint: import the names that are used
        """,
    ),
    "name that nothing defines": (
        f"{CHILD}    angle = sin(1)\n".encode(),
        """\
        @bad:6:13: UNR408 `sin` is not defined
            angle = sin(1)
                    ^
            hint: import or define it
        """,
    ),
    "export that nothing defines": (
        f"{CHILD}\n\n__all__ = ['BadModel', 'BadHead']\n".encode(),
        """\
        @bad:8:24: UNR408 `BadHead` is not defined
            __all__ = ['BadModel', 'BadHead']
                                   ^
            hint: import or define it
        """,
    ),
    "a class that extends itself": (
        b"class BadModel(BadModel):\n    pass\n",
        """\
        @bad:1:16: UNR408 `BadModel` is not defined where it is used
            class BadModel(BadModel):
                           ^
            hint: define it above this, or import it
        """,
    ),
    "a file that extends itself": (
        CHILD.replace("old", "bad").encode(),
        """\
        @bad:1:1: UNR103 the parents form a cycle: bad extends bad
            from models.bad.modeling_bad import OldModel
            ^
            hint: let one of them extend a model that is written by hand
        """,
    ),
}
if sys.version_info < (3, 12):
    MODULAR |= {
        "a younger Python's alias": (
            b"type Sizes = list[int]\n" + CHILD.encode(),
            """\
            @bad:1:6: UNR003 not valid PYTHON: invalid syntax
                type Sizes = list[int]
                     ^
                hint: this is syntax of Python 3.12: run unravel with that, or a later one
            """,
        ),
        "a younger Python's generic class": (
            CHILD.replace("BadModel", "BadModel[T]").encode(),
            """\
            @bad:4:15: UNR003 not valid PYTHON: invalid syntax
                class BadModel[T](OldModel):
                              ^
                hint: this is syntax of Python 3.12: run unravel with that, or a later one
            """,
        ),
    }


@pytest.mark.parametrize(("content", "said"), MODULAR.values(), ids=MODULAR)
def test_modular_file(project: Project, convert: Convert, content: bytes, said: str) -> None:
    project.write(BAD, content)
    told = convert()
    assert told.err == text(said)
    assert_only_good(project, told)


# -- a parent that cannot be read ----------------------------------------------------------------

PARENTS = {
    "empty": (
        b"",
        """\
        @bad:1:37: UNR102 `models/old/modeling_old.py` does not define `OldModel`
            from models.old.modeling_old import OldModel
                                                ^
            hint: it defines nothing
        """,
    ),
    "syntax error": (
        OLD.encode() + b"    x = = 1\n",
        """\
        @old:6:9: UNR003 not valid PYTHON: invalid syntax
            x = = 1
                ^
        """,
    ),
    "latin-1": (
        OLD.encode() + b"# \xe9\n",
        """\
        @old:6:3: UNR002 the file is not valid UTF-8: invalid continuation byte 0xe9
            # \N{REPLACEMENT CHARACTER}
              ^
            hint: save the file as UTF-8
        """,
    ),
    "NUL": (
        OLD.encode() + b"\0",
        """\
        @old:6:1: UNR002 the file holds a NUL character
            \N{REPLACEMENT CHARACTER}
            ^
            hint: save the file as UTF-8
        """,
    ),
    "conditional class": (
        b"if __name__:\n    class OldModel:\n        pass\n",
        """\
        @bad:1:37: UNR102 `models/old/modeling_old.py` defines `OldModel` only conditionally
            from models.old.modeling_old import OldModel
                                                ^
            hint: let it define the name once, at its top level
        """,
    ),
    "name of a star import": (
        b"from math import *\n\n\n" + OLD.replace("= config", "= sqrt(config)").encode(),
        """\
        @old:1:1: UNR106 `from math import *` does not say whether it brings `sqrt`
            from math import *
            ^
            hint: import the names that are used
        """,
    ),
    "name that nothing defines": (
        OLD.replace("= config", "= sqrt(config)").encode(),
        """\
        @old:5:21: UNR408 `sqrt` is not defined
            self.size = sqrt(config)
                        ^
            hint: import or define it in the modular file
        """,
    ),
    "what only the compiler sees": (
        OLD.encode() + b"        nonlocal config\n",
        """\
        @old:6:9: UNR003 not valid PYTHON: name 'config' is parameter and nonlocal
            nonlocal config
            ^
        """,
    ),
}


@pytest.mark.parametrize(("content", "said"), PARENTS.values(), ids=PARENTS)
def test_parent(project: Project, convert: Convert, content: bytes, said: str) -> None:
    project.write(BAD, CHILD)
    project.write(PARENT, content)
    told = convert()
    assert told.err == text(said)
    assert_only_good(project, told)


def test_a_broken_parent_of_many_models_is_said_once(project: Project, convert: Convert) -> None:
    project.write(PARENT, "class OldModel(:\n")
    for name in ("one", "two", "three"):
        project.write(f"modular/modular_{name}.py", CHILD.replace("Bad", name.title()))
    told = convert()
    assert told.err.count("UNR003") == 1
    assert told.out.endswith("converted 1 model, 3 failed: 1 file written, 0 unchanged\n")
    checked = convert(command="check")
    assert checked.err == told.err
    assert checked.code == 2


# -- cycles --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 3])
def test_a_cycle(project: Project, convert: Convert, size: int) -> None:
    names = ["bad", "ill", "odd"][:size]
    for name, parent in zip(names, [*names[1:], names[0]], strict=True):
        text = FROM.replace("old", parent).replace("Old", parent.title())
        text += f"class {name.title()}Model({parent.title()}Model):\n    pass\n"
        project.write(f"modular/modular_{name}.py", text)
    told = convert()
    chain = " extends ".join([*names, names[0]])
    for name, parent in zip(names, [*names[1:], names[0]], strict=True):
        assert (
            f"modular/modular_{name}.py:1:1: UNR103 the parents form a cycle: {chain}\n"
            f"    from models.{parent}.modeling_{parent} import {parent.title()}Model\n"
            "    ^\n"
            "    hint: let one of them extend a model that is written by hand\n"
        ) in told.err
    assert told.code == 2
    assert told.out.endswith(f"converted 1 model, {size} failed: 1 file written, 0 unchanged\n")


# -- nested, and large ---------------------------------------------------------------------------

DEEP = {
    "attributes": "a" + ".b" * 100_000,
    "fewer attributes": "a" + ".b" * 2_000,
    "sum": " + ".join(["'a'"] * 5_000),
    "smaller sum": " + ".join(["'a'"] * 2_000),
    "calls of calls": "a" + "()" * 5_000,
    "not": "not " * 5_000 + "a",
    "lambdas": "lambda: " * 2_000 + "0",
    "choices": " if a else ".join(["1"] * 3_000),
    "powers": "2 ** " * 3_000 + "1",
}
LEVELS = {
    "parentheses": ("(" * 2_000 + ")" * 2_000, "too many nested parentheses"),
    "lists": ("[" * 2_000 + "]" * 2_000, "too many nested parentheses"),
}
TOO_DEEP = "UNR005 the code is nested too deeply to be read\n"


@pytest.mark.parametrize("expression", DEEP.values(), ids=DEEP)
def test_deep_expression(project: Project, convert: Convert, expression: str) -> None:
    project.write(BAD, f"{CHILD}    x = {expression}\n")
    told = convert()
    first, excerpt, _, hint = told.err.splitlines()
    assert first.startswith("modular/modular_bad.py:6:")
    assert first.endswith(TOO_DEEP.strip())
    assert len(excerpt) <= 164
    assert hint == "    hint: divide it: name the inner parts in statements of their own"
    assert_only_good(project, told)


@pytest.mark.parametrize("expression", DEEP.values(), ids=DEEP)
def test_deep_expression_in_a_parent(project: Project, convert: Convert, expression: str) -> None:
    project.write(BAD, f"{CHILD}\n    def __init__(self, a):\n        super().__init__(a)\n")
    project.write(PARENT, f"{OLD}        self.x = {expression}\n")
    told = convert()
    assert told.err.startswith("models/old/modeling_old.py:6:")
    assert told.err.splitlines()[0].endswith(TOO_DEEP.strip())
    assert_only_good(project, told)


@pytest.mark.parametrize(("expression", "said"), LEVELS.values(), ids=LEVELS)
def test_brackets(project: Project, convert: Convert, expression: str, said: str) -> None:
    project.write(BAD, f"{CHILD}    x = {expression}\n")
    told = convert()
    assert told.err.startswith("modular/modular_bad.py:6:")
    assert told.err.splitlines()[0].endswith(f"UNR003 not valid {PYTHON}: {said}")
    assert max(map(len, told.err.splitlines())) <= 164
    assert_only_good(project, told)


@pytest.mark.parametrize("head", ["def f():", "if x:", "class A:", "with x:", "while x:"])
def test_deep_statements(project: Project, convert: Convert, head: str) -> None:
    lines = [" " * depth + head for depth in range(4, 2004)]
    project.write(BAD, CHILD + "\n".join([*lines, " " * 2004 + "pass\n"]))
    told = convert()
    assert f"UNR003 not valid {PYTHON}: too many levels of indentation\n" in told.err
    assert_only_good(project, told)


def test_too_many_blocks_for_the_compiler(project: Project, convert: Convert) -> None:
    blocks = "".join(" " * depth + "while depth:\n" for depth in range(8, 40))
    project.write(BAD, f"{CHILD}\n    def f(self, depth):\n{blocks}{' ' * 40}pass\n")
    told = convert()
    assert "modular_bad.py:28:29: UNR003" in told.err
    assert "too many statically nested blocks" in told.err
    assert_only_good(project, told)


def test_ten_megabytes(project: Project, convert: Convert) -> None:
    """A parent with a large table beside its class."""
    table = "TABLE = [\n" + ("    " + "0.125, " * 14 + "\n") * 100_000 + "]\n"
    project.write(PARENT, f"{table}\n\n{OLD}")
    project.write(BAD, CHILD)
    assert (project.root / PARENT).stat().st_size > 10_000_000
    told = convert()
    assert (told.code, told.err) == (0, "")
    assert "TABLE" not in project.read("models/bad/modeling_bad.py")


def test_ten_megabytes_of_comments(project: Project, convert: Convert) -> None:
    """What ruff would take hours for."""
    project.write(BAD, CHILD + ("    # " + "x" * 92 + "\n") * 100_000 + "    y = 1\n")
    told = convert()
    assert told.err == (
        "models/bad/modeling_bad.py:5004:1: UNR401 more than 5000 lines of comment: ruff might "
        "never end\n    hint: keep so long a text in a file of its own\n"
    )
    assert_only_good(project, told)


# -- what is odd, but valid ----------------------------------------------------------------------

VALID = {
    "CRLF": CHILD.replace("\n", "\r\n"),
    "CR": CHILD.replace("\n", "\r"),
    "mixed line ends": CHILD.replace("\n", "\r\n", 2),
    "byte order mark": "\ufeff" + CHILD,
    "no newline at the end": CHILD.rstrip("\n"),
    "form feeds": FROM + "\f" + CHILD.removeprefix(FROM).replace("    ", "\f    "),
    "tabs": CHILD.replace("    ", "\t"),
    "one blank": CHILD.replace("    ", " "),
    "continued line": CHILD.replace("depth = 2", "depth \\\n  = \\\n 2"),
    "continued head": CHILD.replace("BadModel(", "BadModel \\\n  ("),
    "name that Python normalizes": CHILD.replace("depth", "\N{FULLWIDTH LATIN SMALL LETTER D}epth"),
    "class that Python normalizes": CHILD.replace(
        "BadModel", "\N{FULLWIDTH LATIN CAPITAL LETTER B}adModel"
    ),
    "parent that Python normalizes": CHILD.replace(
        "OldModel", "Old\N{FULLWIDTH LATIN CAPITAL LETTER M}odel"
    ),
    "declared UTF-8": "# -*- coding: utf-8 -*-\n" + CHILD,
    "declared, and ASCII": "# -*- coding: latin-1 -*-\n" + CHILD,
    "many empty lines": "\n" * 100_000 + CHILD,
}


@pytest.mark.parametrize("text", VALID.values(), ids=VALID)
def test_valid(project: Project, convert: Convert, text: str) -> None:
    project.write(BAD, text)
    told = convert()
    assert (told.code, told.err) == (0, "")
    generated = project.read("models/bad/modeling_bad.py").replace("\r\n", "\n")
    assert "class BadModel:\n    size = 8\n    depth = 2\n\n    def __init__" in generated
    assert convert(command="check").code == 0


def test_long_lines_and_surrogates_stay(project: Project, convert: Convert) -> None:
    long = "x" * 200_000
    project.write(BAD, f"{CHILD}    a = '{long}'\n    b = '\\ud800'\n")
    assert convert().code == 0
    text = project.read("models/bad/modeling_bad.py")
    assert f'    a = "{long}"\n    b = "\\ud800"\n' in text


# -- files and folders ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "my model", "a-b", "a.b", "\N{ZERO WIDTH SPACE}"])
def test_names_that_give_no_model(project: Project, convert: Convert, name: str) -> None:
    project.write(f"modular/modular_{name}.py", CHILD)
    told = convert()
    assert told.err == (
        f"modular/modular_{name}.py: UNR303 `{name}` cannot be part of the name of a module\n"
        "    hint: call the file modular_<model>.py, with letters, digits and `_` in <model>\n"
    ).replace("\u200b", "\N{REPLACEMENT CHARACTER}")
    assert_only_good(project, told)


def test_a_name_with_capitals(project: Project, convert: Convert) -> None:
    project.write("modular/modular_Bad.py", CHILD)
    told = convert()
    assert (told.code, told.err) == (0, "")
    assert "class BadModel:" in project.read("models/Bad/modeling_Bad.py")


def test_links(project: Project, convert: Convert) -> None:
    folder = project.root / "modular"
    (folder / "modular_bad.py").symlink_to("nowhere.py")
    assert convert().err == "modular/modular_bad.py: UNR001 this is a link that leads nowhere\n"
    (folder / "modular_bad.py").unlink()
    (folder / "modular_bad.py").symlink_to("modular_bad.py")
    told = convert()
    assert told.err.startswith("modular/modular_bad.py: UNR001 cannot read the file: ")
    assert told.code == 2


def test_a_link_to_a_folder_above(project: Project, convert: Convert) -> None:
    (project.root / "modular/loop").symlink_to("..")
    told = convert()
    assert (told.code, told.err) == (0, "")
    assert told.out.endswith("converted 1 model: 1 file written, 0 unchanged\n")


def test_a_folder_for_a_target(project: Project, convert: Convert) -> None:
    project.write(BAD, CHILD)
    inside = project.write("models/bad/modeling_bad.py/kept.txt", "kept")
    told = convert()
    assert told.code == 2
    assert told.err.startswith("models/bad/modeling_bad.py: UNR404 the file that is to be replaced")
    assert inside.read_text() == "kept"
    assert "class GoodModel" in project.read("models/good/modeling_good.py")


def test_a_full_disk(project: Project, convert: Convert, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(BAD, CHILD)
    assert convert().code == 0
    before = project.files()
    project.write(BAD, CHILD.replace("2", "3"))
    write = writing._write_temporary

    def full(content: bytes, step: writing._Step) -> None:
        if "modeling_bad" in step.target:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(content, step)

    monkeypatch.setattr(writing, "_write_temporary", full)
    project.write(GOOD, project.read(GOOD).replace("2", "4"))
    told = convert()
    assert told.err == (
        "models/bad/modeling_bad.py: UNR404 the file cannot be written: No space left on device\n"
    )
    assert told.code == 2
    after = project.files()
    assert after["models/bad/modeling_bad.py"] == before["models/bad/modeling_bad.py"]
    assert b"depth = 4" in after["models/good/modeling_good.py"]
    assert after.keys() == before.keys()


def test_a_file_that_goes_away(
    project: Project, convert: Convert, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(BAD, CHILD)
    form = Loader.form

    def gone(loader: Loader, path: str) -> object:
        if path == BAD:
            (project.root / BAD).unlink(missing_ok=True)
            loader.forms.pop(path, None)
        return form(loader, path)

    monkeypatch.setattr(Loader, "form", gone)
    told = convert()
    assert told.err == f"{BAD}: UNR001 the file went away while it was converted\n"
    assert_only_good(project, told)


# -- what is asked for ---------------------------------------------------------------------------


def test_a_model_named_twice(project: Project, convert: Convert) -> None:
    told = convert("good", GOOD, "good")
    assert (told.code, told.err) == (0, "")
    assert told.out.endswith("converted 1 model: 1 file written, 0 unchanged\n")


def test_no_modular_file(project: Project, convert: Convert) -> None:
    (project.root / GOOD).unlink()
    hint = (
        "    hint: write one, such as `modular/modular_<model>.py`; or give the project's folder "
        "with `--root`, or set `sources` in [tool.unravel]\n"
    )
    for command in ("convert", "check"):
        told = convert(command=command)
        assert told.code == 2
        assert told.err == (
            f"{project.root}: UNR004 there is no modular file `modular/**/modular_*.py` here\n"
            + hint
        )
        told = convert("good", command=command)
        assert told.code == 2
        assert told.err.startswith("good: UNR004 there is no model `good`\n")


# -- the formatter -------------------------------------------------------------------------------

RUFFS = {
    "fails": (
        "exit 3",
        "ruff: UNR401 ruff failed: it ended with code 3\n",
    ),
    "crashes": (
        "kill -SEGV $$",
        "ruff: UNR401 ruff failed: it was killed by signal 11\n",
    ),
    "is too old": (
        "echo \"error: unexpected argument '--no-force-exclude' found\" >&2; exit 2",
        "ruff: UNR401 ruff failed: error: unexpected argument '--no-force-exclude' found\n"
        "    hint: unravel needs ruff 0.14 or later: `pip install -U ruff`, or `--ruff PATH`\n",
    ),
    "is something else": (
        "exit 0",
        "ruff: UNR401 ruff did not say what it has found\n"
        "    hint: unravel needs ruff 0.14 or later: `pip install -U ruff`, or `--ruff PATH`\n",
    ),
}


@pytest.mark.parametrize(("script", "said"), RUFFS.values(), ids=RUFFS)
def test_ruff(project: Project, convert: Convert, script: str, said: str) -> None:
    project.write(BAD, CHILD)
    project.write("ruff", f"#!/bin/sh\n{script}\n").chmod(0o755)
    before = project.files()
    told = convert("--ruff", "./ruff")
    assert told.err == said
    assert told.code == 2
    assert told.out == "converted 0 models, 2 failed: 0 files written, 0 unchanged\n"
    assert project.files() == before


@pytest.mark.parametrize("home", [None, "/dev/null"])
def test_no_home(
    project: Project, convert: Convert, monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    if home is not None:
        monkeypatch.setenv("HOME", home)
        monkeypatch.setenv("XDG_CACHE_HOME", f"{home}/cache")
    monkeypatch.setattr("tempfile.tempdir", str(project.root.parent))
    told = convert()
    assert (told.code, told.err) == (0, "")
