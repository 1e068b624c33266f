"""unravel turns short `modular_<model>.py` files into single-file models.

    import unravel

    run = unravel.convert(root="my_project", models=["mistral"])
    for outcome in run.outcomes:
        match outcome:
            case unravel.Finished(source, model, files):
                print(model, [file.path for file in files])
            case unravel.Failed(source, diagnostics):
                print(source, diagnostics[0].message)

`check()` does the same and writes nothing; `run.in_sync` then tells whether anything would change.
What is named here is all that is public.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unravel.causes import Cause, find_causes
    from unravel.outcomes import Finished, FinishedFile, Outcome, Run, State, Unchanged
    from unravel.running import check, convert
    from unravel.types import Converted, Diagnostic, Failed, Settings, Severity

    __version__: str

# Importing unravel costs nothing; what a name needs is loaded when it is asked for.
_HOMES = {
    "Cause": "unravel.causes",
    "Converted": "unravel.types",
    "Diagnostic": "unravel.types",
    "Failed": "unravel.types",
    "Finished": "unravel.outcomes",
    "FinishedFile": "unravel.outcomes",
    "Outcome": "unravel.outcomes",
    "Run": "unravel.outcomes",
    "Settings": "unravel.types",
    "Severity": "unravel.types",
    "State": "unravel.outcomes",
    "Unchanged": "unravel.outcomes",
    "check": "unravel.running",
    "convert": "unravel.running",
    "find_causes": "unravel.causes",
}

__all__ = [
    "Cause",
    "Converted",
    "Diagnostic",
    "Failed",
    "Finished",
    "FinishedFile",
    "Outcome",
    "Run",
    "Settings",
    "Severity",
    "State",
    "Unchanged",
    "__version__",
    "check",
    "convert",
    "find_causes",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name == "__version__":
        from importlib import metadata

        try:
            return metadata.version("unravel")
        except metadata.PackageNotFoundError:
            return "0+unknown"
    if name not in _HOMES:
        raise AttributeError(f"module 'unravel' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
