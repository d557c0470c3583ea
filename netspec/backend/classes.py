"""Which blocks become which class.

Uses of a `def` with other arguments or shapes are other graphs of the same build. They share one class: what is equal
in all of them is written into it, what differs becomes a parameter of its constructor, under the name that the author
gave it where that explains all the values. Graphs of different build get classes of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from netspec.graph.ir import Edge, Graph, Node, SharedModule
from netspec.layers.base import Code, Layer, PythonCall, PythonName

POSITIONAL_NAMES = {
    "nn.Linear": ("in_features", "out_features"),
    "nn.Conv": ("in_features", "out_features", "kernel_size"),
    "nn.Embed": ("vocabulary", "features"),
}
"""What positional arguments of a constructor are called when they become parameters."""


@dataclass(frozen=True)
class Slot:
    """A place in the constructors of a class that may differ from use to use."""

    node: str
    argument: str


@dataclass
class BlockClass:
    """One class of the emitted source and the graphs that are instances of it."""

    name: str
    graphs: list[Graph] = field(default_factory=list)
    parameters: dict[str, list[Any]] = field(default_factory=dict)
    """Constructor parameters, each with its value for every graph."""
    expressions: dict[Slot, str] = field(default_factory=dict)
    """What stands in the slots that differ: a parameter, or a product such as `4 * filters`."""

    places: dict[int, int] = field(default_factory=dict)
    """The place of each graph in `graphs`, by identity."""

    def add(self, graph: Graph) -> None:
        self.places[id(graph)] = len(self.graphs)
        self.graphs.append(graph)

    def arguments(self, graph: Graph) -> dict[str, Any]:
        """The constructor arguments that make this graph."""
        index = self.places[id(graph)]
        return {name: values[index] for name, values in self.parameters.items()}


def make_classes(network: Graph, class_name: str) -> dict[int, BlockClass]:
    """The class of every block, by the identity of its graph; the network's own comes last."""
    by_build: dict[Any, BlockClass] = {}
    by_graph: dict[int, BlockClass] = {}
    taken = {class_name}
    for graph in network.subgraphs():
        if graph is network:
            by_graph[id(graph)] = BlockClass(class_name)
            by_graph[id(graph)].add(graph)
            continue
        build = (graph.name, _build_of(graph, by_graph))
        if build not in by_build:
            by_build[build] = BlockClass(_unique(camel_case(graph.name), taken))
        by_build[build].add(graph)
        by_graph[id(graph)] = by_build[build]
    for block in by_build.values():
        _generalise(block, by_graph)
    return by_graph


def camel_case(name: str) -> str:
    """`basic_block` as a class: `BasicBlock`; never a name that the emitted source uses otherwise."""
    text = "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)
    return text if text[:1].isalpha() else f"Net{text}"


def _unique(name: str, taken: set[str]) -> str:
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}{number}", number + 1
    taken.add(candidate)
    return candidate


def shared_modules(graph: Graph, memo: dict[int, list[SharedModule]] | None = None) -> list[SharedModule]:
    """The shared layers that a block uses, inside its blocks too, without those that it holds itself."""
    memo = {} if memo is None else memo
    if id(graph) not in memo:
        found: dict[SharedModule, None] = {}
        for node in graph.nodes:
            if node.shared is not None:
                found[node.shared] = None
            if isinstance(node.operation, Graph):
                found.update(dict.fromkeys(shared_modules(node.operation, memo)))
        memo[id(graph)] = [s for s in found if s.owner is not graph.identity]
    return memo[id(graph)]


def _build_of(graph: Graph, by_graph: dict[int, BlockClass]) -> Any:
    """What two graphs have in common when one class can serve both: everything but the constructors' numbers."""
    nodes = []
    for node in graph.nodes:
        operation = node.operation
        shared = (node.shared.name, node.shared.owner is graph.identity) if node.shared is not None else None
        if isinstance(operation, Graph):
            kind: Any = by_graph[id(operation)].name
        elif isinstance(operation, Layer):
            shapes = graph.input_shapes(node)
            module = operation.module(*shapes)
            code = repr(operation.code(PythonName("m") if module else None, _placeholders(node), shapes))
            kind = (_build_of_code(module), code, repr(operation.activation_word), operation.is_frozen)
        else:
            kind = "input"
        nodes.append((node.name, node.inputs, kind, shared))
    outputs = tuple((o.name, o.edge, repr(o.head)) for o in graph.outputs)
    held = tuple(s.name for s in shared_modules(graph))
    return tuple(nodes), outputs, tuple(graph.inputs), tuple(sorted(graph.labels.items())), held


def _placeholders(node: Node) -> tuple[PythonName, ...]:
    return tuple(PythonName(f"x{i}") for i in range(len(node.inputs)))


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


def slots(node: Node, graph: Graph, by_graph: dict[int, BlockClass]) -> Iterator[tuple[Slot, Any]]:
    """The places of a node's constructor that may differ between the graphs of a class, with their values."""
    if isinstance(node.operation, Graph):
        for name, value in by_graph[id(node.operation)].arguments(node.operation).items():
            yield Slot(node.name, name), value
    elif isinstance(node.operation, Layer):
        module = node.operation.module(*graph.input_shapes(node))
        if module is not None:
            yield from _code_slots(node.name, "", module)


def _code_slots(node: str, path: str, call: PythonCall) -> Iterator[tuple[Slot, Any]]:
    names = POSITIONAL_NAMES.get(call.function, ())
    positional = [(names[i] if i < len(names) else f"argument_{i}", a) for i, a in enumerate(call.args)]
    for name, value in (*positional, *call.kwargs):
        where = f"{path}{name}"
        if isinstance(value, PythonCall):
            yield from _code_slots(node, f"{where}_", value)
        elif is_number(value) or (isinstance(value, tuple) and all(is_number(v) for v in value)):
            yield Slot(node, where), value


def _generalise(block: BlockClass, by_graph: dict[int, BlockClass]) -> None:
    """Find parameters for the slots in which the graphs of a class differ."""
    columns: dict[Slot, list[Any]] = {}
    for graph in block.graphs:
        for node in graph.nodes:
            for slot, value in slots(node, graph, by_graph):
                columns.setdefault(slot, []).append(value)
    candidates = _candidates(block)
    for slot, values in columns.items():
        if all(v == values[0] for v in values):
            continue
        name, text = _explain(values, candidates)
        if name is None:
            name = text = f"{slot.node}_{slot.argument}"
            candidates[name] = values
        block.expressions[slot] = text
        block.parameters[name] = candidates[name]
    order = list(candidates)
    block.parameters = dict(sorted(block.parameters.items(), key=lambda item: order.index(item[0])))


def _candidates(block: BlockClass) -> dict[str, list[Any]]:
    """What may explain a slot: the channels that flow in, and the arguments of the `def`."""
    found: dict[str, list[Any]] = {}
    for position, index in enumerate(block.graphs[0].inputs):
        suffix = "" if len(block.graphs[0].inputs) == 1 else f"_{position + 1}"
        shapes = [g.nodes[index].shape for g in block.graphs]
        if all(shape.rank > 0 for shape in shapes):
            found[f"in_features{suffix}"] = [shape.channels for shape in shapes]
    for name in block.graphs[0].arguments:
        found[name] = [g.arguments[name] for g in block.graphs]
    return found


def _explain(values: list[Any], candidates: dict[str, list[Any]]) -> tuple[str | None, str]:
    """The candidate whose values, or a multiple or fraction of them, are these; arguments before inputs."""
    ordered = sorted(candidates, key=lambda name: name.startswith("in_features"))
    for name in ordered:
        if candidates[name] == values and all(
            type(a) is type(b) for a, b in zip(candidates[name], values, strict=True)
        ):
            return name, name
    for name in ordered:
        column = candidates[name]
        if not all(isinstance(v, int) and v > 0 for v in (*column, *values)):
            continue
        if values[0] % column[0] == 0 and all(
            v == c * (values[0] // column[0]) for v, c in zip(values, column, strict=True)
        ):
            return name, f"{values[0] // column[0]} * {name}"
        if column[0] % values[0] == 0 and all(
            c // (column[0] // values[0]) == v for v, c in zip(values, column, strict=True)
        ):
            return name, f"{name} // {column[0] // values[0]}"
    return None, ""


def edge_labels(graph: Graph) -> dict[Edge, str]:
    """What the author calls each tensor."""
    return {edge: name for name, edge in graph.labels.items()}
