"""Finds steps that repeat in a row, so that a compiler may compile them once (`lax.scan`).

An analysis: the graph stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from netspec.compiler.ir.graph import Edge, Graph, Input, Node
from netspec.language.shape import Shape
from netspec.layers.base import Layer
from netspec.layers.sequence.tokens import FilledSteps, PaddingMask

MAX_LENGTHS = 50
"""The number of lengths tried at a position; bounds the work if many equal layers are between different ones."""


@dataclass(frozen=True)
class Repeat:
    """Copies of the same steps in a row, each applied to the one before, with separate weights unless they are shared.

    `copies` has the nodes of each copy in `block`; the last of them gives what flows on, in the shape of what flowed
    in. `entry` is what flows into the first copy. Nothing else inside is read from outside; whatever else the copies
    read comes from before the first, and is the same for all.
    """

    block: Graph
    copies: tuple[tuple[int, ...], ...]
    entry: Edge

    @property
    def shape(self) -> Shape:
        """The shape that flows in and out of every copy."""
        return self.block.shape_of(self.entry)


def find_repeats(network: Graph) -> list[Repeat]:
    """The repeats in every block of a network, inner blocks first, as many steps as possible in each."""
    builds = _Builds()
    return [repeat for block in network.subgraphs() for repeat in _Finder(block, builds).find()]


class _Builds:
    """Numbers for what nodes do: equal numbers for equal work on equal shapes."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}
        self.blocks: dict[int, int] = {}
        self.layers: dict[int, str] = {}

    def of_node(self, block: Graph, node: Node) -> int:
        operation = node.operation
        work: Any = "input"
        if isinstance(operation, Graph):
            work = self.of_block(operation)
        elif isinstance(operation, Layer):
            work = self._text(operation)
        shared: Any = None
        if node.shared is not None:  # one that the block holds is another in each use of the block
            shared = node.shared.name if node.shared.owner is block.identity else id(node.shared)
        reads = tuple(map(block.shape_of, node.reads))
        return self._number((work, shared, len(node.inputs), reads, node.shapes))

    def of_block(self, block: Graph) -> int:
        if id(block) not in self.blocks:
            nodes = tuple((node.name, self.of_node(block, node), node.reads) for node in block.nodes)
            outputs = tuple(output.edge for output in block.outputs)
            self.blocks[id(block)] = self._number((block.name, nodes, tuple(block.inputs), outputs))
        return self.blocks[id(block)]

    def _text(self, layer: Layer) -> str:
        if id(layer) not in self.layers:
            self.layers[id(layer)] = repr(layer.replace(name=None))
        return self.layers[id(layer)]

    def _number(self, build: Any) -> int:
        return self.numbers.setdefault(build, len(self.numbers))


class _Finder:
    """Looks for repeats in one block. Positions are those in `order`, which has inputs and masks first."""

    def __init__(self, block: Graph, builds: _Builds) -> None:
        self.block = block
        indices = range(len(block.nodes))
        front = [i for i in indices if isinstance(block.nodes[i].operation, Input | PaddingMask | FilledSteps)]
        rest = sorted(set(indices) - set(front))
        self.order = [*front, *rest]
        self.begin = len(front)
        place = {node: position for position, node in enumerate(self.order)}
        self.nodes = [block.nodes[i] for i in self.order]
        self.reads = [[Edge(place[e.node], e.port) for e in node.reads] for node in self.nodes]
        self.builds = [builds.of_node(block, node) for node in self.nodes]
        self.last_reader = [-1] * len(self.nodes)
        for position, edges in enumerate(self.reads):
            for edge in edges:
                self.last_reader[edge.node] = position
        for output in block.outputs:
            self.last_reader[place[output.edge.node]] = len(self.nodes)
        self.next_equal: list[int | None] = [None] * len(self.nodes)  # for each position the next with the same build
        seen: dict[int, int] = {}
        for position, build in reversed([*enumerate(self.builds)]):
            self.next_equal[position] = seen.get(build)
            seen[build] = position

    def find(self) -> Iterator[Repeat]:
        """The repeats, from the first node on; they do not overlap."""
        start = self.begin
        while start < len(self.nodes):
            length, count = self._best(start)
            if count < 2:
                start += 1
                continue
            entry = self._entry(start, length)
            assert entry is not None
            ends = [start + k * length for k in range(count)]
            copies = tuple(tuple(self.order[first : first + length]) for first in ends)
            yield Repeat(self.block, copies, Edge(self.order[entry.node], entry.port))
            start += length * count

    def _best(self, start: int) -> tuple[int, int]:
        """The length of a copy and the number of copies with which most nodes from `start` on are covered."""
        best = (1, 1)
        lengths: list[int] = []
        following = self.next_equal[start]
        for _ in range(MAX_LENGTHS):
            if following is None:
                break
            length = following - start
            if not any(length % shorter == 0 for shorter in lengths):
                count = self._count(start, length)
                if count > 1:
                    lengths.append(length)
                    best = (length, count) if length * count > best[0] * best[1] else best
            following = self.next_equal[following]
        return best

    def _count(self, start: int, length: int) -> int:
        """The number of copies of `length` nodes in a row from `start` on."""
        entry = self._entry(start, length)
        last = self.nodes[start + length - 1]
        if entry is None or len(last.shapes) > 1 or self.nodes[entry.node].shapes[entry.port] != last.shape:
            return 1
        count = 0
        while self._is_copy(start, length, count, entry):
            count += 1
            end = start + count * length
            if self.last_reader[end - 1] >= end + length:  # not the next copy alone reads its result
                break
        return max(1, count)

    def _entry(self, start: int, length: int) -> Edge | None:
        """What the first copy reads where the second reads the first one's result."""
        result = Edge(start + length - 1)
        end = start + 2 * length
        if end > len(self.nodes) or not start + length <= self.last_reader[result.node] < end:
            return None
        for position in range(start, start + length):
            for first, second in zip(self.reads[position], self.reads[position + length], strict=False):
                if second == result and first.node < start:
                    return first
        return None

    def _is_copy(self, start: int, length: int, number: int, entry: Edge) -> bool:
        """Whether the steps of that number do the work of the first ones, and keep what is inside to themselves."""
        shift = number * length
        first = start + shift
        if first + length > len(self.nodes):
            return False
        for position in range(start, start + length):
            here = position + shift
            is_read_outside = here < first + length - 1 and self.last_reader[here] >= first + length
            if self.builds[here] != self.builds[position] or is_read_outside:
                return False
            if number and not self._reads_alike(position, start, length, number, entry):
                return False
        return True

    def _reads_alike(self, position: int, start: int, length: int, number: int, entry: Edge) -> bool:
        """Whether a node of a later copy reads what its counterparts in the first two read, moved along."""
        shift = number * length
        result = Edge(start + shift - 1)
        own, second, first = (self.reads[position + k * length] for k in (number, 1, 0))
        for here, then, origin in zip(own, second, first, strict=True):
            if origin.node >= start:
                alike = here == Edge(origin.node + shift, origin.port)
            elif here == result:
                alike = origin == entry and then == Edge(start + length - 1)
            else:
                alike = here == origin and then == origin
            if not alike:
                return False
        return True
