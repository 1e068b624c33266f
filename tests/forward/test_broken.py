"""A generated file with one mistake in it: it is caught, and the modular line is named."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import pytest

from checks.forward import session, sides
from checks.forward.project import Project
from checks.forward.settings import ModelSettings
from checks.forward.verdicts import Finding, Verdict

MISTAKES = {
    "sign": (
        "olmo2",
        "torch.cat((-second, first), dim=-1)",
        "torch.cat((second, first), dim=-1)",
        "class Olmo2Attention(OlmoAttention):",
    ),
    "eps": (
        "olmo2",
        "Olmo2RMSNorm(config.hidden_size, eps=config.rms_norm_eps)",
        "Olmo2RMSNorm(config.hidden_size)",
        "class Olmo2RMSNorm(LlamaRMSNorm):",
    ),
    "residual": (
        "olmo2",
        "return hidden_states + self.post_feedforward_layernorm(self.mlp(hidden_states))",
        "return self.post_feedforward_layernorm(self.mlp(hidden_states))",
        "return hidden_states + self.post_feedforward_layernorm(self.mlp(hidden_states))",
    ),
    "rope base": (
        "olmo2",
        'return 1.0 / config.rope_parameters["rope_theta"] ** exponents, 1.0',
        "return 1.0 / 10000.0**exponents, 1.0",
        "class Olmo2Model(OlmoModel):",
    ),
    "mask off by one": (
        "mistral",
        "return [create_mask(self.config, **inputs)]",
        "from copy import copy\n"
        "        config = copy(self.config)\n"
        "        if windowed:\n"
        "            config.sliding_window -= 1\n"
        "        return [create_mask(config, **inputs)]",
        "return [create_mask(self.config, **inputs)] * self.config.num_hidden_layers",
    ),
}

BESIDE_A_REFERENCE = {
    "dropout": (
        "LlamaForCausalLM",
        "weights = nn.functional.dropout(weights, p=dropout, training=module.training)",
        "pass",
        "learning",
    ),
    "one text too many": (
        "LlamaForSequenceClassification",
        "if self.config.pad_token_id is None and batch > 1:",
        "if self.config.pad_token_id is None and batch > 2:",
        "refusals",
    ),
    "one text refused": (
        "LlamaForSequenceClassification",
        "if self.config.pad_token_id is None and batch > 1:",
        "if self.config.pad_token_id is None:",
        "refusals",
    ),
    "cache nobody asked for": (
        "LlamaForSequenceClassification",
        "            use_cache=use_cache,\n",
        "",
        "choices",
    ),
    "setter": (
        "BertForMaskedLM",
        "self.embeddings.word_embeddings = value",
        "pass",
        "other embeddings ↔ own",
    ),
    "routers' loss": (
        "MixtralForCausalLM",
        "loss = loss + self.config.router_aux_loss_coef * aux_loss",
        "pass",
        "learning",
    ),
}
"""The class, what is changed, and the check that shows it, beside transformers alone."""


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_caught_and_the_modular_line_is_named(project: Project, name: str) -> None:
    model, right, wrong, line = MISTAKES[name]
    found = failures(project, model, right, wrong)
    assert found, f"{name} was not caught"
    assert {finding.verdict for finding in found} == {Verdict.DIVERGED}
    places = [place for finding in found for place in finding.places]
    assert line in [place.text for place in places if place.role == "modular"]
    assert any(place.role == "generated" for place in places)


def test_without_a_mistake_all_is_proved(project: Project) -> None:
    assert failures(project, "mistral", "", "") == []


@pytest.mark.parametrize("name", BESIDE_A_REFERENCE)
def test_mistake_is_caught_beside_a_reference(project: Project, name: str) -> None:
    head, right, wrong, check = BESIDE_A_REFERENCE[name]
    model = head.partition("For")[0].lower()

    def change(text: str) -> str:
        assert right in text
        return text.replace(right, wrong)

    with ExitStack() as stack:
        own = sides.generated(project, model)
        own = replace(own, classes={head: own.classes[head]})
        reference = sides.reference(own)
        assert reference is not None
        own = stack.enter_context(sides.altered(own, change))
        subject = session.Subject(model, own, {"reference": reference}, ModelSettings())
        found = [each for each in session.check_subject(subject) if each.verdict.is_failure]
    assert check in {each.check for each in found}


def failures(project: Project, model: str, right: str, wrong: str) -> list[Finding]:
    """What the first class of the model is found to do wrong, beside its modular file."""

    def change(text: str) -> str:
        assert right in text
        return text.replace(right, wrong) if right else text

    with ExitStack() as stack:
        own = sides.generated(project, model)
        first = session.in_order(own.classes)[0]
        own = replace(own, classes={first: own.classes[first]})
        own = stack.enter_context(sides.altered(own, change))
        live = stack.enter_context(sides.live_side(project, model, own))
        subject = session.Subject(model, own, {"live": live}, ModelSettings())
        findings = list(session.check_subject(subject))
    assert findings
    return [each for each in findings if each.verdict.is_failure]
