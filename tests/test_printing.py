"""The parts of a generated file that come from nowhere else: banner, `__all__`, `__getattr__`."""

from __future__ import annotations

import jinja2
import pytest

from unravel.outline import read_outline
from unravel.printing import all_statement, banner, exported, goes_on_top, module_getattr
from unravel.types import Settings


def test_banner() -> None:
    text = banner(Settings(), "modular/modular_new.py", "new", "modeling", digest="0123")
    assert text == (
        "# unravel: generated from modular/modular_new.py; do not edit.\n"
        "# unravel: change that file and run `unravel convert`.\n"
        "# unravel: digest of what follows: 0123\n"
    )
    settings = Settings(banner="# {{ model }} {{ kind }}\n\n\n")
    assert banner(settings, "modular_new.py", "new", "modeling") == "# new modeling\n"


def test_a_banner_that_asks_for_something_else_fails() -> None:
    with pytest.raises(jinja2.UndefinedError):
        banner(Settings(banner="# {{ author }}\n"), "modular_new.py", "new", "modeling")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        ("x = ['A']\n", []),
        ("__all__ = names()\n", []),
        ("__all__ = []\n", []),
        ("__all__ = ['B', \"A\"]\n", ["B", "A"]),
        ("__all__ = ('A',)\n", ["A"]),
    ],
)
def test_exported_names(text: str, wanted: list[str]) -> None:
    assert exported(read_outline("modular_new.py", text)) == wanted


def test_all_keeps_what_stands_above_it() -> None:
    outline = read_outline("modular_new.py", "x = 1\n\n# public\n__all__ = ['A', 'B']\n")
    assert all_statement(outline, []) == ""
    assert all_statement(outline, ["B"]) == '\n# public\n__all__ = ["B"]\n'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ""),
        ("__getattr__ = f(__name__, rename={'OldKwargs': 'NewKwargs'})\n", ""),
        (
            "__getattr__ = f(__name__, rename={'NewNorm': 'a', 'OldKwargs': 'b'})\n",
            "__getattr__ = f(__name__, rename={'NewNorm': 'a'})\n",
        ),
        ("def __getattr__(name): pass\n", "def __getattr__(name): pass\n"),
    ],
)
def test_module_getattr_goes_where_its_names_are(text: str, wanted: str) -> None:
    outline = read_outline("modular_new.py", text)
    assert module_getattr(outline, lambda name: name == "NewNorm") == wanted


def test_what_goes_on_top() -> None:
    assert goes_on_top("logger")
    assert not goes_on_top("LIMIT")
