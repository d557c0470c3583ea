"""Where in a module a call is: the name of its layer, and the modules around."""

from __future__ import annotations

from netspec.interchange.torch.reading.program import Call, Program, Ref
from netspec.language.record import Frozen

CONTAINERS = frozenset(("Sequential", "ModuleList", "ModuleDict", "Module"))
BLOCKS = frozenset(
    ("Transformer", "TransformerEncoder", "TransformerDecoder", "TransformerEncoderLayer", "TransformerDecoderLayer")
)
"""Modules of PyTorch that are made of layers."""


class Place(Frozen):
    """`path` is for messages, `name` that of the layer, `scope` the modules around, each with its class where it has a
    name of its own: `0:BasicBlock`."""

    path: str
    name: str = ""
    scope: tuple[str, ...] = ()


def place_of(call: Call, program: Program) -> Place:
    """The place of a call."""
    entries: list[str] = []
    before = ""
    leaf = ""
    for path, kind in call.modules:
        word = kind.rpartition(".")[2]
        own = path.removeprefix(f"{before}.") if before and path.startswith(f"{before}.") else path
        before = path
        if not own:
            continue
        is_torch = kind.startswith("torch.nn.")
        *outer, last = own.split(".")
        entries += outer
        if is_torch and word not in CONTAINERS | BLOCKS:
            leaf = last
            entries.append(last)
        else:
            entries.append(last if is_torch and word in CONTAINERS else f"{last}:{word}")
    kind = call.modules[-1][1].rpartition(".")[2] if call.modules else ""
    if leaf and entries and entries[-1] == leaf:
        return Place(f"{before} ({kind})", leaf, tuple(entries[:-1]))
    name = _by_weights(call, program)
    return Place(f"{before} ({call.target})" if before else call.target, name, tuple(entries))


def _by_weights(call: Call, program: Program) -> str:
    """The name of the module whose weights a function uses."""
    for value in call.arguments.values():
        if isinstance(value, Ref) and value.name in program.paths:
            outer, _, last = program.paths[value.name].rpartition(".")
            return outer.rpartition(".")[2] if last in ("weight", "bias") else ""
    return ""
