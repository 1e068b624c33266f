"""What differs by design: told from a model's modules and its configuration, with the reason.

A finding that differs is answered by the first of these that recognises the model. Nothing here
knows a model by its name: what no rule can tell is said in a file of settings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from checks.forward.inputs import Request, make
from checks.forward.instances import Instance
from checks.forward.media import configs_of
from checks.forward.pairs import first_line
from checks.forward.scenarios import SCENARIOS
from checks.forward.verdicts import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Design:
    """`recognises` says of a model what of it makes these checks differ; empty if nothing does."""

    checks: tuple[str, ...]
    recognises: Callable[[Instance, Request], str]


def explained(finding: Finding, one: Instance, request: Request) -> Finding:
    """`finding`, or why it is none."""
    if not finding.verdict.is_failure:
        return finding
    for design in DESIGNS:
        if finding.check in design.checks:
            found = design.recognises(one, request)
            if found:
                note = f"by design: {found}"
                return replace(finding, verdict=Verdict.SKIPPED, note=note)
    return finding


def _convolves(one: Instance, request: Request) -> str:
    """A window that slides over the text takes in what stands beside it."""
    kinds = (nn.Conv1d, nn.Unfold, nn.MaxPool1d, nn.AvgPool1d)
    wide = _names(one, lambda each: isinstance(each, kinds) and _width(each) > 1)
    return f"`{wide}` slides over the text, and over the padding beside it" if wide else ""


def _norms_over_batch(one: Instance, request: Request) -> str:
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    found = _names(one, lambda each: isinstance(each, kinds) and not each.track_running_stats)
    return f"`{found}` takes its statistics from the batch" if found else ""


def _mixes_positions(one: Instance, request: Request) -> str:
    """Fourier transforms and the like have no mask."""
    found = _names(one, lambda each: "fourier" in type(each).__name__.lower())
    return f"`{found}` mixes all positions, and knows no mask" if found else ""


def _wants_images(one: Instance, request: Request) -> str:
    """Its signature does not say so."""
    try:
        one.run(SCENARIOS[0], make(request.of_text))
    except ValueError as error:
        return f"it takes no text without images: {first_line(error)}"
    return ""


def _throws_dice(one: Instance, request: Request) -> str:
    """Other rows in a batch are other numbers drawn."""
    program = one.record(SCENARIOS[0], make(request)).program
    drawing = (each.name for each in program.operations if each.draws)
    found = next(drawing, "")
    return f"`{found}` draws random numbers, also when nothing is learned" if found else ""


def _says(field: str, reason: str) -> Callable[[Instance, Request], str]:
    """A field of a configuration that gives it away."""

    def recognises(one: Instance, request: Request) -> str:
        found = any(getattr(each, field, None) for each in configs_of(one.config))
        return f"`{field}`: {reason}" if found else ""

    return recognises


def _names(one: Instance, is_meant: Callable[[nn.Module], bool]) -> str:
    return next((name for name, each in one.model.named_modules() if is_meant(each)), "")


def _width(module: Any) -> int:
    size = module.kernel_size
    return int(max(size) if isinstance(size, tuple) else size)


_DECODING = ("cached ↔ full", "in parts ↔ full", "decoding", "causal")
_CHOICES = ("padded ↔ not", "single ↔ batched", "cached ↔ full", "in parts ↔ full")
DESIGNS = (
    Design(_DECODING, _says("prompt_length", "tokens of its own stand before each text")),
    Design(_CHOICES, _says("index_topk", "so many keys are chosen, and several may score alike")),
    Design(_CHOICES, _says("expert_capacity", "an expert takes so many tokens of all there are")),
    Design(("padded ↔ not",), _says("num_landmarks", "means of stretches of the whole row")),
    Design(("padded ↔ not",), _says("pooling_type", "several tokens become one")),
    Design(("padded ↔ not",), _says("trigram_input", "each token is taken with its neighbours")),
    Design(("padded ↔ not", "embedded"), _wants_images),
    Design(("padded ↔ not",), _convolves),
    Design(("padded ↔ not",), _mixes_positions),
    Design(("single ↔ batched",), _norms_over_batch),
    Design(("single ↔ batched", "padded ↔ not"), _throws_dice),
)
