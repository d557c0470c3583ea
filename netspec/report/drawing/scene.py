"""What a drawing shows: boxes and wires, block in block, before anything has a place.

Layers that do nothing and the masks of padding are left out; copies in a row (`block * 6`) are one box with a count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import prod

from netspec.compiler.ir.cost import Row, rows, total_cost
from netspec.compiler.ir.graph import Edge, Graph, Input, Node, SharedModule
from netspec.compiler.ir.printer import count as number_text
from netspec.compiler.ir.repeats import Repeat, find_repeats
from netspec.language.shape import Shape
from netspec.layers.base import Layer
from netspec.layers.sequence.tokens import PaddingMask

KINDS = {
    "conv": "conv",
    "transposed_conv": "conv",
    "dense": "dense",
    "unembed": "dense",
    "pool": "pool",
    "norm": "norm",
    "activation_layer": "activation",
    "recurrent": "recurrent",
    "bidirectional": "recurrent",
    "attention": "attention",
    "merge": "merge",
    "residual": "merge",
    "tokens": "embedding",
    "positions": "embedding",
    "regularization": "dropout",
    "reshape": "reshape",
    "cropping": "reshape",
    "resize": "reshape",
    "steps": "reshape",
}
"""The kind of a layer, for its color, by the module that declares it; layers of users are of the kind `other`."""


@dataclass(frozen=True, slots=True)
class Wire:
    """What flows from an output of a box to an input of another, both in one plan."""

    source: int
    target: int
    source_port: int = 0
    target_port: int = 0


@dataclass(eq=False, kw_only=True)
class Box:
    """An input, an output, a layer, or a block with a plan of its own.

    `key` is its path in the network, `count` the number of copies in a row, and `port` says that it is the place where
    a wire enters or leaves the block around it. `shape` is None for what gives nothing.
    """

    key: str
    title: str
    kind: str
    shape: Shape | None = None
    name: str = ""
    details: tuple[str, ...] = ()
    inside: Plan | None = None
    count: int = 1
    weights: int = 0
    is_shared_again: bool = False
    window: tuple[int, ...] = ()
    """The sizes of the kernel or the window that slides over an image."""
    mark: str = ""
    """`added`, `removed` or `changed`, in a drawing of differences."""

    @property
    def is_port(self) -> bool:
        return self.kind in ("entry", "exit")


@dataclass(eq=False)
class Plan:
    """The boxes of a block, in an order in which they can be computed, and the wires between them."""

    boxes: list[Box] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)

    def add(self, box: Box) -> int:
        self.boxes.append(box)
        return len(self.boxes) - 1

    def all_boxes(self) -> Iterator[Box]:
        """Every box, those of inner plans too."""
        for box in self.boxes:
            yield box
            if box.inside is not None:
                yield from box.inside.all_boxes()

    def shapes(self) -> list[Shape]:
        """The shapes of everything in it."""
        return [box.shape for box in self.all_boxes() if box.shape is not None]


def scene_of(network: Graph) -> Plan:
    """The plan of a whole network: its inputs and outputs are boxes."""
    repeats: dict[int, list[Repeat]] = {}
    for repeat in find_repeats(network):
        repeats.setdefault(id(repeat.block), []).append(repeat)
    by_path: dict[tuple[str, ...], Row] = {}
    for row in rows(network):
        by_path.setdefault(row.path, row)
    plan = _Planner(network, (), _Known(repeats, by_path)).whole()
    for output, edge in zip(network.outputs, plan.exits, strict=True):
        name = output.name or "output"
        shape = network.shape_of(output.edge)
        box = Box(key=f"{name} (output)", title=name, kind="output", details=(f"output: {shape}",))
        plan.plan.wires.append(Wire(edge[0], plan.plan.add(box), edge[1]))
    return plan.plan


def flattened(plan: Plan) -> Plan:
    """The plan with all blocks dissolved; of copies in a row, one is left, with its count."""
    result = Plan()
    _dissolve(plan, result, [], 1)
    return result


def _dissolve(plan: Plan, result: Plan, entries: Sequence[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    """Adds the boxes of a plan, whose entries are fed by the given outputs; gives the outputs that its exits take."""
    inputs: dict[int, dict[int, tuple[int, int]]] = {}
    outputs: dict[int, list[tuple[int, int]]] = {}
    exits: list[tuple[int, int]] = []
    wires: dict[int, list[Wire]] = {}
    for wire in plan.wires:
        wires.setdefault(wire.target, []).append(wire)
    given = iter(entries)
    for index, box in enumerate(plan.boxes):
        inputs[index] = {w.target_port: outputs[w.source][w.source_port] for w in wires.get(index, ())}
        sources = [inputs[index][port] for port in sorted(inputs[index])]
        if box.kind == "entry":
            outputs[index] = [next(given)]
        elif box.kind == "exit":
            exits += sources
        elif box.inside is not None:
            outputs[index] = _dissolve(box.inside, result, sources, count * box.count)
        else:
            number = result.add(replace(box, count=count * box.count))
            outputs[index] = [(number, port) for port in range(2)]
            result.wires += [Wire(source, number, port, place) for place, (source, port) in enumerate(sources)]
    return exits


@dataclass(eq=False)
class _Known:
    """What all planners of a network read. `drawn` has the shared layers with a box already, by the block that holds
    them; `is_again` is set inside of a second use, whose weights are counted there."""

    repeats: dict[int, list[Repeat]]
    by_path: dict[tuple[str, ...], Row]
    drawn: dict[object, set[SharedModule]] = field(default_factory=dict)
    is_again: bool = False


@dataclass(eq=False)
class _Built:
    """A plan whose outputs are not connected yet: `exits` has the box and the port of each."""

    plan: Plan
    exits: list[tuple[int, int]]


class _Planner:
    """Makes the plan of one block. `places` has the box and port that stand for each edge of the graph."""

    def __init__(self, block: Graph, path: tuple[str, ...], known: _Known) -> None:
        self.block = block
        self.path = path
        self.known = known
        self.plan = Plan()
        self.places: dict[Edge, tuple[int, int]] = {}

    def whole(self) -> _Built:
        """The plan of the whole network, with a box for each input."""
        self.known.drawn[self.block.identity] = set()
        for node in self.block.input_nodes:
            details = (f"input {node.name}: {node.shape}",)
            index = self.plan.add(
                Box(key=f"{node.name} (input)", title=node.name, kind="input", shape=node.shape, details=details)
            )
            self.places[Edge(self.block.nodes.index(node))] = (index, 0)
        self.fill(range(len(self.block.nodes)), self.known.repeats.get(id(self.block), ()))
        return _Built(self.plan, [self.places[output.edge] for output in self.block.outputs])

    def part(
        self, indices: Sequence[int], entries: Sequence[Edge], exits: Sequence[Edge], repeats: Iterable[Repeat]
    ) -> Plan:
        """The plan of some nodes, with a port for each edge that enters or leaves."""
        for number, edge in enumerate(entries):
            key = "/".join((*self.path, f"entry {number}"))
            self.places[edge] = (self.plan.add(Box(key=key, title="", kind="entry")), 0)
        self.fill(indices, repeats)
        for number, edge in enumerate(exits):
            source, port = self.places[edge]
            key = "/".join((*self.path, f"exit {number}"))
            self.plan.wires.append(Wire(source, self.plan.add(Box(key=key, title="", kind="exit")), port))
        return self.plan

    def fill(self, indices: Iterable[int], repeats: Iterable[Repeat]) -> None:
        """Adds boxes for nodes, and their wires."""
        first_of = {repeat.copies[0][0]: repeat for repeat in repeats}
        covered = {index for repeat in repeats for copy in repeat.copies for index in copy}
        for index in indices:
            node = self.block.nodes[index]
            if index in first_of:
                self._add_repeat(first_of[index])
            elif index in covered or isinstance(node.operation, Input | PaddingMask):
                continue
            elif isinstance(node.operation, Layer) and node.operation.is_identity and not node.operation.name:
                self.places[Edge(index)] = self.places[node.inputs[0]]
            else:
                self._add(self._box(node, 1), [edge for edge in node.inputs if self._is_drawn(edge)], [index], node)

    def _is_drawn(self, edge: Edge) -> bool:
        return not isinstance(self.block.nodes[edge.node].operation, PaddingMask)

    def _add(self, box: Box, inputs: Sequence[Edge], indices: Iterable[int], last: Node) -> None:
        number = self.plan.add(box)
        for port, edge in enumerate(inputs):
            source, source_port = self.places[edge]
            self.plan.wires.append(Wire(source, number, source_port, port))
        for index in indices:
            for port in range(len(last.shapes)):
                self.places[Edge(index, port)] = (number, port)

    def _add_repeat(self, repeat: Repeat) -> None:
        copy, count = repeat.copies[0], len(repeat.copies)
        ends = [copy[-1] for copy in repeat.copies]
        last = self.block.nodes[ends[-1]]
        inner = set(copy)
        reads = [edge for index in copy for edge in self.block.nodes[index].inputs if edge.node not in inner]
        inputs = [edge for edge in dict.fromkeys(reads) if self._is_drawn(edge)]
        if len(copy) == 1:
            self._add(self._box(self.block.nodes[copy[0]], count), inputs, ends, last)
            return
        key = (*self.path, f"{self.block.nodes[copy[0]].name} to {last.name}")
        planner = _Planner(self.block, self.path, self.known)
        plan = planner.part(copy, inputs, [Edge(copy[-1])], ())
        words = [self.block.nodes[index].word for index in copy]
        title = " -> ".join(words if len(words) <= 3 else [*words[:2], "…", words[-1]])
        weights = sum(box.weights * box.count for box in plan.boxes)
        box = Box(
            key="/".join(key),
            title=title,
            kind="block",
            shape=last.shape,
            inside=plan,
            count=count,
            weights=weights,
            details=(f"{count} times {title}", f"{number_text(weights)} parameters each"),
        )
        self._add(box, inputs, ends, last)

    def _box(self, node: Node, count: int) -> Box:
        """The box of a layer or a block; a block with one layer is drawn as this layer."""
        path = (*self.path, node.name)
        operation = node.operation
        if isinstance(operation, Graph):
            layers = [inner for inner in operation.nodes if not isinstance(inner.operation, Input)]
            if len(layers) == 1 and isinstance(layers[0].operation, Layer):
                path, operation = (*path, layers[0].name), layers[0].operation
            else:
                return self._block(node, operation, path, count)
        assert isinstance(operation, Layer)
        row = self.known.by_path.get(path)
        title = operation.to_source()
        kind = KINDS.get(type(operation).__module__.rpartition(".")[2], "other")
        is_again = self._is_again(node)
        weights = row.parameters if row is not None and not is_again else 0
        details = [f"{node.name} = {title}", " + ".join(map(str, self.block.input_shapes(node))) + f" -> {node.shape}"]
        if row is not None:
            details += _weight_lines(row, is_again)
        name = operation.name or ""
        return Box(
            key="/".join(path),
            title=title,
            name=name,
            kind=kind,
            shape=node.shape,
            details=tuple(details),
            count=count,
            weights=weights,
            is_shared_again=node.shared is not None and is_again,
            window=_window(operation, self.block.input_shapes(node)),
        )

    def _block(self, node: Node, graph: Graph, path: tuple[str, ...], count: int) -> Box:
        before, is_again = self.known.is_again, self._is_again(node)
        self.known.is_again, self.known.drawn[graph.identity] = is_again, set()
        planner = _Planner(graph, path, self.known)
        indices = range(len(graph.nodes))
        drawn = [edge for edge in node.inputs if self._is_drawn(edge)]
        entries = [Edge(index) for index, edge in zip(graph.inputs, node.inputs, strict=True) if edge in drawn]
        exits = [output.edge for output in graph.outputs]
        plan = planner.part(indices, entries, exits, self.known.repeats.get(id(graph), ()))
        self.known.is_again = before
        totals = total_cost(graph)
        details = [
            f"{node.name}: " + ", ".join(map(str, self.block.input_shapes(node))) + f" -> {node.shape}",
            "shares its weights with the one above"
            if is_again
            else f"{number_text(totals.parameters)} parameters" + (" each" if count > 1 else ""),
        ]
        if totals.macs != 0:
            details.append(f"{number_text(totals.macs)} multiply-adds" + (" each" if count > 1 else ""))
        title = node.word
        return Box(
            key="/".join(path),
            title=title,
            kind="block",
            shape=node.shape,
            details=tuple(details),
            inside=plan,
            count=count,
            weights=0 if is_again else totals.parameters,
            is_shared_again=node.shared is not None and is_again,
        )

    def _is_again(self, node: Node) -> bool:
        """Whether the weights of a node have a box already."""
        if node.shared is None:
            return self.known.is_again
        drawn = self.known.drawn[node.shared.owner]
        found = node.shared in drawn
        drawn.add(node.shared)
        return found or self.known.is_again


def _window(layer: Layer, shapes: Sequence[Shape]) -> tuple[int, ...]:
    """The window of a convolution or a pool over an image, height and width."""
    sizes = getattr(layer, "kernel", None) or getattr(layer, "window", None)
    if sizes is None or not shapes or len(shapes[0].sizes) != 3:
        return ()
    return (sizes, sizes) if isinstance(sizes, int) else tuple(sizes)


def _weight_lines(row: Row, is_again: bool) -> Iterator[str]:
    """How the parameters of a layer are counted, and its multiply-adds."""
    if is_again:
        yield "shares its weights with the one above"
    elif row.parameters:
        parts = [f"{name} {'x'.join(map(str, row.sizes[name]))}" for name in row.weights]
        sizes = [number_text(prod(row.sizes[name])) for name in row.weights]
        sum_text = f" = {' + '.join(sizes)}" if len(sizes) > 1 else ""
        yield f"{number_text(row.parameters)} parameters{sum_text}: {', '.join(parts)}"
    if row.state:
        yield f"{number_text(row.state)} numbers of state"
    if row.macs != 0:
        yield f"{number_text(row.macs)} multiply-adds per example"
