"""The names of the tensors in the body of an emitted class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from netspec.compiler.ir.graph import Edge, Graph
from netspec.compiler.ir.naming import python_name, unique_name
from netspec.layers.base import Layer

SPARE_NAMES = ("y", "z", "u", "v", "w")
"""The names of branches that the author has not named."""


class Variables:
    """Gives the tensors of a body their names: the author's, or `x` as long as one thing flows, else `y`, `z` …

    Tensors are written and read in the order of the nodes; a name is free again after its tensor's last read.
    """

    def __init__(self, graph: Graph, reserved: Collection[str]) -> None:
        self.graph = graph
        self.reserved = reserved
        self.labels = {edge: name for name, edge in graph.labels.items()}
        # How often each result is still read; reads through an identity count for its input.
        reads = [edge for i, node in enumerate(graph.nodes) if not self.is_alias(i) for edge in node.reads]
        self.left = Counter(map(self._root, [*reads, *(output.edge for output in graph.outputs)]))
        self.names: dict[Edge, str] = {}
        self.alive: set[str] = set()
        self.number = 1

    def is_alias(self, index: int) -> bool:
        """Whether a node only passes its input on, so that it needs no statement."""
        operation = self.graph.nodes[index].operation
        return isinstance(operation, Layer) and operation.is_identity

    def _root(self, edge: Edge) -> Edge:
        while self.is_alias(edge.node):
            edge = self.graph.nodes[edge.node].inputs[0]
        return edge

    def of_input(self, index: int) -> str:
        """The parameter for what flows in."""
        name = unique_name(python_name(self.graph.nodes[index].name, self.reserved), self.alive, self.reserved)
        self._keep(Edge(index), name)
        return name

    def _keep(self, edge: Edge, name: str) -> None:
        self.names[edge] = name
        if self.left[edge] > 0:
            self.alive.add(name)

    def read(self, edge: Edge) -> str:
        """The name of a tensor, read once more."""
        root = self._root(edge)
        self.left[root] -= 1
        name = self.names[root]
        if self.left[root] == 0:
            self.alive.discard(name)
            del self.names[root]
        return name

    def write(self, edge: Edge, flowing: str) -> str:
        """A name for a new tensor, one that nothing alive has; `flowing` is the name of what it is made of."""
        label = self.labels.get(edge)
        candidates = [python_name(label, self.reserved)] if label is not None else []
        if edge.port == 0:
            candidates.append(flowing)
        candidates += ["x", *SPARE_NAMES]
        name = next((c for c in candidates if c not in self.alive), "")
        if not name:
            while (name := f"y{self.number}") in self.alive:
                self.number += 1
        self._keep(edge, name)
        return name
