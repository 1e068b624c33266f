"""Weights from elsewhere, brought under a model's names by a table, and shown to do the same.

Nothing is guessed and nothing dropped: one rule speaks of each name of the checkpoint, and each
weight of the model is made once, in its shape.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


class ConversionError(ValueError):
    """Lists all that does not fit, a line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def unchanged(*weights: Tensor) -> tuple[Tensor, ...]:
    """As many weights as there were, as they were."""
    return weights


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of some weights: of each group whose names differ in the same placeholders.

    `layers.{layer}.wq.weight` stands for such a name in each layer; a placeholder is what lies
    between two dots. `transform` gets the weights of `sources` and gives those of `targets`. A rule
    without targets says that the weights are known, and not needed.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    transform: Callable[..., tuple[Tensor, ...]] = unchanged


def rename(source: str, target: str) -> Rule:
    """The weight is the same, its name is not."""
    return Rule((source,), (target,))


def drop(source: str) -> Rule:
    """The weight is not needed: the model computes it, or does without."""
    return Rule((source,), (), lambda _: ())


def split_rows(weight: Tensor, *sizes: int) -> tuple[Tensor, ...]:
    """Parts of a fused projection; raises a ValueError if they are not all of it."""
    if len(weight) != sum(sizes):
        raise ValueError(f"{len(weight)} rows are not {' + '.join(map(str, sizes))}")
    return weight.split(sizes)


def halves_of_pairs(weight: Tensor, heads: int) -> Tensor:
    """Turns a projection for rotary positions of neighbours into one for those of halves.

    The rows of each head, (0, 1), (2, 3) ..., which are turned in pairs, become row i and row
    i + head_dim / 2. Raises a ValueError if the heads do not divide the rows into such pairs.
    """
    if len(weight) % (2 * heads):
        raise ValueError(f"{len(weight)} rows are not {heads} heads of pairs")
    return weight.unflatten(0, (heads, -1, 2)).transpose(1, 2).flatten(0, 2)


def convert(
    checkpoint: Mapping[str, Tensor], rules: Sequence[Rule], model: nn.Module
) -> dict[str, Tensor]:
    """The checkpoint's weights by the model's names, for `load_state_dict(strict=True)`.

    The model may lie on the meta device. Of weights that it ties, one is enough. Raises a
    ConversionError that lists every name that no rule or more than one speaks of, every weight
    that is missing, made twice or unknown to the model, and every shape that is not the model's.
    """
    problems: list[str] = []
    found: dict[str, Tensor] = {}
    for rule, names in _groups(checkpoint, rules, problems):
        for target, weight in _made(rule, names, checkpoint, problems):
            if target in found:
                problems.append(f"made twice: {target}")
            found[target] = weight
    tied: Mapping[str, str] = getattr(model, "all_tied_weights_keys", {})
    found = {**{name: found[of] for name, of in tied.items() if of in found}, **found}
    expected = model.state_dict()
    problems += [f"missing: {name}" for name in expected if name not in found]
    problems += [f"unknown to the model: {name}" for name in found if name not in expected]
    for name in (name for name in expected if name in found):
        shapes = tuple(found[name].shape), tuple(expected[name].shape)
        if shapes[0] != shapes[1]:
            problems.append(f"{name}: the shape {shapes[0]} is not the model's, {shapes[1]}")
    if problems:
        raise ConversionError(problems)
    return {name: found[name] for name in expected}


@dataclass(frozen=True, slots=True)
class _Names:
    """A rule's names with its placeholders filled in."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]


def _groups(
    checkpoint: Mapping[str, Tensor], rules: Sequence[Rule], problems: list[str]
) -> Iterator[tuple[Rule, _Names]]:
    """Each rule with each group of names it is for, in the checkpoint's order."""
    seen: set[tuple[str, ...]] = set()
    for name in checkpoint:
        matches = [
            (rule, match.groupdict())
            for rule in rules
            for match in (_pattern(source).fullmatch(name) for source in rule.sources)
            if match
        ]
        if len(matches) != 1:
            rules_of = ", ".join(" and ".join(rule.sources) for rule, _ in matches)
            problems.append(f"ambiguous: {name} ({rules_of})" if matches else f"unused: {name}")
            continue
        rule, values = matches[0]
        sources = tuple(source.format(**values) for source in rule.sources)
        if sources in seen:
            continue
        seen.add(sources)
        lacking = [source for source in sources if source not in checkpoint]
        if lacking:
            problems.append(f"{name}: the checkpoint lacks {', '.join(lacking)}")
            continue
        yield rule, _Names(sources, tuple(target.format(**values) for target in rule.targets))


def _made(
    rule: Rule, names: _Names, checkpoint: Mapping[str, Tensor], problems: list[str]
) -> Iterator[tuple[str, Tensor]]:
    """The weights that a rule makes of a group, by the model's names."""
    sources = ", ".join(names.sources)
    try:
        weights = rule.transform(*(checkpoint[source] for source in names.sources))
    except ValueError as error:
        problems.append(f"{sources}: {error}")
        return
    if len(weights) != len(names.targets):
        problems.append(
            f"{sources}: {len(weights)} weights were made for {len(names.targets)} names"
        )
        return
    yield from zip(names.targets, weights, strict=True)


def _pattern(name: str) -> re.Pattern[str]:
    """What a name with placeholders matches."""
    parts = (
        re.escape(text) + (f"(?P<{placeholder}>[^.]+)" if placeholder else "")
        for text, placeholder, _, _ in string.Formatter().parse(name)
    )
    return re.compile("".join(parts))


@dataclass(frozen=True, slots=True)
class LayerDifference:
    """How far a layer's output is from that of the layer it was made from."""

    original: str
    converted: str
    difference: float
    """The largest absolute difference, relative to the largest value of the original."""


def layer_differences(
    original: nn.Module,
    converted: nn.Module,
    layers: Sequence[tuple[str, str]],
    run: Callable[[nn.Module], object],
) -> tuple[LayerDifference, ...]:
    """Runs both models and compares layer by layer, in the order in which the original runs.

    `layers` pairs module names, with placeholders as in a rule. Of a layer with several outputs the
    first counts. Raises a ConversionError for names that no module has, or outputs that cannot be
    compared: other shapes, or nothing finite.
    """
    names = [pair for name, _ in original.named_modules() for pair in _converted(name, layers)]
    unmatched = [
        f"no module of the original is called {pattern}"
        for pattern, _ in layers
        if not any(_pattern(pattern).fullmatch(name) for name, _ in original.named_modules())
    ]
    known = {name for name, _ in converted.named_modules()}
    unmatched += [
        f"no module of the model is called {name}" for _, name in names if name not in known
    ]
    if unmatched:
        raise ConversionError(unmatched)
    expected = _outputs(original, [name for name, _ in names], run)
    actual = _outputs(converted, [name for _, name in names], run)
    targets = dict(names)
    return tuple(
        LayerDifference(name, targets[name], _relative(actual[targets[name]], output, name))
        for name, output in expected.items()
    )


def require_equal_layers(differences: Sequence[LayerDifference], bound: float = 1e-3) -> None:
    """Raises a ConversionError that names the layers, the first first, that differ by more."""
    problems = [
        f"{each.converted} differs from {each.original} by {each.difference:.1e}, not {bound:.0e}"
        for each in differences
        if not each.difference <= bound
    ]
    if problems:
        raise ConversionError(problems)


def _converted(name: str, layers: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for pattern, target in layers:
        if match := _pattern(pattern).fullmatch(name):
            yield name, target.format(**match.groupdict())


def _outputs(
    model: nn.Module, names: Sequence[str], run: Callable[[nn.Module], object]
) -> dict[str, Tensor]:
    """What the named modules give in a run, in the order in which they give it."""
    found: dict[str, Tensor] = {}

    def recorder(name: str) -> Callable[[nn.Module, object, object], None]:
        def record(module: nn.Module, inputs: object, output: object) -> None:
            first = output[0] if isinstance(output, tuple) else output
            if isinstance(first, Tensor):
                found[name] = first.detach()

        return record

    handles = [model.get_submodule(name).register_forward_hook(recorder(name)) for name in names]
    try:
        with torch.no_grad():
            run(model)
    finally:
        for handle in handles:
            handle.remove()
    silent = [f"{name} gave no tensor" for name in names if name not in found]
    if silent:
        raise ConversionError(silent)
    return found


def _relative(actual: Tensor, expected: Tensor, name: str) -> float:
    if actual.shape != expected.shape:
        shapes = tuple(actual.shape), tuple(expected.shape)
        raise ConversionError([f"{name}: the output's shape is {shapes[0]}, not {shapes[1]}"])
    scale = expected.double().abs().max().item()
    if not 0 < scale < float("inf"):
        raise ConversionError([f"{name}: nothing to compare with, the largest value is {scale}"])
    return (actual.double() - expected.double()).abs().max().item() / scale
