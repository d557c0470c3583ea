"""The graph: what is computed, with every shape known, in the hierarchy that the author wrote.

A `Graph` is a block: its nodes are in an order in which they can be computed, and each node is an input, a layer or
another graph. Uses of a block with equal arguments and shapes share one `Graph` object; each use has separate weights
unless they are shared by `share`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from netspec.language.shape import Shape
from netspec.language.source import Span
from netspec.layers.activations import Activation
from netspec.layers.base import Layer


@dataclass(frozen=True, slots=True)
class Edge:
    """One output of a node, by the node's index in its graph."""

    node: int
    port: int = 0


@dataclass(frozen=True)
class Input:
    """The operation of a node that is an input of the graph."""

    word = "input"


@dataclass(frozen=True, eq=False)
class SharedModule:
    """One set of weights, declared by `share`. `owner` is the `identity` of the graph whose instance holds it."""

    name: str
    owner: object
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, kw_only=True)
class Node:
    """One step. `shapes` has one entry per output (only blocks have several); `shared` is set for uses of a `share`.

    `mask` says which steps of a sequence are padding; it is set for layers that leave them out. `absorbed` has the
    batchnorms that a pass has merged into the layer.
    """

    name: str
    operation: Input | Layer | Graph
    inputs: tuple[Edge, ...]
    shapes: tuple[Shape, ...]
    span: Span | None = None
    shared: SharedModule | None = None
    mask: Edge | None = None
    absorbed: tuple[Node, ...] = ()

    @property
    def reads(self) -> tuple[Edge, ...]:
        """Everything that it is computed from: the inputs, and the mask."""
        return self.inputs if self.mask is None else (*self.inputs, self.mask)

    def moved(self, place: Callable[[Edge], Edge]) -> Node:
        """A copy that reads other edges."""
        mask = None if self.mask is None else place(self.mask)
        return replace(self, inputs=tuple(map(place, self.inputs)), mask=mask)

    @property
    def shape(self) -> Shape:
        return self.shapes[0]

    @property
    def word(self) -> str:
        """Its word in the spec."""
        operation = self.operation
        if isinstance(operation, Layer):
            return operation.to_source().partition("(")[0]
        return operation.name if isinstance(operation, Graph) else "input"


@dataclass(frozen=True)
class Padding:
    """How padding is recognized: the name of an input of the network, and the padding id; None for an input of numbers,
    whose padded steps are NaN."""

    input: str
    id: int | None

    def real(self, steps: Any) -> Any:
        """The steps of a batch of that input which are not padding: batch x T, for arrays of NumPy and JAX."""
        return steps[..., 0] == steps[..., 0] if self.id is None else steps != self.id


@dataclass(frozen=True)
class Output:
    """What flows out: its name, if any, and the head (softmax, sigmoid) that a pass has peeled off.

    `padding` is set for a sequence with padded steps: losses and metrics leave them out.
    """

    name: str | None
    edge: Edge
    head: Activation | None = None
    padding: Padding | None = None


@dataclass(eq=False)
class Graph:
    """A block, or the whole network.

    `labels` names tensors by what the author called them; `arguments` are those of the `def`, for reading only.
    `identity` stays the same when a pass makes a changed copy.
    """

    name: str
    nodes: list[Node] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    labels: dict[str, Edge] = field(default_factory=dict)
    arguments: dict[str, object] = field(default_factory=dict)
    span: Span | None = None
    identity: object = field(default_factory=object, repr=False)

    def shape_of(self, edge: Edge) -> Shape:
        return self.nodes[edge.node].shapes[edge.port]

    def input_shapes(self, node: Node) -> tuple[Shape, ...]:
        """The shapes that reach a node."""
        return tuple(self.shape_of(edge) for edge in node.inputs)

    @property
    def input_nodes(self) -> list[Node]:
        return [self.nodes[i] for i in self.inputs]

    def subgraphs(self) -> Iterator[Graph]:
        """Every different block inside this one, inner ones first, then the graph itself."""
        seen: set[int] = set()
        stack: list[tuple[Graph, bool]] = [(self, False)]
        while stack:
            graph, is_done = stack.pop()
            if is_done:
                yield graph
                continue
            if id(graph) in seen:
                continue
            seen.add(id(graph))
            stack.append((graph, True))
            stack.extend((n.operation, False) for n in reversed(graph.nodes) if isinstance(n.operation, Graph))


def use_counts(graph: Graph) -> list[int]:
    """How often each node's results are read, by nodes and outputs."""
    edges = [*(edge for node in graph.nodes for edge in node.reads), *(output.edge for output in graph.outputs)]
    counts = Counter(edge.node for edge in edges)
    return [counts[index] for index in range(len(graph.nodes))]


def prune(graph: Graph) -> Graph:
    """A copy without nodes that lead nowhere; inputs stay."""
    needed = set(graph.inputs)
    stack = [output.edge.node for output in graph.outputs]
    while stack:
        index = stack.pop()
        if index not in needed:
            needed.add(index)
            stack.extend(edge.node for edge in graph.nodes[index].reads)
    place = {old: new for new, old in enumerate(sorted(needed))}

    def moved(edge: Edge) -> Edge:
        return Edge(place[edge.node], edge.port)

    kept = [graph.nodes[i] for i in sorted(needed)]
    return replace(
        graph,
        nodes=[node.moved(moved) for node in kept],
        inputs=[place[i] for i in graph.inputs],
        outputs=[replace(output, edge=moved(output.edge)) for output in graph.outputs],
        labels={name: moved(edge) for name, edge in graph.labels.items() if edge.node in place},
    )
