"""What models need when they are first run, loaded once: those who are forked then have it.

Flex attention imports two hundred modules when it is first called, and the first model that is
loaded makes transformers read how the weights of all models were once called: half a second, in
each process that runs a model.
"""

from __future__ import annotations

import warnings

from checks.forward import attention, catalogue, itself
from checks.forward.inputs import Request
from checks.forward.instances import instance
from checks.forward.pairs import Question
from checks.forward.sides import Side

_OPTIONS = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
}


def warm_up() -> None:
    """Run a small model on the CPU; without gradients, whose threads would not survive a fork."""
    name = "LlamaForCausalLM"
    model_class = catalogue.class_of("transformers.models.llama", name)
    one = instance(Side("generated", {name: model_class}, model_class.config_class), name, _OPTIONS)
    request = Request(model_class, one.config, {})
    question = Question("llama", "itself", name, "tiny")
    saved = next(each for each in itself.COMPARISONS if each.name == "saved ↔ not")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for comparison in (saved, *attention.COMPARISONS):
            itself.answer(question, comparison, one, request)
