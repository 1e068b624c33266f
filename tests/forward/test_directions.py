"""The forward checks run where torch and transformers are, and nothing else of ours."""

from __future__ import annotations

from pathlib import Path

from tests.test_import_directions import imports

NEVER = {"unravel", "libcst", "ruff", "jinja2", "click", "rich"}


def test_nothing_of_the_converter_is_imported(repository: Path) -> None:
    files = sorted((repository / "checks" / "forward").glob("*.py"))
    files += [repository / "checks" / name for name in ("live.py", "copying.py", "__init__.py")]
    assert len(files) > 10
    found = {
        f"{file.name}: {imported.module}"
        for file in files
        for imported in imports(file, repository)
        if imported.module.partition(".")[0] in NEVER
    }
    assert found == set()
