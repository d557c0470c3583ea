"""Counts parameters, multiply-adds and memory, and lists the layers for `show`.

Weights are counted once, also when they are shared. Sizes that are not known make formulas of the counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod

from netspec.compiler.ir.graph import Graph, Node, SharedModule
from netspec.language.record import Frozen
from netspec.language.shape import Shape, Size
from netspec.layers.base import Layer

BYTES_PER_NUMBER = 4
"""Everything is float32 or int32."""


class Counts(Frozen):
    """Numbers in the weights and in the state, and multiply-adds for one example."""

    trainable: int = 0
    frozen: int = 0
    state: int = 0
    macs: Size = 0

    @property
    def parameters(self) -> int:
        """Weights, trained or frozen, without state."""
        return self.trainable + self.frozen


class Row(Counts, kw_only=True):
    """One layer. `path` has the names of the blocks around it, `weights` the names of its weights in its module,
    `sizes` the shapes of these and of its state."""

    path: tuple[str, ...]
    word: str
    call: str
    shape: Shape
    node: Node
    weights: tuple[str, ...] = ()
    sizes: Mapping[str, tuple[int, ...]] = {}
    is_shared_again: bool = False

    @property
    def name(self) -> str:
        return "/".join(self.path)


class Totals(Counts):
    """Sums over a network; memory in bytes, activations for one example."""

    activations: Size = 0

    def plus(self, other: Counts, activations: Size = 0) -> Totals:
        """The sums with the weights and multiply-adds of another part, and further activations."""
        weights = self.trainable + other.trainable, self.frozen + other.frozen, self.state + other.state
        return Totals(*weights, self.macs + other.macs, self.activations + activations)

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
    weights, state = layer.parameters(*shapes), layer.state(*shapes)
    count = 0 if is_shared_again else sum(map(prod, weights.values()))
    return Row(
        path=path,
        word=node.word,
        call=node.name if is_shared_again else layer.to_source(),
        shape=node.shape,
        trainable=0 if layer.is_frozen else count,
        frozen=count if layer.is_frozen else 0,
        state=0 if is_shared_again else sum(map(prod, state.values())),
        macs=layer.macs(node.shape, *shapes),
        node=node,
        weights=tuple(weights),
        sizes={**weights, **state},
        is_shared_again=is_shared_again,
    )


def step_bytes(graph: Graph, batch: int) -> Size:
    """About how many bytes of activations a training step has; `netspec.analysis.step_memory` knows it exactly."""
    return total_cost(graph).activation_bytes * batch


def total_cost(graph: Graph, freeze: Sequence[str] = ()) -> Totals:
    """Sums over all layers, those of the layers and blocks named in `freeze` as frozen; blocks that are used often are
    counted once and multiplied, so this is fast."""
    if freeze:
        totals = total_cost(graph)
        parts = tuple(f"{name}/" for name in freeze)
        kept = sum(weights for name, weights in weights_by_layer(graph).items() if f"{name}/".startswith(parts))
        return totals.replace(trainable=totals.trainable - kept, frozen=totals.frozen + kept)
    memo: dict[int, _Cost] = {}
    for inner in graph.subgraphs():
        memo[id(inner)] = _graph_cost(inner, memo)
    return memo[id(graph)][0]


_Cost = tuple[Totals, dict[SharedModule, Counts]]
"""The sums of a block; weights that a block around it holds are in the second part instead, one entry for each."""


def _graph_cost(graph: Graph, memo: dict[int, _Cost]) -> _Cost:
    totals = Totals()
    shared: dict[SharedModule, Counts] = {}
    for node in graph.nodes:
        cost: Counts
        if isinstance(node.operation, Graph):
            inner, borrowed = memo[id(node.operation)]
            shared.update(borrowed)
            cost, activations = inner, inner.activations
        elif isinstance(node.operation, Layer):
            cost, activations = _row(node, (), node.operation, graph, is_shared_again=False), node.shape.count
        else:
            continue
        if node.shared is not None:  # its weights count once, where they are held
            shared[node.shared], cost = cost, Counts(macs=cost.macs)
        totals = totals.plus(cost, activations)
    for module in [module for module in shared if module.owner is graph.identity]:
        totals = totals.plus(shared.pop(module).replace(macs=0))
    return totals, shared
