"""A whole project in one process: finding, ordering, converting, comparing and writing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import unravel
from tests.small_project import BANNER, GENERATED, LLAMA, MISTRAL, QWEN, Project, small_project
from unravel import Failed, Finished, Run, Settings, State, workers
from unravel.formatting import find_ruff
from unravel.types import Converted, Outline, Severity


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return small_project(tmp_path / "project")


def _states(run: Run) -> dict[str, State]:
    return {file.path: file.state for each in run.finished for file in each.files}


def _codes(run: Run) -> dict[str, list[str]]:
    return {each.source: [found.code for found in each.diagnostics] for each in run.failed}


# -- converting ----------------------------------------------------------------------------------


def test_convert_and_again(project: Project) -> None:
    run = unravel.convert(root=project.root)
    assert _states(run) == dict.fromkeys(GENERATED, State.NEW)
    assert [each.model for each in run.finished] == ["mistral", "qwen"]
    modified = {path: (project.root / path).stat().st_mtime_ns for path in GENERATED}
    run = unravel.convert(root=project.root)
    assert _states(run) == dict.fromkeys(GENERATED, State.UNCHANGED)
    assert run.in_sync
    assert {path: (project.root / path).stat().st_mtime_ns for path in GENERATED} == modified


def test_generated_files_need_no_more_formatting(project: Project) -> None:
    """With the banner on top, too: a hook of the user's must find nothing to change."""
    project.write("ruff.toml", "[lint]\nselect = ['ALL']\nignore = ['ANN', 'D', 'INP', 'CPY']\n")
    project.write("modular/modular_doc.py", '"""Doc."""\n' + MISTRAL.replace("Mistral", "Doc"))
    project.write("modular/modular_law.py", "# Copyright\n\n" + MISTRAL.replace("Mistral", "Law"))
    unravel.convert(root=project.root)
    ruff = find_ruff(Settings(), project.root)
    for arguments in (["check", "--select", "I,F401"], ["format", "--check"]):
        done = subprocess.run(
            [ruff, *arguments, "--no-cache", "--exclude", "models/llama", "models"],
            cwd=project.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_nothing_else_is_left_in_the_tree(project: Project) -> None:
    before = project.files()
    unravel.convert(root=project.root, jobs=2)
    assert project.files().keys() - before.keys() == set(GENERATED)


def test_banner_and_body(project: Project) -> None:
    unravel.convert(root=project.root)
    text = project.read("models/qwen/modeling_qwen.py")
    assert text.startswith(BANNER.format(model="qwen") + "# unravel: digest of what follows: ")
    assert text.splitlines()[3:5] == ["", "import math"]
    assert "class QwenNorm:" in text
    assert "1e-5" in text


def test_without_writing(project: Project) -> None:
    before = project.files()
    run = unravel.convert(root=project.root, write=False)
    assert _states(run) == dict.fromkeys(GENERATED, State.NEW)
    assert project.files() == before


def test_check(project: Project) -> None:
    assert not unravel.check(root=project.root).in_sync
    unravel.convert(root=project.root)
    assert unravel.check(root=project.root).in_sync
    project.write("modular/modular_mistral.py", MISTRAL.replace("1e-5", "1e-4"))
    changed = _states(unravel.check(root=project.root))
    assert changed.pop("models/mistral/configuration_mistral.py") is State.UNCHANGED
    assert set(changed.values()) == {State.CHANGED}


def test_an_existing_parent_output_plays_no_role(project: Project) -> None:
    """Children are built on this run's output, whatever an earlier run has left."""
    unravel.convert(root=project.root)
    expected = project.files()
    stale = BANNER.format(model="mistral") + "class MistralModel:\n    stale = True\n"
    project.write("models/mistral/modeling_mistral.py", stale)
    (project.root / "models/qwen/modeling_qwen.py").unlink()
    unravel.convert(root=project.root)
    assert project.files() == expected


def test_a_requested_child_is_built_on_its_fresh_parent(project: Project) -> None:
    run = unravel.convert(root=project.root, models=["qwen"])
    assert list(_states(run)) == ["models/qwen/modeling_qwen.py"]
    assert not (project.root / "models/mistral").exists()
    text = project.read("models/qwen/modeling_qwen.py")
    unravel.convert(root=project.root)
    assert project.read("models/qwen/modeling_qwen.py") == text


def test_a_kind_that_the_parent_no_longer_generates_does_not_exist(project: Project) -> None:
    # This repository is installed in the environment of the tests, and has a model of that name.
    (project.root / "env/lib/python3/site-packages").mkdir(parents=True)
    project.write("pyproject.toml", '[tool.unravel]\nenvironment = "env"\n')
    unravel.convert(root=project.root)
    project.write("modular/modular_mistral.py", MISTRAL.replace("MistralConfig", "MistralThing"))
    text = QWEN.replace("modeling_mistral import MistralModel", "configuration_mistral import X")
    project.write("modular/modular_qwen.py", text.replace("MistralModel", "X"))
    run = unravel.convert(root=project.root)
    assert _codes(run) == {"modular/modular_qwen.py": ["UNR101"]}


def test_a_kind_that_is_no_longer_generated_is_warned_of(project: Project) -> None:
    unravel.convert(root=project.root)
    project.write("modular/modular_mistral.py", MISTRAL.replace("MistralConfig", "MistralThing"))
    run = unravel.convert(root=project.root)
    (mistral,) = (each for each in run.finished if each.model == "mistral")
    (warning,) = mistral.warnings
    assert (warning.code, warning.severity) == ("UNR407", Severity.WARNING)
    assert warning.path == "models/mistral/configuration_mistral.py"


@pytest.mark.parametrize("jobs", [0, 1, 2, 5, None])
def test_workers_make_no_difference(project: Project, jobs: int | None) -> None:
    for number in range(4):
        text = MISTRAL.replace("Mistral", f"Gemma{number}")
        project.write(f"modular/modular_gemma{number}.py", text)
    unravel.convert(root=project.root, jobs=jobs)
    for number in range(4):
        assert f"class Gemma{number}Norm" in project.read(
            f"models/gemma{number}/modeling_gemma{number}.py"
        )
    expected = project.files()
    assert unravel.convert(root=project.root, jobs=1).in_sync
    assert project.files() == expected


def test_progress(project: Project) -> None:
    seen: list[tuple[int, int]] = []
    unravel.convert(root=project.root, on_progress=lambda *each: seen.append(each))
    assert seen == [(1, 2), (2, 2)]


def test_settings_may_be_given(project: Project) -> None:
    settings = Settings(sources=("modular/*_qwen.py",), target="out/{kind}_{model}.py")
    project.write("models/mistral/modeling_mistral.py", LLAMA.replace("Llama", "Mistral"))
    run = unravel.convert(root=project.root, settings=settings)
    assert list(_states(run)) == ["out/modeling_qwen.py"]


def test_difference(project: Project) -> None:
    unravel.convert(root=project.root)
    project.write("modular/modular_qwen.py", QWEN + "    x = '\x0c'")
    run = unravel.check(root=project.root, models=["qwen"])
    text = run.finished[0].files[0].difference()
    assert text.startswith("--- a/models/qwen/modeling_qwen.py\n+++ b/models/qwen/")
    assert "\n+    x = " in text
    assert "\n \n" in text


# -- line ends, byte order marks and the like ----------------------------------------------------


@pytest.mark.parametrize(
    ("change", "starts", "has_crlf"),
    [
        (lambda text: text.replace(b"\n", b"\r\n"), b"# unravel", True),
        (lambda text: b"\xef\xbb\xbf" + text, b"\xef\xbb\xbf# unravel", False),
        (lambda text: text.rstrip(b"\n"), b"# unravel", False),
        (lambda text: text + b"    x = '\xc3\xa9 \xe6\xbc\xa2'\n", b"# unravel", False),
        (lambda text: text.replace(b"\n", b"\r"), b"# unravel", False),
    ],
)
def test_odd_texts(project: Project, change: object, starts: bytes, has_crlf: bool) -> None:
    assert callable(change)
    project.write("modular/modular_qwen.py", change(QWEN.encode()))
    unravel.convert(root=project.root)
    content = (project.root / "models/qwen/modeling_qwen.py").read_bytes()
    assert content.startswith(starts)
    assert content.endswith(b"\n")
    assert content.count(b"\r\n") == (content.count(b"\n") if has_crlf else 0)
    assert b"class QwenModel:" in content
    assert unravel.convert(root=project.root).in_sync


def test_a_parent_with_crlf(project: Project) -> None:
    unravel.convert(root=project.root)
    expected = {path: project.read(path) for path in GENERATED}
    project.write("models/llama/modeling_llama.py", LLAMA.replace("\n", "\r\n"))
    assert unravel.convert(root=project.root).in_sync
    assert {path: project.read(path) for path in GENERATED} == expected


# -- banners -------------------------------------------------------------------------------------

KEPT = Settings(banner_line=r"#\s{9,}\S", keep_banner=True, banner="#          {{ source }}\n")
"""Like those of the profile `transformers`."""


def test_a_banner_is_kept(project: Project) -> None:
    banner = "#          *****\n#          by machine from modular_qwen.py\n#          *****\n"
    project.write("models/qwen/modeling_qwen.py", banner)
    run = unravel.convert(root=project.root, settings=KEPT, models=["qwen"])
    assert run.finished[0].files[0].content.decode().startswith(banner + "import math\n")
    assert unravel.convert(root=project.root, settings=KEPT, models=["qwen"]).in_sync


def test_where_there_is_none_to_keep_it_is_printed(project: Project) -> None:
    unravel.convert(root=project.root, settings=KEPT)
    text = project.read("models/mistral/configuration_mistral.py")
    assert text.startswith("#          modular/modular_mistral.py\n\n\nclass MistralConfig")
    text = project.read("models/qwen/modeling_qwen.py")
    assert text.startswith("#          modular/modular_qwen.py\n\nimport math\n")
    assert unravel.convert(root=project.root, settings=KEPT).in_sync


def test_a_new_banner_replaces_the_old_one(project: Project) -> None:
    unravel.convert(root=project.root)
    settings = Settings(banner="# unravel: other, from {{ source }} ({{ model }}, {{ kind }})\n")
    unravel.convert(root=project.root, settings=settings)
    first = project.read("models/qwen/modeling_qwen.py").split("\n")[0]
    assert first == "# unravel: other, from modular/modular_qwen.py (qwen, modeling)"


# -- selecting -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requests", "sources"),
    [
        ([], ["mistral", "qwen"]),
        (["qwen"], ["qwen"]),
        (["qwen", "mistral", "qwen"], ["mistral", "qwen"]),
        (["modular/modular_qwen.py"], ["qwen"]),
        (["./modular/../modular/modular_qwen.py", "mistral"], ["mistral", "qwen"]),
        (["other/modular_gemma.py"], ["gemma"]),
    ],
)
def test_selected(
    project: Project, monkeypatch: pytest.MonkeyPatch, requests: list[str], sources: list[str]
) -> None:
    project.write("other/modular_gemma.py", QWEN.replace("Qwen", "Gemma"))
    monkeypatch.chdir(project.root)
    for root in (None, ".", project.root):
        run = unravel.check(root=root, models=requests)
        assert [each.model for each in run.finished] == sources


def test_a_path_is_relative_to_the_current_folder(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root / "models/llama")
    run = unravel.check(models=["../../modular/modular_qwen.py"])
    assert [each.source for each in run.finished] == ["modular/modular_qwen.py"]


@pytest.mark.parametrize(
    ("request_", "code", "hint"),
    [
        ("mistrl", "UNR004", "`mistral`"),
        ("zzz", "UNR004", "the models are mistral, qwen"),
        ("modular/modular_quen.py", "UNR001", "modular/modular_qwen.py"),
        ("modular", "UNR001", "name a model"),
        ("models/llama/modeling_llama.py", "UNR004", "modular_<model>.py"),
        ("models/mistral/modeling_mistral.py", "UNR004", "modular/modular_mistral.py"),
        ("../modular_x.py", "UNR004", ""),
    ],
)
def test_not_selected(
    project: Project, monkeypatch: pytest.MonkeyPatch, request_: str, code: str, hint: str
) -> None:
    unravel.convert(root=project.root)
    (project.root.parent / "modular_x.py").touch()
    before = project.files()
    monkeypatch.chdir(project.root)
    run = unravel.convert(models=["qwen", request_])
    assert not run.began
    (failed,) = run.failed
    assert (failed.diagnostics[0].code, failed.diagnostics[0].path) == (code, request_)
    assert hint in failed.diagnostics[0].hint
    assert project.files() == before


def test_nothing_found(tmp_path: Path) -> None:
    run = unravel.check(root=tmp_path)
    assert (run.began, run.in_sync) == (False, False)
    assert run.failed[0].diagnostics[0].code == "UNR004"
    (tmp_path / "src/transformers").mkdir(parents=True)
    run = unravel.check(root=tmp_path)
    assert "--profile transformers" in run.failed[0].diagnostics[0].hint


@pytest.mark.parametrize("name", ["missing", "file"])
def test_root_that_is_no_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    run = unravel.convert(root=tmp_path / name)
    assert run.failed[0].diagnostics[0].code == "UNR001"


# -- failing -------------------------------------------------------------------------------------


def test_a_failure_stops_only_what_is_built_on_it(project: Project) -> None:
    project.write("modular/modular_mistral.py", "class A(\n")
    project.write("modular/modular_gemma.py", MISTRAL.replace("Mistral", "Gemma"))
    run = unravel.convert(root=project.root)
    assert _codes(run) == {
        "modular/modular_mistral.py": ["UNR003"],
        "modular/modular_qwen.py": ["UNR104"],
    }
    (found,) = run.failed[1].diagnostics
    assert (found.line, found.column) == (1, 1)
    assert "modular/modular_mistral.py" in found.message
    assert [each.model for each in run.finished] == ["gemma"]
    assert (project.root / "models/gemma/modeling_gemma.py").exists()
    assert not (project.root / "models/mistral").exists()


def test_the_parent_that_failed_is_told_of_even_if_not_requested(project: Project) -> None:
    project.write("modular/modular_mistral.py", "class A(\n")
    run = unravel.convert(root=project.root, models=["qwen"])
    assert sorted(_codes(run)) == ["modular/modular_mistral.py", "modular/modular_qwen.py"]


def test_cycles(project: Project) -> None:
    def extend(model: str, parent: str) -> None:
        text = QWEN.replace("qwen", model).replace("Qwen", model.title())
        text = text.replace("mistral", parent).replace("Mistral", parent.title())
        project.write(f"modular/modular_{model}.py", text)

    for model, parent in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("e", "e")):
        extend(model, parent)
    run = unravel.convert(root=project.root)
    assert [each.model for each in run.finished] == ["mistral", "qwen"]
    messages = {each.source[-4]: each.diagnostics[0] for each in run.failed}
    assert {model: found.code for model, found in messages.items()} == {
        **dict.fromkeys("abce", "UNR103"),
        "d": "UNR104",
    }
    assert messages["b"].message.endswith("a extends b extends c extends a")
    assert messages["e"].message.endswith("e extends e")
    assert messages["c"].line == 1


def test_two_for_one_target(project: Project) -> None:
    project.write("pyproject.toml", "[tool.unravel]\ntarget = 'out/{kind}_{model}.py'\n")
    project.write("modular/other/modular_qwen.py", QWEN)
    project.write("models/mistral/modeling_mistral.py", LLAMA.replace("Llama", "Mistral"))
    run = unravel.convert(root=project.root)
    assert _codes(run) == {
        "modular/modular_qwen.py": ["UNR406"],
        "modular/other/modular_qwen.py": ["UNR406"],
    }


def test_a_modular_file_that_defines_nothing(project: Project) -> None:
    project.write("modular/modular_empty.py", "import os\n")
    run = unravel.convert(root=project.root, models=["empty"])
    assert _codes(run) == {"modular/modular_empty.py": ["UNR004"]}


@pytest.mark.parametrize(
    "existing",
    ["", "x = 1\n", LLAMA, BANNER.format(model="gemma"), "\xff", "# modular_mistral.py\n"],
)
def test_a_file_of_another_is_not_overwritten(project: Project, existing: str) -> None:
    project.write("models/mistral/modeling_mistral.py", existing.encode("latin-1"))
    before = project.files()
    run = unravel.convert(root=project.root, models=["mistral"])
    (found,) = run.failed[0].diagnostics
    assert (found.code, found.path) == ("UNR403", "models/mistral/modeling_mistral.py")
    assert project.files() == before
    run = unravel.convert(root=project.root, models=["mistral"], force=True)
    assert not run.failed
    assert "class MistralModel" in project.read("models/mistral/modeling_mistral.py")


def test_a_folder_in_the_place_of_a_file(project: Project) -> None:
    (project.root / "models/mistral/modeling_mistral.py").mkdir(parents=True)
    run = unravel.convert(root=project.root)
    assert _codes(run)["modular/modular_mistral.py"] == ["UNR404"]
    assert not (project.root / "models/mistral/configuration_mistral.py").exists()


def test_a_file_in_the_place_of_a_folder(project: Project) -> None:
    project.write("models/qwen", "")
    run = unravel.convert(root=project.root)
    assert _codes(run) == {"modular/modular_qwen.py": ["UNR404"]}
    assert (project.root / "models/mistral/modeling_mistral.py").exists()


def test_a_target_outside_of_the_root(project: Project) -> None:
    settings = Settings(target="../{model}_{kind}.py")
    run = unravel.convert(root=project.root, settings=settings, models=["mistral"])
    assert _codes(run) == {"modular/modular_mistral.py": ["UNR404", "UNR404"]}


def test_ruff_that_is_missing(project: Project) -> None:
    run = unravel.convert(root=project.root, ruff="no-such-ruff")
    assert _codes(run)["modular/modular_qwen.py"] == ["UNR104"]
    assert set(_codes(run)["modular/modular_mistral.py"]) == {"UNR401"}


@pytest.mark.parametrize(
    ("banner", "message"),
    [
        ("# unravel: {{ source", "not a template"),
        ("# unravel: {{ nothing }}", "'nothing' is undefined"),
        ("# unravel: {{ source }}\n# and so on\n", "does not match `banner-line`"),
        ("# unravel: generated", "does not name the modular file"),
        ("", "does not match `banner-line`"),
    ],
)
def test_a_banner_by_which_nobody_would_know_our_files(
    project: Project, banner: str, message: str
) -> None:
    project.write("pyproject.toml", f"[tool.unravel]\njobs = 1\nbanner = {json.dumps(banner)}\n")
    run = unravel.convert(root=project.root)
    (found,) = run.failed[0].diagnostics
    assert (found.code, found.path, found.line, found.column) == ("UNR010", "pyproject.toml", 3, 1)
    assert message in found.message


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_defect_of_ours(project: Project, monkeypatch: pytest.MonkeyPatch, jobs: int) -> None:
    real = workers.convert

    def convert(modular: Outline, *rest: object) -> object:
        if "gemma" in modular.path:
            raise ZeroDivisionError("oops")
        return real(modular, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "convert", convert)
    project.write("modular/modular_gemma.py", MISTRAL.replace("Mistral", "Gemma"))
    run = unravel.convert(root=project.root, jobs=jobs)
    assert _codes(run) == {"modular/modular_gemma.py": ["UNR901"]}
    assert "ZeroDivisionError: oops" in run.failed[0].diagnostics[0].message
    assert "Traceback" not in run.failed[0].diagnostics[0].hint
    monkeypatch.setenv("UNRAVEL_DEBUG", "1")
    run = unravel.convert(root=project.root, jobs=jobs)
    assert "Traceback" in run.failed[0].diagnostics[0].hint


@pytest.mark.skipif(sys.platform != "linux", reason="needs forked workers")
def test_a_worker_that_dies(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    real, parent = workers.convert, os.getpid()

    def convert(modular: Outline, *rest: object) -> Converted | Failed:
        if "gemma1" in modular.path and os.getpid() != parent:
            os._exit(9)
        return real(modular, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "convert", convert)
    for number in range(4):
        text = MISTRAL.replace("Mistral", f"Gemma{number}")
        project.write(f"modular/modular_gemma{number}.py", text)
    run = unravel.convert(root=project.root, jobs=2)
    assert _codes(run) == {"modular/modular_gemma1.py": ["UNR901"]}
    assert len(run.finished) == 5


def test_outcomes_are_in_the_order_of_their_paths(project: Project) -> None:
    project.write("modular/modular_zeta.py", MISTRAL.replace("Mistral", "Zeta"))
    project.write("modular/modular_alpha.py", "class A(\n")
    run = unravel.convert(root=project.root, models=["zeta", "qwen", "alpha", "mistral"])
    assert [type(each) for each in run.outcomes] == [Failed, Finished, Finished, Finished]
    assert [each.source[-6:-3] for each in run.outcomes] == ["pha", "ral", "wen", "eta"]
