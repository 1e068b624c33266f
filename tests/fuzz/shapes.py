"""What the generator knows of the code that it has drawn: signatures, classes, modules."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

METHODS = ("__init__", "mx", "m0", "m1", "m2", "m3", "m4", "__call__")
"""In the order in which they may call each other: each only those that come before it.

A method that is called after its model, `old_m`, stands with `__call__`.
"""

NUMBERS = ("x", "y", "z", "w")


def level_of(method: str) -> int:
    """Methods of lower levels may be called by it."""
    return METHODS.index(method if method in METHODS else "__call__")


@dataclass(frozen=True)
class Parameter:
    """`kind` is "plain", "default", "keyword", "args" or "kwargs"."""

    name: str
    kind: str
    default: str = ""
    annotation: str = ""

    @property
    def text(self) -> str:
        sign = {"args": "*", "kwargs": "**"}.get(self.kind, "")
        annotation = f": {self.annotation}" if self.annotation else ""
        return f"{sign}{self.name}{annotation}" + (f"={self.default}" if self.default else "")


@dataclass(frozen=True)
class Function:
    """A method, or a function of a module; one that `gives` returns a number."""

    name: str
    kind: str
    parameters: tuple[Parameter, ...]
    gives: bool = True
    keywords_only: bool = False
    has_setter: bool = False

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
    """What can be done with a class: its methods with those that it inherits.

    `parts` are attributes that hold objects of other classes, `spare` is one that only `__init__`
    reads, and `base` is how the class that it extends is called in its module.
    """

    name: str
    methods: dict[str, Function] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    constants: frozenset[str] = frozenset()
    parts: dict[str, Class] = field(default_factory=dict)
    spare: str = ""
    base: str = ""


@dataclass
class Module:
    """A module as those that import from it see it; `text` is its own and that of its parents."""

    path: str
    model: str
    classes: dict[str, Class] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    constants: list[str] = field(default_factory=list)
    decorators: list[str] = field(default_factory=list)
    text: str = ""

    @property
    def import_path(self) -> str:
        return self.path.removesuffix(".py").replace("/", ".")

    def renamed(self, text: str, model: str) -> str:
        old = self.model
        for spell in (str.lower, str.capitalize, str.upper):
            text = text.replace(spell(old), spell(model))
        return text

    def copy_of(self, name: str, model: str, made: dict[str, Class]) -> Class:
        """The class `name` under its new name, above what a modular file has `made` of others."""

        def new(text: str) -> str:
            return self.renamed(text, model)

        theirs = self.classes[name]
        methods = {new(n): replace(f, name=new(n)) for n, f in theirs.methods.items()}
        own = frozenset(map(new, theirs.own))
        base = new(theirs.base)
        if base in made:
            methods = {**made[base].methods, **{n: f for n, f in methods.items() if n in own}}
        parts = {
            new(attribute): made.get(new(part.name)) or self._part(part, model, made)
            for attribute, part in theirs.parts.items()
        }
        return replace(
            theirs,
            name=new(name),
            methods=methods,
            own=own,
            numbers=frozenset(map(new, theirs.numbers)),
            parts=parts,
            base=base,
        )

    def _part(self, part: Class, model: str, made: dict[str, Class]) -> Class:
        known = part.name in self.classes
        return self.copy_of(part.name, model, made) if known else part


@dataclass
class Scope:
    """Where a statement stands: what can be read there, and what may be called."""

    names: list[str]
    receiver: str
    cls: Class | None
    level: int
    supers: dict[str, Function] = field(default_factory=dict)
    super_text: str = "super()"
    parent: str = ""
    """The name of the class that `super()` is, where the code may call it by name."""
    inner: bool = False
    """In a function of its own, where a bare `super()` does not work."""
    gives: bool = True
    generator: bool = False
    on_class: bool = False
    depth: int = 0
    own: str = ""
