"""Which blocks become which class.

Uses of a `def` with other arguments or shapes are other graphs of the same build. They share one class: what is equal
in all of them is written into it, what differs becomes a parameter of its constructor, under the name that the author
gave it where that explains all the values. Graphs of different build get separate classes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from netspec.compiler.backend.names import FIXED
from netspec.compiler.ir.graph import Graph, Node, SharedModule
from netspec.compiler.ir.naming import python_name, unique_name
from netspec.language.record import Frozen
from netspec.layers.base import Layer
from netspec.layers.code import Code, PythonCall, PythonName

POSITIONAL_NAMES = {
    "nn.Linear": ("in_features", "out_features"),
    "nn.Conv": ("in_features", "out_features", "kernel_size"),
    "nn.ConvTranspose": ("in_features", "out_features", "kernel_size"),
    "nn.Embed": ("vocabulary", "features"),
    "nn.Attention": ("in_features", "heads"),
    "nn.PositionEmbedding": ("shape",),
    "nn.ClassToken": ("features",),
    "nn.BatchNorm": ("features",),
    "nn.LayerNorm": ("features",),
    "nn.GroupNorm": ("features", "groups"),
    "nn.InstanceNorm": ("features",),
    "nn.RMSNorm": ("features",),
    "nn.Dropout": ("rate",),
    "nn.GaussianNoise": ("std",),
    "nn.SimpleRNN": ("in_features", "units"),
    "nn.LSTM": ("in_features", "units"),
    "nn.GRU": ("in_features", "units"),
}
"""The names of positional arguments of a constructor when they become parameters."""


class Slot(Frozen):
    """An argument in the constructors of a class that may differ from use to use."""

    node: str
    argument: str


@dataclass
class BlockClass:
    """One class of the emitted source and the graphs that are instances of it."""

    name: str
    graphs: list[Graph] = field(default_factory=list)
    parameters: dict[str, list[Any]] = field(default_factory=dict)
    """Constructor parameters, each with its value for every graph."""
    borrowed: list[str] = field(default_factory=list)
    """Constructor parameters for shared layers that blocks around this one hold, in the order of `SharedUses`."""
    expressions: dict[Slot, str] = field(default_factory=dict)
    """The expressions for the slots that differ: a parameter, or a product such as `4 * filters`."""

    indices: dict[int, int] = field(default_factory=dict)
    """The index of each graph in `graphs`, by identity."""

    def add(self, graph: Graph) -> None:
        self.indices[id(graph)] = len(self.graphs)
        self.graphs.append(graph)

    def arguments(self, graph: Graph) -> dict[str, Any]:
        """The constructor arguments that make this graph."""
        index = self.indices[id(graph)]
        return {name: values[index] for name, values in self.parameters.items()}


@dataclass
class SharedUses:
    """The shared layers of a block: those that it holds itself, and those that it gets from the block around it.

    Each comes with a node that uses it and that node's graph; layers that another one contains come before it.
    """

    held: dict[SharedModule, tuple[Node, Graph]] = field(default_factory=dict)
    borrowed: dict[SharedModule, tuple[Node, Graph]] = field(default_factory=dict)

    def place(self, shared: SharedModule) -> tuple[str, int]:
        """Where a shared layer comes from: the same for all graphs of a class."""
        kind, uses = ("held", self.held) if shared in self.held else ("borrowed", self.borrowed)
        return kind, list(uses).index(shared)


@dataclass
class Classes:
    """The classes of a network, and the shared layers of its blocks, each by the identity of a graph."""

    of: dict[int, BlockClass] = field(default_factory=dict)
    shared: dict[int, SharedUses] = field(default_factory=dict)


def make_classes(network: Graph, reserved: frozenset[str]) -> Classes:
    """The class of every block. No class and no parameter has a name in `reserved`."""
    classes = Classes()
    by_build: dict[Any, BlockClass] = {}
    own = BlockClass(_class_name(network.name, reserved))
    taken = {own.name, *reserved}
    for graph in network.subgraphs():
        classes.shared[id(graph)] = _shared_uses(graph, classes.shared)
        build = "network" if graph is network else (graph.name, _build_of(graph, classes))
        if build not in by_build:
            by_build[build] = own if graph is network else BlockClass(_class_name(graph.name, taken))
            taken.add(by_build[build].name)
        by_build[build].add(graph)
        classes.of[id(graph)] = by_build[build]
    for block in by_build.values():
        _parameterize(block, classes, taken)
    return classes


def _class_name(name: str, taken: Collection[str]) -> str:
    """`basic_block` as a class: `BasicBlock`; never a name that the emitted source uses otherwise."""
    text = "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)
    return unique_name(text if text[:1].isalpha() and text not in FIXED else f"Net{text}", taken)


def _shared_uses(graph: Graph, known: dict[int, SharedUses]) -> SharedUses:
    uses_of: dict[SharedModule, tuple[Node, Graph]] = {}
    for node in graph.nodes:
        if isinstance(node.operation, Graph):
            for shared, use in known[id(node.operation)].borrowed.items():
                uses_of.setdefault(shared, use)
        if node.shared is not None:
            uses_of.setdefault(node.shared, (node, graph))
    uses = SharedUses()
    for shared, use in uses_of.items():
        (uses.held if shared.owner is graph.identity else uses.borrowed)[shared] = use
    return uses


def _build_of(graph: Graph, classes: Classes) -> Any:
    """What two graphs have in common when one class can serve both: everything but the constructors' numbers."""
    uses = classes.shared[id(graph)]
    nodes = []
    for node in graph.nodes:
        operation = node.operation
        shared = uses.place(node.shared) if node.shared is not None else None
        if isinstance(operation, Graph):
            borrowed = tuple(uses.place(s) for s in classes.shared[id(operation)].borrowed)
            kind: Any = (classes.of[id(operation)].name, borrowed)
        elif isinstance(operation, Layer):
            shapes = graph.input_shapes(node)
            module = operation.module(*shapes)
            mask = None if node.mask is None else PythonName("mask")
            tensors = tuple(PythonName(f"x{i}") for i in range(len(node.inputs)))
            code = repr(operation.applied(PythonName("m") if module else None, tensors, mask, shapes))
            kind = (_build_of_code(module), code, repr(operation.activation_word), operation.is_frozen)
        else:
            kind = "input"
        nodes.append((node.name, node.inputs, node.mask, kind, shared))
    outputs = tuple((o.name, o.edge, repr(o.head)) for o in graph.outputs)
    held = tuple((s.name, _build_of_shared(use, classes)) for s, use in uses.held.items())
    return tuple(nodes), outputs, tuple(graph.inputs), tuple(sorted(graph.labels.items())), held, len(uses.borrowed)


def _build_of_shared(use: tuple[Node, Graph], classes: Classes) -> Any:
    """The constructor of a shared layer without its numbers."""
    node, graph = use
    if isinstance(node.operation, Graph):
        return classes.of[id(node.operation)].name
    assert isinstance(node.operation, Layer)
    return _build_of_code(node.operation.module(*graph.input_shapes(node))), node.operation.is_frozen


def _build_of_code(code: Code) -> Any:
    """A constructor without its numbers; anything but numbers and tuples of them belongs to the build."""
    if isinstance(code, PythonCall):
        kwargs = tuple((name, _build_of_code(value)) for name, value in code.kwargs)
        return code.function, tuple(_build_of_code(a) for a in code.args), kwargs
    if is_number(code):
        return "number"
    if isinstance(code, tuple) and code and all(is_number(c) for c in code):
        return "numbers", len(code)
    return repr(code)


def is_number(code: Code) -> bool:
    return isinstance(code, int | float) and not isinstance(code, bool)


def _slots(name: str, node: Node, graph: Graph, classes: Classes) -> Iterator[tuple[Slot, Any]]:
    """The arguments of a constructor that may differ between the graphs of a class, with their values.

    `name` is the attribute that keeps what is made.
    """
    if isinstance(node.operation, Graph):
        for argument, value in classes.of[id(node.operation)].arguments(node.operation).items():
            yield Slot(name, argument), value
    elif isinstance(node.operation, Layer):
        module = node.operation.module(*graph.input_shapes(node))
        if module is not None:
            yield from _code_slots(name, "", module)


def _all_slots(graph: Graph, classes: Classes) -> Iterator[tuple[Slot, Any]]:
    for shared, (node, home) in classes.shared[id(graph)].held.items():
        yield from _slots(shared.name, node, home, classes)
    for node in graph.nodes:
        if node.shared is None:
            yield from _slots(node.name, node, graph, classes)


def named_arguments(call: PythonCall) -> list[tuple[str, Code]]:
    """The arguments of a constructor with their names, the positional ones first."""
    names = POSITIONAL_NAMES.get(call.function, ())
    positional = [(names[i] if i < len(names) else f"argument_{i}", a) for i, a in enumerate(call.args)]
    return [*positional, *call.kwargs]


def _code_slots(node: str, path: str, call: PythonCall) -> Iterator[tuple[Slot, Any]]:
    for name, value in named_arguments(call):
        where = f"{path}{name}"
        if isinstance(value, PythonCall):
            yield from _code_slots(node, f"{where}_", value)
        elif is_number(value) or (isinstance(value, tuple) and all(is_number(v) for v in value)):
            yield Slot(node, where), value


def _parameterize(block: BlockClass, classes: Classes, reserved: Collection[str]) -> None:
    """Find parameters for the slots in which the graphs of a class differ."""
    columns: dict[Slot, list[Any]] = {}
    for graph in block.graphs:
        for slot, value in _all_slots(graph, classes):
            columns.setdefault(slot, []).append(value)
    candidates = _candidates(block, reserved)
    for slot, values in columns.items():
        if all(v == values[0] for v in values):
            continue
        name, text = _explain(values, candidates)
        if name is None:
            name = text = _parameter_name(f"{slot.node}_{slot.argument}", candidates, reserved)
            candidates[name] = values
        block.expressions[slot] = text
        block.parameters[name] = candidates[name]
    order = list(candidates)
    block.parameters = dict(sorted(block.parameters.items(), key=lambda item: order.index(item[0])))
    for shared in classes.shared[id(block.graphs[0])].borrowed:
        block.borrowed.append(_parameter_name(shared.name, [*block.parameters, *block.borrowed], reserved))


def _parameter_name(name: str, taken: Collection[str], reserved: Collection[str]) -> str:
    return unique_name(python_name(name, reserved), taken, reserved)


def _candidates(block: BlockClass, reserved: Collection[str]) -> dict[str, list[Any]]:
    """What may explain a slot: the channels that flow in, and the arguments of the `def`."""
    candidates: dict[str, list[Any]] = {}
    for position, index in enumerate(block.graphs[0].inputs):
        suffix = "" if len(block.graphs[0].inputs) == 1 else f"_{position + 1}"
        shapes = [g.nodes[index].shape for g in block.graphs]
        if all(shape.rank > 0 for shape in shapes):
            candidates[f"in_features{suffix}"] = [shape.channels for shape in shapes]
    for name in block.graphs[0].arguments:
        candidates[_parameter_name(name, candidates, reserved)] = [g.arguments[name] for g in block.graphs]
    return candidates


def _explain(values: list[Any], candidates: dict[str, list[Any]]) -> tuple[str | None, str]:
    """The candidate whose values, or a multiple or fraction of them, are these; arguments before inputs."""
    ordered = sorted(candidates.items(), key=lambda item: item[0].startswith("in_features"))
    for name, column in ordered:
        if column == values and list(map(type, column)) == list(map(type, values)):
            return name, name
    for name, column in ordered:
        if not all(isinstance(v, int) and v > 0 for v in (*column, *values)):
            continue
        times, part = values[0] // column[0], column[0] // values[0]
        if times and values == [c * times for c in column]:
            return name, f"{times} * {name}"
        if part and column[0] % values[0] == 0 and values == [c // part for c in column]:
            return name, f"{name} // {part}"
    return None, ""
