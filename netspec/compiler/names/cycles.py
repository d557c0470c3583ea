"""Checks once every name is bound: circular definitions, names that nothing uses."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.compiler.errors.names import Cycle, UnusedName
from netspec.compiler.names.hints.settings import find_option
from netspec.compiler.names.scope import Name
from netspec.language.diagnostics import Note, Problems
from netspec.language.source import Span
from netspec.language.vocabulary import words

Edges = dict[Name, list[tuple[Name, Span]]]
"""The names that each name uses, and where."""

MAX_NAMES = 8
"""A longer cycle is shown by its beginning and its end."""


def check_cycles(edges: Edges, problems: Problems) -> bool:
    """Report every cycle among definitions and names, with its path; whether there is one."""
    done: set[Name] = set()
    has_cycle = False
    for start in edges:
        path = [start]
        places: list[Span] = []  # where each name of the path uses the next one
        on_path = {start}
        pending = [iter(edges[start])]
        while pending:
            target, span = next(pending[-1], (None, None))
            if target is None or span is None:
                pending.pop()
                done.add(path[-1])
                on_path.discard(path.pop())
                del places[len(path) - 1 :]
            elif target in on_path:
                first = path.index(target)
                names = [*path[first:], target]
                case = "block" if any(name.is_definition for name in names) else "name"
                problems.add(cycle([f"`{name.name}`" for name in names], [*places[first:], span], case))
                has_cycle = True
            elif target not in done:
                path.append(target)
                places.append(span)
                on_path.add(target)
                pending.append(iter(edges.get(target, ())))
    return has_cycle


def cycle(names: Sequence[str], places: Sequence[Span], case: str) -> Cycle:
    """The diagnostic for what uses each other, by its names; at `places` each uses the next."""
    path = " -> ".join(names if len(names) <= MAX_NAMES else [*names[:4], "…", *names[-3:]])
    steps = list(zip(places, names, names[1:], strict=False))[:-1]
    notes = tuple(Note(place, f"{a} uses {b}") for place, a, b in steps[:MAX_NAMES])
    return Cycle(span=places[-1], notes=notes, case=case, path=path)


def warn_unused(names: Sequence[Name], problems: Problems, *, has_network: bool) -> None:
    """Warn of every name that nothing uses; a single input is always used.

    In a file without a network the missing chain would use the tensors and layers, so they are left alone.
    """
    inputs = [name for name in names if name.what == "input"]
    for name in names:
        if not has_network and name.what in ("name", "shared layer", "input", "definition"):
            continue
        if name.uses == 0 and (name.what != "input" or len(inputs) > 1):
            section = next((n for n, s in words("section").items() if find_option(s, name.name)), "")
            is_setting = name.what == "name" and section and has_network
            value = name.expression.span.text if name.expression is not None else ""
            case, advice = ("setting", f"{section} {{ {name.name} = {value} }}") if is_setting else ("", "")
            case = "parameter" if name.what == "parameter" else case
            problems.add(UnusedName(span=name.span, case=case, what=name.what, name=name.name, advice=advice))
