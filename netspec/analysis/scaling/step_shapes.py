"""The arrays of a training step, by their shapes: nothing is allocated, however large the network is.

Input: a `Compilation`. Output: the weights and the state of the optimizer with their places, and how many bytes the
forward pass keeps for the backward pass, read from the traced program (`jax.eval_shape`, `jax.make_jaxpr`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import jax
from jax.extend.core import Literal

from netspec.analysis.step_memory import step_of
from netspec.compiler.ir.graph import Graph
from netspec.language.lowering_families import REFERENCE
from netspec.spec.compilation import Compilation
from netspec.spec.model import Model
from netspec.storage.tree_paths import keys_of
from netspec.training.distributed.mesh import SYNC
from netspec.training.distributed.rules import Path
from netspec.training.step.engine import Engine

VIEWS = frozenset({"reshape", "squeeze", "expand_dims", "broadcast_in_dim", "transpose", "copy"})
"""Operations whose result is made again from what they read; it is not kept beside that."""
RECOMPUTED = ("remat2", "checkpoint")
"""The operation of `jax.checkpoint`."""


@dataclass(frozen=True)
class Leaf:
    """An array of the state of training: its place, its shape, and the bytes of a number."""

    path: Path
    shape: tuple[int, ...]
    number: int

    @property
    def bytes(self) -> int:
        return prod(self.shape) * self.number


@dataclass(frozen=True)
class Kept:
    """Bytes that the forward pass keeps for the backward pass, for a whole batch.

    `activations` depend on the examples; `copies` do not, such as weights in a lower precision. `recomputed` are the
    activations inside of one block, on average, where blocks are computed again: they come and go.
    """

    activations: int
    copies: int
    recomputed: int = 0


@dataclass(frozen=True)
class StepShapes:
    """A training step of a spec.

    Args:
        graph: the network, after its passes.
        weights, optimizer, rest: the arrays of the state.
        batch: bytes of the examples of a batch.
        examples: how many they are.
        kept: what the forward pass keeps.
        places: the place of each weight in the state, by the names of its blocks and its layer.
        freeze: the layers and blocks that are not trained.
        precision: `f32`, `bf16` or `mixed`.
        remat: the blocks that are computed again in the backward pass; true: the outermost ones.
        has_sync: whether batchnorm is computed over the examples of all devices.
    """

    graph: Graph
    weights: tuple[Leaf, ...]
    optimizer: tuple[Leaf, ...]
    rest: tuple[Leaf, ...]
    batch: int
    examples: int
    kept: Kept
    places: Mapping[Path, Path]
    freeze: tuple[str, ...]
    precision: str
    remat: bool | tuple[str, ...]
    has_sync: bool

    @property
    def recomputes(self) -> bool:
        """Whether blocks are computed again in the backward pass."""
        return self.remat is not False

    @property
    def number(self) -> int:
        """Bytes of a number that layers compute with."""
        return 4 if self.precision == "f32" else 2


def step_shapes(spec: Compilation) -> StepShapes:
    """The arrays of a training step of a spec, as a GPU or a TPU runs it: with the layers of Flax.

    Raises:
        CompileError: the spec has mistakes, or nothing to train (NS461).
    """
    engine, state, data = step_of(spec, lowering=REFERENCE)
    kept, recipe = _kept(engine, state, data), engine.recipe
    if recipe.remat and (blocks := _recomputed_blocks(engine, state, data)):
        all_kept = _kept(*step_of(spec, lowering=REFERENCE, remat=False))
        kept = replace(kept, recomputed=max(0, all_kept.activations - kept.activations) // blocks)
    parts = {name: tuple(_leaves(part, (name,))) for name, part in state.items()}
    return StepShapes(
        graph=spec.optimized,
        weights=parts.pop("params"),
        optimizer=parts.pop("optimizer"),
        rest=tuple(leaf for part in parts.values() for leaf in part),
        batch=sum(leaf.bytes for leaf in _leaves(data, ())),
        examples=recipe.batch,
        kept=kept,
        places=Model(spec).weight_places(),
        freeze=tuple(recipe.freeze),
        precision=recipe.precision,
        remat=recipe.remat,
        has_sync=recipe.batchnorm == SYNC,
    )


def _leaves(tree: Any, path: Path) -> Iterable[Leaf]:
    for keys, leaf in jax.tree_util.tree_leaves_with_path(tree):
        yield Leaf((*path, *keys_of(keys)), tuple(leaf.shape), leaf.dtype.itemsize)


# ---------------------------------------------------------------- what is kept


def _kept(engine: Engine, state: Any, data: Any) -> Kept:
    """The residuals of the gradient: what the traced forward pass returns for the backward pass, but its arguments."""
    weights, random, other = state["params"], state["random"], state["other"]

    def forward(weights: Any, random: Any, other: Any, data: Any) -> Any:
        return jax.vjp(lambda weights: engine.loss(weights, random, other, data), weights, has_aux=True)[1]

    traced = jax.make_jaxpr(forward)(weights, random, other, data).jaxpr
    made_by = {id(out): step for step in traced.eqns for out in step.outvars}
    arguments = {id(argument) for argument in traced.invars}
    of_examples = {id(argument) for argument in traced.invars[-len(jax.tree.leaves(data)) :]}
    for step in traced.eqns:
        if any(id(value) in of_examples for value in step.invars):
            of_examples |= {id(out) for out in step.outvars}
    kept: dict[int, tuple[int, bool]] = {}
    for value in traced.outvars:
        source = value
        while id(source) in made_by and made_by[id(source)].primitive.name in VIEWS:
            source = made_by[id(source)].invars[0]
        if id(source) not in arguments and not isinstance(source, Literal):
            kept[id(source)] = source.aval.size * source.aval.dtype.itemsize, id(source) in of_examples
    activations, copies = (sum(n for n, depends in kept.values() if depends is which) for which in (True, False))
    return Kept(activations, copies)


def _recomputed_blocks(engine: Engine, state: Any, data: Any) -> int:
    """How many blocks of the network are computed again in the backward pass."""
    traced = jax.make_jaxpr(engine.loss)(state["params"], state["random"], state["other"], data).jaxpr
    return sum(step.primitive.name in RECOMPUTED for step in traced.eqns)
