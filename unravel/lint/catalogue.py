"""All rules, and which of them are wanted."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module

from unravel.diagnostics import nearest
from unravel.lint import rules as folder
from unravel.lint.rule import Rule, Scope


@cache
def catalogue() -> Mapping[str, Rule]:
    """Every rule by its code, in the order of the codes."""
    names = [each.name for each in pkgutil.iter_modules(folder.__path__)]
    found: list[Rule] = [import_module(f"{folder.__name__}.{name}").RULE for name in names]
    rules = {rule.code: rule for rule in sorted(found, key=lambda rule: rule.code)}
    assert len(rules) == len(found), "two rules have the same code"
    return rules


def of_scope(scope: Scope, codes: Iterable[str]) -> tuple[Rule, ...]:
    """The rules of a scope among `codes`."""
    return tuple(catalogue()[code] for code in sorted(codes) if code.startswith(scope.value))


class UnknownCode(ValueError):
    """A code, or the beginning of one, that no rule has; the message says which, and a guess."""


def chosen(select: Iterable[str], ignore: Iterable[str]) -> frozenset[str]:
    """The codes that are selected (all, if none is) and not ignored. Raises `UnknownCode`.

    A code may be given by its beginning, as `UNM1`, or by the rule's name.
    """
    wanted = _expanded(select) or frozenset(catalogue())
    return wanted - _expanded(ignore)


def _expanded(given: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for each in given:
        codes = {c for c, rule in catalogue().items() if c.startswith(each) or rule.name == each}
        if not codes or not each:
            names = [*catalogue(), *(rule.name for rule in catalogue().values())]
            hint = nearest(each, names) or "`unravel rule` lists them"
            raise UnknownCode(f"no rule is called `{each}`; {hint}")
        found |= codes
    return frozenset(found)
