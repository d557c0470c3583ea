"""How much memory a training step takes on this device: what `netspec show --memory` prints.

Input: a `Compilation`. Output: a `Footprint`. The step of `netspec train` is compiled for the batch of the
spec, and the compiler reports what it will take; no step runs, and no data are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from netspec.analysis.lowering_plan import example_of
from netspec.compiler.ir.output_head import OutputHead
from netspec.compiler.ir.printer import memory
from netspec.data.dataset.dataset import Arrays, Target
from netspec.spec.canonical import recipe_of
from netspec.spec.compilation import Compilation
from netspec.spec.model import Model
from netspec.spec.network_ends import input_shapes, output_heads
from netspec.storage.tree_paths import Tree
from netspec.training.experiment import Experiment
from netspec.training.feed.device import set_up
from netspec.training.feed.device_data import example_target
from netspec.training.feed.placement import Placement
from netspec.training.step.engine import Engine, State


@dataclass(frozen=True)
class Footprint:
    """Bytes of a training step.

    `weights`; `state`: optimizer state, running statistics and metrics; `batch`: the examples of a batch; `work`:
    activations for the backward pass, and gradients.
    """

    device: str
    examples: int
    weights: int
    state: int
    batch: int
    work: int

    @property
    def total(self) -> int:
        return self.weights + self.state + self.batch + self.work

    def text(self) -> str:
        rows = {
            "weights": (self.weights, ""),
            "state": (self.state, "optimizer state, running statistics, metrics"),
            "batch": (self.batch, "the examples of a batch"),
            "temporary": (self.work, "activations for the backward pass, gradients"),
            "total": (self.total, "without the training data on the device"),
        }
        lines = [f"memory of a training step with {self.examples} examples, on {self.device}", ""]
        return "\n".join([*lines, *(f"  {k:<10}{memory(v):>11}  {why}".rstrip() for k, (v, why) in rows.items())])

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "total": self.total}


def footprint_of(spec: Compilation) -> Footprint:
    """The memory of a training step of a spec, on the device that JAX uses.

    Raises:
        CompileError: the spec has mistakes, or nothing to train (NS461).
    """
    engine, state, data = step_of(spec)
    order = jax.ShapeDtypeStruct((engine.recipe.batch,), jnp.int32)
    compiled = engine.step_program(engine.recipe.batch).lower(state, data, order).compile()
    weights = _bytes(state["params"])
    return Footprint(
        device=jax.default_backend(),
        examples=engine.recipe.batch,
        weights=weights,
        state=_bytes(state) - weights,
        batch=_bytes(data),
        work=compiled.memory_analysis().temp_size_in_bytes,
    )


class ShapesOnly(Placement):
    """Arrays that are shapes stay what they are."""

    def put(self, tree: Tree) -> Tree:
        return tree


def step_of(
    spec: Compilation, placement: Placement | None = None, **settings: Any
) -> tuple[Engine, State, tuple[tuple[Any, ...], Mapping[str, Any]]]:
    """The engine of a spec without data, and the shapes of what its step is called with: the state, and a batch.

    Nothing is allocated, however large the network is.

    Args:
        spec: the spec.
        placement: where arrays are; its `put` is given shapes.
        settings: fields of the recipe that differ from the spec.

    Raises:
        CompileError: the spec has mistakes, or nothing to train (NS461).
    """
    set_up()
    spec.check()
    heads = output_heads(spec.optimized, spec.train.loss)
    recipe = recipe_of(spec, {name: _target(head) for name, head in heads.items()})
    assert recipe is not None
    recipe = recipe.replace(**settings)
    model = Model(spec)
    batch = {name: example_of(shape, recipe.batch) for name, shape in input_shapes(spec.optimized).items()}

    def shapes(rngs: nnx.Rngs) -> nnx.Module:
        module: nnx.Module = nnx.eval_shape(lambda: model.module_class(rngs=nnx.Rngs(recipe.seed)))
        return module

    experiment = Experiment(shapes, recipe, list(batch), Arrays(batch, {}))
    engine = Engine(experiment, placement=placement or ShapesOnly())
    return engine, engine.state_shapes(), (tuple(batch.values()), _targets(engine))


def _target(head: OutputHead) -> Target:
    """What the data most likely say about an output that ends like this."""
    if head.activation == "softmax":
        return Target("class", head.positions, head.units)
    return Target("binary" if head.activation == "sigmoid" else "numbers", head.count)


def _targets(engine: Engine) -> dict[str, Any]:
    """The shapes of the targets of a batch."""
    examples = {name: example_target(output) for name, output in engine.recipe.outputs.items()}
    return {
        name: jax.ShapeDtypeStruct((engine.recipe.batch, *example.shape[1:]), example.dtype)
        for name, example in examples.items()
    }


def _bytes(tree: Any) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
