"""What a training consists of: a network, a recipe, and the splits of the data.

`netspec.spec.experiment` builds it from a spec, `Engine` and the loop read it. Nothing in it has been compiled or
transferred to a device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from netspec.data.dataset.dataset import Arrays
from netspec.data.prepare_batches import BatchSplit
from netspec.training.distributed.mesh import Mesh
from netspec.training.recipe.recipe import Recipe

if TYPE_CHECKING:
    from flax import nnx

MakeModule = Callable[["nnx.Rngs"], "nnx.Module"]
"""Builds a network from random streams. The network is called with its inputs in order and gives an array, or a dict by
output name when there are several; its method `logits`, if any, gives the same before the heads."""

Penalty = tuple[Sequence[str | int], float, float]
"""The path of a weight (`("conv1", "kernel")`), its l1 and its l2."""

Augment = Callable[[Any, tuple[Any, ...], dict[str, Any]], tuple[Any, Any]]
"""Varies a batch: (step of the run, inputs, targets) -> (inputs, targets); see
`netspec.training.augment.pipeline.Augmenter`."""

SplitWeights = Callable[[Mesh], Mapping[tuple[str, ...], tuple[str | None, ...]]]
"""From a mesh of devices to the axes that each weight is split over, by its path in the state of the module."""

Locate = Callable[["nnx.Module", tuple[Any, ...]], str | None]
"""From a module in training mode and the inputs of a batch to the name of the first layer with a non-finite result."""


@dataclass(frozen=True)
class Started:
    """A `MakeModule` whose networks start with weights that are given.

    Args:
        random: makes a network with random ones.
        put: gives a live network those that fit it.
        arrays: the same arrays by their path in its state, for a network of which only the shapes are there.
    """

    random: MakeModule
    put: Callable[[nnx.Module], object]
    arrays: Callable[[nnx.Module], Mapping[tuple[str, ...], Any]]

    def __call__(self, rngs: nnx.Rngs) -> nnx.Module:
        module = self.random(rngs)
        self.put(module)
        return module


@dataclass(frozen=True)
class Experiment:
    """Which network is trained on which data, and how.

    Args:
        make_module: builds the network.
        recipe: every setting in force.
        inputs: the names of the inputs, in the order of the network.
        train, val, test: splits; the last two may be None.
        penalties: l1 and l2 of weights, which are added to the loss.
        shuffle: whether every epoch takes the examples in a new order.
        augment: varies the batches of training.
        split_weights: says how weights are split over a mesh; None: they are whole on every device.
        locate_nonfinite: finds the layer with the first non-finite result.
        baselines: forecasts without the network, by part and name, in the units of the
            targets.
        spec_hash: the hash of the spec (`netspec.spec.canonical`), stored in every checkpoint.
    """

    make_module: MakeModule
    recipe: Recipe
    inputs: Sequence[str]
    train: Arrays
    val: Arrays | None = None
    test: Arrays | None = None
    penalties: Sequence[Penalty] = ()
    shuffle: bool = True
    augment: Augment | None = None
    split_weights: SplitWeights | None = None
    locate_nonfinite: Locate | None = None
    baselines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    spec_hash: str | None = None

    @property
    def examples(self) -> int:
        """The number of training examples; 0 for an iterable, which does not tell."""
        if isinstance(self.train, BatchSplit):
            return 0
        return len(self.train.inputs[self.inputs[0]])

    @property
    def steps_per_epoch(self) -> int:
        """The number of steps of an epoch that schedules reckon with; of an iterable that does not tell, 1."""
        if isinstance(self.train, BatchSplit):
            return self.train.passes.length or 1
        return self.recipe.steps_per_epoch(self.examples)

    def order_of_rows(self, epoch: int, examples: int) -> Any:
        """The order of the examples in an epoch (from 0): a permutation that follows from the seed and the epoch."""
        if not self.shuffle:
            return np.arange(examples, dtype=np.int32)
        return np.random.default_rng((self.recipe.seed, epoch)).permutation(examples).astype(np.int32)
