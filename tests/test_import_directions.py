"""Who may import whom: the rooms of the architecture as a table, held against every file."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CORE = {
    "aliases",
    "ancestry",
    "blame",
    "checking",
    "collisions",
    "context",
    "corpus",
    "effects",
    "foreign",
    "heads",
    "helping",
    "imports",
    "indentation",
    "meanings",
    "members",
    "merging",
    "mixins",
    "naming",
    "ordering",
    "outline",
    "parameters",
    "parents",
    "parsing",
    "prefixes",
    "printing",
    "proving",
    "refusals",
    "relative",
    "remarks",
    "removals",
    "renaming",
    "routing",
    "scanning",
    "scopes",
    "shielding",
    "sorting",
    "siblings",
    "skimming",
    "special",
    "splicing",
    "state",
    "stubs",
    "tracing",
}
"""Text in, text out. They build on each other, without a cycle, and know nothing of disks."""
SERVICES = {
    "cache",
    "config",
    "fingerprints",
    "formatting",
    "installed",
    "profiles",
    "reading",
    "writing",
}
"""What `project` and `cli` use to reach the disk and other programs."""
BASE = {"types", "diagnostics", "outcomes"}
STAGES = {"agenda", "converter", "nearby", "pipeline", "selection", "workers"}
BELOW_PROJECT = BASE | CORE | SERVICES | STAGES
BELOW_CLI = BASE | SERVICES | {"causes", "orphans", "project", "recall", "running", "selection"}

ROOMS: dict[str, set[str]] = {
    "types": set(),
    "diagnostics": {"types"},
    "outcomes": {"types"},
    **dict.fromkeys(CORE, BASE | CORE),
    "converter": BASE | CORE,
    **dict.fromkeys(SERVICES, BASE | SERVICES),
    # Reads a file and parses it, once a process.
    "reading": BASE | SERVICES | {"outline", "skimming"},
    # The processes in which the converter runs.
    "workers": BASE | {"converter", "nearby", "parents", "reading"},
    # Looks on disk for what a mistaken import may have meant.
    "nearby": BASE | {"parents"},
    # The order of the models, and their way through the workers.
    "agenda": set(),
    "pipeline": BASE | {"agenda", "workers"},
    # Finds the modular files and picks those that are meant.
    "selection": BASE | CORE | SERVICES,
    "project": BELOW_PROJECT | {"recall"},
    # What earlier runs have found out.
    "recall": BASE | SERVICES | {"naming", "selection"},
    # Loads the project, and with it the converter, only where there is something to convert.
    "running": BELOW_CLI,
    # Over all models of a project: who extends whom, and what changes with what.
    "lineage": BASE | CORE | {"reading", "selection"},
    "graphs": {"lineage"},
    "comparing": set(),
    "history": set(),
    "causes": BASE | {"comparing", "history"},
    "orphans": BASE | SERVICES | {"routing", "selection"},
    "impact": BELOW_PROJECT | {"comparing", "history", "lineage", "orphans", "project", "running"},
    "cli_lineage": BELOW_CLI
    | {"options", "terminal", "completing", "comparing", "graphs", "impact"},
    # Formats of what a command has found.
    "reports": BASE,
    # Reads modular files as the converter does, in workers of the same kind.
    "lint": BELOW_PROJECT | {"recall", "reports", ""},
    # Loads the forward checks, and with them torch.
    "cli_forward": BELOW_CLI | {"options", "terminal"},
    "cli_lint": BELOW_CLI | {"options", "terminal", "lint", "reports"},
    # Tells of saved files.
    "watching": set(),
    "cli_check": BELOW_CLI | {"options", "terminal", "completing", "", "impact", "reports"},
    # The first files of a new model, formatted as its project's are.
    "scaffold": BASE | CORE | SERVICES | {"selection"},
    "terminal": BASE,
    "options": {"completing"},
    "completing": BELOW_CLI | {"naming"},
    "cli_new": BELOW_CLI | {"options", "terminal", "scaffold"},
    "cli": BELOW_CLI
    | {
        "options",
        "terminal",
        "",
        "completing",
        "cli_check",
        "cli_forward",
        "cli_lineage",
        "cli_lint",
        "cli_new",
        "watching",
    },
    # The public API hands on what the rooms below the command line offer.
    "": BELOW_CLI,
    "__main__": {"cli"},
}
"""Each room of `unravel`, and the rooms that it may import; "" is the package itself."""

OPTIONAL = {"watching": {"watchfiles"}}
"""What a room that is loaded at need may import beyond what the package always installs."""

NEVER = {"checks", "models", "modular", "tests", "torch", "transformers"}
"""What `unravel` never imports; commands alone may load `checks`, when they are called."""

PACKAGES: dict[str, set[str]] = {
    "checks": {"unravel", "checks", "models", "modular", "torch", "transformers", "numpy"},
    # All but torch come with transformers: configurations are declared with huggingface_hub's
    # `strict`, image processors take and give numpy's arrays, adapters are saved by safetensors.
    "models": {"models", "torch", "transformers", "huggingface_hub", "safetensors", "numpy"},
}
"""What each other package may import besides the standard library."""

HOSTS = {"checks/forward/plugin.py": "pytest"}
"""What loads a file, and so is there when it is loaded."""


@dataclass(frozen=True)
class Imported:
    """One imported module, by its full name."""

    module: str
    line: int
    lazy: bool
    """Inside a function: nothing is loaded before it is called."""
    typing_only: bool = False


def imports(path: Path, root: Path) -> list[Imported]:
    """Everything that the file imports, wherever in it; relative imports in full."""
    package = path.relative_to(root).parts[:-1]
    return [
        Imported(module, node.lineno, lazy, typing_only)
        for node, lazy, typing_only in _walk(ast.parse(path.read_bytes()), lazy=False, typing=False)
        for module in _modules(node, package, root)
    ]


def _walk(
    node: ast.AST, *, lazy: bool, typing: bool
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool, bool]]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node, lazy, typing
    lazy = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    typing = typing or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, lazy=lazy, typing=typing)


def _modules(
    node: ast.Import | ast.ImportFrom, package: tuple[str, ...], root: Path
) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    above = package[: len(package) - node.level + 1] if node.level else ()
    base = ".".join([*above, *(node.module or "").split(".")]).strip(".")
    for alias in node.names:
        # `from unravel import writing` imports a module, `from unravel.types import Piece` a name.
        inner = root.joinpath(*base.split("."), alias.name)
        is_module = inner.with_suffix(".py").is_file() or (inner / "__init__.py").is_file()
        yield f"{base}.{alias.name}" if is_module else base


def offences(root: Path, libraries: set[str]) -> list[str]:
    """Every import under `root` that the tables above do not allow."""
    found = []
    for package in ("unravel", *PACKAGES):
        for path in sorted((root / package).rglob("*.py")):
            where = path.relative_to(root).as_posix()
            for imported in imports(path, root):
                reason = _offence(where, imported, libraries)
                if reason:
                    found.append(f"{where}:{imported.line}: {reason}")
    return found


def _offence(where: str, imported: Imported, libraries: set[str]) -> str:
    top = imported.module.partition(".")[0]
    if top in sys.stdlib_module_names or top == HOSTS.get(where):
        return ""
    package = where.partition("/")[0]
    if package == "unravel":
        return _offence_of_room(_room(where), imported, libraries)
    if top not in PACKAGES[package] and not (package == "checks" and top in libraries):
        return f"{package} may not import {imported.module}"
    if package == "checks" and top == "unravel" and imported.module != "unravel":
        return f"checks may import what `unravel` exports, not {imported.module}"
    return ""


def _offence_of_room(room: str, imported: Imported, libraries: set[str]) -> str:
    top, _, rest = imported.module.partition(".")
    if top == "unravel":
        if room not in ROOMS:
            return f"the room {room} does not stand in the table"
        allowed = ROOMS[room] | {room}
        wanted = rest.partition(".")[0]
        return "" if wanted in allowed else f"{room or 'unravel'} may not import {imported.module}"
    is_command = room == "cli" or room.startswith("cli_")
    if top == "checks" and is_command and (imported.lazy or imported.typing_only):
        return ""
    if top in NEVER:
        return f"unravel may not import {imported.module}"
    if top in libraries or top in OPTIONAL.get(room, ()):
        return ""
    return f"{imported.module} is not among the dependencies"


def _room(where: str) -> str:
    name = where.split("/")[1].removesuffix(".py")
    return "" if name == "__init__" else name


def cycles(root: Path) -> list[str]:
    """Rooms of the core that import each other in a circle when they are loaded."""
    needs = {
        room: {
            imported.module.split(".")[1]
            for imported in imports(root / "unravel" / f"{room}.py", root)
            if imported.module.startswith("unravel.") and not imported.typing_only
        }
        for room in sorted(CORE)
        if (root / "unravel" / f"{room}.py").is_file()
    }
    return sorted(room for room in needs if room in _reachable(room, needs))


def _reachable(room: str, needs: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    ahead = list(needs[room])
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += needs.get(name, ())
    return reached


def declared_dependencies(repository: Path) -> set[str]:
    """The libraries that the package always installs, by the name that is imported."""
    project = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["project"]
    return {re.split(r"[^\w]", entry, maxsplit=1)[0] for entry in project["dependencies"]}


def test_directions(repository: Path) -> None:
    assert offences(repository, declared_dependencies(repository)) == []


def test_no_cycles(repository: Path) -> None:
    assert cycles(repository) == []


def test_every_room_stands_in_the_table(repository: Path) -> None:
    rooms = {_room(f"unravel/{path.name}") for path in (repository / "unravel").glob("*.py")}
    assert rooms, "no room was found"
    assert rooms <= ROOMS.keys()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("unravel/types.py", "import ast\nfrom dataclasses import dataclass"),
        ("unravel/diagnostics.py", "from unravel.types import Diagnostic"),
        ("unravel/merging.py", "from unravel import outline\nfrom .types import Piece"),
        ("unravel/project.py", "from unravel.converter import convert\nfrom . import writing"),
        ("unravel/cli.py", "import click\ndef main():\n    from checks.sync import check"),
        ("unravel/cli.py", "if TYPE_CHECKING:\n    from checks.report import Result"),
        ("unravel/printing.py", "import jinja2"),
        ("unravel/__init__.py", "from unravel.types import Settings"),
        ("checks/sync.py", "import unravel\nfrom unravel import check\nfrom checks import report"),
        ("checks/forward/run.py", "import torch\nfrom models.llama import modeling_llama"),
        ("models/llama/modeling_llama.py", "import torch\nfrom .configuration_llama import X"),
    ],
)
def test_allowed(tmp_path: Path, path: str, text: str) -> None:
    assert offences(_made_up(tmp_path, path, text), {"click", "jinja2"}) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("unravel/types.py", "from unravel.diagnostics import CODES"),
        ("unravel/types.py", "from unravel import diagnostics"),
        ("unravel/diagnostics.py", "from .outline import read_outline"),
        ("unravel/merging.py", "from . import writing"),
        ("unravel/merging.py", "import unravel.converter"),
        ("unravel/converter.py", "def convert():\n    from unravel.cache import Cache"),
        ("unravel/config.py", "from unravel.project import find"),
        ("unravel/project.py", "import unravel.cli"),
        ("unravel/project.py", "import unravel"),
        ("unravel/cli.py", "from checks.sync import check"),
        ("unravel/project.py", "def check():\n    import checks.sync"),
        ("unravel/cli.py", "def main():\n    import torch"),
        ("unravel/outline.py", "import transformers.models.llama"),
        ("unravel/outline.py", "import libcst"),
        ("unravel/strange.py", "from unravel.types import Piece"),
        ("checks/sync.py", "from unravel.converter import convert"),
        ("checks/sync.py", "import yaml"),
        ("models/llama/modeling_llama.py", "from unravel import convert"),
        ("models/llama/modeling_llama.py", "from ...modular import modular_mistral"),
        ("models/llama/modeling_llama.py", "import scipy"),
    ],
)
def test_caught(tmp_path: Path, path: str, text: str) -> None:
    assert len(offences(_made_up(tmp_path, path, text), {"click", "jinja2"})) == 1


def test_a_cycle_is_caught(tmp_path: Path) -> None:
    _made_up(tmp_path, "unravel/merging.py", "from unravel.splicing import splice")
    root = _made_up(tmp_path, "unravel/splicing.py", "from unravel import outline, merging")
    assert cycles(root) == ["merging", "splicing"]


def _made_up(root: Path, path: str, text: str) -> Path:
    """A repository with one file of interest, and the rooms that it may name."""
    for room in ["__init__", *ROOMS]:
        if room:
            file = root / "unravel" / f"{room}.py"
            file.parent.mkdir(exist_ok=True)
            if not file.exists():
                file.write_text("")
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text + "\n")
    return root
