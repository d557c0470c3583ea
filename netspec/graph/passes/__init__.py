"""Graph to graph: each pass is one file with one function, and the tables give their order and the reason for it.

`find_repeats` is an analysis and changes nothing.
"""

from collections.abc import Callable

from netspec.graph.ir import Graph
from netspec.graph.passes.drop_training_only import drop_training_only
from netspec.graph.passes.find_repeats import Repeat, find_repeats
from netspec.graph.passes.fold_scale import fold_scale
from netspec.graph.passes.merge_batchnorm import merge_batchnorm
from netspec.graph.passes.peel_head import peel_head

__all__ = ["INFERENCE_PASSES", "PASSES", "Repeat", "find_repeats", "for_inference", "optimise"]

PASSES: tuple[Callable[[Graph], Graph], ...] = (
    # First: what comes after may look at logits, not at probabilities.
    peel_head,
    fold_scale,
)
"""For every network: weights, names and results stay what they are, also while training."""

INFERENCE_PASSES: tuple[Callable[[Graph], Graph], ...] = (
    # First: layers that it leaves out may stand between those that the others join.
    drop_training_only,
    # Again: scales with a dropout between them are neighbours now.
    fold_scale,
    # Last, so that `backend/fold.py` finds every layer and batchnorm under the name that it has in the trained network.
    merge_batchnorm,
)
"""Behind `PASSES`, for a network that only answers."""


def optimise(graph: Graph) -> Graph:
    """The graph after the passes that suit training too; the one given stays as it is."""
    for run in PASSES:
        graph = run(graph)
    return graph


def for_inference(graph: Graph) -> Graph:
    """What `optimise` gave, as a network that only answers: it has other weights, which `backend/fold.py` makes."""
    for run in INFERENCE_PASSES:
        graph = run(graph)
    return graph
