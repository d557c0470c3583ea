"""Graph to graph: each pass is one file with one function, and `PASSES` gives their order and the reason for it."""

from collections.abc import Callable

from netspec.graph.ir import Graph
from netspec.graph.passes.peel_head import peel_head

PASSES: tuple[Callable[[Graph], Graph], ...] = (
    # First, and for now alone: what comes after may look at logits, not at probabilities.
    peel_head,
)


def optimise(graph: Graph) -> Graph:
    """The graph after every pass; the one given stays as it is."""
    for run in PASSES:
        graph = run(graph)
    return graph
