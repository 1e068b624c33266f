"""Random statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.fuzz.expressions import Expressions
from tests.fuzz.shapes import Scope, level_of


class Statements(Expressions):
    """Draws the code of functions."""

    def block(self, scope: Scope, count: int) -> list[str]:
        """Some statements; names that they surely bind are known to those behind them."""
        lines: list[str] = []
        for _ in range(count):
            lines += self.statement(scope)
        return lines or ["pass"]

    def statement(self, scope: Scope) -> list[str]:
        choice = self.below(26)
        if choice < 5:
            return self._assign_local(scope)
        if choice < 11 and scope.receiver and not scope.on_class:
            return self._set_attribute(scope)
        if choice < 13:
            return [f'log("{self.pick("klm")}", {self.number(scope)})']
        if choice < 19 and scope.depth < 2:
            return self._compound(scope)
        if choice < 21:
            return self._inner_function(scope)
        if choice < 22 and scope.generator:
            self.uses("generator")
            return [f"yield {self.number(scope)}"]
        if choice < 23 and (scope.depth or self.chance(10)):
            return self._leave(scope)
        if choice < 24 and scope.supers:
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
            self.known(scope, other)
        elif self.chance(6):
            other = self.pick(self.locals)
            line = f"{other} = {line}"
            self.known(scope, other)
        elif self.chance(4):
            self.uses("two statements in a line")
            line += f'; log("n", {name})'
        self.known(scope, name)
        return [line]

    def known(self, scope: Scope, name: str) -> None:
        """`name` is bound from here on."""
        if name not in scope.names:
            scope.names.append(name)

    def _set_attribute(self, scope: Scope) -> list[str]:
        me, cls = scope.receiver, scope.cls
        name = self.pick(self.numbers)
        choice = self.below(20)
        if choice < 6:
            return [f"{me}.{name} = {self.number(scope)}"]
        if choice < 7:
            return [f"{me}.{name}: int = {self.number(scope)}"]
        if choice < 8:
            self.uses("unpacking")
            other = self.pick(self.numbers)
            return [f"{me}.{name}, {me}.{other} = {self.number(scope)}, {self.number(scope)}"]
        if choice < 9:
            self.uses("setattr")
            return [f'setattr({me}, "{name}", {self.number(scope)})']
        if choice < 10 and cls is not None and name in cls.numbers:
            self.uses("in-place update")
            return [f"{me}.{name} += {self.number(scope)}"]
        if choice < 11:
            self.uses("attribute set in another way")
            value = self.number(scope)
            return self.pick(
                (
                    [f"{me}.{name} = {me}.{self.pick(self.numbers)} = {value}"],
                    [f"for {me}.{name} in range(2):", f'    log("l", {value})'],
                    [f'with scope("w") as {me}.{name}:', f'    log("l", {value})'],
                    [f"vars({me}).update({name}={value})"],
                    [f'{me}.__dict__["{name}"] = {value}'],
                )
            )
        if choice < 13 and cls is not None:
            return self._set_elsewhere(scope)
        if cls is not None and cls.lists:
            return self._change_list(scope, f"{me}.{self.pick(sorted(cls.lists))}", choice)
        return [f"{me}.{name} = {self.number(scope)}"]

    def _change_list(self, scope: Scope, items: str, choice: int) -> list[str]:
        if choice < 16:
            self.uses("list changed in place")
            value = self.number(scope)
            return [
                self.pick(
                    (f"{items}.append({value})", f"{items} += [{value}]", f"{items}[0] = {value}")
                )
            ]
        if choice < 18:
            self.uses("list replaced")
            return [f"{items} = [{self.number(scope)}]"]
        self.uses("alias of a list")
        return [f"{scope.receiver}.alias = {items}"]

    def _set_elsewhere(self, scope: Scope) -> list[str]:
        """By way of a property's setter, or in a part."""
        me, cls = scope.receiver, scope.cls
        assert cls is not None
        settable = [
            name
            for name, method in sorted(cls.methods.items())
            if method.has_setter and level_of(name) < scope.level
        ]
        if settable:
            self.uses("setter called")
            return [f"{me}.{self.pick(settable)} = {self.number(scope)}"]
        if cls.parts:
            self.uses("attribute of a part set")
            return [f"{me}.{self.pick(sorted(cls.parts))}.x = {self.number(scope)}"]
        return [f"{me}.x = {self.number(scope)}"]

    def _compound(self, scope: Scope) -> list[str]:
        inner = replace(scope, names=list(scope.names), depth=scope.depth + 1)
        choice = self.below(8)
        if choice < 2:
            if self.chance(8):
                self.uses("statement behind a colon")
                return [f'if {self.condition(scope)}: log("i", {self.number(scope)})']
            lines = [f"if {self.condition(scope)}:", *indented(self._body(inner))]
            if self.chance(40):
                other = replace(inner, names=list(scope.names))
                lines += ["else:", *indented(self._body(other))]
            return lines
        if choice < 3:
            self.uses("for")
            name = self.pick(self.locals)
            inner.names.append(name)
            lines = [f"for {name} in range({1 + self.below(2)}):", *indented(self._body(inner))]
            return [*lines, *(["else:", '    log("else")'] if self.chance(15) else [])]
        if choice < 4:
            self.uses("with")
            head = f'with scope("{self.pick("gh")}")'
            if self.chance(30):
                name = self.pick(self.locals)
                inner.names.append(name)
                head += f" as {name}"
            return [head + ":", *indented(self._body(inner))]
        if choice < 5:
            return self._match(scope, inner)
        if choice < 6:
            self.uses("while")
            return [f"while {self.condition(scope)}:", *indented([*self._body(inner), "break"])]
        self.uses("try")
        lines = ["try:", *indented(self._body(inner))]
        with_except = self.chance(75)
        if with_except:
            lines += ["except ValueError as error:", '    log("error", str(error))']
        if not with_except or self.chance(30):
            self.uses("finally")
            last = replace(scope, names=list(scope.names), depth=2, generator=False)
            lines += ["finally:", *indented(self.block(last, 1))]
        return lines

    def _match(self, scope: Scope, inner: Scope) -> list[str]:
        self.uses("match")
        name = self.pick(self.locals)
        lines = [f"match {self.number(scope)}:", "    case 0 | 1:"]
        lines += indented(indented(self._body(replace(inner, names=list(scope.names)))))
        inner.names.append(name)
        return [*lines, f"    case {name}:", *indented(indented(self._body(inner)))]

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
        inner = self.inside(scope, parameter)
        local = self.pick(self.locals)
        lines = [f"def {name}({parameter}):"]
        if self.chance(25) and scope.names and name not in scope.names:
            self.uses("nonlocal")
            outer = self.pick(scope.names)
            if outer != parameter:
                lines += [f"    nonlocal {outer}", f"    {outer} = {outer} + {parameter}"]
        elif self.chance(30):
            lines.append(f"    {local} = {self.number(inner, 1)}")
            self.known(inner, local)
        lines.append(f"    return {self.number(inner, 1)}")
        call = f"{self.pick(self.locals)} = {name}({self.number(scope)})"
        if name in scope.names:
            scope.names.remove(name)
        between = self.statement(replace(scope, depth=2)) if self.chance(20) else []
        if any(line.lstrip().startswith((f"{name} =", f"{name},")) for line in between):
            between = []
        self.known(scope, call.partition(" ")[0])
        return [*lines, *between, call]

    def _void_call(self, scope: Scope) -> list[str]:
        if scope.depth == 0 and scope.names[-1:] and self.chance(6):
            name = scope.names[-1]
            if name not in self.locals:
                return [f'log("c", {name})']
            self.uses("del of a local")
            lines = [f'log("d", {name})', f"del {name}"]
            scope.names.remove(name)
            return lines
        return [f'log("c", {self._method_call(scope, 1)})']

    def _super_statement(self, scope: Scope) -> list[str]:
        """`super().m(...)` as a statement somewhere, its value thrown away or kept."""
        self.uses("super in a block" if scope.depth else "super twice")
        if self.chance(50):
            return [self.super_number(scope)]
        name = self.pick(self.locals)
        line = f"{name} = {self.super_number(scope)}"
        self.known(scope, name)
        return [line]


def indented(lines: Sequence[str]) -> list[str]:
    return ["    " + line for line in lines]
