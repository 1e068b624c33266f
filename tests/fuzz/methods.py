"""Random methods: signatures, and bodies with `super()` calls in places of interest."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.fuzz.shapes import Class, Function, Parameter, Scope, level_of
from tests.fuzz.statements import Statements, indented

KINDS = ("plain", "plain", "plain", "plain", "property", "classmethod", "staticmethod", "generator")
PARAMETERS = ("a", "b", "c")


class Methods(Statements):
    """Draws methods, for classes that have parents and for those that have none."""

    # Signatures.

    def function(self, name: str, kind: str) -> Function:
        """A new method's signature."""
        if kind == "property":
            return Function(name, kind, (), has_setter=self.chance(40))
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
        if self.chance(10):
            self.uses("annotations")
            found = [replace(p, annotation="int") for p in found]
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
        if theirs.kind == "property":
            return replace(theirs, has_setter=theirs.has_setter and self.chance(80))
        if self.chance(75):
            return theirs
        if theirs.name == "__init__" and self.chance(50):
            return self._with_super_kwargs(theirs)
        parameters = list(theirs.parameters)
        choice = self.below(4)
        if choice == 0 and not any(p.name == "d" for p in parameters):
            self.uses("another parameter")
            place = sum(p.kind in ("plain", "default") for p in parameters)
            parameters.insert(place, Parameter("d", "default", self._default()))
        elif choice == 1 and parameters and parameters[-1].kind == "kwargs":
            self.uses("kwargs under another name")
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
        scope = self._scope(function, cls, supers)
        body = self._method_body(function, scope)
        if self.chance(8):
            self.uses("docstring")
            body = [f'"""Of {self.model}."""', *body]
        receiver = [scope.receiver] if scope.receiver else []
        signature = ", ".join([*receiver, *function.signature])
        if function.keywords_only and supers:
            signature = ", ".join(["self", "**super_kwargs"])
        returns = " -> object" if self.chance(4) else ""
        head = f"def {function.name}({signature}){returns}:"
        lines = [*self._decorators(function), head, *indented(body), ""]
        is_simple = len(body) == 1 and re.match(r"(return|log|self|pass)\b[^\n]*$", body[0])
        if is_simple and self.chance(12):
            self.uses("method in a line")
            lines[-3:] = [f"{head} {body[0]}", ""]
        return [*lines, *self._setter(function, scope)]

    def _scope(self, function: Function, cls: Class, supers: dict[str, Function]) -> Scope:
        receiver = {"classmethod": "cls", "staticmethod": ""}.get(function.kind, "self")
        if not receiver:
            supers = {n: f for n, f in supers.items() if f.kind == "staticmethod"}
        text = "super()" if receiver else f"super({cls.name}, {cls.name})"
        if receiver == "self" and self.chance(5):
            self.uses("super with arguments")
            text = f"super({cls.name}, self)"
        return Scope(
            names=[p.name for p in function.parameters if p.kind not in ("args", "kwargs")],
            receiver=receiver,
            cls=cls,
            level=level_of(function.name) or level_of("__call__") + 1,
            supers=supers,
            super_text=text,
            parent=cls.base,
            gives=function.gives,
            generator=function.kind == "generator",
            on_class=function.kind in ("classmethod", "staticmethod"),
            own=function.name,
        )

    def _decorators(self, function: Function) -> list[str]:
        found = (
            [function.kind] if function.kind in ("property", "classmethod", "staticmethod") else []
        )
        if self.chance(7):
            self.uses("decorated")
            found.append('traced("e")')
        if self.known_decorators and self.chance(12):
            self.uses("decorated by a function of the module")
            found.append(self.pick(self.known_decorators))
        return [f"@{each}" for each in found]

    def _setter(self, function: Function, scope: Scope) -> list[str]:
        if not function.has_setter:
            return []
        self.uses("setter")
        scope = replace(scope, names=["value"], supers={}, gives=False)
        lines = [f"@{function.name}.setter", f"def {function.name}(self, value):"]
        body = ['log("set", value)', f"self.{self.pick(self.numbers)} = {self.number(scope)}"]
        return [*lines, *indented(body), ""]

    def _method_body(self, function: Function, scope: Scope) -> list[str]:
        if function.name == "__init__":
            return self._init_body(function, scope)
        if function.name in scope.supers and self.chance(85):
            return self._overriding_body(function, scope)
        lines = self.block(scope, self.below(4)) if self.chance(90) else []
        lines = [line for line in lines if line != "pass"]
        self.sees_rest(function, scope, lines)
        return [*lines, *self._end(function, scope)] or ["pass"]

    def sees_rest(self, function: Function, scope: Scope, lines: list[str]) -> None:
        """Some of `*args` and `**kwargs` are looked at."""
        rest = [p.name for p in function.parameters if p.kind in ("args", "kwargs")]
        lines += [f'log("rest", size({name}))' for name in rest if self.chance(70)]

    def _end(self, function: Function, scope: Scope) -> list[str]:
        if function.kind == "generator":
            return [f"yield {self.number(scope)}"]
        return [f"return {self.number(scope)}"] if function.gives else []

    # `__init__`.

    def _init_body(self, function: Function, scope: Scope) -> list[str]:
        if "__init__" in scope.supers:
            return self._overriding_init(function, scope)
        cls = scope.cls
        assert cls is not None
        names = sorted(cls.numbers)
        if self.chance(50):
            names.reverse()
        lines: list[str] = []
        spare_at = self.below(len(names)) if cls.spare else -1
        for place, name in enumerate(names):
            if place == spare_at:
                lines.append(f"self.{cls.spare} = {self.number(replace(scope, cls=None))}")
            there = replace(cls, numbers=frozenset(names[:place]), methods={}, lists=frozenset())
            there = replace(there, parts={})
            inner = replace(scope, cls=there)
            lines.append(f"self.{name} = {self.value(inner)}")
            if self.chance(12):
                lines += self.statement(inner)
        bare = replace(scope, cls=None)
        lines.append(f"self.items = [{self.number(bare)}]")
        lines += [
            f"self.{name} = {self.new_object(part.name, part, bare)}"
            for name, part in cls.parts.items()
        ]
        if cls.spare and self.chance(20):
            lines.append(f'log("spare", self.{cls.spare})')
        lines += self.block(scope, self.below(3))
        lines += [f"{self.pick(self.locals[:2])} = {self.number(scope)}"] if self.chance(30) else []
        self.sees_rest(function, scope, lines)
        return lines

    def _overriding_init(self, function: Function, scope: Scope) -> list[str]:
        cls, theirs = scope.cls, scope.supers["__init__"]
        assert cls is not None
        plain = replace(scope, cls=None, supers={})
        target, before, kept = f"{scope.super_text}.__init__", list[str](), ""
        if function.keywords_only:
            plain.names = []
            call = "super().__init__(**super_kwargs)"
        else:
            before = self.block(plain, self.below(2)) if self.chance(40) else []
            if self.chance(20):
                self.uses("attribute set before super")
                before.append(f"self.{self.pick(self.numbers)} = {self.number(plain)}")
            if self.chance(20):
                self.uses("local kept over super")
                kept = self.pick(self.locals[:2])
                before.append(f"{kept} = {self.number(plain)}")
                self.known(plain, kept)
            passed = self.passed(function, theirs, plain)
            call = f"{target}({passed})"
            if scope.parent and self.chance(4):
                self.uses("parent called by name")
                call = f"{scope.parent}.__init__({', '.join(filter(None, ['self', passed]))})"
        scope.names = list(plain.names)
        scope.supers = {n: f for n, f in scope.supers.items() if n != "__init__"}
        after: list[str] = []
        spare = cls.spare
        if spare and self.chance(50):
            self.uses("del")
            after.append(f"del self.{spare}")
        for _ in range(self.below(5)):
            after += self._after_init(scope)
        if not function.keywords_only:
            self.sees_rest(function, scope, after)
        after += [f'log("kept", {kept})'] if kept in scope.names else []
        choice = self.below(100)
        if choice > 93 and not function.keywords_only:
            self.uses("super().__init__ under a statement")
            heads = ("if True:", "for _ in range(1):", 'with scope("i"):', "try:")
            head = self.pick(heads)
            lines = [*before, head, "    " + call]
            lines += ["finally:", '    log("init")'] if head == "try:" else []
            return [*lines, *after]
        if choice > 91 and not function.keywords_only:
            self.uses("super().__init__ twice")
            return [*before, call, *after, call]
        return [*before, call, *after]

    def _after_init(self, scope: Scope) -> list[str]:
        """What follows `super().__init__(...)`."""
        assert scope.cls is not None
        numbers = sorted(scope.cls.numbers)
        choice = self.below(12)
        if choice < 5 and numbers:
            self.uses("attribute replaced")
            return [f"self.{self.pick(numbers)} = {self.value(scope)}"]
        if choice == 5 and numbers:
            self.uses("attribute that reads itself")
            name = self.pick(numbers)
            return [f"self.{name} = self.{name} + {self.number(scope)}"]
        if choice == 6 and len(numbers) > 1:
            self.uses("attributes swapped")
            one, two = numbers[:2]
            return [f"self.{one}, self.{two} = self.{two}, self.{one}"]
        if choice == 7 and scope.cls.parts:
            self.uses("part replaced")
            name = self.pick(sorted(scope.cls.parts))
            part = scope.cls.parts[name]
            if part.name in self.known_classes:
                # Logged, since an object that is merely made is taken to change nothing else.
                return [f'self.{name} = log("part", {self.new_object(part.name, part, scope)})']
        if choice == 8 and scope.cls.lists:
            self.uses("list replaced")
            return [f"self.items = [{self.value(scope)}]"]
        return self.statement(scope)

    # Other methods.

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
        call = target = f"{scope.super_text}.{function.name}"
        if theirs.kind != "property":
            passed = self.passed(function, theirs, scope)
            call = f"{target}({passed})"
            is_plain = scope.receiver == "self" and theirs.kind in ("plain", "generator")
            if scope.parent and is_plain and self.chance(4):
                self.uses("parent called by name")
                passed = ", ".join(filter(None, ["self", passed]))
                call = f"{scope.parent}.{function.name}({passed})"
        quiet = theirs.kind in ("generator", "property") or not theirs.gives
        number = f"size({call})" if quiet else call
        if function.kind == "generator":
            return self._overriding_generator(call, theirs, before, scope)
        shape = self.below(14)
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
            self.known(scope, name)
            lines += self.block(scope, self.below(2))
            return [*lines, *self._end(function, scope)]
        if shape < 10 and function.gives:
            return [*before, f"return {self._with_super(number, call, theirs, scope)}"]
        return [
            *before,
            *self._around_super(number, call, theirs, scope),
            *self._end(function, scope),
        ]

    def _with_super(self, number: str, call: str, theirs: Function, scope: Scope) -> str:
        """An expression around a super call."""
        self.uses("super in a returned expression")
        other = self.number(scope, 1)
        shape = self.below(7)
        if shape < 2:
            return f"{number} + {other}"
        if shape == 2:
            return f"({number} if {other} > 1 else {self.number(scope, 1)})"
        if shape == 3:
            return f"{other} and {number}"
        if shape == 4:
            return f"({number}) - {number}"
        name = self.pick(self.locals)
        explicit = scope.super_text
        if explicit == "super()" and scope.cls is not None:
            explicit = f"super({scope.cls.name}, {scope.receiver})"
        number = number.replace("super()", explicit)
        if shape == 5 and f"{name} :=" not in number:  # which a comprehension forbids
            return f"size([{number} for {name} in range(2)])"
        return f"(lambda: {number} + {other})()" if ":=" not in number + other else number

    def _around_super(self, number: str, call: str, theirs: Function, scope: Scope) -> list[str]:
        """A statement with a super call in it."""
        self.uses("super in a statement")
        name, other = self.pick(self.locals), self.pick(self.locals)
        if theirs.kind != "property" and call.startswith("super") and self.chance(12):
            self.uses("super's method kept in a name")
            target, _, rest = call.partition(f".{theirs.name}(")
            self.known(scope, name)
            last = f"{name}({rest}"
            value = last if number == call else f"size({last})"
            return [f"{name} = {target}.{theirs.name}", f"{name} = {value}"]
        heads = (
            f"if {number} > 1:",
            f"for {name} in range({number} % 3):",
            f"while {number} > 9:",
            'with scope("s"):',
            "try:",
        )
        head = self.pick(heads)
        inside = replace(scope, names=list(scope.names), depth=1)
        body = [f'log("s", {number})', *self.block(inside, 1)]
        if self.chance(30):
            body[0] = f"{other} = {number}"
        if self.chance(15) and scope.gives:
            body.append(f"return {number}")
        body += ["break"] if head.startswith("while") else []
        lines = [head, *indented(body)]
        if head == "try:" and self.chance(60):
            lines += ["except ValueError as error:", '    log("caught", str(error))']
        elif head == "try:":
            lines += ["finally:", '    log("at last")']
        return lines

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
