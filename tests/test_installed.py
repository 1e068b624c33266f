"""What is installed in an environment, found by reading files."""

from __future__ import annotations

from pathlib import Path

import pytest

from unravel.installed import Package, owner, search_folders, site_folders

METADATA = "Metadata-Version: 2.4\nName: Library\nVersion: 1.2\n{fields}\n\nLicense: of the text\n"


def install(site: Path, name: str, fields: str, *files: str) -> None:
    """Put a distribution's metadata and empty files into `site`."""
    info = site / f"{name}-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA.format(fields=fields))
    (info / "RECORD").write_text("".join(f"{file},sha256=x,0\n" for file in files))
    for file in files:
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).touch()


def test_folders_of_this_environment() -> None:
    folders = site_folders()
    assert folders
    assert all(Path(folder, "click/__init__.py").is_file() for folder in folders[:1])


@pytest.mark.parametrize("layout", ["lib/python3.12/site-packages", "Lib/site-packages"])
def test_folders_of_another_environment(tmp_path: Path, layout: str) -> None:
    (tmp_path / layout).mkdir(parents=True)
    assert site_folders(str(tmp_path)) == (str(tmp_path / layout),)


def test_what_is_no_environment(tmp_path: Path) -> None:
    assert site_folders(str(tmp_path)) == ()


def test_path_files_are_read_and_not_run(tmp_path: Path) -> None:
    site, plain, mapped = (tmp_path / name for name in ("site", "plain", "mapped"))
    for folder in (site, plain, mapped / "lib"):
        folder.mkdir(parents=True)
    (site / "a.pth").write_text(f"# comment\n\nimport os; os.abort()\n{plain}\n{tmp_path}/none\n")
    (site / "b.pth").write_text("import __editable___lib_finder; __editable___lib_finder.install()")
    finder = f"MAPPING: dict[str, str] = {{'lib': '{mapped}/lib', 'other': '{plain}/its_source'}}\n"
    (site / "__editable___lib_finder.py").write_text(f"raise SystemExit\n{finder}")
    assert search_folders([str(site)]) == (str(site), str(plain), str(mapped))


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ("License-Expression: MIT\nLicense: other", "MIT"),
        ("License: BSD 3-Clause", "BSD 3-Clause"),
        (
            f"License: {'the whole text ' * 9}\nClassifier: License :: OSI Approved :: MIT License",
            "MIT License",
        ),
        (
            "License: UNKNOWN\nClassifier: Typing :: Typed\nClassifier: License :: Freeware",
            "Freeware",
        ),
        ("Summary: nothing said", ""),
    ],
)
def test_licence(tmp_path: Path, fields: str, licence: str) -> None:
    install(tmp_path, "library", fields, "lib/a/modeling_a.py")
    found = owner(f"{tmp_path}/lib/a/modeling_a.py", [str(tmp_path)])
    metadata = str(tmp_path / "library-1.2.dist-info/METADATA")
    assert found == Package("Library", "1.2", licence, metadata)


def test_owner_among_several(tmp_path: Path) -> None:
    install(tmp_path, "other", "License: MIT", "shared/b.py")
    install(tmp_path, "the_library", "License: GPL", "shared/a.py")
    assert str(owner(f"{tmp_path}/shared/a.py", [str(tmp_path)])) == "Library 1.2 (GPL)"
    assert str(owner(f"{tmp_path}/shared/b.py", [str(tmp_path)])) == "Library 1.2 (MIT)"


def test_owner_of_an_editable_install(tmp_path: Path) -> None:
    site, source = tmp_path / "site", tmp_path / "source"
    (source / "lib").mkdir(parents=True)
    install(site, "library", "License: MIT", "_library.pth")
    (site / "_library.pth").write_text(f"{source}\n")
    found = owner(f"{source}/lib/a.py", search_folders([str(site)]))
    assert str(found) == "Library 1.2 (MIT)"


def test_owner_without_metadata(tmp_path: Path) -> None:
    assert str(owner(f"{tmp_path}/lib/a.py", [str(tmp_path)])) == "lib (licence not stated)"
