"""Metrics of sequences that are not aligned with the time steps of the network (`ctc`)."""

from __future__ import annotations

from typing import Any

from netspec.language.lazy import lazy
from netspec.training.metrics.base import Metric, MetricValue, Predictions, Totals, metric

jax = lazy("jax")
jnp = lazy("jax.numpy")


@metric("error_rate")
class ErrorRate(Metric):
    """For networks trained with `ctc`: insertions, deletions and substitutions, relative to the length of the targets.

    The prediction is the most probable class at each time step, with repetitions merged and blanks removed.

    Example: train {
                 loss    = ctc
                 metrics = error_rate
             }
    Reference: Levenshtein 1966, Binary codes capable of correcting deletions, insertions, and reversals.
    """

    aliases = ("CharErrorRate", "WordErrorRate", "character_error_rate", "word_error_rate")
    takes_long = True
    in_percent = True
    needs = "sequences"

    def sums(self, predictions: Predictions) -> dict[str, Any]:
        blank = predictions.head.blank
        ids = jnp.argmax(predictions.logits, axis=-1)
        rows = jnp.ones(len(ids), bool)
        if predictions.weights is not None:
            is_step = predictions.weights > 0
            rows = is_step if is_step.ndim == 1 else is_step.any(axis=1)
            ids = jnp.where(is_step.reshape(len(ids), -1), ids, blank)
        edits = jax.vmap(lambda a, b: edit_distance(a, b, blank))(ids, predictions.targets)
        lengths = jnp.sum(predictions.targets != blank, axis=1)
        return {"edits": jnp.sum(jnp.where(rows, edits, 0)), "letters": jnp.sum(jnp.where(rows, lengths, 0))}

    def value(self, totals: Totals) -> MetricValue:
        return float(totals.sums["edits"]) / max(int(totals.sums["letters"]), 1)


def edit_distance(steps: Any, target: Any, blank: int | None) -> Any:
    """The Levenshtein distance of what the ids of `steps` stand for and a target that is padded with the blank."""
    before = jnp.concatenate([jnp.full(1, -1, steps.dtype), steps[:-1]])
    is_new = (steps != blank) & (steps != before)
    places = jnp.arange(len(target) + 1)

    def add(row: Any, step: Any) -> tuple[Any, None]:
        letter, is_letter = step
        # One more letter: it is superfluous, or replaces or is the last one; and then any number of insertions.
        best = jnp.minimum(row[1:] + 1, row[:-1] + (target != letter))
        best = jnp.concatenate([row[:1] + 1, best])
        best = jax.lax.cummin(best - places) + places
        return jnp.where(is_letter, best, row), None

    last, _ = jax.lax.scan(add, places, (steps, is_new))
    return last[jnp.sum(target != blank)]
