"""Pages that are followed to the letter: files are written, commands run, output compared."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

from tests.corpus.release import REPOSITORY
from tests.small_project import Project

DOCS = REPOSITORY / "docs"
_BLOCK = re.compile(r"(?:<!-- (file|in): (\S+) -->\n)?```(\w+)\n(.*?)```\n", re.DOTALL)


def commands(block: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block, and the output that is shown below it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def agrees(shown: str, printed: str) -> bool:
    """Is `printed` what is shown? `...` stands for any lines."""
    parts = [re.escape(part) for part in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE)]
    return re.fullmatch(r"(?:.*\n)*".join(parts), printed) is not None


def follow(page: Path, project: Project) -> int:
    """Do what `page` says, and compare what it shows; gives back how many commands it has."""
    ran = 0
    for role, path, language, text in _BLOCK.findall(page.read_text()):
        if role == "file":
            project.write(path, text)
        elif role == "in":
            assert indent(text, " " * 8) in project.read(path)
        elif language == "console":
            for command, shown in commands(text):
                _, *arguments = shlex.split(command)
                # A stale file is no success, and a page shows one.
                code = int(" stale" in shown)
                printed = project.run(*arguments, code=code).stdout
                assert agrees(shown, printed), f"{command}\n{printed}"
                ran += 1
    return ran


def test_elsewhere(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.write("modular/__init__.py", "")
    assert follow(DOCS / "elsewhere.md", project) == 2
    assert "from .configuration_tiny import TinyConfig" in project.read("hub/modeling_tiny.py")
    assert "contains code of transformers" in project.read("models/tiny/modeling_tiny.py")


def test_tutorial(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    shutil.copytree(REPOSITORY / "models" / "llama", project.root / "models" / "llama")
    shutil.copy(REPOSITORY / "models" / "__init__.py", project.root / "models")
    assert follow(DOCS / "tutorial.md", project) > 5
    _test_of_the_scaffold(project)


def _test_of_the_scaffold(project: Project) -> None:
    """What the page says to delete from it is all that it lacks."""
    text = project.read("tests/test_brand_new_llama.py")
    model = project.read("models/brand_new_llama/modeling_brand_new_llama.py")
    exported = re.search(r"__all__ = \[(.*?)\]", model, re.DOTALL)
    assert exported is not None
    asked = set(re.findall(r'_llama", "(\w+)"\)', text)) - {"BrandNewLlamaConfig"}
    gone = {name for name in asked if f'"{name}"' not in exported[1]}
    assert gone == set(
        re.findall(
            r"`(BrandNewLlama\w+)`", (DOCS / "tutorial.md").read_text().split("delete", 1)[1]
        )
    )
