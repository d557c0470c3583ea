"""What can be said once every name is bound: definitions that go round in a circle, names that nothing uses."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.diagnostics import Problems
from netspec.graph.errors import Cycle, UnusedName
from netspec.graph.symbols import Name
from netspec.source import Span

Edges = dict[Name, list[tuple[Name, Span]]]
"""The names that each name uses, and where."""


def check_cycles(edges: Edges, problems: Problems) -> bool:
    """Report every circle among definitions and names, with the path around it; whether there is one."""
    done: set[Name] = set()
    found = False
    for start in edges:
        path = [start]
        on_path = {start}
        pending = [iter(edges[start])]
        while pending:
            target, span = next(pending[-1], (None, None))
            if target is None:
                pending.pop()
                done.add(path[-1])
                on_path.discard(path.pop())
            elif target in on_path:
                circle = [*path[path.index(target) :], target]
                problems.add(_cycle(circle, span))
                found = True
            elif target not in done:
                path.append(target)
                on_path.add(target)
                pending.append(iter(edges.get(target, ())))
    return found


def _cycle(circle: Sequence[Name], span: Span | None) -> Cycle:
    names = [f"`{n.name}`" for n in circle]
    path = " -> ".join(names if len(names) <= 8 else [*names[:4], "…", *names[-3:]])
    if any(n.is_definition for n in circle):
        return Cycle(span=span, path=path)
    return Cycle(span=span, path=path, advice="a name cannot be made of itself; give one of the values another name")


def warn_unused(names: Sequence[Name], problems: Problems, *, has_network: bool) -> None:
    """Warn of every name that nothing uses; a single input is always used.

    In a file without a network the missing chain would use the tensors and layers, so they are left alone.
    """
    inputs = [name for name in names if name.what == "input"]
    for name in names:
        if not has_network and name.what in ("name", "shared layer", "input", "definition"):
            continue
        if name.uses == 0 and (name.what != "input" or len(inputs) > 1):
            problems.add(UnusedName(span=name.span, what=f"the {name.what}", name=name.name))
