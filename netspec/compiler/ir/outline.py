"""What a drawing shows: boxes and wires, block in block, before anything has a place.

Layers that do nothing and the masks of padding are left out; copies in a row (`block * 6`) are one box with a count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from netspec.compiler.ir.cost import Counts, Row, Totals, rows, total_cost
from netspec.compiler.ir.graph import Edge, Graph, Input, Node, SharedModule
from netspec.compiler.ir.layer_kinds import kind_of
from netspec.compiler.ir.repeats import Repeat, find_repeats
from netspec.language.shape import Shape
from netspec.layers.base import Layer
from netspec.layers.sequence.tokens import FilledSteps, PaddingMask

OPEN_BOXES = 45
"""Blocks are opened, outer ones first, until about this number of boxes is shown."""


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

    `key` is its path in the network, `last` that of the last of `count` copies in a row, and `copies` has the paths of
    all nodes in them. `shape` is None for what gives
    nothing; `counts` are of one copy. A name that was written in the spec is set apart by `is_named`.
    """

    key: str
    title: str
    kind: str
    shape: Shape | None = None
    name: str = ""
    is_named: bool = False
    reads: tuple[Shape, ...] = ()
    layer: Layer | None = None
    row: Row | None = None
    counts: Counts = Counts()
    inside: Plan | None = None
    count: int = 1
    last: str = ""
    copies: tuple[str, ...] = ()
    is_shared_again: bool = False
    is_used_again: bool = False
    """Whether a later box has its weights."""
    total_count: int = 1
    """How many copies there are in all: `count`, times those of the blocks around."""
    fraction: float = 0.0
    """The fraction of the network's parameters that it has, with all copies."""
    mark: str = ""
    """`added`, `removed` or `changed`, in a drawing of differences."""
    other_words: tuple[str, ...] = ()
    """The words of its title that the same box of the other network does not have."""

    @property
    def is_shared(self) -> bool:
        """Whether its weights are those of a box before, by itself or with the block around."""
        has_weights = self.row is not None and self.row.parameters > 0
        return self.is_shared_again or (has_weights and not self.counts.parameters)

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


def outline_of(network: Graph) -> Plan:
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
        reads = (network.shape_of(output.edge),)
        box = Box(key=f"{name} (output)", title=name, kind="output", name=name, reads=reads)
        plan.plan.wires.append(Wire(edge[0], plan.plan.add(box), edge[1]))
    again = {box.key for box in plan.plan.all_boxes() if box.is_shared}
    for box in plan.plan.all_boxes():
        box.is_used_again = box.key in again and not box.is_shared
    _count_copies(plan.plan, 1, max(1, total_cost(network).parameters))
    return plan.plan


def _count_copies(plan: Plan, around: int, parameters: int) -> None:
    """Sets the copies and fractions of all boxes; `around` is the number of copies of the blocks around."""
    for box in plan.boxes:
        box.total_count = box.count * around
        box.fraction = box.counts.parameters * box.total_count / parameters
        if box.inside is not None:
            _count_copies(box.inside, box.total_count, parameters)


def opened(plan: Plan, levels: int | None) -> Callable[[Box], bool]:
    """Which blocks are open: all of the outer `levels`. None: as many levels as read well, and then the first block of
    each name."""
    opened: set[str] = set()
    shown = len(plan.boxes)
    level = [box for box in plan.boxes if box.inside is not None]
    depth = 0
    while level and (levels is None or depth < levels):
        more = sum(len(box.inside.boxes) for box in level if box.inside is not None)
        if levels is None and shown + more > OPEN_BOXES:
            opened |= set(_examples(level, OPEN_BOXES - shown))
            break
        opened |= {box.key for box in level}
        shown += more
        inner = [box for outer in level if outer.inside is not None for box in outer.inside.boxes]
        level = [box for box in inner if box.inside is not None]
        depth += 1
    return lambda box: box.key in opened


def _examples(blocks: list[Box], room: int) -> Iterator[str]:
    """The first block of each name, while there is room."""
    seen: set[str] = set()
    for box in blocks:
        size = len(box.inside.boxes) if box.inside is not None else 0
        if box.title not in seen and size <= room:
            room -= size
            yield box.key
        seen.add(box.title)


def flattened(plan: Plan, is_dissolved: Callable[[Box], bool] = lambda box: True) -> Plan:
    """The plan without the borders of blocks, of all or of some; of copies in a row, one is left, with its count."""
    result = Plan()
    _dissolve(plan, result, [], 1, is_dissolved)
    return result


def _dissolve(
    plan: Plan, result: Plan, entries: Sequence[tuple[int, int]], count: int, is_dissolved: Callable[[Box], bool]
) -> list[tuple[int, int]]:
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
        elif box.inside is not None and is_dissolved(box):
            outputs[index] = _dissolve(box.inside, result, sources, count * box.count, is_dissolved)
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
            box = Box(key=f"{node.name} (input)", title=node.name, kind="input", shape=node.shape, name=node.name)
            index = self.plan.add(box)
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
            elif isinstance(node.operation, FilledSteps) or (
                isinstance(node.operation, Layer) and node.operation.is_identity and not node.operation.name
            ):
                self.places[Edge(index)] = self.places[node.inputs[0]]
            else:
                inputs = [edge for edge in node.inputs if self._is_drawn(edge)]
                self._add(self._box(node, 1, node.name), inputs, [index], node)

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
        outer = [edge for index in copy for edge in self.block.nodes[index].inputs if edge.node not in inner]
        inputs = [edge for edge in dict.fromkeys(outer) if self._is_drawn(edge)]
        nodes = [self.block.nodes[index] for copy in repeat.copies for index in copy]
        copies = tuple("/".join((*self.path, node.name)) for node in nodes)
        if len(copy) == 1:
            box = self._box(nodes[0], count, last.name)
            box.copies = copies
            self._add(box, inputs, ends, last)
            return
        key = (*self.path, f"{self.block.nodes[copy[0]].name} to {last.name}")
        planner = _Planner(self.block, self.path, self.known)
        plan = planner.part(copy, inputs, [Edge(copy[-1])], ())
        words = [self.block.nodes[index].word for index in copy]
        title = " -> ".join(words if len(words) <= 3 else [*words[:2], "…", words[-1]])
        counts = Totals()
        for box in plan.boxes:
            for _ in range(box.count):
                counts = counts.plus(box.counts)
        ends_at = "/".join((*self.path, last.name))
        reads = tuple(map(self.block.shape_of, inputs))
        self._add(
            Box(
                key="/".join(key),
                title=title,
                kind="block",
                shape=last.shape,
                reads=reads,
                counts=counts,
                inside=plan,
                count=count,
                last=ends_at,
                copies=copies,
            ),
            inputs,
            ends,
            last,
        )

    def _box(self, node: Node, count: int, last: str) -> Box:
        """The box of a layer or a block; a block with one layer is drawn as this layer."""
        path = (*self.path, node.name)
        operation = node.operation
        if isinstance(operation, Graph):
            layers = [inner for inner in operation.nodes if not isinstance(inner.operation, Input)]
            if len(layers) != 1 or not isinstance(layers[0].operation, Layer):
                return self._block(node, operation, count, last)
            path, operation = (*path, layers[0].name), layers[0].operation
        assert isinstance(operation, Layer)
        row = self.known.by_path.get(path)
        is_again = self._is_again(node)
        return Box(
            key="/".join(path),
            title=operation.to_source(),
            kind=kind_of(operation),
            shape=node.shape,
            name=node.name,
            is_named=operation.name is not None,
            reads=self.block.input_shapes(node),
            layer=operation,
            row=row,
            counts=_counts(row, is_again),
            count=count,
            last="/".join((*self.path, last, *path[len(self.path) + 1 :])),
            is_shared_again=node.shared is not None and is_again,
        )

    def _block(self, node: Node, graph: Graph, count: int, last: str) -> Box:
        path = (*self.path, node.name)
        before, is_again = self.known.is_again, self._is_again(node)
        self.known.is_again, self.known.drawn[graph.identity] = is_again, set()
        planner = _Planner(graph, path, self.known)
        entries = [Edge(index) for index, edge in zip(graph.inputs, node.inputs, strict=True) if self._is_drawn(edge)]
        exits = [output.edge for output in graph.outputs]
        plan = planner.part(range(len(graph.nodes)), entries, exits, self.known.repeats.get(id(graph), ()))
        self.known.is_again = before
        return Box(
            key="/".join(path),
            title=node.word,
            kind="block",
            shape=node.shape,
            name=node.name,
            reads=self.block.input_shapes(node),
            counts=_counts(total_cost(graph), is_again),
            inside=plan,
            count=count,
            last="/".join((*self.path, last)),
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


def _counts(found: Counts | None, is_again: bool) -> Counts:
    """What a box counts: of weights that have a box already the multiply-adds alone."""
    if found is None:
        return Counts()
    return Counts(macs=found.macs) if is_again else Counts(found.trainable, found.frozen, found.state, found.macs)
