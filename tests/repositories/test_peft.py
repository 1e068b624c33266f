"""A repository that extends an installed library which is not laid out like transformers."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from tests.repositories.repository import repository

SETTINGS = """
    [tool.unravel]
    parents = ["peft.tuners.*.layer"]
"""

SCALED = """
    import torch
    from peft.tuners.ln_tuning.layer import LNTuningLayer


    class ScaledLayer(LNTuningLayer):
        \"\"\"A tuned layer whose result is scaled.\"\"\"

        def __init__(self, base_layer, adapter_name, config, scale=2.0):
            super().__init__(base_layer, adapter_name, config)
            self.scale = scale

        def forward(self, x: torch.Tensor, *args, **kwargs) -> torch.Tensor:
            return self.scale * super().forward(x, *args, **kwargs)
"""


def test_layer_of_peft(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": SETTINGS,
        "models/__init__.py": "",
        "modular/modular_scaled.py": SCALED,
    }
    repo = repository(tmp_path, files)
    generated = repo.read("models/scaled/modeling_scaled.py")
    assert f"# unravel: contains code of peft {version('peft')} (" in generated
    assert "from peft.tuners.tuners_utils import BaseTunerLayer" in generated
    assert "class ScaledLayer(nn.Module, BaseTunerLayer):" in generated
    result = repo.run(
        """
        import torch
        from models.scaled.modeling_scaled import ScaledLayer
        from peft.tuners.ln_tuning.config import LNTuningConfig
        from peft.tuners.ln_tuning.layer import LNTuningLayer
        arguments = torch.nn.LayerNorm(4), "default", LNTuningConfig()
        x = torch.arange(8.0).reshape(2, 4)
        mine, theirs = ScaledLayer(*arguments), LNTuningLayer(*arguments)
        result = [torch.equal(mine(x), 2 * theirs(x)), mine.active_adapters]
        """
    )
    assert result == [True, ["default"]]
