"""Packages of all layouts, whose classes are not models at all."""

from __future__ import annotations

from pathlib import Path

from tests.repositories.repository import repository


def test_namespace_package_in_two_places(tmp_path: Path) -> None:
    """`acme` has no `__init__.py` and lies in two folders; its parts see each other."""
    files = {
        "pyproject.toml": """
            [tool.unravel]
            sources = ["two/acme/*/modular_*.py"]
            target = "{folder}/{kind}_{model}.py"
            roots = ["one", "two"]
            """,
        "one/acme/units.py": "METRE = 100\n",
        "one/acme/tape/words.py": 'NAME = "tape"\n',
        "one/acme/tape/modeling_tape.py": """
            from ..units import METRE
            from .words import NAME


            class TapeMeasure:
                def measure(self, metres):
                    from ..units import METRE as unit

                    return f"{NAME}: {metres * METRE} of {unit}"
            """,
        "two/acme/ruler/modular_ruler.py": """
            from ..tape.modeling_tape import TapeMeasure


            class RulerMeasure(TapeMeasure):
                def measure(self, metres):
                    return super().measure(metres) + "!"
            """,
    }
    repo = repository(tmp_path, files, path=("one", "two"))
    generated = repo.read("two/acme/ruler/modeling_ruler.py")
    assert "class RulerMeasure:" in generated
    result = repo.run(
        """
        from acme.ruler.modeling_ruler import RulerMeasure
        result = RulerMeasure().measure(2)
        """
    )
    assert result == "tape: 200 of 100!"


def test_several_modular_files_across_folders(tmp_path: Path) -> None:
    """A src layout with two modular files in one folder, and one in another that extends them."""
    files = {
        "pyproject.toml": """
            [tool.unravel]
            sources = ["src/zoo/**/modular_*.py"]
            target = "{folder}/{kind}_{model}.py"
            """,
        "src/zoo/__init__.py": "",
        "src/zoo/sounds.py": "LOUD = 2\n",
        "src/zoo/pets/__init__.py": "",
        "src/zoo/pets/feeding.py": "def feed(animal):\n    return f'{animal.name} eats'\n",
        "src/zoo/pets/modeling_cat.py": """
            from ..sounds import LOUD
            from .feeding import feed


            class CatVoice:
                sound = "meow"

                def speak(self):
                    return " ".join([self.sound] * LOUD)


            class CatKeeper:
                name = "cat"

                def __init__(self):
                    self.voice = CatVoice()

                def day(self):
                    return f"{feed(self)}: {self.voice.speak()}"
            """,
        "src/zoo/pets/modular_dog.py": """
            from .modeling_cat import CatKeeper, CatVoice


            class DogVoice(CatVoice):
                sound = "woof"


            class DogKeeper(CatKeeper):
                name = "dog"
            """,
        "src/zoo/pets/modular_puppy.py": """
            from .modeling_dog import DogKeeper, DogVoice


            class PuppyVoice(DogVoice):
                def speak(self):
                    return "(" + super().speak() + ")"


            class PuppyKeeper(DogKeeper):
                pass
            """,
        "src/zoo/wild/__init__.py": "",
        "src/zoo/wild/modular_wolf.py": """
            from zoo.pets.modeling_puppy import PuppyKeeper, PuppyVoice


            class WolfVoice(PuppyVoice):
                sound = "howl"


            class WolfKeeper(PuppyKeeper):
                name = "wolf"
            """,
    }
    repo = repository(tmp_path, files, path=("src",))
    dog, wolf = (
        repo.read(f"src/zoo/{each}.py") for each in ("pets/modeling_dog", "wild/modeling_wolf")
    )
    assert "from .feeding import feed" in dog and "from ..sounds import LOUD" in dog
    assert "from ..pets.feeding import feed" in wolf and "from ..sounds import LOUD" in wolf
    assert "Dog" not in wolf and "Cat" not in wolf
    result = repo.run(
        """
        from zoo.pets.modeling_puppy import PuppyKeeper
        from zoo.wild.modeling_wolf import WolfKeeper
        result = [PuppyKeeper().day(), WolfKeeper().day()]
        """
    )
    assert result == ["puppy eats: (woof woof)", "wolf eats: (howl howl)"]


def test_classes_that_are_no_models(tmp_path: Path) -> None:
    """Plain modules, named in the settings: functions, constants and an enumeration come along."""
    files = {
        "pyproject.toml": """
            [tool.unravel]
            sources = ["tools/modular_*.py"]
            target = "{folder}/{kind}_{model}.py"
            parents = ["tools.readers"]
            """,
        "tools/__init__.py": "",
        "tools/readers.py": """
            import enum
            from collections.abc import Iterator

            SEPARATOR = ","


            class Quoting(enum.Enum):
                NONE = ""
                DOUBLE = '"'


            def unquoted(text: str, quoting: Quoting) -> str:
                return text.strip(quoting.value or None)


            class Reader:
                quoting = Quoting.DOUBLE

                def rows(self, text: str) -> Iterator[list[str]]:
                    for line in text.splitlines():
                        yield [unquoted(cell, self.quoting) for cell in line.split(SEPARATOR)]
            """,
        "tools/modular_tables.py": """
            from tools.readers import Reader

            SEPARATOR = "|"


            class TableReader(Reader):
                def rows(self, text: str):
                    for row in super().rows(text):
                        yield [cell.upper() for cell in row]
            """,
    }
    repo = repository(tmp_path, files)
    assert "readers" not in repo.read("tools/modeling_tables.py").partition("\n\n")[2]
    result = repo.run(
        """
        from tools.modeling_tables import TableReader
        result = list(TableReader().rows('a|"b"'))
        """
    )
    assert result == [["A", "B"]]
