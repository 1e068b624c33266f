"""Where a project keeps its models; loaded in no time, for it knows nothing of torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Project:
    """Where a project keeps its models, as names that can be imported.

    `modeling` and `modular` are templates: `models.{model}.modeling_{model}`.
    """

    root: Path
    modeling: str = "models.{model}.modeling_{model}"
    configuration: str = "models.{model}.configuration_{model}"
    modular: str = "modular.modular_{model}"
    recordings: str = "checks/golden"

    def path(self, template: str, model: str) -> Path:
        return self.root.joinpath(*template.format(model=model).split(".")).with_suffix(".py")

    def golden(self, model: str) -> Path:
        """The file of what the model computed when it was recorded."""
        return self.root / self.recordings / f"{model}.txt"

    def models(self) -> list[str]:
        """The models of the project: the folders that hold a modeling file."""
        top = self.root / self.modeling.partition(".")[0]
        names = sorted(each.name for each in top.iterdir()) if top.is_dir() else []
        return [name for name in names if self.path(self.modeling, name).is_file()]

    def modular_of(self, module: str) -> str | None:
        """The modular file that the module of that name is generated from."""
        for model in self.models():
            files = (self.modeling.format(model=model), self.configuration.format(model=model))
            if module in files and self.path(self.modular, model).is_file():
                return self.modular.format(model=model)
        return None
