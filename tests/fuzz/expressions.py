"""Random expressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st

from tests.fuzz.shapes import NUMBERS, Class, Function, Scope, level_of

T = TypeVar("T")

LOCALS = ("t", "u", "r", "v")

_INTEGERS = {count: st.integers(0, count - 1) for count in range(1, 101)}


class Expressions:
    """Draws texts that give a number. `features` gathers what has been used.

    What can be named in the module that is being drawn stands in `known_...`.
    """

    model = "old"
    locals: Sequence[str] = LOCALS
    numbers: Sequence[str] = NUMBERS
    known_constants: Sequence[str] = ()
    known_functions: Sequence[Function] = ()
    known_decorators: Sequence[str] = ()
    known_classes: dict[str, Class]
    known_tables: dict[str, Class]
    """Module constants that hold a class under the key "k"."""

    def __init__(self, draw: Callable[[st.SearchStrategy[int]], int]) -> None:
        self._draw = draw
        self.features: set[str] = set()
        self.known_classes, self.known_tables = {}, {}

    # Drawing.

    def below(self, count: int) -> int:
        return self._draw(_INTEGERS[count]) if count > 1 else 0

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def chance(self, percent: int) -> bool:
        return self._draw(_INTEGERS[100]) >= 100 - percent

    def uses(self, feature: str) -> None:
        self.features.add(feature)

    # Expressions.

    def number(self, scope: Scope, depth: int = 0) -> str:
        """An expression that gives a number."""
        choice = self.below(28 if depth < 2 else 9)
        if choice < 2:
            return str(self.below(5))
        if choice < 5 and scope.names:
            return self.pick(scope.names)
        if choice < 8:
            return self._attribute(scope)
        if choice < 9:
            return self._constant()
        if choice < 12:
            return self._operation(scope, depth)
        if choice < 14:
            return self._method_call(scope, depth)
        if choice < 16:
            return self._function_call(scope, depth)
        if choice < 17:
            self.uses("log as a value")
            return f'log("{self.pick("pqrs")}", {self.number(scope, depth + 1)})'
        if choice < 18:
            parts = [self.number(scope, depth + 1) for _ in range(3)]
            return f"({parts[0]} if {parts[1]} > 1 else {parts[2]})"
        if choice < 20:
            return self._comprehension(scope, depth)
        if choice < 21:
            self.uses("lambda")
            name = self.pick(self.locals)
            inner = self.inside(scope, name)
            return f"(lambda {name}: {self.number(inner, 2)})({self.number(scope, depth + 1)})"
        if choice < 23 and scope.supers:
            return self.super_number(scope, depth)
        if choice < 25:
            return self._part(scope, depth)
        if choice < 26:
            return self._about_the_class(scope)
        if choice < 27:
            return f"size(log({self.text(scope)}))"
        if scope.inner:
            return str(self.below(5))
        self.uses("walrus")
        return f"({self.pick(self.locals)} := {self.number(scope, depth + 1)})"

    def value(self, scope: Scope) -> str:
        """A number for an attribute: mostly one that is computed without calling anything."""
        if self.chance(35):
            return self.number(scope)
        parts = [str(self.below(5)), *scope.names]
        if scope.cls is not None and scope.receiver:
            parts += [f"{scope.receiver}.{name}" for name in sorted(scope.cls.numbers)]
        if self.chance(8):
            self.uses("object that is merely made")
            parts = [f"Box({part}).value" for part in parts]
        first = self.pick(parts)
        return f"{first} + {self.pick(parts)}" if self.chance(40) else first

    def condition(self, scope: Scope) -> str:
        if scope.supers and self.chance(8):
            self.uses("super in a condition")
            return f"{self.super_number(scope, 1)} > 1"
        return f"{self.number(scope, 1)} {self.pick(('>', '<', '=='))} {self.below(4)}"

    def text(self, scope: Scope) -> str:
        """A string that may hold the model's name, which is renamed in copies."""
        self.uses("the model's name in a string")
        old = self.model
        plain = (old, f"{old}_n", f"{old.capitalize()}A", f"the {old} one", f"un{old}", f"{old}er")
        text = self.pick((*plain, f"org/{old}-1", f"{old.upper()}_X", f"{old.capitalize()}Model"))
        if self.chance(30):
            self.uses("f-string")
            return f'f"{text} {{{self.pick([*scope.names, "2"])} + 1}}"'
        return f'"{text}"'

    def _operation(self, scope: Scope, depth: int) -> str:
        left, right = self.number(scope, depth + 1), self.number(scope, depth + 1)
        sign = self.pick(("+", "-", "*", "+", "-", "and", "or"))
        if self.chance(4):
            self.uses("expression of several lines")
            return f"(\n{left}\n    {sign} {right}\n)"
        return f"({left} {sign} {right})"

    def _comprehension(self, scope: Scope, depth: int) -> str:
        self.uses("comprehension")
        name = self.pick(self.locals)
        inner = self.number(self.inside(scope, name), depth + 1)
        loop = f"for {name} in range(2)"
        forms = (f"[{inner} {loop}]", f"{{{name}: {inner} {loop}}}", f"({inner} {loop})")
        return f"size({self.pick(forms)})"

    def inside(self, scope: Scope, name: str) -> Scope:
        """The scope of a function, lambda or comprehension within another."""
        text = scope.super_text
        if scope.cls is not None and text == "super()":
            text = f"super({scope.cls.name}, {scope.receiver})" if scope.receiver else ""
        return replace(scope, names=[*scope.names, name], super_text=text, inner=True)

    def _attribute(self, scope: Scope) -> str:
        cls, me = scope.cls, scope.receiver
        if cls is None or not me:
            return str(self.below(5))
        if scope.on_class or self.chance(15):
            if not cls.constants:
                return "3"
            self.uses("class attribute")
            owner = self.pick((me, cls.name))
            return f"size({owner}.{self.pick(sorted(cls.constants))})"
        if cls.lists and self.chance(25):
            return f"size({me}.{self.pick(sorted(cls.lists))})"
        if not cls.numbers:
            return "4"
        name = self.pick(sorted(cls.numbers))
        if self.chance(5):
            self.uses("getattr")
            return f'getattr({me}, "{name}", 7)'
        return f"{me}.{name}"

    def _constant(self) -> str:
        if not self.known_constants:
            return "2"
        self.uses("module constant")
        return f"size({self.pick(self.known_constants)})"

    def _function_call(self, scope: Scope, depth: int) -> str:
        if not self.known_functions:
            return self._constant()
        self.uses("module function")
        function = self.pick(self.known_functions)
        return f"{function.name}({self.arguments(function, scope, depth)})"

    def _method_call(self, scope: Scope, depth: int) -> str:
        cls = scope.cls
        if cls is None or not scope.receiver:
            return self._function_call(scope, depth)
        names = [name for name in sorted(cls.methods) if 0 < level_of(name) < scope.level]
        if scope.on_class:
            names = [n for n in names if cls.methods[n].kind in ("classmethod", "staticmethod")]
        if not names:
            return self._attribute(scope)
        method = cls.methods[self.pick(names)]
        return self._wrapped(f"{scope.receiver}.{method.name}", method, scope, depth)

    def _wrapped(self, target: str, method: Function, scope: Scope, depth: int) -> str:
        """A call of a method, made a number."""
        if method.kind == "property":
            return f"size({target})"
        call = f"{target}({self.arguments(method, scope, depth)})"
        return call if method.gives and method.kind != "generator" else f"size({call})"

    def _part(self, scope: Scope, depth: int) -> str:
        """Something of another class: of a part, of a new object, or of the class itself."""
        cls = scope.cls
        if cls is not None and cls.parts and not scope.on_class and self.chance(70):
            self.uses("part used")
            name = self.pick(sorted(cls.parts))
            return self._of_object(f"{scope.receiver}.{name}", cls.parts[name], scope, depth)
        if self.known_tables and self.chance(40):
            self.uses("class from a table")
            name = self.pick(sorted(self.known_tables))
            made = self.new_object(f'{name}["k"]', self.known_tables[name], scope)
            return f"size({made}.items)"
        if not self.known_classes:
            return self._attribute(scope)
        other = self.known_classes[self.pick(sorted(self.known_classes))]
        fixed = [m for m in other.methods.values() if m.kind in ("classmethod", "staticmethod")]
        if fixed and self.chance(60):
            self.uses("method of another class")
            method = self.pick(fixed)
            return self._wrapped(f"{other.name}.{method.name}", method, scope, depth)
        self.uses("object of another class")
        made = f'log("o", {self.new_object(other.name, other, scope)})'
        return self._of_object(made, other, scope, 2)

    def new_object(self, name: str, cls: Class, scope: Scope) -> str:
        return f"{name}({self.arguments(cls.methods['__init__'], scope, 1)})"

    def _of_object(self, target: str, cls: Class, scope: Scope, depth: int) -> str:
        names = sorted(set(cls.methods) - {"__init__"})
        if names and self.chance(60):
            method = cls.methods[self.pick(names)]
            return self._wrapped(f"{target}.{method.name}", method, scope, depth)
        return f"{target}.{self.pick(sorted(cls.numbers))}" if cls.numbers else f"size({target})"

    def _about_the_class(self, scope: Scope) -> str:
        """Which class is it?"""
        cls, me = scope.cls, scope.receiver
        if cls is None or not me or scope.on_class:
            return self._attribute(scope)
        self.uses("the object's class")
        if self.chance(50):
            return f"size(log(type({me}).__name__))"
        others = [cls.name, *sorted(self.known_classes)]
        return f"size(isinstance({me}, {self.pick(others)}))"

    def super_number(self, scope: Scope, depth: int = 0) -> str:
        """`super().m(...)` in an expression."""
        names = [n for n in sorted(scope.supers) if level_of(n) <= scope.level and n != "__init__"]
        names = [n for n in names if n == scope.own or level_of(n) < scope.level]
        if scope.on_class:
            names = [n for n in names if scope.supers[n].kind in ("classmethod", "staticmethod")]
        if not names or not scope.super_text:
            return self._attribute(scope)
        if scope.inner:
            self.uses("super in an inner function")
        self.uses("super in an expression")
        own = scope.own in names and self.chance(70)
        method = scope.supers[scope.own if own else self.pick(names)]
        if method.name != scope.own:
            self.uses("super of another method")
        return self._wrapped(f"{scope.super_text}.{method.name}", method, scope, min(depth, 1))

    def arguments(self, function: Function, scope: Scope, depth: int) -> str:
        """Arguments that fit."""
        texts: list[str] = []
        by_keyword = function.keywords_only
        for parameter in function.parameters:
            value = self.number(scope, depth + 1) if depth < 2 else str(self.below(4))
            if parameter.kind == "args":
                if not by_keyword and self.chance(50):
                    self.uses("*args")
                    texts.append(self.pick((value, f"*[{value}, 1]")))
            elif parameter.kind == "kwargs":
                if self.chance(50):
                    self.uses("**kwargs")
                    texts.append(self.pick((f"extra={value}", f'**{{"extra": {value}}}')))
            elif parameter.kind == "keyword":
                if not parameter.default or self.chance(50):
                    texts.append(f"{parameter.name}={value}")
            elif parameter.default and self.chance(40):
                by_keyword = True
            elif by_keyword or (parameter.kind == "default" and self.chance(30)):
                by_keyword = True
                texts.append(f"{parameter.name}={value}")
            else:
                texts.append(value)
        return ", ".join(texts)
