"""`make corpus-outside`: transformers' modular files, in a repository that is not transformers.

Each is laid out as its author would have written it elsewhere: its parents are imported from the
installed transformers, what its model has by hand lies in `models/`, and the default profile
converts it. What comes out is imported and instantiated, and its parameters are compared with
those of transformers' own model. `MODELS="helium olmo2"` picks some.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import unravel
from tests.corpus.generated import source
from tests.corpus.release import CORPUS, REPOSITORY
from tests.corpus.trying import Trial

TREE = CORPUS / "outside"
_QUIETLY = {
    "OMP_NUM_THREADS": "1",
    "PYTHONWARNINGS": "ignore",
    "TRANSFORMERS_VERBOSITY": "error",
}
_FROM = re.compile(r"from\s*\.[.\s]*[\w.]*\s+import")


def main(only: Sequence[str]) -> int:
    outside = lay_out(installed(), TREE, only)
    run = unravel.convert(root=outside.root, jobs=0)
    trials = try_out(outside, run)
    print("\n".join(report(run, trials)))
    return 0


def installed() -> Path:
    """The folder `models` of the installed transformers, which is not imported for it."""
    found = find_spec("transformers")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("transformers is not installed")
    return Path(found.origin).parent / "models"


def try_out(outside: Outside, run: unravel.Run) -> dict[str, Trial]:
    """What becomes of each model that was converted, by its name."""
    modules = {
        each.model: [
            outside.folders[each.model],
            *(file.path.removesuffix(".py").replace("/", ".") for file in each.files),
        ]
        for each in run.finished
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.corpus.trying", str(outside.root)],
        input=json.dumps(modules),
        cwd=REPOSITORY,
        env={**os.environ, **_QUIETLY, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    return {name: Trial(**trial) for name, trial in json.loads(done.stdout).items()}


# -- reporting -----------------------------------------------------------------------------------


def report(run: unravel.Run, trials: dict[str, Trial]) -> list[str]:
    """What is worth knowing of one run, the summary last."""
    refused: dict[str, list[unravel.Diagnostic]] = {}
    for failed in run.failed:
        error = next(d for d in failed.diagnostics if d.severity is unravel.Severity.ERROR)
        refused.setdefault(error.code, []).append(error)
    lines = []
    for code, errors in sorted(refused.items()):
        lines.append(f"{code}: {len(errors)} refused")
        lines += [f"    {d.path.rpartition('/')[2]}:{d.line}: {d.message}" for d in errors]
    imported = {name: trial for name, trial in trials.items() if trial.imported}
    for name in sorted(trials.keys() - imported.keys()):
        lines.append(f"{name}: not imported: {trials[name].error}")
    for name, trial in sorted(imported.items()):
        for each, said in sorted((trial.failed or {}).items()):
            also = " (nor transformers' own)" if each in trial.theirs else ""
            lines.append(f"{name}: {each}: not instantiated{also}: {said}")
        lines += [f"{name}: {each}: other parameters" for each in trial.unlike]
    with_models = [t for t in imported.values() if t.classes or t.failed]
    whole = [t for t in with_models if not (set(t.failed or ()) - set(t.theirs))]
    classes = sum(len(t.classes) for t in imported.values())
    unlike = sum(len(t.unlike) for t in imported.values())
    theirs = sum(len(t.theirs) for t in imported.values())
    ours = sum(len(t.failed or ()) for t in imported.values()) - theirs
    return [
        *lines,
        f"{len(run.finished)} of {len(run.outcomes)} modular files convert, "
        f"{len(imported)} can be imported",
        f"{len(with_models)} of them define models, and those of {len(whole)} can be instantiated "
        "wherever transformers' own can",
        f"{classes} model classes are instantiated, {classes - unlike} of them with the very "
        f"parameters of transformers' own; {ours} are not, and {theirs} neither here nor there",
    ]


# -- laying out ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outside:
    """A repository with modular files, and what their models have by hand."""

    root: Path
    folders: dict[str, str]
    """The folder of each model in transformers."""


def lay_out(models: Path, root: Path, only: Iterable[str] = ()) -> Outside:
    """Write the repository to `root`; what was there is removed."""
    shutil.rmtree(root, ignore_errors=True)
    (root / "modular").mkdir(parents=True)
    (root / "models").mkdir()
    (root / "models/__init__.py").touch()
    wanted = frozenset(only)
    folders = {}
    for modular in sorted(models.glob("*/modular_*.py")):
        name = modular.stem.removeprefix("modular_")
        if wanted and name not in wanted:
            continue
        folders[name] = modular.parent.name
        text = rewritten(modular, beside=f"models.{modular.parent.name}")
        (root / "modular" / modular.name).write_text(text, encoding="utf-8")
        for path in sorted(modular.parent.glob(f"*_{modular.parent.name}*.py")):
            copy = root / "models" / modular.parent.name / path.name
            if not path.name.startswith("modular_") and _is_by_hand(path):
                copy.parent.mkdir(exist_ok=True)
                copy.write_text(rewritten(path, beside=""), encoding="utf-8")
    return Outside(root, folders)


def _is_by_hand(path: Path) -> bool:
    return source(path.read_text(encoding="utf-8")) is None


def rewritten(path: Path, *, beside: str) -> str:
    """A file of transformers with its relative imports as another repository would write them.

    What lies beside it is imported from the package `beside`, or relatively, as before.
    """
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    package = ["transformers", "models", path.parent.name]
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        if node.level == 1 and not beside:
            continue
        start = [beside] if node.level == 1 else package[: len(package) - node.level + 1]
        name = ".".join([*start, *filter(None, [node.module])])
        line = lines[node.lineno - 1]
        head, rest = line[: node.col_offset], line[node.col_offset :]
        lines[node.lineno - 1] = head + _FROM.sub(f"from {name} import", rest, count=1)
    return "".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
