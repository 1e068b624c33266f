"""`super().m(...)` in a redefined method -> the code that it stands for.

Two ways exist. Where the parent's body can stand in the call's place and mean the same, it is
pasted there. Everywhere else the parent's method is kept under a private name and called.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from unravel import effects
from unravel.parameters import SUPER_KWARGS, takes_super_kwargs
from unravel.scanning import tokens
from unravel.types import Method

Rename = Callable[[str], str]


class Line(NamedTuple):
    """A statement on its way into the generated method: its node and its text, already renamed."""

    node: ast.stmt
    lead: str
    text: str

    @property
    def target(self) -> str:
        """What the statement assigns to, as it is written; empty for other statements."""
        return _target(self.node, self.text)


def is_super(node: ast.AST) -> bool:
    """Is this `super()`, or `super(Child, self)`?"""
    function = node.func if isinstance(node, ast.Call) else None
    return isinstance(function, ast.Name) and function.id == "super"


def super_call(node: ast.stmt, method: str) -> ast.Call | None:
    """The call, if this is `super().method(...)` or `return super().method(...)`, nothing else."""
    call = node.value if isinstance(node, (ast.Expr, ast.Return)) else None
    if (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == method
        and is_super(call.func.value)
    ):
        return call
    return None


def super_uses(node: ast.AST) -> list[ast.Attribute]:
    """Every `super().name` of a method, without those of nested classes."""
    found = []
    queue = list(ast.iter_child_nodes(node))
    while queue:
        inner = queue.pop()
        if isinstance(inner, ast.Attribute) and is_super(inner.value):
            found.append(inner)
        if not isinstance(inner, ast.ClassDef):
            queue.extend(ast.iter_child_nodes(inner))
    return found


def other_super(node: ast.AST, members: Collection[str]) -> ast.AST | None:
    """A `super()` that is not followed by a name, or that is a nested class' own.

    The latter only where the name is one of `members`, and would be taken for the parent's.
    """
    uses = {id(use.value) for use in super_uses(node)}
    uses |= {
        id(inner.value)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Attribute) and inner.attr not in members
    }
    found = (inner for inner in ast.walk(node) if is_super(inner) and id(inner) not in uses)
    return next(found, None)


def obstacle(child: Method, parent: Method, rename: Rename) -> str:
    """Why the parent's body cannot stand where the child calls it; empty if it can."""
    uses = super_uses(child.node)
    at = next((i for i, s in enumerate(child.body) if super_call(s.node, child.name)), None)
    if at is None or len(uses) != 1:
        return "the call is not one statement of the method's own body"
    call = super_call(child.body[at].node, child.name)
    assert call is not None
    if {child.keyword, parent.keyword} != {"def"} or method_kind(child) != method_kind(parent):
        return "the two methods are not of the same kind"
    body = [statement.node for statement in parent.body]
    before = [statement.node for statement in child.body[:at]]
    is_return = isinstance(child.body[at].node, ast.Return)
    after = [] if is_return else [statement.node for statement in child.body[at + 1 :]]
    if effects.yields(body) or (effects.returns(body) and not is_return):
        return "the parent's body returns or yields"
    if effects.sees_frame(body):
        return "the parent's body looks at all local names"
    if _own_decorators(parent) and (before or after or child.decorator_names):
        return "the parent's decorators are for its own body"
    if changed := [name for name in _parameter_names(parent) if rename(name) != name]:
        return f"`{min(changed)}` has another name in the generated class"
    return _argument_obstacle(child, parent, call) or _name_obstacle(
        child, parent, before, after, rename
    )


def method_kind(method: Method) -> str:
    """`staticmethod`, `classmethod`, `property` or nothing."""
    kinds = [name for name in method.decorator_names if name in _METHOD_KINDS]
    return kinds[0] if kinds else ""


_METHOD_KINDS = ("staticmethod", "classmethod", "property")


def _own_decorators(method: Method) -> list[str]:
    return [name for name in method.decorator_names if name not in _METHOD_KINDS]


def _argument_obstacle(child: Method, parent: Method, call: ast.Call) -> str:
    """Are the arguments just the parent's parameters, each under its own name?"""
    if takes_super_kwargs(child):
        return _super_kwargs_obstacle(child, call)
    theirs = parent.node.args
    names = [a.arg for a in (*theirs.posonlyargs, *theirs.args)]
    names = names if method_kind(parent) == "staticmethod" else names[1:]
    known = {*names, *(a.arg for a in theirs.kwonlyargs)}
    read = effects.read_names(statement.node for statement in parent.body)
    passed: set[str] = set()
    for position, value in enumerate(call.args):
        if isinstance(value, ast.Starred):
            mine = child.node.args.vararg
            if not mine or not theirs.vararg or ast.unparse(value.value) != theirs.vararg.arg:
                return "the arguments are unpacked from something else"
            passed.add("*" + theirs.vararg.arg)
        elif position >= len(names) or ast.unparse(value) != names[position]:
            return "an argument is not the parameter of that name"
        else:
            passed.add(names[position])
    for keyword in call.keywords:
        if keyword.arg is None:
            own = child.node.args.kwarg
            if not own or not theirs.kwarg or ast.unparse(keyword.value) != theirs.kwarg.arg:
                return "the keyword arguments are unpacked from something else"
            passed.add("**" + theirs.kwarg.arg)
        elif ast.unparse(keyword.value) != keyword.arg:
            return "an argument is not the parameter of that name"
        elif keyword.arg not in known and theirs.kwarg and theirs.kwarg.arg in read:
            return f"`{keyword.arg}` would be one of the parent's `**{theirs.kwarg.arg}`"
        else:
            passed.add(keyword.arg)
    needed = known | ({f"*{theirs.vararg.arg}"} if theirs.vararg else set())
    needed |= {f"**{theirs.kwarg.arg}"} if theirs.kwarg else set()
    missing = {name for name in needed - passed if name.lstrip("*") in read}
    return f"`{min(missing)}` is not passed on" if missing else ""


def _super_kwargs_obstacle(child: Method, call: ast.Call) -> str:
    """Is all handed on: `**super_kwargs`, and parameters beside it under their own names?"""
    plain = [ast.unparse(argument) for argument in call.args]
    plain += [k.arg for k in call.keywords if k.arg and ast.unparse(k.value) == k.arg]
    unpacked = ["**" + ast.unparse(k.value) for k in call.keywords if k.arg is None]
    is_whole = len(plain) + len(unpacked) == len(call.args) + len(call.keywords)
    if is_whole and unpacked == [SUPER_KWARGS] and set(plain) <= _parameter_names(child):
        return ""
    return f"the call does not just hand `{SUPER_KWARGS}` on"


def _name_obstacle(
    child: Method,
    parent: Method,
    before: Sequence[ast.stmt],
    after: Sequence[ast.stmt],
    rename: Rename,
) -> str:
    """Do local names of the two bodies get in each other's way?"""
    body = [statement.node for statement in parent.body]
    bound = _with_new_names(effects.bound_names(body), rename)
    read = _with_new_names(effects.read_names(body), rename)
    parameters = _parameter_names(parent)
    mine = (effects.bound_names(before) | _parameter_names(child)) - parameters
    later = effects.bound_names(after)
    if clash := (mine & (bound | read)) | (later & (read - bound - parameters)):
        return f"`{min(clash)}` is a name of both bodies"
    if effects.has_closures(body) and (clash := later & (read | bound)):
        return f"`{min(clash)}` is bound again behind the call"
    unpacked = {a.arg for a in (parent.node.args.vararg, parent.node.args.kwarg) if a}
    if seen := (bound | (unpacked & read)) & effects.read_names(after):
        return f"`{min(seen)}` may be changed by the parent's body and is read behind it"
    if _receiver(child) != _receiver(parent):
        return "the first parameters have different names"
    return ""


def _parameter_names(method: Method) -> set[str]:
    arguments = method.node.args
    found = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    return found | {a.arg for a in (arguments.vararg, arguments.kwarg) if a is not None}


def _receiver(method: Method) -> str:
    arguments = [*method.node.args.posonlyargs, *method.node.args.args]
    return arguments[0].arg if arguments else ""


def splice(
    child: Method,
    parent: Method,
    rename: Rename,
    own: Rename,
    methods: Mapping[str, ast.AST],
    inherited: Collection[str] = (),
) -> tuple[Line, ...]:
    """The statements of `child` with those of `parent` in place of its super call.

    `rename` goes over the parent's text, `own` over the child's; `methods` are the parent's, by
    name, and `inherited` the attributes that its bases set. There must be no `obstacle`.
    """
    before, call, after = around_call(child, own)
    if isinstance(call.node, ast.Return):
        after = []
    pasted = pasted_lines(parent, rename)
    facts = _Facts(_receiver(child), methods, rename)
    moves, dropped = dict[int, int](), dict[int, int]()
    if child.name == "__init__":  # nobody has the object yet
        scope = _parameter_names(child) | facts.bound(line.node for line in (*before, *pasted))
        moves = _moves(pasted, after, scope, facts)
        dropped = _dropped(before, pasted, after, inherited, facts)
    merged = [
        after[moves[place]] if place in moves else line
        for place, line in enumerate(pasted)
        if place not in dropped
    ]
    rest = [
        _comments_above(line) if position in dropped.values() else line
        for position, line in enumerate(after)
        if position not in moves.values()
    ]
    return (*before, *_comments_of(call), *merged, *rest)


def _comments_above(line: Line) -> Line:
    """What is left of a statement that goes."""
    return Line(line.node, line.lead if "#" in line.lead else "", "")


def _comments_of(call: Line) -> list[Line]:
    """Comments above the super call and behind it stand above the code that replaces it."""
    comments = [line.strip() for line in call.lead.splitlines() if line.strip()]
    comments += [
        call.text[start:end] for kind, start, end in tokens(call.text) if kind == "comment"
    ]
    lead = "".join(f"        {comment}\n" for comment in comments)
    return [Line(call.node, lead, "")] if lead else []


def around_call(child: Method, own: Rename) -> tuple[list[Line], Line, list[Line]]:
    """The child's statements before its super call, the call, and those behind it."""
    lines = [Line(s.node, own(s.lead), own(s.text)) for s in child.body]
    at = next(i for i, line in enumerate(lines) if super_call(line.node, child.name))
    return lines[:at], lines[at], lines[at + 1 :]


def pasted_lines(parent: Method, rename: Rename) -> list[Line]:
    """The parent's statements under their new names."""
    return [Line(s.node, rename(s.lead), rename(s.text)) for s in parent.body]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What statements of both classes do; the names in the parent's also count as renamed."""

    receiver: str
    methods: Mapping[str, ast.AST]
    rename: Rename

    def reach(self, nodes: Iterable[ast.AST]) -> effects.Reach:
        found = effects.reach(nodes, self.receiver, self.methods)
        found.reads = _with_new_names(found.reads, self.rename)
        found.changes = _with_new_names(found.changes, self.rename)
        return found

    def others(self, names: set[str], name: str) -> set[str]:
        """All of `names` but `name`, which may stand there under its old name, too."""
        return {each for each in names if self.rename(each) != name}

    def bound(self, nodes: Iterable[ast.AST]) -> set[str]:
        return _with_new_names(effects.bound_names(nodes), self.rename)

    def changed(self, nodes: Iterable[ast.AST]) -> set[str]:
        return _with_new_names(effects.changed_names(nodes), self.rename)


def _with_new_names(names: set[str], rename: Rename) -> set[str]:
    return names.union(rename("\n".join(sorted(names))).split("\n") if names else ())


def _moves(
    pasted: Sequence[Line], after: Sequence[Line], scope: set[str], facts: _Facts
) -> dict[int, int]:
    """Which of the child's assignments may replace which of the parent's, without being noticed.

    The result maps positions in `pasted` to positions in `after`. An assignment stays where it is
    if it reads what is not there yet at the other place, or if the parent's code reads what it
    would replace.
    """
    theirs = [line.target for line in pasted]
    targets = [line.target for line in after]
    found: dict[int, int] = {}
    for position, line in enumerate(after):
        name = _attribute(line.target, facts.receiver)
        if not name or targets.count(line.target) > 1 or theirs.count(line.target) != 1:
            continue
        place = theirs.index(line.target)
        settled = [o.node for p, o in enumerate(after[:position]) if p not in found.values()]
        settled += [after[p].node for at, p in found.items() if at > place]
        skipped = [*(other.node for other in pasted[place:]), *settled]
        if name not in facts.methods and _commute(line.node, skipped, name, scope, facts):
            found[place] = position
    return found


def _commute(
    node: ast.stmt, skipped: Sequence[ast.stmt], name: str, scope: set[str], facts: _Facts
) -> bool:
    """Can `node`, which sets `name`, stand above `skipped` instead of below?

    The first of `skipped` is the assignment that it replaces there. `scope` are the local names:
    objects with other names, such as modules, are taken to stay as they are.
    """
    mine = facts.reach([node])
    theirs = facts.reach(skipped)
    replaced = facts.reach(skipped[:1])
    rest = facts.reach(skipped[1:])
    names = effects.read_names([node]) - {facts.receiver}
    return not (
        mine.is_open
        or rest.is_open
        or mine.is_loud
        or replaced.is_loud
        or effects.returns(skipped)
        or effects.bound_names([node, skipped[0]])
        or mine.reads & (theirs.changes | {name})
        or name in rest.reads | rest.changes
        or facts.others(mine.changes, name) & (theirs.reads | theirs.changes)
        or facts.others(replaced.changes, name)
        or names & (facts.bound(skipped) | scope & facts.changed(skipped))
    )


def _dropped(
    before: Sequence[Line],
    pasted: Sequence[Line],
    after: Sequence[Line],
    inherited: Collection[str],
    facts: _Facts,
) -> dict[int, int]:
    """Which of the parent's assignments go because the child deletes the attribute at once.

    The result maps positions in `pasted` to those of the `del` statements in `after`.
    """
    theirs = [line.target for line in pasted]
    found: dict[int, int] = {}
    for position, line in enumerate(after):
        name = _deleted(line, facts.receiver)
        target = f"{facts.receiver}.{name}"
        if not name or name in inherited or theirs.count(target) != 1:
            continue
        place = theirs.index(target)
        is_there = name in facts.reach(o.node for o in (*before, *pasted[:place])).changes
        seen = facts.reach(other.node for other in (*pasted[place + 1 :], *after[:position]))
        own = facts.reach([pasted[place].node])
        is_noticed = (
            own.is_loud
            or bool(facts.others(own.changes, name))
            or bool(effects.bound_names([pasted[place].node]))
            or bool(effects.returns(other.node for other in after[:position]))
        )
        if name not in seen.reads | seen.changes and not (seen.is_open or is_noticed or is_there):
            found[place] = position
    return found


def _deleted(line: Line, receiver: str) -> str:
    """`x` of `del self.x`."""
    deleted = deletions(line.node)
    return _attribute(deleted[0], receiver) if len(deleted) == 1 else ""


def _attribute(target: str, receiver: str) -> str:
    """`x` of `self.x`; nothing of `self.x.y` and other targets."""
    name = target.removeprefix(receiver + ".")
    return name if name != target and name.isidentifier() else ""


def _target(node: ast.stmt, text: str) -> str:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return text.strip().partition("=")[0].strip()
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return text.strip().partition(":")[0].strip()
    return ""


def deletions(node: ast.stmt) -> tuple[str, ...]:
    """What a `del` statement deletes, as it is written."""
    if not isinstance(node, ast.Delete):
        return ()
    return tuple(ast.unparse(target) for target in node.targets)
