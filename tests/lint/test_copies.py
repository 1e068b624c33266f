"""Marked copies are kept in step with their sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint.project import lay_out
from unravel.cli import run

SOURCE = """\
class SideNorm:
    # Half of it.
    scale = 0.5

    def forward(self, states):
        return states * self.scale


class SideMLP:
    @property
    def side(self):
        return "side_mlp", "SIDE"

    def forward(self, states):
        return SideNorm()(states)


def side_scaled(states):
    return states * 2
"""


def project(folder: Path, **copies: str) -> Path:
    files = {f"models/{name}/modeling_{name}.py": text for name, text in copies.items()}
    lay_out(folder, {"models/side/modeling_side.py": SOURCE, **files})
    return folder


def marked(text: str, source: str, options: str = "") -> str:
    return f"# Copied from models.side.modeling_side.{source}{options}\n{text}"


def text_of(folder: Path, name: str) -> str:
    return (folder / f"models/{name}/modeling_{name}.py").read_text()


@pytest.mark.parametrize(
    ("source", "options", "block"),
    [
        ("side_scaled", "", "def side_scaled(states):\n    return states * 2\n"),
        ("side_scaled", "", "def own_name(states):\n    return states * 2\n"),
        ("side_scaled", "", "def side_scaled(states):\n    return (\n        states * 2\n    )\n"),
        ("side_scaled", "", "@cached\ndef side_scaled(states):\n    return states * 2\n"),
        ("side_scaled", " with 2->3,states->x", "def side_scaled(x):\n    return x * 3\n"),
        (
            "side_scaled",
            "",
            "def side_scaled(states):\n    return states * 2\n    # End copy\n    more()\n",
        ),
        (
            "SideMLP",
            " with Side->New all-casing",
            "class NewMLP:\n    @property\n    def new(self):\n"
            '        return "new_mlp", "NEW"\n\n'
            "    def forward(self, states):\n        return NewNorm()(states)\n",
        ),
        (
            "SideNorm",
            " with Side->New",
            "class NewNorm:\n    # Half of it.\n    scale = 0.75  # Ignore copy\n\n"
            "    # Ignore copy\n    def forward(self, states):\n        return states\n",
        ),
    ],
)
def test_in_step(tmp_path: Path, source: str, options: str, block: str) -> None:
    project(tmp_path, new=marked(block, source, options))
    assert run(["copies", "check", "--root", str(tmp_path)]) == 0


@pytest.mark.parametrize(
    ("source", "options", "block"),
    [
        ("side_scaled", "", "def side_scaled(states):\n    return states * 3\n"),
        ("side_scaled", " with 2->3", "def side_scaled(states):\n    return states * 2\n"),
        ("SideNorm", "", "class SideNorm:\n    scale = 0.5\n"),
    ],
)
def test_out_of_step_is_mended(tmp_path: Path, source: str, options: str, block: str) -> None:
    project(tmp_path, new=marked(block, source, options))
    root = ["--root", str(tmp_path)]
    assert run(["copies", "check", *root]) == 1
    assert run(["copies", "fix", "--diff", *root]) == 0
    assert text_of(tmp_path, "new") == marked(block, source, options)
    assert run(["copies", "fix", *root]) == 0
    assert run(["copies", "check", *root]) == 0


def test_a_method_is_a_block_of_its_own(tmp_path: Path) -> None:
    head = "class NewNorm:\n    scale = 2\n\n"
    marker = "    # Copied from models.side.modeling_side.SideNorm.forward\n"
    wrong = "    def forward(self, states):\n        return states\n"
    project(tmp_path, new=head + marker + wrong)
    assert run(["copies", "fix", "--root", str(tmp_path)]) == 0
    right = "    def forward(self, states):\n        return states * self.scale\n"
    assert text_of(tmp_path, "new") == head + marker + right


def test_own_members_survive(tmp_path: Path) -> None:
    own = "    # Ignore copy\n    def forward(self, states):\n        return states\n"
    block = f"class NewNorm:\n    scale = 3\n\n{own}"
    project(tmp_path, new=marked(block, "SideNorm", " with Side->New"))
    assert run(["copies", "fix", "--root", str(tmp_path)]) == 0
    assert text_of(tmp_path, "new").endswith(
        f"class NewNorm:\n    # Half of it.\n    scale = 0.5\n\n{own}"
    )


def test_chains_converge_in_one_run(tmp_path: Path) -> None:
    wrong = "def {}(states):\n    return 0\n"
    # Alphabetically, the last of the chain comes first.
    of_b = "# Copied from models.b.modeling_b.b_scaled with b_->a_\n" + wrong.format("a_scaled")
    of_c = "# Copied from models.c.modeling_c.c_scaled with c_->b_\n" + wrong.format("b_scaled")
    of_side = marked(wrong.format("c_scaled"), "side_scaled", " with side_->c_")
    project(tmp_path, a=of_b, b=of_c, c=of_side)
    assert run(["copies", "fix", "--root", str(tmp_path)]) == 0
    for name in "abc":
        assert text_of(tmp_path, name).endswith(
            f"def {name}_scaled(states):\n    return states * 2\n"
        )


def test_copies_of_each_other_come_to_no_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = "# Copied from models.b.modeling_b.f with end->the_end\ndef f():\n    return end\n"
    two = "# Copied from models.a.modeling_a.f\ndef f():\n    return end\n"
    project(tmp_path, a=one, b=two)
    assert run(["copies", "fix", "--root", str(tmp_path)]) == 2
    assert "never come to rest" in capsys.readouterr().err
    assert text_of(tmp_path, "a") == one


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (marked("class A:\n    pass\n", "SideGLU"), "does not define `SideGLU`"),
        (marked("def f():\n    pass\n", "SideMLP.backward"), "has no `backward`"),
        ("# Copied from nowhere.modeling_none.A\nclass A:\n    pass\n", "there is no module"),
        ("# TODO: " + marked("class A:\n    pass\n", "SideMLP")[2:], "the text `TODO` before"),
        (marked("x = 1\n", "SideMLP"), "right below this marker"),
        ("class A:\n" + marked("    def f(self):\n        pass\n", "SideMLP.f"), "right below"),
        (
            marked("def f(states):\n    return states * 2\n", "side_scaled", " with 2->2,X->Y"),
            "modeling_side.side_scaled with X->Y` says the same",
        ),
    ],
)
def test_what_is_wrong_with_a_marker(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    project(tmp_path, new=text)
    assert run(["copies", "check", "--root", str(tmp_path)]) == 1
    assert said in capsys.readouterr().out
