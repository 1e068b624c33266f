"""What a model's file takes from the files of other models."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from unravel.lint.model import ModelFile
from unravel.parents import candidates
from unravel.routing import split_module
from unravel.types import Import


def model_imports(file: ModelFile) -> Iterator[tuple[Import, list[str], str]]:
    """Each import from the modeling file of another model of the project: what, and from where."""
    for statement in file.outline.imports:
        kind, model = split_module(statement.module) or ("", "")
        is_own = statement.level == 1 and "." not in statement.module
        if kind != "modeling" or model in ("auto", file.model) or is_own:
            continue
        paths = candidates(statement, file.outline, file.loader.settings)
        found = next((path for path in paths if file.loader.exists(path)), "")
        folder = posixpath.basename(posixpath.dirname(found))
        # `modeling_utils` of the library is no model: it lies in no folder of that name.
        if folder and (model == folder or model.startswith(folder + "_")):
            yield statement, [name for name, _ in statement.names], found


def imported_from_models(file: ModelFile) -> dict[str, str]:
    """The names that are imported from other models' modeling files, each with the path."""
    return {name: path for _, names, path in model_imports(file) for name in names}
