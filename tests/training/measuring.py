"""Figures of a net that answers with its input, for the tests of metrics."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Arrays, Target
from netspec.storage.tree_paths import Weights
from netspec.training.experiment import Experiment
from netspec.training.loop.evaluate import evaluate
from netspec.training.losses import Loss
from netspec.training.metrics import Metric
from netspec.training.step.engine import Engine
from tests.training.nets import recipe_for


def measured(
    logits: np.ndarray,
    targets: np.ndarray,
    head: OutputHead,
    target: Target,
    *metrics: Metric,
    loss: Loss | None = None,
) -> dict[str, Any]:
    """Figures through the engine and its batches."""

    class Identity(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.scale = nnx.Param(jnp.ones(()))

        def logits(self, x: Any) -> Any:
            return x * self.scale[...]

        def __call__(self, x: Any) -> Any:
            return head.apply(self.logits(x))

    recipe = recipe_for({"output": head}, {"output": target}, metrics=metrics or None, loss=loss)
    data = Arrays({"input": logits}, {"output": targets})
    engine = Engine(Experiment(Identity, recipe, ["input"], data))
    return evaluate(engine, Weights({"scale": jnp.ones(())}, {}), data)
