"""The weights before the first step, made where they are stored: no device makes or holds all of a network that is
split over several.

Input: an `Experiment`, and the `Placement` of its training. Output: the state of the module, in parts.
"""

from __future__ import annotations

from typing import Any

import jax
from flax import nnx

from netspec.storage.tree_paths import Tree
from netspec.training.experiment import Experiment, Started
from netspec.training.feed.placement import Placement

PARTS = (nnx.Param, nnx.RngState, ...)
"""How a module is divided: what is trained, random state, everything else."""


class FirstWeights:
    """Makes the weights of an experiment, always the same for the same seed."""

    def __init__(self, experiment: Experiment, placement: Placement) -> None:
        self.experiment, self.placement = experiment, placement

    def module(self) -> Any:
        """A module to be divided: with its weights, or with their shapes if a placement splits them."""
        if not self.placement.is_sharded:
            return self._made(self.experiment.make_module)
        return nnx.eval_shape(lambda: self._made(self._random))

    def put(self, parts: list[Tree]) -> list[Tree]:
        """The parts of the module on their devices. Weights that are split stay shapes, until they are needed."""
        if not self.placement.is_sharded:
            return [self.placement.put(part) for part in parts]
        return [parts[0], *self._split(first=1)]

    def params(self, first: Tree) -> Tree:
        """What is trained, from the first of those parts."""
        return first if not self.placement.is_sharded else self._split(last=1)[0]

    # ------------------------------------------------------------ split

    @property
    def _random(self) -> Any:
        make = self.experiment.make_module
        return make.random if isinstance(make, Started) else make

    def _made(self, make: Any) -> Any:
        return make(nnx.Rngs(self.experiment.recipe.seed))

    def _split(self, first: int = 0, last: int | None = None) -> list[Tree]:
        """Some of the parts, each array in the parts that the devices hold."""

        def parts() -> list[Tree]:
            return [nnx.to_pure_dict(part) for part in nnx.split(self._made(self._random), *PARTS)[1:]][first:last]

        made: list[Tree] = self.placement.make(parts)
        make = self.experiment.make_module
        if not isinstance(make, Started):
            return made
        given = make.arrays(nnx.eval_shape(lambda: self._made(self._random)))

        def started(path: Any, leaf: Any) -> Any:
            array = given.get(tuple(part.key for part in path))
            return leaf if array is None else array.astype(leaf.dtype)

        return [self.placement.put(jax.tree_util.tree_map_with_path(started, part)) for part in made]
