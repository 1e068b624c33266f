"""A model beside an original of another make, through a file of names."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

from checks.forward import running, scripts
from checks.forward.verdicts import Finding, ModelReport, Verdict
from tests.forward.small import write
from unravel.cli import run

ORIGINAL = '''
import math
from dataclasses import dataclass
import torch
from torch import nn


@dataclass
class Args:
    dim: int
    depth: int
    rows: int
    longest: int = 8
    norm_eps: float = 1e-5


class Projection(nn.Module):
    """Its weight lies the other way round."""

    def __init__(self, inner, outer):
        super().__init__()
        self.w = nn.Parameter(torch.empty(inner, outer))

    def forward(self, x):
        return x @ self.w


class Block(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.ln = nn.LayerNorm(args.dim, eps=args.norm_eps)
        self.fc = nn.Linear(args.dim, 3 * args.dim)
        self.proj = Projection(3 * args.dim, args.dim)

    def forward(self, x):
        return self.proj(self.fc(self.ln(x)).tanh()) + x


class Net(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.tok = nn.Embedding(args.rows, args.dim)
        self.h = nn.ModuleList(Block(args) for _ in range(args.depth))
        self.register_buffer("table", torch.ones(args.longest))

    def forward(self, tokens, start=0):
        x = self.tok(tokens)
        for block in self.h:
            x = block(x)
        return {"hidden": [x], "cache": None}
'''
NAMES = r"""
config_class = "Args"
transposed = ['h\.\d+\.proj\.w']
ignored = ["table"]

[classes]
Net = "SmallModel"

[config]
dim = "hidden_size"
depth = "num_layers"
rows = "vocab_size"
norm_eps = "eps"

[constants]
longest = 32

[arguments]
tokens = "input_ids"

[outputs]
"hidden.0" = "last_hidden_state"

[weights]
'^tok\.' = "embedding."
'^h\.' = "layers."
'\.ln\.' = ".norm."
'\.fc\.' = ".up."
'\.proj\.w$' = ".down.weight"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "original_net.py").write_text(ORIGINAL)
    (tmp_path / "names.toml").write_text(NAMES)
    sys.modules.pop("original_net", None)
    write(tmp_path, "small_named")
    return tmp_path


def check(folder: Path) -> ModelReport:
    (report,) = running.check_named(
        "small_named", "original_net", {}, root=folder, names=folder / "names.toml"
    )
    return report


def asked(report: ModelReport) -> dict[str, Finding]:
    found = [each for each in report.findings if each.verdict is not Verdict.SKIPPED]
    return {f"{each.variant} {each.check}": each for each in found}


def test_models_that_correspond_agree(folder: Path) -> None:
    found = asked(check(folder))
    assert found.keys() == {
        f"{variant} {name}"
        for variant in ("tiny", "perturbed")
        for name in ("manifest", "plain", "learning")
    }
    assert found["tiny manifest"].verdict is Verdict.PROVED
    # `x @ w` is another operation than `linear`, and a sum may begin at its other end.
    agreements = {each.verdict for each in found.values()}
    assert agreements <= {Verdict.PROVED, Verdict.REFACTOR, Verdict.WITHIN_NOISE}


SPLIT = (
    (
        "self.up = nn.Linear(config.hidden_size, 3 * config.hidden_size)",
        "self.one = nn.Linear(config.hidden_size, config.hidden_size)\n"
        "        self.two = nn.Linear(config.hidden_size, 2 * config.hidden_size)",
    ),
    ("self.up(", "self.both("),
    (
        "    def forward(self, states):\n",
        "    def both(self, states):\n"
        "        return torch.cat([self.one(states), self.two(states)], -1)\n\n"
        "    def forward(self, states):\n",
    ),
)
JOINED = r"""
[joined]
'h\.(\d+)\.fc\.(\w+)' = ['layers.\1.one.\2', 'layers.\1.two.\2']
"""


@pytest.mark.parametrize("is_transposed", [False, True])
def test_a_weight_may_hold_several(folder: Path, is_transposed: bool) -> None:
    names = NAMES.replace("'\\.fc\\.' = \".up.\"\n", "") + JOINED
    split = [(old, new.replace("hidden_size)", "hidden_size, bias=False)")) for old, new in SPLIT]
    write(folder, "small_named", *(split if is_transposed else SPLIT))
    if is_transposed:
        turned = ORIGINAL.replace("nn.Linear(args.dim,", "Projection(args.dim,")
        (folder / "original_net.py").write_text(turned)
        names = names.replace("transposed = [", r"transposed = ['h\.\d+\.fc\.w', ")
        names = names.replace(r"fc\.(\w+)'", r"fc\.(w)'").replace("\\2'", "\\2eight'")
    (folder / "names.toml").write_text(names)
    found = asked(check(folder))
    assert found["tiny manifest"].verdict is Verdict.PROVED
    assert not any(each.verdict.is_failure for each in found.values())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("one.", "none.", "`joined`: there is no layers.0.none.weight, as in `h.0.fc.weight`"),
        ("'layers.\\1.one.\\2', ", "", "`joined`: `h.0.fc.weight` has 96 rows, and its parts"),
        ("fc", "fd", "`joined`: `h\\.(\\d+)\\.fd\\.(\\w+)` is the name of no weight"),
        ("\\2'", "\\3'", "is no regular expression: invalid group reference 3"),
    ],
)
def test_a_mistake_about_parts_is_told(folder: Path, old: str, new: str, message: str) -> None:
    assert old in JOINED
    write(folder, "small_named", *SPLIT)
    names = NAMES.replace("'\\.fc\\.' = \".up.\"\n", "") + JOINED.replace(old, new)
    (folder / "names.toml").write_text(names)
    with pytest.raises(ValueError, match=re.escape(message)):
        check(folder)


def test_what_the_original_cannot_do_is_not_asked_for(folder: Path) -> None:
    scaled = (
        ("eps=1e-6, **others", "eps=1e-6, scale=1.0, **others"),
        ("self.num_layers, self.eps = ", "self.scale, self.num_layers, self.eps = scale, "),
        ("self.embedding(input_ids)", "self.embedding(input_ids) * self.config.scale"),
    )
    write(folder, "small_named", *scaled)
    found = asked(check(folder))
    assert found["perturbed plain"].verdict.is_agreement
    assert not any(each.verdict.is_failure for each in found.values())


def test_a_weight_of_two_names_needs_one_counterpart(folder: Path) -> None:
    tie = "self.again = nn.Embedding(1, 1)\n        self.again.weight = self.embedding.weight\n"
    write(folder, "small_named", ("self.post_init()", f"{tie}        self.post_init()"))
    found = asked(check(folder))
    assert found["tiny manifest"].verdict is Verdict.PROVED


def test_a_difference_is_found_and_a_script_shows_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (folder / "names.toml").read_text()
    (folder / "names.toml").write_text(text.replace('norm_eps = "eps"\n', ""))
    report = check(folder)
    found = asked(report)["tiny plain"]
    assert found.verdict is Verdict.DIVERGED
    assert "original_net.py" in " ".join(place.path for place in found.places)
    (written,) = scripts.written([report], folder / "scripts")
    script = next(each.script for each in written.findings if each.script)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(script)
    assert ended.value.code == 1
    assert "last_hidden_state is off by" in capsys.readouterr().out


MISTAKES = {
    "unmatched on both sides": (
        '.fc\\.\' = ".up."',
        '.fc\\.bias\' = ".up.bias"',
        "`weights`: without counterpart, of the original: h.0.fc.weight (layers.0.fc.weight), "
        "h.1.fc.weight (layers.1.fc.weight); of ours: layers.0.up.weight, layers.1.up.weight",
    ),
    "pattern for nothing": (r"'^tok\.'", r"'^toc\.'", "`weights.'^toc\\.'`: it is found in the"),
    "two become one": (".up.", ".norm.", "`h.0.ln.weight` and `h.0.fc.weight` both become"),
    "no regular expression": ("'^h", "'^(h", "`weights.'^(h\\.'`: it is no regular expression"),
    "no such field": ('"eps"', '"epsilon"', "`config.norm_eps`: SmallConfig has no field"),
    "no such class": ("Net =", "Nets =", "`classes.Nets`: original_net has no such module"),
    "nor of ours": ('"SmallModel"', '"Small"', "`classes.Net`: small_named has no Small"),
    "no such configuration": ('"Args"', '"Arg"', "`config_class`: original_net has no Arg"),
    "unknown key": ("[constants]", "[constant]", "`constant` is not known"),
    "another type": ('ignored = ["table"]', 'ignored = "table"', "must be a list of texts"),
    "transposed nothing": ("proj\\.w']", "proj']", "`transposed`: `h\\.\\d+\\.proj` is the name"),
    "missing": ('[arguments]\ntokens = "input_ids"\n', "", "`arguments` is missing"),
    "not TOML": ("[config]", "[config", "not valid TOML"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_file_and_key(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, message = MISTAKES[name]
    text = (folder / "names.toml").read_text()
    assert old in text
    (folder / "names.toml").write_text(text.replace(old, new, 1))
    arguments = ["--model", "small_named", "--reference", "original_net", "--names", "names.toml"]
    assert run(["forward", *arguments, "--no-cache", "--root", str(folder)]) == 2
    said = re.sub(r"\s+", " ", capsys.readouterr().err)
    assert "names.toml: " in said
    assert message in said


def test_a_file_of_names_that_is_not_there_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--model", "small_named", "--reference", "original_net", "--names", "no.toml"]
    assert run(["forward", *arguments, "--no-cache", "--root", str(folder)]) == 2
    assert "no.toml: No such file" in capsys.readouterr().err
