"""Models by name: what is paired with what, and what the mutants of a file are."""

from __future__ import annotations

import ast

from checks.forward import catalogue
from checks.forward.mutants import mutants

SOURCE = '''
class A:
    def f(self, x, y: int = 2):
        """Not this: 1 + 1."""
        if x is None:
            x = g(y, 3, eps=1e-6)
        return -x * 2.0 + y
'''


def test_classes_are_paired_by_their_endings() -> None:
    mistral = catalogue.side("transformers:mistral", "generated")
    llama = catalogue.side("transformers:llama", "reference")
    names = catalogue.paired(mistral, llama).names
    assert names["MistralForCausalLM"] == "LlamaForCausalLM"
    assert names["MistralModel"] == "LlamaModel"
    assert catalogue.paired(mistral, llama).model_class("MistralModel").__name__ == "LlamaModel"


def test_model_types_are_many_and_each_has_a_class() -> None:
    types = catalogue.model_types()
    assert len(types) > 500
    assert types["mistral"] == ("transformers.models.mistral", "MistralForCausalLM")
    assert catalogue.class_of(*types["bert"]).__name__ == "BertForMaskedLM"


def test_mutants_are_valid_and_differ_from_their_source() -> None:
    found = mutants(SOURCE)
    for mutant in found:
        text = mutant.apply(SOURCE)
        assert ast.dump(ast.parse(text)) != ast.dump(ast.parse(SOURCE)), mutant
        assert text.splitlines()[:4] == SOURCE.splitlines()[:4]
    said = {str(mutant) for mutant in found}
    assert {
        "x is None -> not (x is None)",
        "x is None -> (x is not None)",
        "y, 3 -> 3, y",
        "eps=1e-6 -> nothing",
        "2.0 -> 2.5",
        "-x -> (x)",
    } <= said
