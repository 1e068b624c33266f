"""Blocks that are marked `# Copied from module.Object with Old->New`, and what they should be.

The marker stands right above a class, function or method, at its indentation. The block is the code
of the object that it names, with each `Old` replaced by `New`, in the order of the marker;
`all-casing` does the same for the lower-case and upper-case spelling. The block has a name and
decorators of its own. In a copied class, a member with `# Ignore copy` above it is the copy's own;
in a copied function, so is what follows `# End copy`.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from unravel.outline import class_outline
from unravel.types import DefinitionKind, Load, Member, Outline, Settings, Statement

_MARKER = re.compile(
    r"^(?P<indent>[ \t]*)#(?P<before>[^\n]*?)Copied from (?P<source>\w+(?:\.\w+)+)"
    r"(?:[ \t]+with[ \t]+(?P<options>[^\n]*?))?[ \t]*$",
    re.MULTILINE,
)
_ALL_CASING = re.compile(r"[ \t]*\ball-casing[ \t]*$")
_IGNORE, _END = "# Ignore copy", "# End copy"


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker as it stands at `line`; `before` is text between `#` and `Copied from`."""

    line: int
    indent: str
    before: str
    source: str
    replacements: tuple[tuple[str, str], ...]
    all_casing: bool

    def __str__(self) -> str:
        listed = ",".join(f"{old}->{new}" for old, new in self.replacements)
        options = f" with {listed}" if listed else ""
        casing = " all-casing" if self.all_casing and listed else ""
        return f"# Copied from {self.source}{options}{casing}"

    def applied(self, text: str) -> str:
        """`text` with all replacements made."""
        for old, new in self.replacements:
            text = text.replace(old, new)
            if self.all_casing:
                text = text.replace(old.lower(), new.lower()).replace(old.upper(), new.upper())
        return text

    def shorter(self) -> Iterator[Marker]:
        """The markers with one replacement less, and without `all-casing`."""
        for dropped in self.replacements:
            rest = tuple(each for each in self.replacements if each != dropped)
            yield replace(self, replacements=rest)
        if self.all_casing and self.replacements:
            yield replace(self, all_casing=False)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The class, function or method below a marker; `members` are those of a class."""

    marker: Marker
    name: str
    statement: Statement
    members: tuple[Member, ...] = ()

    @property
    def first(self) -> int:
        """The line of `class` or `def`, below the decorators."""
        return self.statement.node.lineno

    @property
    def last(self) -> int:
        """The last line that is copied."""
        lines = self.statement.text.splitlines()
        ends = [number for number, line in enumerate(lines) if line.strip() == _END]
        return self.statement.line + ends[0] - 1 if ends else self.statement.end

    @property
    def code(self) -> str:
        """The block without its decorators, and with no indentation."""
        lines = self.statement.text.splitlines(keepends=True)
        start = self.statement.line
        return textwrap.dedent("".join(lines[self.first - start : self.last - start + 1]))


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """The marked blocks of a module, and the markers below which nothing is looked at."""

    outline: Outline
    blocks: tuple[Block, ...]
    loose: tuple[Marker, ...]


def copies_in(outline: Outline) -> Copies:
    """The markers of a module."""
    text = "".join(outline.lines)
    markers = _markers(text) if "Copied from" in text else {}
    blocks: list[Block] = []
    for owner in _owners(outline) if markers else ():
        first = _first_comment(outline, owner.statement.line)
        lines = range(first, getattr(owner.statement.node, "lineno", first))
        found = [markers[line] for line in lines if line in markers]
        indent = " " * owner.statement.node.col_offset
        fitting = [each for each in found if not each.before.strip() and each.indent == indent]
        if fitting:
            blocks.append(replace(owner, marker=fitting[-1]))
            del markers[fitting[-1].line]
    return Copies(outline, tuple(blocks), tuple(markers.values()))


def _first_comment(outline: Outline, line: int) -> int:
    """The first of the comments right above `line`."""
    while line > 1 and outline.lines[line - 2].lstrip().startswith("#"):
        line -= 1
    return line


def _markers(text: str) -> dict[int, Marker]:
    found = {}
    for match in _MARKER.finditer(text):
        options = match["options"] or ""
        all_casing = bool(_ALL_CASING.search(options))
        pairs = [
            (old.strip(), new.strip())
            for part in _ALL_CASING.sub("", options).split(",")
            for old, arrow, new in [part.partition("->")]
            if arrow
        ]
        line = text.count("\n", 0, match.start()) + 1
        found[line] = Marker(
            line, match["indent"], match["before"], match["source"], tuple(pairs), all_casing
        )
    return found


_NONE = Marker(0, "", "", "", (), False)


def _owners(outline: Outline) -> Iterator[Block]:
    """Each class, function and method, as a block without a marker."""
    for definition in outline.definitions.values():
        if definition.kind is DefinitionKind.CLASS:
            members = class_outline(outline, definition).members
            yield Block(_NONE, definition.name, definition.statement, members)
            for member in members:
                if member.method is not None:
                    yield Block(_NONE, member.name, member.statement)
        elif definition.kind is DefinitionKind.FUNCTION:
            yield Block(_NONE, definition.name, definition.statement)


# -- sources -------------------------------------------------------------------------------------


def source_of(marker: Marker, settings: Settings, load: Load) -> Block | str:
    """What a marker names, as a block, or why there is none."""
    parts = marker.source.split(".")
    for end in range(len(parts) - 1, 0, -1):
        tail = "/".join(parts[:end])
        for folder in (*settings.roots, *settings.installed):
            base = f"{folder}/{tail}".removeprefix("./")
            for path in (f"{base}.py", f"{base}/__init__.py"):
                module = load(path)
                if module is not None:
                    return _object(module, parts[end:])
    return f"there is no module for `{marker.source}`"


def _object(module: Outline, names: Sequence[str]) -> Block | str:
    definition = module.definitions.get(names[0])
    if definition is None:
        return f"{module.path} does not define `{names[0]}`"
    members: tuple[Member, ...] = ()
    if definition.kind is DefinitionKind.CLASS:
        members = class_outline(module, definition).members
    if len(names) == 1:
        return Block(_NONE, names[0], definition.statement, members)
    for member in members:
        if member.name == names[1] and len(names) == 2:
            return Block(_NONE, member.name, member.statement)
    return f"`{names[0]}` of {module.path} has no `{'.'.join(names[1:])}`"


# -- comparing -----------------------------------------------------------------------------------


def expected(block: Block, source: Block, marker: Marker | None = None) -> str:
    """What the block should be, with no indentation: its own members are those that it has."""
    wanted = (marker or block.marker).applied(_without_markers(source.code))
    wanted = re.sub(r"((?:class|def) )\w+", lambda head: head[1] + block.name, wanted, count=1)
    own = {m.name: m.statement for m in block.members if _is_own(m)}
    wanted = _with_own_members(wanted, own, block) if own else wanted
    return _with_own_lines(wanted, block) if _IGNORE in block.code else wanted


def _is_own(member: Member) -> bool:
    """Has it a marker of its own, or one that says that it is no copy?"""
    decorators = member.method.decorators if member.method is not None else ""
    above = member.statement.lead + decorators
    return _IGNORE in above or _MARKER.search(above) is not None


def in_step(block: Block, wanted: str) -> bool:
    """Does the block say what is `wanted`, but for the layout?"""
    return _gist(_without_markers(block.code)) == _gist(_without_markers(wanted))


def is_code(wanted: str) -> bool:
    """Have the replacements left code?"""
    return isinstance(_gist(wanted), tuple)


def _gist(code: str) -> object:
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return code  # the replacements do not make code of it
    comments = [line.partition("#")[2].strip() for line in code.splitlines() if "# " in line]
    return ast.dump(tree), comments


def _without_markers(code: str) -> str:
    return "".join(line for line in code.splitlines(keepends=True) if not _is_marker(line))


def _is_marker(line: str) -> bool:
    return re.match(r"\s*# (Copied from |Ignore copy)", line) is not None


def _with_own_members(wanted: str, own: dict[str, Statement], block: Block) -> str:
    """The wanted class with the members that are the copy's own: in their place, or at the end."""
    try:
        (node,) = ast.parse(wanted).body
    except (SyntaxError, ValueError):
        return wanted
    lines = wanted.splitlines(keepends=True)
    left = dict(own)
    for item in reversed(getattr(node, "body", [])):
        name = getattr(item, "name", "")
        if name in left:
            first = min([item.lineno, *(each.lineno for each in item.decorator_list)])
            lines[first - 1 : item.end_lineno] = [_dedented(left.pop(name), block)]
    added = ["\n" + _dedented(statement, block) for statement in left.values()]
    return "".join([*lines, *added])


def _with_own_lines(wanted: str, block: Block) -> str:
    """Assignments with `# Ignore copy` behind them take the place of those to the same target."""
    for line in block.code.splitlines():
        target, equals, _ = line.partition(" = ")
        if equals and line.rstrip().endswith(_IGNORE):
            pattern = re.compile(rf"^{re.escape(target)} = [^\n]*$", re.MULTILINE)
            wanted = pattern.sub(line.replace("\\", r"\\"), wanted, count=1)
    return wanted


def needless_part(block: Block, source: Block) -> Marker | None:
    """A shorter marker that says the same, if there is one."""
    text = _without_markers(source.code)
    shorter = block.marker.shorter()
    return next((m for m in shorter if m.applied(text) == block.marker.applied(text)), None)


def _dedented(statement: Statement, block: Block) -> str:
    """A member with the markers above it, indented as in a class with no indentation."""
    indent = block.statement.node.col_offset
    lead = [line for line in statement.lead.splitlines(keepends=True) if _is_marker(line)]
    lines = [*lead, *statement.text.splitlines(keepends=True)]
    return "".join(line[indent:] or "\n" for line in lines)


def indented(wanted: str, block: Block) -> str:
    """The wanted code at the block's indentation."""
    indent = " " * block.statement.node.col_offset
    text = wanted if wanted.endswith("\n") else wanted + "\n"
    return "".join(
        indent + line if line.strip() else line for line in text.splitlines(keepends=True)
    )
