"""Small random projects: parent modules and a modular file, of plain Python classes.

What is drawn is meant to run: methods only call methods of a lower number, calls fit signatures,
and attributes are mostly read where they have been set. `recorder.log` makes the order visible.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.golden_case import Case

T = TypeVar("T")

METHODS = ("__init__", "m0", "m1", "m2", "m3", "m4", "__call__")
"""In the order in which they may call each other: each only those that come before it."""

KINDS = ("plain", "plain", "plain", "plain", "property", "classmethod", "staticmethod", "generator")
LOCALS = ("t", "u", "r", "v")
NUMBERS = ("x", "y", "z", "w")
PARAMETERS = ("a", "b", "c")

DEFAULTS = {"old": ("ASIZE",), "base": ("PSIZE",)}
"""The constants that may be the defaults of parameters."""

RECORDER = "from tests.fuzz.recorder import log, scope, size\n"


@dataclass(frozen=True)
class Parameter:
    """`kind` is "plain", "default", "keyword", "args" or "kwargs"."""

    name: str
    kind: str
    default: str = ""

    @property
    def text(self) -> str:
        sign = {"args": "*", "kwargs": "**"}.get(self.kind, "")
        return f"{sign}{self.name}" + (f"={self.default}" if self.default else "")


@dataclass(frozen=True)
class Function:
    """A method, or a function of a module; one that `gives` returns a number."""

    name: str
    kind: str
    parameters: tuple[Parameter, ...]
    gives: bool = True
    keywords_only: bool = False

    @property
    def signature(self) -> list[str]:
        texts: list[str] = []
        for parameter in self.parameters:
            if parameter.kind == "keyword" and not any(t.startswith("*") for t in texts):
                texts.append("*")
            texts.append(parameter.text)
        return texts


@dataclass(frozen=True)
class Class:
    """What can be done with a class: its methods with those that it inherits."""

    name: str
    methods: dict[str, Function]
    own: frozenset[str]
    numbers: frozenset[str]
    lists: frozenset[str]
    constants: frozenset[str]
    parent: str = ""


@dataclass
class Module:
    """A module as those that import from it see it."""

    path: str
    model: str
    classes: dict[str, Class] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    constants: list[str] = field(default_factory=list)

    @property
    def import_path(self) -> str:
        return self.path.removesuffix(".py").replace("/", ".")

    def renamed(self, text: str, model: str) -> str:
        old = self.model
        for spell in (str.lower, str.capitalize, str.upper):
            text = text.replace(spell(old), spell(model))
        return text


@dataclass
class Scope:
    """Where a statement stands: what can be read there, and what may be called."""

    names: list[str]
    receiver: str
    cls: Class | None
    level: int
    supers: dict[str, Function] = field(default_factory=dict)
    super_text: str = "super()"
    inner: bool = False
    """In a function of its own, where a bare `super()` does not work."""
    gives: bool = True
    generator: bool = False
    on_class: bool = False
    depth: int = 0
    own: str = ""


class Author:
    """Draws texts. `features` gathers what has been used."""

    def __init__(self, draw: Callable[[st.SearchStrategy[int]], int]) -> None:
        self._draw = draw
        self.features: set[str] = set()

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
        choice = self.below(22 if depth < 2 else 9)
        if choice < 2:
            return str(self.below(5))
        if choice < 5 and scope.names:
            return self.pick(scope.names)
        if choice < 8:
            return self._attribute(scope)
        if choice < 9:
            return self._constant(scope)
        if choice < 12:
            sign = self.pick(("+", "-", "*"))
            return f"({self.number(scope, depth + 1)} {sign} {self.number(scope, depth + 1)})"
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
        if choice < 19:
            self.uses("comprehension")
            name = self.pick(self.locals)
            inner = self._inside(scope, name)
            return f"size([{self.number(inner, depth + 1)} for {name} in range(2)])"
        if choice < 20:
            self.uses("lambda")
            name = self.pick(self.locals)
            inner = self._inside(scope, name)
            return f"(lambda {name}: {self.number(inner, 2)})({self.number(scope, depth + 1)})"
        if choice < 21 and scope.supers:
            return self.super_number(scope, depth)
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
        first = self.pick(parts)
        return f"{first} + {self.pick(parts)}" if self.chance(40) else first

    def _inside(self, scope: Scope, name: str) -> Scope:
        text = scope.super_text
        if scope.cls is not None and text == "super()":
            text = f"super({scope.cls.name}, {scope.receiver})" if scope.receiver else ""
        return replace(scope, names=[*scope.names, name], super_text=text, inner=True)

    def _attribute(self, scope: Scope) -> str:
        cls = scope.cls
        if cls is None or not scope.receiver:
            return str(self.below(5))
        if scope.on_class or self.chance(15):
            if not cls.constants:
                return "3"
            self.uses("class attribute")
            owner = self.pick((scope.receiver, cls.name))
            return f"size({owner}.{self.pick(sorted(cls.constants))})"
        if cls.lists and self.chance(25):
            return f"size({scope.receiver}.{self.pick(sorted(cls.lists))})"
        return f"{scope.receiver}.{self.pick(sorted(cls.numbers))}" if cls.numbers else "4"

    def _constant(self, scope: Scope) -> str:
        if not self.known_constants:
            return "2"
        self.uses("module constant")
        return f"size({self.pick(self.known_constants)})"

    locals: Sequence[str] = LOCALS
    known_constants: Sequence[str] = ()
    known_functions: Sequence[Function] = ()

    def _function_call(self, scope: Scope, depth: int) -> str:
        if not self.known_functions:
            return self._constant(scope)
        self.uses("module function")
        function = self.pick(self.known_functions)
        return f"{function.name}({self.arguments(function, scope, depth)})"

    def _method_call(self, scope: Scope, depth: int) -> str:
        cls = scope.cls
        if cls is None or not scope.receiver:
            return self._function_call(scope, depth)
        names = [name for name in METHODS[1 : scope.level] if name in cls.methods]
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

    def super_number(self, scope: Scope, depth: int = 0) -> str:
        """`super().m(...)` in an expression."""
        names = [n for n in scope.supers if METHODS.index(n) <= scope.level and n != "__init__"]
        if scope.on_class:
            names = [n for n in names if scope.supers[n].kind in ("classmethod", "staticmethod")]
        if not names or not scope.super_text:
            return self._attribute(scope)
        if scope.inner:
            self.uses("super in an inner function")
        self.uses("super in an expression")
        method = scope.supers[
            scope.own if scope.own in names and self.chance(70) else self.pick(names)
        ]
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
                    texts.append(value)
            elif parameter.kind == "kwargs":
                if self.chance(50):
                    self.uses("**kwargs")
                    texts.append(f"extra={value}")
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

    def condition(self, scope: Scope) -> str:
        if scope.supers and self.chance(8):
            self.uses("super in a condition")
            return f"{self.super_number(scope, 1)} > 1"
        return f"{self.number(scope, 1)} {self.pick(('>', '<', '=='))} {self.below(4)}"

    # Statements.

    def block(self, scope: Scope, count: int) -> list[str]:
        """Some statements; names that they surely bind are known to those behind them."""
        lines: list[str] = []
        for _ in range(count):
            lines += self.statement(scope)
        return lines or ["pass"]

    def statement(self, scope: Scope) -> list[str]:
        choice = self.below(24)
        if choice < 5:
            return self._assign_local(scope)
        if choice < 10 and scope.receiver and not scope.on_class:
            return self._set_attribute(scope)
        if choice < 12:
            return [f'log("{self.pick("klm")}", {self.number(scope)})']
        if choice < 18 and scope.depth < 2:
            return self._compound(scope)
        if choice < 19:
            return self._inner_function(scope)
        if choice < 20 and scope.generator:
            self.uses("generator")
            return [f"yield {self.number(scope)}"]
        if choice < 21 and (scope.depth or self.chance(10)):
            return self._leave(scope)
        if choice < 22 and scope.supers:
            return self._super_statement(scope)
        return self._void_call(scope)

    def _assign_local(self, scope: Scope) -> list[str]:
        name = self.pick((*self.locals, *scope.names))
        if name in scope.names and self.chance(30):
            self.uses("in-place update")
            return [f"{name} += {self.number(scope)}"]
        line = f"{name} = {self.number(scope)}"
        if self.chance(10):
            other = self.pick(self.locals)
            line = f"{name}, {other} = {self.number(scope)}, {self.number(scope)}"
            self._known(scope, other)
        self._known(scope, name)
        return [line]

    def _known(self, scope: Scope, name: str) -> None:
        if name not in scope.names:
            scope.names.append(name)

    def _set_attribute(self, scope: Scope) -> list[str]:
        me, cls = scope.receiver, scope.cls
        name = self.pick(NUMBERS)
        choice = self.below(14)
        if choice < 6:
            return [f"{me}.{name} = {self.number(scope)}"]
        if choice < 7:
            return [f"{me}.{name}: int = {self.number(scope)}"]
        if choice < 8:
            self.uses("unpacking")
            other = self.pick(NUMBERS)
            return [f"{me}.{name}, {me}.{other} = {self.number(scope)}, {self.number(scope)}"]
        if choice < 9:
            self.uses("setattr")
            return [f'setattr({me}, "{name}", {self.number(scope)})']
        if choice < 10 and cls is not None and name in cls.numbers:
            self.uses("in-place update")
            return [f"{me}.{name} += {self.number(scope)}"]
        if cls is not None and cls.lists:
            items = self.pick(sorted(cls.lists))
            if choice < 12:
                self.uses("list changed in place")
                return [f"{me}.{items}.append({self.number(scope)})"]
            if choice < 13:
                self.uses("list replaced")
                return [f"{me}.{items} = [{self.number(scope)}]"]
            self.uses("alias of a list")
            return [f"{me}.alias = {me}.{items}"]
        return [f"{me}.{name} = {self.number(scope)}"]

    def _compound(self, scope: Scope) -> list[str]:
        inner = replace(scope, names=list(scope.names), depth=scope.depth + 1)
        choice = self.below(6)
        if choice < 2:
            lines = [f"if {self.condition(scope)}:", *_indented(self._body(inner))]
            if self.chance(40):
                other = replace(inner, names=list(scope.names))
                lines += ["else:", *_indented(self._body(other))]
            return lines
        if choice < 3:
            self.uses("for")
            name = self.pick(self.locals)
            inner.names.append(name)
            return [f"for {name} in range({1 + self.below(2)}):", *_indented(self._body(inner))]
        if choice < 4:
            self.uses("with")
            head = f'with scope("{self.pick("gh")}")'
            if self.chance(30):
                name = self.pick(self.locals)
                inner.names.append(name)
                head += f" as {name}"
            return [head + ":", *_indented(self._body(inner))]
        self.uses("try")
        lines = ["try:", *_indented(self._body(inner))]
        lines += ["except ValueError as error:", '    log("error", str(error))']
        if self.chance(30):
            last = replace(scope, names=list(scope.names), depth=2, generator=False)
            lines += ["finally:", *_indented(self.block(last, 1))]
        return lines

    def _body(self, scope: Scope) -> list[str]:
        return self.block(scope, 1 + self.below(2))

    def _leave(self, scope: Scope) -> list[str]:
        if self.chance(25):
            self.uses("raise")
            return [f'raise ValueError("{self.pick("no")}")']
        if scope.generator:
            return ["return"]
        self.uses("early return")
        return [f"return {self.number(scope)}"] if scope.gives else ["return"]

    def _inner_function(self, scope: Scope) -> list[str]:
        self.uses("closure")
        name, parameter = self.pick(("inner", "f", "t")), self.pick(self.locals)
        inner = self._inside(scope, parameter)
        lines = [f"def {name}({parameter}):", f"    return {self.number(inner, 1)}"]
        line = f"{self.pick(self.locals)} = {name}({self.number(scope)})"
        if name in scope.names:
            scope.names.remove(name)
        self._known(scope, line.partition(" ")[0])
        return [*lines, line]

    def _void_call(self, scope: Scope) -> list[str]:
        return [f'log("c", {self._method_call(scope, 1)})']

    def _super_statement(self, scope: Scope) -> list[str]:
        """`super().m(...)` as a statement somewhere, its value thrown away or kept."""
        self.uses("super in a block" if scope.depth else "super twice")
        if self.chance(50):
            return [self.super_number(scope)]
        name = self.pick(self.locals)
        line = f"{name} = {self.super_number(scope)}"
        self._known(scope, name)
        return [line]


def _indented(lines: Sequence[str]) -> list[str]:
    return ["    " + line for line in lines]


_INTEGERS = {count: st.integers(0, count - 1) for count in range(1, 101)}


class ClassAuthor(Author):
    """Draws modules: classes of them, functions and constants."""

    # Signatures.

    def function(self, name: str, kind: str, level: int) -> Function:
        """A new method's signature."""
        if kind == "property":
            return Function(name, kind, ())
        found = [Parameter(PARAMETERS[i], "plain") for i in range(self.below(3))]
        if self.chance(40):
            found.append(Parameter(PARAMETERS[len(found)], "default", self._default()))
        if self.chance(15):
            found.append(Parameter("args", "args"))
        if self.chance(20):
            self.uses("keyword-only")
            default = self._default() if self.chance(60) else ""
            found.append(Parameter("k", "keyword", default))
        if self.chance(15):
            found.append(Parameter("kw", "kwargs"))
        gives = name != "__init__" and (kind != "plain" or not self.chance(20))
        return Function(name, kind, tuple(found), gives)

    def _default(self) -> str:
        named = [name for name in self.known_constants if "_" not in name]
        if named and self.chance(20):
            self.uses("constant as a default")
            return self.pick(named)
        return str(self.below(4))

    def changed(self, theirs: Function) -> Function:
        """The signature of a redefined method: mostly the parent's."""
        if self.chance(70) or theirs.kind == "property":
            return theirs
        if theirs.name == "__init__" and self.chance(40):
            return self._with_super_kwargs(theirs)
        parameters = list(theirs.parameters)
        choice = self.below(4)
        if choice == 0 and not any(p.name == "d" for p in parameters):
            self.uses("another parameter")
            place = sum(p.kind in ("plain", "default") for p in parameters)
            parameters.insert(place, Parameter("d", "default", self._default()))
        elif choice == 1 and parameters and parameters[-1].kind == "kwargs":
            parameters[-1] = Parameter("rest", "kwargs")
        elif choice == 2 and any(p.default for p in parameters):
            self.uses("another default")
            parameters = [replace(p, default=p.default and self._default()) for p in parameters]
        elif len(parameters) > 1 and {p.kind for p in parameters[:2]} == {"plain"}:
            self.uses("parameters swapped")
            parameters[:2] = parameters[1::-1]
        return replace(theirs, parameters=tuple(parameters))

    def _with_super_kwargs(self, theirs: Function) -> Function:
        self.uses("super_kwargs")
        kept = [p for p in theirs.parameters if p.kind not in ("args", "kwargs")]
        return Function(theirs.name, theirs.kind, tuple(kept), theirs.gives, keywords_only=True)

    # Methods.

    def method(self, function: Function, cls: Class, supers: dict[str, Function]) -> list[str]:
        """A whole method; `supers` are the methods that `super()` has."""
        receiver = {"classmethod": "cls", "staticmethod": ""}.get(function.kind, "self")
        names = [p.name for p in function.parameters if p.kind not in ("args", "kwargs")]
        level = METHODS.index(function.name) or len(METHODS)
        on_class = function.kind == "classmethod"
        text = "super()" if receiver else f"super({cls.name}, {cls.name})"
        scope = Scope(
            names=names,
            receiver=receiver,
            cls=cls,
            level=level,
            supers=supers,
            super_text=text,
            gives=function.gives,
            generator=function.kind == "generator",
            on_class=on_class,
            own=function.name,
        )
        if not receiver:
            scope.supers = {n: f for n, f in supers.items() if f.kind == "staticmethod"}
            scope.on_class = True
        body = self._method_body(function, scope)
        decorators = {"property", "classmethod", "staticmethod"} & {function.kind}
        signature = ", ".join([*([receiver] if receiver else []), *function.signature])
        if function.keywords_only and supers:
            signature = ", ".join(["self", "**super_kwargs"])
        head = f"def {function.name}({signature}):"
        return [*(f"@{d}" for d in sorted(decorators)), head, *_indented(body), ""]

    def _method_body(self, function: Function, scope: Scope) -> list[str]:
        if function.name == "__init__":
            return self._init_body(function, scope)
        if function.name in scope.supers and self.chance(85):
            return self._overriding_body(function, scope)
        lines = self.block(scope, 1 + self.below(3))
        self.sees_rest(function, scope, lines)
        return [*lines, *self._end(function, scope)]

    def sees_rest(self, function: Function, scope: Scope, lines: list[str]) -> None:
        """Some of `*args` and `**kwargs` are looked at."""
        rest = [p.name for p in function.parameters if p.kind in ("args", "kwargs")]
        lines += [f'log("rest", size({name}))' for name in rest if self.chance(70)]

    def _end(self, function: Function, scope: Scope) -> list[str]:
        if function.kind == "generator":
            return [f"yield {self.number(scope)}"]
        return [f"return {self.number(scope)}"] if function.gives else []

    def _init_body(self, function: Function, scope: Scope) -> list[str]:
        assert scope.cls is not None
        theirs = scope.supers.get("__init__")
        if theirs is None:
            bare = replace(scope, cls=None)
            lines = [f"self.{name} = {self.value(bare)}" for name in sorted(scope.cls.numbers)]
            lines.append(f"self.items = [{self.number(bare)}]")
            lines += self.block(scope, self.below(3))
            self.sees_rest(function, scope, lines)
            return lines
        plain = replace(scope, cls=None, supers={})
        if function.keywords_only:
            plain.names = []
            before: list[str] = []
            call = "super().__init__(**super_kwargs)"
        else:
            before = self.block(plain, self.below(2)) if self.chance(40) else []
            if self.chance(20):
                self.uses("attribute set before super")
                before.append(f"self.{self.pick(NUMBERS)} = {self.number(plain)}")
            call = f"super().__init__({self.passed(function, theirs, plain)})"
        scope.names = list(plain.names)
        scope.supers = {n: f for n, f in scope.supers.items() if n != "__init__"}
        after: list[str] = []
        for _ in range(self.below(4)):
            after += self._after_init(scope)
        self.sees_rest(
            replace(function, parameters=() if function.keywords_only else function.parameters),
            scope,
            after,
        )
        if self.chance(6) and not function.keywords_only:
            self.uses("super().__init__ under a statement")
            head = self.pick(("if True:", "for _ in range(1):", 'with scope("i"):'))
            return [*before, head, "    " + call, *after]
        return [*before, call, *after]

    def _after_init(self, scope: Scope) -> list[str]:
        """What follows `super().__init__(...)`."""
        assert scope.cls is not None
        numbers = sorted(scope.cls.numbers)
        choice = self.below(8)
        if choice < 4 and numbers:
            self.uses("attribute replaced")
            return [f"self.{self.pick(numbers)} = {self.value(scope)}"]
        if choice == 4 and len(numbers) > 2 and self.chance(40):
            self.uses("del")
            return [f"del self.{numbers[-1]}"]
        if choice == 5 and numbers:
            self.uses("attribute that reads itself")
            name = self.pick(numbers)
            return [f"self.{name} = self.{name} + {self.number(scope)}"]
        return self.statement(scope)

    def passed(self, mine: Function, theirs: Function, scope: Scope) -> str:
        """The arguments of a super call: mostly the parameters under their own names."""
        own = {p.name: p for p in mine.parameters}
        if self.chance(70) and all(p.name in own for p in theirs.parameters):
            texts = []
            for parameter in theirs.parameters:
                sign = {"args": "*", "kwargs": "**"}.get(parameter.kind, "")
                by_name = parameter.kind == "keyword" or theirs.keywords_only
                if sign == "*" and theirs.keywords_only:
                    continue
                texts.append(
                    f"{parameter.name}={parameter.name}" if by_name else sign + parameter.name
                )
            swapped = [n for n in own if n in {p.name for p in theirs.parameters}]
            in_order = [p.name for p in theirs.parameters]
            if swapped == in_order or theirs.keywords_only:
                self.uses("parameters passed on")
                return ", ".join(texts)
        self.uses("arguments changed")
        return self.arguments(theirs, scope, 0)

    def _overriding_body(self, function: Function, scope: Scope) -> list[str]:
        """A body with a super call to the parent's method in a place of interest."""
        theirs = scope.supers[function.name]
        before = self.block(scope, self.below(2)) if self.chance(50) else []
        before = [] if before == ["pass"] else before
        target = f"{scope.super_text}.{function.name}"
        call = target
        if theirs.kind != "property":
            call = f"{target}({self.passed(function, theirs, scope)})"
        quiet = theirs.kind in ("generator", "property") or not theirs.gives
        number = f"size({call})" if quiet else call
        if function.kind == "generator":
            return self._overriding_generator(call, theirs, before, scope)
        shape = self.below(12)
        if shape < 3:
            self.uses("super as a statement")
            after = self.block(scope, self.below(3))
            return [*before, call, *after, *self._end(function, scope)]
        if shape < 6:
            self.uses("super returned")
            if not function.gives or theirs.kind in ("generator",) or not theirs.gives:
                call = number
            return [*before, f"return {call}" if function.gives else call]
        if shape < 8:
            self.uses("super assigned")
            name = self.pick((*self.locals, *scope.names[:1]))
            lines = [*before, f"{name} = {number}"]
            self._known(scope, name)
            lines += self.block(scope, self.below(2))
            return [*lines, *self._end(function, scope)]
        self.uses("super in a statement")
        heads = (
            f"if {number} > 1:",
            f"for {self.pick(self.locals)} in range({number} % 3):",
            'with scope("s"):',
            "try:",
        )
        head = self.pick(heads)
        inside = replace(scope, names=list(scope.names), depth=1)
        body = [f'log("s", {number})', *self.block(inside, 1)]
        lines = [*before, head, *_indented(body)]
        if head == "try:":
            lines += ["except ValueError as error:", '    log("caught", str(error))']
        return [*lines, *self._end(function, scope)]

    def _overriding_generator(
        self, call: str, theirs: Function, before: list[str], scope: Scope
    ) -> list[str]:
        self.uses("super of a generator")
        if theirs.kind != "generator":
            return [*before, f"yield size({call})"]
        shape = self.below(3)
        if shape == 0:
            return [*before, f"yield from {call}", *self.block(scope, self.below(2)), "yield 9"]
        if shape == 1:
            return [*before, f"for each in {call}:", "    yield each + 1"]
        return [*before, f"yield size({call})"]


class ProjectAuthor(ClassAuthor):
    """Draws whole projects."""

    def parent_module(self, model: str, names: str) -> tuple[Module, str]:
        """A module written by hand, and its text."""
        module = Module(f"models/{model}/modeling_{model}.py", model)
        self.locals = (*LOCALS, f"{model}_v")
        self.known_constants, self.known_functions = (), ()
        cased = model.capitalize()
        lines = [RECORDER]
        for name in (f"{names[0]}SIZE", f"{model.upper()}_{names[0]}LIMIT")[: self.below(3)]:
            lines.append(f"{name} = {self._value()}\n")
            module.constants.append(name)
            self.known_constants = list(module.constants)
        for name in (f"f{names[0].lower()}", f"{model}_g{names[0].lower()}")[: self.below(3)]:
            function, body = self._module_function(name)
            lines += body
            module.functions[name] = function
            self.known_functions = list(module.functions.values())
        for position, letter in enumerate(names[: 1 + self.below(len(names))]):
            base = None
            if position and self.chance(60):
                base = self.pick(list(module.classes.values()))
                self.uses("parent with a base")
            cls, body = self._parent_class(f"{cased}{letter}", base)
            lines += body
            module.classes[cls.name] = cls
        return module, "\n".join(lines)

    def _value(self) -> str:
        if self.known_constants and self.chance(40):
            return f"size({self.pick(self.known_constants)}) + 1"
        return f"[{self.below(4)}]" if self.chance(20) else str(self.below(5))

    def _module_function(
        self, name: str, like: Function | None = None
    ) -> tuple[Function, list[str]]:
        function = like or self.function(name, "staticmethod", 0)
        function = replace(function, name=name)
        names = [p.name for p in function.parameters if p.kind not in ("args", "kwargs")]
        scope = Scope(names, "", None, 0)
        lines = self.block(scope, self.below(2))
        self.sees_rest(function, scope, lines)
        body = [*lines, f"return {self.number(scope)}"]
        return function, ["", f"def {name}({', '.join(function.signature)}):", *_indented(body), ""]

    def _parent_class(self, name: str, base: Class | None) -> tuple[Class, list[str]]:
        inherited = dict(base.methods) if base is not None else {}
        methods = dict(inherited)
        own: list[str] = []
        if base is None or self.chance(50):
            theirs = inherited.get("__init__")
            methods["__init__"] = theirs or self.function("__init__", "plain", 0)
            own.append("__init__")
        for level, method in enumerate(METHODS[1:]):
            if not self.chance(45):
                continue
            theirs = inherited.get(method)
            kind = "plain" if method == "__call__" else self.pick(KINDS)
            methods[method] = self.changed(theirs) if theirs else self.function(method, kind, level)
            own.append(method)
        constants = set(base.constants) if base is not None else set()
        mine = [each for each in ("LIMIT", "TOTAL") if self.chance(35)]
        cls = Class(
            name,
            methods,
            frozenset(own),
            base.numbers if base is not None else frozenset(NUMBERS[: 2 + self.below(3)]),
            frozenset({"items"}),
            frozenset({*constants, *mine}),
            base.name if base is not None else "",
        )
        lines = self._class_attributes(mine)
        for method in sorted(own, key=METHODS.index):
            lines += self.method(methods[method], cls, inherited)
        head = f"class {name}({base.name}):" if base is not None else f"class {name}:"
        return cls, ["", "", head, *_indented(lines or ["pass"])]

    def _class_attributes(self, names: Sequence[str]) -> list[str]:
        lines: list[str] = []
        for position, name in enumerate(names):
            self.uses("class attribute")
            value = self._value()
            if position and self.chance(50):
                self.uses("class attribute made of another")
                value = f"size({names[0]}) + {self.below(4)}"
            lines.append(f"{name} = {value}")
        return lines

    def modular(self, model: str, parents: Sequence[Module], path: str) -> tuple[Module, str]:
        """A modular file, and the module that is generated from it as others see it."""
        module = Module(f"models/{model}/modeling_{model}.py", model)
        self.locals = (*LOCALS, f"{model}_v")
        self.known_constants, self.known_functions = [], []
        imports, definitions = self._imports(module, parents)
        pairs = [(parent, theirs) for parent in parents for theirs in parent.classes.values()]
        chosen = [pair for pair in pairs if self.chance(75)] or [self.pick(pairs)]
        lines: list[str] = []
        made: dict[str, Class] = {}
        for parent, theirs in chosen:
            imports.setdefault(parent.import_path, []).append(theirs.name)
            cls, body = self._child(module, parent, theirs, made)
            lines += body
            made[cls.name] = cls
        for parent, theirs in reversed(pairs):
            name = parent.renamed(theirs.name, model)
            needed = name in {cls.parent for cls in module.classes.values()}
            if name in made or needed:
                module.classes[name] = made.get(name) or self._copied(module, parent, theirs, made)
        if self.chance(25):
            self.uses("child of a child")
            base = self.pick(list(made.values()))
            cls, body = self._parent_class(f"{model.capitalize()}Z", base)
            lines += body
            made[cls.name] = module.classes[cls.name] = cls
        # Redefined methods keep the parent's defaults, which may name its constants.
        known = {*self.known_constants, *module.constants}
        for parent in parents:
            for name in DEFAULTS.get(parent.model, ("ASIZE", "PSIZE")):
                if name not in known and re.search(rf"\b{name}\b", "".join(lines + definitions)):
                    imports[parent.import_path].append(name)
        text = RECORDER + "".join(
            f"from {source} import {', '.join(dict.fromkeys(names))}\n"
            for source, names in imports.items()
            if names
        )
        self.made = list(made.values())
        return module, "\n".join([text, *definitions, *lines])

    made: Sequence[Class] = ()
    """The classes of the modular file that was drawn last."""

    def _imports(
        self, module: Module, parents: Sequence[Module]
    ) -> tuple[dict[str, list[str]], list[str]]:
        """What is imported besides classes, and the functions and constants that are redefined."""
        imports: dict[str, list[str]] = {parent.import_path: [] for parent in parents}
        definitions: list[str] = []
        own_functions: list[Function] = []
        own_constants: list[str] = []
        for parent in parents:
            for name in parent.constants:
                new = parent.renamed(name, module.model)
                if self.chance(30):
                    module.constants.append(new)
                    self.uses("module constant redefined")
                    definitions.append(f"{new} = {self._value()}\n")
                    own_constants.append(new)
                elif self.chance(50):
                    imports[parent.import_path].append(name)
                    own_constants.append(name)
                self.known_constants = list(own_constants)
            for name, function in parent.functions.items():
                new = parent.renamed(name, module.model)
                if self.chance(30):
                    self.uses("module function redefined")
                    function, body = self._module_function(new, function)
                    definitions += body
                    own_functions.append(function)
                    module.functions[new] = function
                elif self.chance(50):
                    imports[parent.import_path].append(name)
                    own_functions.append(function)
                self.known_functions = list(own_functions)
        return imports, definitions

    def _copied(
        self, module: Module, parent: Module, theirs: Class, made: dict[str, Class]
    ) -> Class:
        """A parent class under the new name, above what the modular file makes of its base."""
        base = parent.renamed(theirs.parent, module.model) if theirs.parent else ""
        methods = dict(theirs.methods)
        if base in made:
            methods = {**made[base].methods, **{n: theirs.methods[n] for n in theirs.own}}
        return replace(
            theirs, name=parent.renamed(theirs.name, module.model), methods=methods, parent=base
        )

    def _child(
        self, module: Module, parent: Module, theirs: Class, made: dict[str, Class]
    ) -> tuple[Class, list[str]]:
        """A class that extends a parent's."""
        start = self._copied(module, parent, theirs, made)
        methods, own = dict(start.methods), []
        for level, name in enumerate(METHODS):
            known = start.methods.get(name)
            if known is not None and self.chance(45 if name != "__init__" else 60):
                methods[name] = self.changed(known)
                if name.startswith("m") and self.chance(5):
                    self.uses("another kind of method")
                    methods[name] = self.function(name, self.pick(KINDS), level)
                own.append(name)
            elif known is None and name != "__init__" and self.chance(12):
                self.uses("new method")
                kind = "plain" if name == "__call__" else self.pick(KINDS)
                methods[name] = self.function(name, kind, level)
                own.append(name)
        mine = [each for each in ("LIMIT", "TOTAL") if self.chance(20)]
        cls = replace(
            start,
            methods=methods,
            own=start.own | frozenset(own),
            constants=start.constants | frozenset(mine),
        )
        lines = self._class_attributes(mine)
        removable = [n for n in start.own - {*own, "__init__"} if n.startswith("m")]
        if removable and self.chance(6):
            self.uses("method removed")
            name = self.pick(sorted(removable))
            lines += [f"def {name}(self):", "    raise NotImplementedError", ""]
            methods.pop(name, None)
        for name in own:
            lines += self.method(methods[name], cls, start.methods)
        head = f"class {cls.name}({theirs.name}):"
        return cls, ["", "", head, *_indented(lines or ["pass"])]

    def plan(self) -> list[object]:
        """What the probe does with the classes of the modular file."""
        found: list[object] = []
        for cls in self.made:
            args, kwargs = self._values(cls.methods.get("__init__"))
            calls = []
            for _ in range(2 + self.below(5)):
                names = sorted(set(cls.methods) - {"__init__"})
                if not names:
                    break
                method = cls.methods[self.pick(names)]
                given = self._values(None if method.kind == "property" else method)
                on_class = method.kind in ("classmethod", "staticmethod") and self.chance(30)
                calls.append((on_class, method.name, *given))
            if cls.constants and self.chance(30):
                calls.append((True, self.pick(sorted(cls.constants)), (), {}))
            found.append((cls.name, args, kwargs, calls))
        return found

    def _values(self, function: Function | None) -> tuple[tuple[int, ...], dict[str, int]]:
        args: list[int] = []
        kwargs: dict[str, int] = {}
        by_keyword = function is not None and function.keywords_only
        for parameter in function.parameters if function is not None else ():
            if parameter.default and self.chance(40):
                by_keyword = True
            elif parameter.kind == "args":
                args += [] if by_keyword else [self.below(4)] * self.below(3)
            elif parameter.kind == "kwargs":
                kwargs.update({"extra": self.below(4)} if self.chance(50) else {})
            elif parameter.kind == "keyword" or by_keyword:
                kwargs[parameter.name] = self.below(5)
            else:
                args.append(self.below(5))
        return tuple(args), kwargs


@dataclass(frozen=True)
class Project:
    """A case to try; `chain` is the modular file that its parent is generated from."""

    case: Case
    features: frozenset[str]
    chain: str = ""


@st.composite
def projects(draw: Any) -> Project:
    """One or two parent modules, perhaps a modular file between, and a modular file."""
    author = ProjectAuthor(draw)
    files: dict[str, str] = {}
    old, files["models/old/modeling_old.py"] = author.parent_module("old", "ABC")
    parents, chain = [old], ""
    if author.chance(20):
        author.uses("two parent modules")
        base, files["models/base/modeling_base.py"] = author.parent_module("base", "PQ")
        parents.append(base)
    if author.chance(25):
        author.uses("generated parent")
        chain = "modular/modular_mid.py"
        mid, files[chain] = author.modular("mid", parents, chain)
        parents = [mid]
    path = "modular/modular_new.py"
    _, files[path] = author.modular("new", parents, path)
    probe = (
        "from tests.fuzz.recorder import observe\n\n\n"
        f"def probe(m):\n    return observe(m, {author.plan()!r})\n"
    )
    case = Case("Drawn by chance.\n", files, probe, {})
    return Project(case, frozenset(author.features), chain)
