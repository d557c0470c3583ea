"""Graph to graph: each pass is one file with one function, and the tables give their order and the reason for it.

`find_repeats` is an analysis and changes nothing.
"""

from collections.abc import Callable

from netspec.compiler.ir.graph import Graph
from netspec.compiler.ir.repeats import Repeat as Repeat, find_repeats as find_repeats
from netspec.compiler.passes.drop_training_only import drop_training_only
from netspec.compiler.passes.fold_scale import fold_scale
from netspec.compiler.passes.merge_batchnorm import merge_batchnorm
from netspec.compiler.passes.peel_head import peel_head

PASSES: tuple[Callable[[Graph], Graph], ...] = (
    # First: what comes after may look at logits, not at probabilities.
    peel_head,
    fold_scale,
)
"""For every network: weights, names and results stay what they are, also while training."""

INFERENCE_PASSES: tuple[Callable[[Graph], Graph], ...] = (
    # First: the layers that it drops may be between those that the others join.
    drop_training_only,
    # Again: scales with a dropout between them are neighbors now.
    fold_scale,
    # Last, so that `backend/fold_weights.py` finds layers and batchnorms under their names in the trained network.
    merge_batchnorm,
)
"""After `PASSES`, for a network in inference mode."""


def optimize(graph: Graph) -> Graph:
    """The graph after the passes that suit training too; the one given stays as it is."""
    for run in PASSES:
        graph = run(graph)
    return graph


def for_inference(graph: Graph) -> Graph:
    """The optimized graph in inference mode: it has different weights, which `backend/fold_weights.py` computes."""
    for run in INFERENCE_PASSES:
        graph = run(graph)
    return graph
