"""Losses for numbers."""

from __future__ import annotations

from typing import Any

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.language.kinds import Number
from netspec.language.lazy import lazy
from netspec.language.word import option
from netspec.training.feed.targets import are_ids, as_numbers
from netspec.training.losses.base import Loss, errors, loss, loss_word

jnp = lazy("jax.numpy")

EPSILON = 1e-8
"""Put under divisions."""


Mse = loss_word(
    "mse",
    "Mean squared error: the mean of (prediction - target)^2.",
    aliases=("mean_squared_error", "MSELoss", "l2"),
    takes_normalized_targets=True,
    values=lambda self, logits, targets, head: errors(logits, targets, head) ** 2,
)
Mae = loss_word(
    "mae",
    "Mean absolute error: the mean of |prediction - target|.",
    aliases=("mean_absolute_error", "L1Loss", "l1"),
    takes_normalized_targets=True,
    values=lambda self, logits, targets, head: jnp.abs(errors(logits, targets, head)),
)


def huber(self: Any, logits: Any, targets: Any, head: OutputHead) -> Any:
    size = jnp.abs(errors(logits, targets, head))
    inner = jnp.minimum(size, self.delta)
    return 0.5 * inner**2 + self.delta * (size - inner)


Huber = loss_word(
    "huber(delta=1)",
    "Half the squared error up to `delta`, and delta * (|error| - delta / 2) beyond: outliers pull less.",
    "Huber 1964, Robust estimation of a location parameter.",
    example="huber(1.0)",
    options={
        "delta": option(Number(0, open_low=True), "where the square ends; in standard deviations of normalized targets")
    },
    aliases=("HuberLoss", "SmoothL1Loss"),
    takes_normalized_targets=True,
    values=huber,
)


@loss("cosine")
class Cosine(Loss):
    """One minus the cosine of the angle between the prediction and the target: their norms do not matter.

    Example: train { loss = cosine }
    """

    aliases = ("CosineSimilarity", "cosine_similarity", "CosineEmbeddingLoss", "cosine_distance")
    heads = ("linear",)

    def values(self, logits: Any, targets: Any, head: OutputHead) -> Any:
        x, y = logits.astype(jnp.float32), as_numbers(targets, head.units)
        # Squares are kept above 0, where the gradient of a length would be NaN.
        lengths = jnp.maximum(jnp.sum(x * x, axis=-1), EPSILON**2) * jnp.maximum(jnp.sum(y * y, axis=-1), EPSILON**2)
        return 1 - jnp.sum(x * y, axis=-1) / jnp.sqrt(lengths)

    def misfit(self, head: OutputHead, target: Target) -> str:
        if head.activation == "linear" and head.units < 2:
            return "a single number has no direction: it needs at least 2 units"
        return super().misfit(head, target) or ("the targets are classes, not vectors" * are_ids(head, target))
