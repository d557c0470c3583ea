"""What a training is made of, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flax import nnx

from netspec.data.dataset.dataset import Arrays
from netspec.storage.run_folder import Run
from netspec.storage.tree_paths import Weights
from netspec.training.loop.nonfinite import Locate
from netspec.training.recipe.recipe import Recipe
from netspec.training.step.engine import Augment, Engine, MakeModule, Penalty


@dataclass(frozen=True)
class Job:
    """What is trained on what.

    Args:
        make_module: builds the net (see `Engine`).
        recipe: everything in force.
        inputs: the names of the inputs, in the order of the net.
        train, val, test: splits; the last two may be None.
        penalties: l1 and l2 of weights.
        shuffle: a new order of the examples in every epoch.
        augment: varies the batches of training (see `Engine`).
        locate_nonfinite: finds the layer with the first result that is not finite.
        spec_hash: what the spec means (`netspec.spec.canonical`), kept in every checkpoint.
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
    locate_nonfinite: Locate | None = None
    spec_hash: str | None = None

    @property
    def examples(self) -> int:
        return len(self.train.inputs[self.inputs[0]])

    def engine(self) -> Engine:
        """The compiled side of the job.

        Raises:
            CompileError: the net has no trainable weights (NS461).
        """
        steps = self.recipe.steps_per_epoch(self.examples)
        return Engine(
            self.make_module,
            self.recipe,
            self.inputs,
            steps_per_epoch=steps,
            penalties=self.penalties,
            shuffle=self.shuffle,
            augment=self.augment,
        )


@dataclass(frozen=True)
class Result:
    """A trained net. `weights` are those that are kept; `metrics` are theirs, with those on the test split.

    `history` has one record for each epoch; `best_epoch` counts from 1 and is None when the last weights are kept.
    `interrupted` is set when a signal ended the run early (`signal` is its name): it can be resumed.
    """

    engine: Engine = field(repr=False)
    weights: Weights = field(repr=False)
    history: tuple[dict[str, Any], ...]
    metrics: Mapping[str, Any]
    seconds: float
    best_epoch: int | None
    interrupted: bool
    run: Run | None
    signal: str | None = None

    @property
    def epochs(self) -> int:
        return len(self.history)

    @property
    def module(self) -> nnx.Module:
        """A live module with the weights."""
        return self.engine.plain_module(*self.weights)
