"""Small random projects: parent modules and modular files, of plain Python classes.

What is drawn is meant to run: methods only call methods of a lower number, classes only make
objects of earlier ones, calls fit signatures, and attributes are mostly read where they have been
set. `recorder.log` makes the order visible.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.expressions import LOCALS
from tests.fuzz.methods import KINDS, Methods
from tests.fuzz.shapes import METHODS, NUMBERS, Class, Function, Module, Scope, level_of
from tests.fuzz.statements import indented
from tests.golden_case import Case

RECORDER = "from tests.fuzz.recorder import Box, log, scope, size, traced\n"

DEFAULTS = {"old": ("ASIZE",), "base": ("PSIZE",)}
"""The constants that may be the defaults of parameters."""


class ProjectAuthor(Methods):
    """Draws whole projects."""

    made: Sequence[Class] = ()
    """The classes of the modular file that was drawn last."""

    def _begin(self, model: str) -> None:
        """Nothing of other modules is known in a new one."""
        self.model = model
        self.locals = (*LOCALS, f"{model}_v")
        self.numbers = (*NUMBERS, f"{model}_n")
        self.known_constants, self.known_functions, self.known_decorators = (), (), ()
        self.known_classes, self.known_tables = {}, {}

    # Parent modules.

    def parent_module(
        self, model: str, names: str, configuration: Module | None = None
    ) -> tuple[Module, str]:
        """A module written by hand, and its text; it may use the classes of `configuration`."""
        module = Module(f"models/{model}/modeling_{model}.py", model)
        self._begin(model)
        lines = [RECORDER]
        if configuration is not None:
            self.known_classes = dict(configuration.classes)
            source = self.pick((f".configuration_{model}", configuration.import_path))
            lines.append(f"from {source} import {', '.join(self.known_classes)}\n")
        first = names[0]
        for name in (f"{first}SIZE", f"{model.upper()}_{first}LIMIT")[: self.below(3)]:
            lines.append(f"{name} = {self._constant_value()}\n")
            module.constants.append(name)
            self.known_constants = list(module.constants)
        for name in (f"f{first.lower()}", f"{model}_g{first.lower()}")[: self.below(3)]:
            function, body = self._module_function(name)
            lines += body
            module.functions[name] = function
            self.known_functions = list(module.functions.values())
        if self.chance(25):
            lines += self._decorator(f"{model}_wrap_{first.lower()}", module)
        mixin = None
        if self.chance(12):
            self.uses("mixin of the parents")
            mixin = Class(f"{model.capitalize()}Mixin", constants=frozenset({"FLAG"}))
            mixin, body = self._mixin(mixin)
            lines += body
        for position, letter in enumerate(names[: 1 + self.below(len(names))]):
            base = None
            if position and self.chance(60):
                base = self.pick(list(module.classes.values()))
                self.uses("parent with a base")
            has_mixin = mixin is not None and not module.classes
            cls, body = self._parent_class(
                f"{model.capitalize()}{letter}", base, mixin if has_mixin else None
            )
            lines += body
            module.classes[cls.name] = self.known_classes[cls.name] = cls
            if self.chance(10):
                table = f"{model.upper()}_TABLE_{letter}"
                self.known_tables[table] = cls
                lines.append(f'\n{table} = {{"k": {cls.name}}}\n')
        module.text = "\n".join(lines)
        return module, module.text

    def configuration(self, model: str) -> tuple[Module, str]:
        """A module of a configuration and of one that is its part."""
        self.uses("configuration")
        module = Module(f"models/{model}/configuration_{model}.py", model)
        self._begin(model)
        lines = [RECORDER]
        for ending in ("PartConfig", "Config"):
            cls, body = self._parent_class(f"{model.capitalize()}{ending}", None, None)
            lines += body
            module.classes[cls.name] = self.known_classes[cls.name] = cls
        module.text = "\n".join(lines)
        return module, module.text

    def _decorator(self, name: str, module: Module) -> list[str]:
        module.decorators.append(name)
        self.known_decorators = list(module.decorators)
        body = ["def wrapped(*args, **kwargs):", f"    log({self.text(Scope([], '', None, 0))})"]
        body += ["    return function(*args, **kwargs)", "", "return wrapped"]
        return ["", f"def {name}(function):", *indented(body), ""]

    def _constant_value(self) -> str:
        if self.known_constants and self.chance(40):
            return f"size({self.pick(self.known_constants)}) + 1"
        return f"[{self.below(4)}]" if self.chance(20) else str(self.below(5))

    def _module_function(
        self, name: str, like: Function | None = None
    ) -> tuple[Function, list[str]]:
        function = replace(like or self.function(name, "staticmethod"), name=name)
        names = [p.name for p in function.parameters if p.kind not in ("args", "kwargs")]
        scope = Scope(names, "", None, 0)
        lines = self.block(scope, self.below(2))
        self.sees_rest(function, scope, lines)
        body = [*lines, f"return {self.number(scope)}"]
        return function, ["", f"def {name}({', '.join(function.signature)}):", *indented(body), ""]

    def _mixin(self, cls: Class) -> tuple[Class, list[str]]:
        """A class that others have as a further base."""
        methods = {"mx": self.function("mx", self.pick(KINDS))}
        cls = replace(cls, methods=methods, own=frozenset(methods))
        body = [f"FLAG = {self.below(5)}", *self.method(methods["mx"], cls, {})]
        return cls, ["", "", f"class {cls.name}:", *indented(body)]

    def _parent_class(
        self, name: str, base: Class | None, mixin: Class | None
    ) -> tuple[Class, list[str]]:
        inherited = dict(mixin.methods) if mixin is not None else {}
        inherited |= base.methods if base is not None else {}
        methods = dict(inherited)
        own: list[str] = []
        if base is None or self.chance(50):
            methods["__init__"] = inherited.get("__init__") or self.function("__init__", "plain")
            own.append("__init__")
        for method in (*METHODS[1:], f"{self.model}_m"):
            if not self.chance(15 if method in ("mx", f"{self.model}_m") else 42):
                continue
            theirs = inherited.get(method)
            kind = "plain" if method == "__call__" else self.pick(KINDS)
            methods[method] = self.changed(theirs) if theirs else self.function(method, kind)
            own.append(method)
        constants = [each for each in ("LIMIT", "TOTAL") if self.chance(35)]
        bases = [each for each in (base, mixin) if each is not None]
        start = base or Class(
            name,
            numbers=frozenset([*NUMBERS[: 2 + self.below(2)], f"{self.model}_n"]),
            lists=frozenset({"items"}),
            parts=self._parts(),
            spare="spare" if self.chance(25) else "",
        )
        cls = replace(
            start,
            name=name,
            methods=methods,
            own=frozenset(own),
            constants=frozenset(constants).union(*(each.constants for each in bases)),
            base=bases[0].name if bases else "",
        )
        lines = self._class_attributes(constants)
        for method in sorted(own, key=lambda name: (level_of(name), name)):
            lines += self.method(methods[method], cls, inherited)
        if own and self.chance(10):
            lines += self._alias(own, methods)
        head = f"class {name}({', '.join(each.name for each in bases)}):"
        return cls, ["", "", head.replace("()", ""), *indented(lines or ["pass"])]

    def _parts(self) -> dict[str, Class]:
        """Objects that a new class makes for itself."""
        if not self.known_classes or not self.chance(45):
            return {}
        self.uses("part")
        return {"part": self.known_classes[self.pick(sorted(self.known_classes))]}

    def _alias(self, own: Sequence[str], methods: dict[str, Function]) -> list[str]:
        """A class attribute that is made of a method."""
        plain = [name for name in own if methods[name].kind in ("plain", "generator")]
        if not plain:
            return []
        self.uses("alias of a method")
        return [f"same = {self.pick(plain)}", ""]

    def _class_attributes(self, names: Sequence[str]) -> list[str]:
        lines: list[str] = []
        for position, name in enumerate(names):
            self.uses("class attribute")
            value = self._constant_value()
            if position and self.chance(50):
                self.uses("class attribute made of another")
                value = f"size({names[0]}) + {self.below(4)}"
            if self.known_classes and self.chance(10):
                self.uses("class attribute that is a class")
                value = self.pick(sorted(self.known_classes))
            lines.append(f"{name} = {value}")
        return lines

    # Modular files.

    def modular(self, model: str, parents: Sequence[Module]) -> tuple[list[Module], str]:
        """A modular file, and the modules that are generated from it as others see them."""
        module = Module(f"models/{model}/modeling_{model}.py", model)
        configuration = Module(f"models/{model}/configuration_{model}.py", model)
        self._begin(model)
        imports, definitions = self._imports(module, parents)
        pairs = [(parent, theirs) for parent in parents for theirs in parent.classes.values()]
        chosen = [pair for pair in pairs if self.chance(75) or pair[1].name.endswith("Config")]
        lines: list[str] = []
        made: dict[str, Class] = {}
        for parent, theirs in chosen or [self.pick(pairs)]:
            imports.setdefault(parent.import_path, []).append(theirs.name)
            cls, body = self._child(module, parent, theirs, made)
            lines += body
            made[cls.name] = self.known_classes[cls.name] = cls
        for parent, theirs in reversed(pairs):
            name = parent.renamed(theirs.name, model)
            target = configuration if name.endswith("Config") else module
            needed = name in {cls.base for cls in target.classes.values()}
            if name in made or needed:
                found = made.get(name) or parent.copy_of(theirs.name, model, made)
                target.classes[name] = found
        for each in (module, configuration):
            each.classes = dict(reversed(each.classes.items()))
        if self.chance(25):
            self.uses("child of a child")
            base = self.pick(list(made.values()))
            cls, body = self._parent_class(f"{model.capitalize()}Z", base, None)
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
        text = "\n".join([text, *definitions, *lines])
        generated = [each for each in (configuration, module) if each.classes]
        for each in generated:
            each.text = "".join([text, *(parent.text for parent in parents)])
        if len(generated) > 1:
            # Which of the two files would define it?
            module.functions, module.constants = {}, []
        return generated, text

    def _imports(
        self, module: Module, parents: Sequence[Module]
    ) -> tuple[dict[str, list[str]], list[str]]:
        """What is imported besides classes, and the functions and constants that are redefined."""
        imports: dict[str, list[str]] = {parent.import_path: [] for parent in parents}
        definitions: list[str] = []
        functions: list[Function] = []
        constants: list[str] = []
        decorators: list[str] = []
        for parent in parents:
            for name in parent.constants:
                new = parent.renamed(name, module.model)
                if self.chance(30):
                    module.constants.append(new)
                    self.uses("module constant redefined")
                    definitions.append(f"{new} = {self._constant_value()}\n")
                    constants.append(new)
                elif self.chance(50):
                    imports[parent.import_path].append(name)
                    constants.append(name)
                self.known_constants = list(constants)
            for name, function in parent.functions.items():
                new = parent.renamed(name, module.model)
                if self.chance(30):
                    self.uses("module function redefined")
                    function, body = self._module_function(new, function)
                    definitions += body
                    functions.append(function)
                    module.functions[new] = function
                elif self.chance(50):
                    imports[parent.import_path].append(name)
                    functions.append(function)
                self.known_functions = list(functions)
            for name in parent.decorators:
                if self.chance(40):
                    imports[parent.import_path].append(name)
                    decorators.append(name)
                elif self.chance(30):
                    self.uses("decorator redefined")
                    new = parent.renamed(name, module.model)
                    definitions += self._decorator(new, module)
                    decorators.append(new)
                self.known_decorators = list(decorators)
        module.decorators = []
        return imports, definitions

    def _child(
        self, module: Module, parent: Module, theirs: Class, made: dict[str, Class]
    ) -> tuple[Class, list[str]]:
        """A class that extends a parent's."""
        start = parent.copy_of(theirs.name, module.model, made)
        methods, own = dict(start.methods), list[str]()
        extra, lines = None, list[str]()
        if self.chance(6):
            self.uses("further base")
            extra, lines = self._mixin(Class(f"Extra{start.name}", constants=frozenset({"FLAG"})))
            methods = {**extra.methods, **methods}
        for name in (*METHODS, f"{module.model}_m"):
            known = methods.get(name)
            if known is not None and self.chance(45 if name != "__init__" else 60):
                methods[name] = self.changed(known)
                if name.startswith("m") and self.chance(5):
                    self.uses("another kind of method")
                    methods[name] = self.function(name, self.pick(KINDS))
                own.append(name)
            elif known is None and name != "__init__" and self.chance(10):
                self.uses("new method")
                kind = "plain" if name == "__call__" else self.pick(KINDS)
                methods[name] = self.function(name, kind)
                own.append(name)
        mine = [each for each in ("LIMIT", "TOTAL") if self.chance(20)]
        removed = self._removed(start, {*own, *mine}, parent)
        for name in removed:
            methods.pop(name, None)
        constants = start.constants.union(mine, extra.constants if extra else ()) - set(removed)
        cls = replace(
            start,
            methods=methods,
            own=start.own.union(own) - set(removed),
            constants=constants,
            base=theirs.name,
        )
        body = self._class_attributes(mine)
        for name in removed:
            if name.isupper():
                body.append(f"{name} = AttributeError()")
            else:
                error = self.pick(("NotImplementedError", 'AttributeError("gone")'))
                body += [f"def {name}(self):", f"    raise {error}", ""]
        supers = {**(extra.methods if extra else {}), **start.methods}
        for name in own:
            body += self.method(methods[name], cls, supers)
        bases = theirs.name if extra is None else f"{theirs.name}, {extra.name}"
        # The spare attribute can be deleted once.
        spare = "" if any("del self." in line for line in body) else cls.spare
        cls = replace(cls, spare=spare, base=start.base)
        return cls, [*lines, "", "", f"class {cls.name}({bases}):", *indented(body or ["pass"])]

    def _removed(self, cls: Class, taken: set[str], parent: Module) -> list[str]:
        """Members that a child says are gone: mostly such as nothing uses."""
        if not self.chance(12):
            return []
        members = sorted({*cls.own, *cls.constants} - {*taken, "__init__", "__call__", "FLAG"})
        members = [name for name in members if not name.endswith("_m")]  # spelled in another way
        # What the class' own body reads cannot go.
        members = [n for n in members if not re.search(rf"(size\(|same = ){n}\b", parent.text)]
        unused = [name for name in members if not re.search(rf"\.{name}\b", parent.text)]
        options = unused if unused and self.chance(85) else members
        if not options:
            return []
        self.uses("member removed")
        return [self.pick(options)]

    def plan(self) -> list[object]:
        """What the probe does with the classes of the modular file."""
        found: list[object] = []
        for cls in self.made:
            args, kwargs = self._values(cls.methods.get("__init__"))
            calls: list[object] = []
            for _ in range(2 + self.below(5)):
                names = sorted(set(cls.methods) - {"__init__"})
                if not names:
                    break
                method = cls.methods[self.pick(names)]
                given = self._values(None if method.kind == "property" else method)
                if method.has_setter and self.chance(40):
                    calls.append(("set", method.name, (self.below(4),), {}))
                on_class = method.kind in ("classmethod", "staticmethod") and self.chance(30)
                calls.append(("class" if on_class else "call", method.name, *given))
            if cls.constants and self.chance(30):
                calls.append(("class", self.pick(sorted(cls.constants)), (), {}))
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
    """A case to try; `chain` are the modular files that its parents are generated from, in order.

    The modules that come from them are `models.<model>.<kind>_<model>`.
    """

    case: Case
    features: frozenset[str]
    chain: tuple[str, ...] = ()


@st.composite
def projects(draw: Any) -> Project:
    """One or two parent models, perhaps modular files between, and a modular file."""
    author = ProjectAuthor(draw)
    files: dict[str, str] = {}
    parents: list[Module] = []
    settings = None
    if author.chance(12):
        settings, files["models/old/configuration_old.py"] = author.configuration("old")
        parents.append(settings)
    old, files["models/old/modeling_old.py"] = author.parent_module("old", "ABC", settings)
    parents.append(old)
    if author.chance(25):
        author.uses("two parent modules")
        base, files["models/base/modeling_base.py"] = author.parent_module("base", "PQ")
        parents.append(base)
    between = author.below(100)
    chain = []
    for model in ("low", "mid") if between > 92 else ("mid",) if between > 73 else ():
        author.uses("generated parent")
        chain.append(f"modular/modular_{model}.py")
        parents, files[chain[-1]] = author.modular(model, parents)
    if len(chain) > 1:
        author.uses("three parents in a chain")
    _, files["modular/modular_new.py"] = author.modular("new", parents)
    probe = (
        "from tests.fuzz.recorder import observe\n\n\n"
        f"def probe(m):\n    return observe(m, {author.plan()!r})\n"
    )
    case = Case("Drawn by chance.\n", files, probe, {})
    return Project(case, frozenset(author.features), tuple(chain))
