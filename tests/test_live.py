"""The modular file executed as it stands."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from checks.live import live

OLD = """
SIZE = 1
def area():
    return SIZE * SIZE
AREA = area()
class OldBase:
    old_x = 1
    def size(self): return SIZE
    def same(self): return super(OldBase, self).__repr__()
class OldLayer(OldBase):
    def size(self): return super().size() + 1
class OldModel(OldBase):
    parts = [OldLayer]
    def layer(self): return OldLayer()
"""
NEW = """
from live_project.old.modeling_old import OldBase, OldLayer, OldModel
SIZE = 5
class NewBase(OldBase):
    def size(self): return super().size() + 100
class NewLayer(OldLayer):
    def size(self): return super().size() * 2
class NewModel(OldModel):
    pass
"""
NEWER = """
from live_project.new.modeling_new import NewBase, NewLayer, NewModel
class NewerLayer(NewLayer):
    def size(self): return super().size() + 0.5
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The package's name; the generated module of `new` is not there and cannot be imported."""
    files = {
        "old/modeling_old.py": OLD,
        "modular_new.py": NEW,
        "modular_newer.py": NEWER,
    }
    for path, text in files.items():
        file = tmp_path / "live_project" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "live_project"
    for name in [name for name in sys.modules if name.startswith("live_project")]:
        del sys.modules[name]


def test_parents_see_what_the_modular_file_defines(project: str) -> None:
    with live(f"{project}.modular_new") as module:
        layer = module.NewModel().layer()
        assert type(layer) is module.NewLayer
        assert layer.size() == (5 + 100 + 1) * 2  # NewLayer, OldLayer, NewBase, OldBase


def test_values_made_on_import_see_it_too(project: str) -> None:
    with live(f"{project}.modular_new") as module:
        assert module.NewModel.parts == [module.NewLayer]
        assert module.AREA == 25


def test_parents_are_copied_under_the_new_name(project: str) -> None:
    with live(f"{project}.modular_new") as module:
        assert module.NewModel.new_x == 1
        assert [base.__name__ for base in module.NewModel.__mro__] == [
            "NewModel",
            "NewModel",
            "NewBase",
            "NewBase",
            "object",
        ]
        assert "NewModel object" in module.NewModel().same()


def test_parent_that_is_generated_itself(project: str) -> None:
    modular = {f"{project}.new.modeling_new": f"{project}.modular_new"}
    with live(f"{project}.modular_newer", modular_of=modular.get) as module:
        layer = module.NewerModel().layer()
        assert type(layer) is module.NewerLayer
        assert layer.size() == (5 + 100 + 1) * 2 + 0.5
        assert module.NewerModel.parts == [module.NewerLayer]


def test_a_name_that_goes_on_is_renamed_once(project: str, tmp_path: Path) -> None:
    newer = NEWER.replace("Newer", "New2")
    (tmp_path / project / "modular_new2.py").write_text(newer)
    modular = {f"{project}.new.modeling_new": f"{project}.modular_new"}
    with live(f"{project}.modular_new2", modular_of=modular.get) as module:
        names = {base.__name__ for base in type(module.New2Model().layer()).__mro__}
        assert names == {"New2Layer", "New2Base", "object"}


def test_removed_members_are_gone(project: str, tmp_path: Path) -> None:
    text = NEW.replace("    pass\n", "    parts = AttributeError()\n")
    (tmp_path / project / "modular_new.py").write_text(text)
    with live(f"{project}.modular_new") as module:
        assert not hasattr(module.NewModel, "parts")


def test_removed_members_of_what_a_parent_takes_along_are_gone(
    project: str, tmp_path: Path
) -> None:
    middle = "from live_project.old.modeling_old import OldLayer\nclass NewLayer(OldLayer): pass\n"
    last = (
        "from live_project.new.modeling_new import NewBase, NewLayer\n"
        "class LastBase(NewBase):\n    x = AttributeError()\n"
        "class LastLayer(NewLayer): pass\n"
    )
    (tmp_path / project / "old" / "modeling_old.py").write_text(OLD.replace("old_x", "x"))
    (tmp_path / project / "modular_new.py").write_text(middle)
    (tmp_path / project / "modular_last.py").write_text(last)
    modular = {f"{project}.new.modeling_new": f"{project}.modular_new"}
    with live(f"{project}.modular_last", modular_of=modular.get) as module:
        assert module.LastBase in module.LastLayer.__mro__
        assert not hasattr(module.LastLayer, "x")


def test_replaced_attribute_need_not_be_possible_to_make(project: str, tmp_path: Path) -> None:
    (tmp_path / project / "old" / "modeling_old.py").write_text(
        "class OldA:\n"
        "    def __init__(self, config):\n"
        "        self.x = config.x\n"
        "        self.y = config.y\n"
        "        self.z = abs(config.y, 2)\n"
    )
    (tmp_path / project / "modular_new.py").write_text(
        "from live_project.old.modeling_old import OldA\n"
        "class NewA(OldA):\n"
        "    def __init__(self, config):\n"
        "        super().__init__(config)\n"
        "        self.x = 3\n"
        "        self.z = 4\n"
    )

    class Config:
        y = 1

    with live(f"{project}.modular_new") as module:
        assert vars(module.NewA(Config)) == {"x": 3, "y": 1, "z": 4}
    with live(f"{project}.modular_new", forgives=False) as module, pytest.raises(AttributeError):
        module.NewA(Config)


def test_a_modular_file_asks_for_what_its_parents_set(project: str, tmp_path: Path) -> None:
    folder = tmp_path / project
    (folder / "old/modeling_old.py").write_text(
        "class OldA:\n    def __init__(self): self.old_n = 2\n"
    )
    (folder / "modular_new.py").write_text(
        "from live_project.old.modeling_old import OldA\n"
        "class NewA(OldA):\n"
        "    def m(self): return getattr(self, 'new_n', 7), getattr(self, 'new_other', 8)\n"
    )
    (folder / "modular_newer.py").write_text(
        "from live_project.new.modeling_new import NewA\nclass NewerA(NewA): pass\n"
    )
    modular = {f"{project}.new.modeling_new": f"{project}.modular_new"}
    with live(f"{project}.modular_newer", modular_of=modular.get) as module:
        assert vars(module.NewerA()) == {"newer_n": 2}
        assert module.NewerA().m() == (2, 8)


def test_nothing_else_is_touched(project: str) -> None:
    from importlib import import_module

    old = import_module(f"{project}.old.modeling_old")
    before = dict(sys.modules), dict(vars(old))
    with live(f"{project}.modular_new") as module:
        assert sys.modules[module.__name__] is module
        assert sys.modules[f"{project}.old.modeling_old"] is old
    assert (dict(sys.modules), dict(vars(old))) == before


def test_threads_do_not_get_in_each_others_way(project: str) -> None:
    def run(_: int) -> tuple[str, float]:
        with live(f"{project}.modular_new") as module:
            return module.__name__, module.NewModel().layer().size()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(run, range(32)))
    assert {size for _, size in found} == {212}
    assert len({name for name, _ in found}) == 32


def test_missing_parent_is_an_import_error(project: str, tmp_path: Path) -> None:
    (tmp_path / project / "modular_new.py").write_text("from live_project.no.modeling_no import X")
    with (
        pytest.raises(ModuleNotFoundError, match=r"live_project\.no"),
        live(f"{project}.modular_new"),
    ):
        pass


PASTED_OLD = """
from dataclasses import dataclass
from functools import wraps
SIZE = 2
def twice(function):
    @wraps(function)
    def doubled(*given): return 2 * function(*given)
    return doubled
class OldBase:
    @staticmethod
    def chosen(n): return n + 2
class OldA(OldBase):
    def __init__(self, size, other):
        self.x = size
        self.double = 2 * self.x
        self.y = other.missing
    @twice
    def area(self, width): return width + self.x
    @staticmethod
    def chosen(n): return n + 1
    def scaled(self, width, times=SIZE, plus=0): return width * times + plus
    def forward(self, x):
        kept = x
        x, _ = self.scaled(x), None
        x = x + SIZE
        return x + kept
def marked(cls):
    cls.marks = [*vars(cls)]
    return cls
@dataclass
class OldFields:
    size: int = 1
    width: int = 2
class OldSize: size = 1
class OldTextOther: pass
class OldOther: pass
@marked
class OldLayer(OldBase):
    def called(self): return "parent's"
class OldModel(OldBase): pass
"""
PASTED_NEW = """
import no_such_package
from live_project.old.modeling_old import OldA, OldBase, OldFields, OldLayer, OldModel, OldSize
class NewTextFields(OldFields):
    size = 3
class NewTextSize(OldSize): size = AttributeError()
class NewTextWidth(OldSize): size = AttributeError()
class SpecialBase:
    def special(self): return True
class NewTextLayer(OldLayer, SpecialBase):
    def called(self): return "child's"
class NewTextModel(OldModel):
    other = NewOther  # from the parent's file, as if it were the same
class NewBase(OldBase): pass
class NewA(NewBase, OldA):
    def __init__(self, size):
        super().__init__()
        self.x = size + 1
        self.y = 3
        NewBase.__init__()
    def area(self, width):
        width += 1
        super().area(0)
    def chosen(n): return super().chosen(n) * 10
    def forward(self, x):
        super().forward(x)
        x, _ = 10 * kept, None
    def scaled(self, plus=1, **super_kwargs): return super().scaled(**super_kwargs)
class NewB(no_such_package.B): pass
"""


def test_as_the_converter_of_transformers_reads_it(project: str, tmp_path: Path) -> None:
    (tmp_path / project / "old" / "modeling_old.py").write_text(PASTED_OLD)
    (tmp_path / project / "modular_new.py").write_text(PASTED_NEW)
    with live(f"{project}.modular_new", pastes=True) as module:
        new = module.NewA(4)
        # What the child assigns stands in the place of what the parent assigns.
        assert vars(new) == {"x": 5, "double": 10, "y": 3}
        # The parent's lines see the child's names, and its decorator is applied once.
        assert new.area(1) == 2 * (2 + 5)
        # Both are one class: another `super()` goes on behind the parent.
        assert new.chosen(1) == 30
        # A child's line stands in the midst of the parent's, and sees its names.
        assert new.forward(1) == 10 + 2 + 1
        assert (new.scaled(5), new.scaled(5, 3, plus=0)) == (11, 15)
        # What has lost its annotation is no field, and the parent's decorator is the child's.
        assert vars(module.NewTextFields(7)) == {"width": 7}
        assert "called" in module.NewTextLayer.marks
        # What both children of a class remove is gone.
        assert not any(hasattr(each, "size") for each in (module.NewTextSize, module.NewTextWidth))
        # A base that ends like the parent's takes its place.
        assert module.NewTextLayer().special()
        assert not issubclass(module.NewTextLayer, module.NewBase)
        # `NewText` would be ambiguous, since there is an `OldTextOther`.
        assert issubclass(module.NewTextModel, module.NewBase)
        assert module.NewTextModel.other is module.NewOther
        with pytest.raises(ModuleNotFoundError, match="no_such_package"):
            module.NewB()
    with (
        pytest.raises(ModuleNotFoundError, match="no_such_package"),
        live(f"{project}.modular_new"),
    ):
        pass


def test_configuration_is_the_new_models_where_it_has_one(project: str, tmp_path: Path) -> None:
    folder = tmp_path / project
    (folder / "old" / "configuration_old.py").write_text("class OldConfig: size = 1\n")
    (folder / "old" / "modeling_old.py").write_text(
        "from .configuration_old import OldConfig\n"
        "class OldA:\n    config: OldConfig\n    def size(self): return OldConfig.size\n"
    )
    (folder / "new").mkdir()
    (folder / "new" / "configuration_new.py").write_text("class NewConfig: size = 2\n")
    (folder / "new" / "modular_new.py").write_text(
        "from live_project.old.modeling_old import OldA\nclass NewA(OldA): pass\n"
    )
    with live(f"{project}.new.modular_new", pastes=True) as module:
        assert module.NewA().size() == 2
