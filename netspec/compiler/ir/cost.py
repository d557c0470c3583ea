"""Counts parameters, multiply-adds and memory, and lists the layers for `show`.

Weights are counted once, also when they are shared. Sizes that are not known make formulas of the counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from netspec.compiler.ir.graph import Graph, Input, Node, SharedModule
from netspec.language.record import Frozen
from netspec.language.shape import Shape, Size, product
from netspec.layers.base import Layer

BYTES_PER_NUMBER = 4
"""Everything is float32 or int32."""


class Row(Frozen):
    """One layer. `path` has the names of the blocks around it; counts are its own, without what is inside."""

    path: tuple[str, ...]
    word: str
    call: str
    shape: Shape
    trainable: int
    frozen: int
    state: int
    macs: Size
    node: Node
    weights: tuple[str, ...] = ()
    """The names of its weights in its module."""
    is_shared_again: bool = False

    @property
    def name(self) -> str:
        return "/".join(self.path)

    @property
    def parameters(self) -> int:
        """Weights, trained or frozen, without state."""
        return self.trainable + self.frozen


class Totals(Frozen):
    """Sums over a network; memory in bytes, activations for one example."""

    trainable: int
    frozen: int
    state: int
    macs: Size
    activations: Size

    @property
    def parameters(self) -> int:
        return self.trainable + self.frozen

    @property
    def weight_bytes(self) -> int:
        return (self.parameters + self.state) * BYTES_PER_NUMBER

    @property
    def activation_bytes(self) -> Size:
        return self.activations * BYTES_PER_NUMBER


def rows(graph: Graph) -> Iterator[Row]:
    """Every layer in the order of the computation, blocks opened."""
    yield from _rows(graph, (), {})


def weights_by_layer(graph: Graph) -> dict[str, int]:
    """How many weights each layer trains, by its name; shared weights count at their first use."""
    weights: dict[str, int] = {}
    for row in rows(graph):
        weights[row.name] = weights.get(row.name, 0) + row.trainable
    return weights


def _rows(graph: Graph, path: tuple[str, ...], seen: dict[object, set[SharedModule]]) -> Iterator[Row]:
    """`seen` has the shared layers that were listed already, by the block that holds them."""
    seen[graph.identity] = set()  # each use of a block holds its own
    for node in graph.nodes:
        here = (*path, node.name)
        again = node.shared is not None and node.shared in seen[node.shared.owner]
        if node.shared is not None:
            seen[node.shared.owner].add(node.shared)
        if isinstance(node.operation, Graph):
            if again:
                yield _row(node, here, Layer(), graph, is_shared_again=True)
            else:
                yield from _rows(node.operation, here, seen)
        elif isinstance(node.operation, Layer):
            yield _row(node, here, node.operation, graph, is_shared_again=again)


def _row(node: Node, path: tuple[str, ...], layer: Layer, graph: Graph, *, is_shared_again: bool) -> Row:
    shapes = graph.input_shapes(node)
    names = layer.parameters(*shapes)
    weights = 0 if is_shared_again else _count(names)
    state = 0 if is_shared_again else _count(layer.state(*shapes))
    return Row(
        path,
        node.word,
        node.name if is_shared_again else layer.to_source(),
        node.shape,
        trainable=0 if layer.is_frozen else weights,
        frozen=weights if layer.is_frozen else 0,
        state=state,
        macs=layer.macs(node.shape, *shapes),
        node=node,
        weights=tuple(names),
        is_shared_again=is_shared_again,
    )


def _count(weights: dict[str, tuple[int, ...]]) -> int:
    total = 0
    for sizes in weights.values():
        size = product(sizes)
        assert isinstance(size, int)
        total += size
    return total


def step_bytes(graph: Graph, batch: int) -> Size:
    """About how many bytes of activations a training step has; `netspec.analysis.step_memory` knows it exactly."""
    return total_cost(graph).activation_bytes * batch


def total_cost(graph: Graph) -> Totals:
    """Sums over all layers; blocks that are used often are counted once and multiplied, so this is fast."""
    memo: dict[int, _Cost] = {}
    for inner in graph.subgraphs():
        memo[id(inner)] = _graph_cost(inner, memo)
    return memo[id(graph)].totals


class _Cost(Frozen):
    """The sums of a block. Weights that a block around it holds are in `borrowed` instead, one entry for each."""

    totals: Totals
    borrowed: dict[SharedModule, Totals]


def _graph_cost(graph: Graph, memo: dict[int, _Cost]) -> _Cost:
    trainable = frozen = state = 0
    macs: Size = 0
    activations: Size = 0
    shared: dict[SharedModule, Totals] = {}
    for node in graph.nodes:
        cost = _node_cost(graph, node, memo)
        if isinstance(node.operation, Graph):
            shared.update(memo[id(node.operation)].borrowed)
        macs = macs + cost.macs
        activations = activations + cost.activations
        if node.shared is not None:
            shared[node.shared] = cost
        else:
            trainable, frozen, state = trainable + cost.trainable, frozen + cost.frozen, state + cost.state
    for held in [cost for module, cost in shared.items() if module.owner is graph.identity]:
        trainable, frozen, state = trainable + held.trainable, frozen + held.frozen, state + held.state
    borrowed = {module: cost for module, cost in shared.items() if module.owner is not graph.identity}
    return _Cost(Totals(trainable, frozen, state, macs, activations), borrowed)


def _node_cost(graph: Graph, node: Node, memo: dict[int, _Cost]) -> Totals:
    if isinstance(node.operation, Graph):
        return memo[id(node.operation)].totals
    if isinstance(node.operation, Input):
        return Totals(0, 0, 0, 0, 0)
    row = _row(node, (), node.operation, graph, is_shared_again=False)
    return Totals(row.trainable, row.frozen, row.state, row.macs, node.shape.count)
