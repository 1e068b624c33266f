"""`[tool.unravel]`: what is accepted, and where a mistake is said to stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from unravel.config import find_root, read_settings
from unravel.profiles import PROFILES
from unravel.types import Failed, Settings


def _read(root: Path, text: str, profile: str | None = None) -> Settings | Failed:
    (root / "pyproject.toml").write_text(text, "utf-8")
    return read_settings(root, profile=profile)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[project]\nname = 'x'\n",
        "[tool.ruff]\nline-length = 3\n",
        "[tool.unravel]\n",
        "tool = 3",
    ],
)
def test_nothing_of_ours(tmp_path: Path, text: str) -> None:
    assert _read(tmp_path, text) == Settings()


def test_no_file(tmp_path: Path) -> None:
    assert read_settings(tmp_path) == Settings()


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("[tool.unravel]\njobs = 2", Settings(jobs=2)),
        ("[tool]\nunravel.jobs = 2", Settings(jobs=2)),
        ("tool.unravel = { jobs = 2 }", Settings(jobs=2)),
        ("[tool.unravel]\nkeep-banner = true", Settings(keep_banner=True)),
        ("[tool.unravel]\nroots = ['a', 'b']", Settings(roots=("a", "b"))),
        ("[tool.unravel]\nbanner-line = '#:'", Settings(banner_line="#:")),
        ("[tool.unravel]\nruff = 'tools/ruff'", Settings(ruff="tools/ruff")),
        ("[tool.unravel]\nprofile = 'transformers'", PROFILES["transformers"]),
    ],
)
def test_settings(tmp_path: Path, text: str, settings: Settings) -> None:
    assert _read(tmp_path, text) == settings


def test_every_field_but_the_corpus_rules_can_be_set(tmp_path: Path) -> None:
    text = """
    [tool.unravel]
    profile = "transformers"
    sources = ["x/modular_*.py"]
    target = "y/{model}/{kind}.py"
    roots = ["lib"]
    banner = "#! {{ source }}\\n"
    banner-line = "#!"
    keep-banner = false
    cased-names = ["names.py"]
    ordinary = ["auto"]
    kept-text = ["E_[A-Z]+"]
    formatter = "ruff"
    ruff = "ruff"
    jobs = 1
    """
    settings = _read(tmp_path, text)
    assert settings == Settings(
        profile="transformers",
        sources=("x/modular_*.py",),
        target="y/{model}/{kind}.py",
        roots=("lib",),
        banner="#! {{ source }}\n",
        banner_line="#!",
        cased_names=("names.py",),
        ordinary=("auto",),
        kept_text=("E_[A-Z]+",),
        ruff="ruff",
        jobs=1,
        corpus_rules=True,
    )


def test_a_given_profile_wins(tmp_path: Path) -> None:
    settings = _read(tmp_path, "[tool.unravel]\nprofile = 'default'\njobs = 3", "transformers")
    assert isinstance(settings, Settings)
    assert (settings.profile, settings.jobs, settings.roots) == ("transformers", 3, ("src",))


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "message", "hint"),
    [
        ("[tool.unravel]\n\n  job = 1", "UNR011", 3, 3, "`job` is not a setting", "`jobs`"),
        ("[tool]\nunravel.job = 1", "UNR011", 2, 9, "`job`", "`jobs`"),
        ("[tool.unravel]\n'keep_banner' = true", "UNR011", 2, 1, "`keep_banner`", "`keep-banner`"),
        ("[tool.unravel]\nzzz = 1", "UNR011", 2, 1, "`zzz`", "the settings are banner,"),
        ("[tool.unravel]\ncorpus-rules = true", "UNR011", 2, 1, "`corpus-rules`", ""),
        ("[tool.unravel.jobz]\nx = 1", "UNR011", 1, 15, "`jobz`", "`jobs`"),
        ("[tool.x]\njobs = ''\n[tool.unravel]\njobs = ''", "UNR010", 4, 1, "a whole number", ""),
        ("[tool.unravel]\njobs = true", "UNR010", 2, 1, "a whole number", ""),
        ("[tool.unravel]\njobs = -1", "UNR010", 2, 1, "negative", "one worker a core"),
        ("[tool.unravel]\nkeep-banner = 1", "UNR010", 2, 1, "true or false", ""),
        ("[tool.unravel]\nsources = 'x'", "UNR010", 2, 1, "a list of texts", ""),
        ("[tool.unravel]\nroots = ['x', 1]", "UNR010", 2, 1, "a list of texts", ""),
        ("[tool.unravel]\nsources = []", "UNR010", 2, 1, "empty", ""),
        ("[tool.unravel]\nsources = ['../x.py']", "UNR010", 2, 1, "leaves the root", "relative"),
        ("[tool.unravel]\ntarget = 3", "UNR010", 2, 1, "a text", ""),
        ("[tool.unravel]\ntarget = '{knd}{kind}{model}'", "UNR010", 2, 1, "{knd}", "{kind}"),
        ("[tool.unravel]\ntarget = '{kind}.py'", "UNR010", 2, 1, "{model}", "one path"),
        ("[tool.unravel]\ntarget = '{kind'", "UNR010", 2, 1, "not a template", ""),
        ("[tool.unravel]\nbanner-line = '('", "UNR010", 2, 1, "regular expression", ""),
        ("[tool.unravel]\nformatter = 'black'", "UNR010", 2, 1, "`black`", "`ruff`"),
        (
            "[tool.unravel]\nprofile = 'transformer'",
            "UNR010",
            2,
            1,
            "`transformer`",
            "transformers",
        ),
        ("[tool.unravel]\njobs = \n", "UNR010", 2, 8, "not valid TOML", ""),
        ("[tool]\nunravel = 3", "UNR010", 2, 1, "must be a table", ""),
        ('[tool.unravel]\nbanner = """\njobs\n[x]\njobs = 1"""\njobs = ""', "UNR010", 6, 1, "", ""),
    ],
)
def test_mistakes(
    tmp_path: Path, text: str, code: str, line: int, column: int, message: str, hint: str
) -> None:
    failed = _read(tmp_path, text)
    assert isinstance(failed, Failed)
    found = failed.diagnostics[0]
    assert (found.path, found.code) == ("pyproject.toml", code)
    assert (found.line, found.column) == (line, column)
    assert found.excerpt == text.split("\n")[line - 1]
    assert message in found.message
    assert hint in found.hint


def test_all_mistakes_are_told_in_order(tmp_path: Path) -> None:
    failed = _read(tmp_path, "[tool.unravel]\njob = 1\nroots = 1\nfoo = 2\n")
    assert isinstance(failed, Failed)
    assert [each.line for each in failed.diagnostics] == [2, 3, 4]


def test_unknown_profile_that_was_given(tmp_path: Path) -> None:
    failed = read_settings(tmp_path, profile="transformer")
    assert isinstance(failed, Failed)
    assert failed.diagnostics[0].path == "--profile"


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"[tool.unravel]\nruff = '\xff'\n")
    failed = read_settings(tmp_path)
    assert isinstance(failed, Failed)
    assert (failed.diagnostics[0].code, failed.diagnostics[0].line) == ("UNR002", 2)


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").mkdir()
    failed = read_settings(tmp_path)
    assert isinstance(failed, Failed)
    assert failed.diagnostics[0].code == "UNR001"


@pytest.mark.parametrize(
    ("start", "profile", "root"),
    [
        ("", None, ""),
        ("plain/modular", None, "plain"),
        ("plain/modular/deep", None, "plain"),
        ("plain/models/x", None, "plain"),
        ("configured/a/b", None, "configured"),
        ("broken/a", None, "broken"),
        ("foreign/a", None, "foreign/a"),
        ("checkout/src/transformers/models", "transformers", "checkout"),
        ("checkout/src/transformers/models", None, "checkout/src/transformers/models"),
    ],
)
def test_root(tmp_path: Path, start: str, profile: str | None, root: str) -> None:
    for folder in ("plain/modular/deep", "plain/models/x", "configured/a/b", "broken/a"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("foreign/a", "checkout/src/transformers/models"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "configured/pyproject.toml").write_text("[tool.unravel]\n")
    (tmp_path / "broken/pyproject.toml").write_text("[tool.unravel]\njobs = \n")
    (tmp_path / "foreign/pyproject.toml").write_text("[tool.ruff]\n")
    assert find_root(tmp_path / start, profile=profile) == tmp_path / root
