"""Repositories that extend the installed transformers."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from tests.repositories.repository import repository

TINY = """
    from transformers.models.llama.configuration_llama import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaForCausalLM


    class TinyConfig(LlamaConfig):
        model_type = "tiny"


    class TinyForCausalLM(LlamaForCausalLM):
        pass


    __all__ = ["TinyConfig", "TinyForCausalLM"]
"""

SIZES = {
    "vocab_size": 32,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}

COMPARE = """
    tokens = torch.arange(12).reshape(2, 6)
    with torch.no_grad():
        mine, theirs = model(tokens).logits, llama(tokens).logits
    longer = [each.generate(tokens, max_new_tokens=4, do_sample=False) for each in (model, llama)]
    result = [torch.equal(mine, theirs), torch.equal(*longer), type(model).__module__]
"""


def test_copy_of_llama_computes_what_llama_does(tmp_path: Path) -> None:
    repo = repository(tmp_path, {"models/__init__.py": "", "modular/modular_tiny.py": TINY})
    modeling = repo.read("models/tiny/modeling_tiny.py")
    assert f"# unravel: contains code of transformers {version('transformers')} (Apache" in modeling
    assert "LlamaAttention" not in modeling
    assert "from transformers.activations import ACT2FN" in modeling
    same = repo.run(
        f"""
    import sys
    import torch
    from models.tiny.configuration_tiny import TinyConfig
    from models.tiny.modeling_tiny import TinyForCausalLM
    assert "transformers.models.llama.modeling_llama" not in sys.modules
    from transformers import LlamaConfig, LlamaForCausalLM
    torch.manual_seed(0)
    llama = LlamaForCausalLM(LlamaConfig(**{SIZES})).eval()
    model = TinyForCausalLM(TinyConfig(**{SIZES})).eval()
    model.load_state_dict(llama.state_dict())
    {COMPARE}"""
    )
    assert same == [True, True, "models.tiny.modeling_tiny"]


def test_custom_code_of_the_hub_is_loaded(tmp_path: Path) -> None:
    """A flat folder: the modular file, what is generated, the weights, and a map to the classes."""
    settings = """
        [tool.unravel]
        sources = ["modular_*.py"]
        target = "{folder}/{kind}_{model}.py"
    """
    repo = repository(tmp_path, {"pyproject.toml": settings, "modular_tiny.py": TINY})
    assert "from .configuration_tiny import TinyConfig" in repo.read("modeling_tiny.py")
    classes = {
        "AutoConfig": "configuration_tiny.TinyConfig",
        "AutoModelForCausalLM": "modeling_tiny.TinyForCausalLM",
    }
    config = {**SIZES, "model_type": "tiny", "auto_map": classes}
    same = repo.run(
        f"""
    import json
    import torch
    from pathlib import Path
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
    torch.manual_seed(0)
    llama = LlamaForCausalLM(LlamaConfig(**{SIZES})).eval()
    llama.save_pretrained(".")
    Path("config.json").write_text({json.dumps(config)!r})
    model = AutoModelForCausalLM.from_pretrained(".", trust_remote_code=True).eval()
    {COMPARE}"""
    )
    assert same[:2] == [True, True]
    assert same[2].startswith("transformers_modules.")
