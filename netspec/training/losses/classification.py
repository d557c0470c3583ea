"""Losses for classes, and for binary targets."""

from __future__ import annotations

from functools import partial
from typing import Any

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.language.kinds import Number
from netspec.language.lazy import lazy, np
from netspec.language.word import option
from netspec.training.feed.targets import are_ids, as_numbers
from netspec.training.losses.base import NO_CLASSES, Loss, WrongTargets, loss, loss_word

jax = lazy("jax")
jnp = lazy("jax.numpy")

EPSILON = 1e-12
"""A probability is kept above this under a power, whose gradient at 0 may be infinite."""
SUM_TOLERANCE = 1e-3
"""How far from 1 the sum of the probabilities of a target may be."""

SMOOTHED = "which fraction of the target is spread evenly over all classes (0: none)"


@loss("cross_entropy")
class CrossEntropy(Loss):
    """The negative logarithm of the predicted probability of the correct class.

    Where targets are numbers, they are a distribution over the classes for each example, and the loss is
    -sum(target * log(probability)). With smoothing s the correct one of k classes has the target 1 - s + s / k,
    every other one s / k. `class_weights` of the data work as `weight` does in PyTorch: the mean is a weighted mean.

    Example: train { loss = cross_entropy(smoothing = 0.1) }
    Reference: Szegedy et al. 2015, arXiv:1512.00567, for the smoothing.
    """

    aliases = (
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "CrossEntropyLoss",
        "NLLLoss",
        "nll",
        "ce",
    )
    heads = ("linear", "softmax")
    implied = "softmax"
    min_units = 2
    output_kind = "probabilities"

    smoothing: float = option(Number(0, 1, open_high=True), SMOOTHED, default=0.0, aliases=("label_smoothing",))

    def values(self, logits: Any, targets: Any, head: OutputHead) -> Any:
        plain = negative_log_likelihood(logits, targets)
        if not self.smoothing:
            return plain
        x = logits.astype(jnp.float32)
        log_sum = jax.nn.logsumexp(x, axis=-1)[..., None]
        return (1 - self.smoothing) * plain + self.smoothing * jnp.mean(log_sum - x, axis=-1)

    def weighted(self, logits: Any, targets: Any, head: OutputHead, classes: Any) -> tuple[Any, Any]:
        if not self.smoothing:
            return super().weighted(logits, targets, head, classes)
        weights, y = jnp.asarray(classes, jnp.float32), as_numbers(targets, head.units)
        x = logits.astype(jnp.float32)
        smoothed, log_sum = (1 - self.smoothing) * y + self.smoothing / head.units, jax.nn.logsumexp(x, axis=-1)
        return jnp.sum(smoothed * weights * (log_sum[..., None] - x), axis=-1), jnp.sum(y * weights, axis=-1)

    def misfit(self, head: OutputHead, target: Target) -> str:
        is_numbers = target.kind == "numbers" and head.activation == "linear"
        return super().misfit(head, target) or NO_CLASSES * is_numbers

    def wrong_targets(self, targets: np.ndarray, head: OutputHead) -> WrongTargets | None:
        return no_distribution(targets) if targets.dtype.kind == "f" else None


@loss("kl")
class KullbackLeibler(Loss):
    """The Kullback-Leibler divergence of the prediction from a target that is a distribution over the classes.

    It differs from the cross entropy only by the entropy of the targets, so the gradient is the same and a perfect
    prediction has a loss of 0.

    Formula: sum(target * (log(target) - log(prediction)))
    Example: train { loss = kl }
    Reference: Kullback and Leibler 1951, On information and sufficiency.
    """

    aliases = ("kl_divergence", "KLDivergence", "KLDivLoss", "kullback_leibler_divergence")
    heads = ("linear", "softmax")
    implied = "softmax"
    min_units = 2
    output_kind = "probabilities"

    def values(self, logits: Any, targets: Any, head: OutputHead) -> Any:
        y = as_numbers(targets, head.units)
        return jnp.sum(jax.scipy.special.xlogy(y, y), axis=-1) + negative_log_likelihood(logits, y)

    def misfit(self, head: OutputHead, target: Target) -> str:
        is_one = "the targets are classes, of which one is correct, not distributions" * are_ids(head, target)
        return super().misfit(head, target) or is_one

    def wrong_targets(self, targets: np.ndarray, head: OutputHead) -> WrongTargets | None:
        return no_distribution(targets)


@loss("binary_cross_entropy")
class BinaryCrossEntropy(Loss):
    """For each unit, the negative logarithm of the predicted probability of the correct label, 0 or 1.

    With smoothing s the target 1 becomes 1 - s / 2, and 0 becomes s / 2.

    Example: train { loss = binary_cross_entropy(yes = 4) }
    """

    aliases = ("binary_crossentropy", "BCELoss", "BCEWithLogitsLoss", "bce", "bce_with_logits")
    heads = ("linear", "sigmoid")
    implied = "sigmoid"

    yes: float = option(
        Number(0, open_low=True),
        "the weight of positive examples; negative ones have 1",
        default=1.0,
        aliases=("pos_weight",),
    )
    smoothing: float = option(Number(0, 1, open_high=True), SMOOTHED, default=0.0, aliases=("label_smoothing",))

    def values(self, logits: Any, targets: Any, head: OutputHead) -> Any:
        x, y = logits.astype(jnp.float32), as_numbers(targets, head.units)
        y = y * (1 - self.smoothing) + self.smoothing / 2 if self.smoothing else y
        if self.yes == 1:
            return _yes_or_no(x, y)
        return (1 - y) * x + (1 + (self.yes - 1) * y) * (jnp.maximum(-x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x))))


@loss("focal")
class Focal(Loss):
    """Cross entropy that gives little weight to examples that are already predicted well.

    With a softmax one class is correct, with a sigmoid every unit is a binary decision.

    Formula: -(1 - p)^gamma * log(p), p the probability of the correct label
    Example: train { loss = focal(2) }
    Reference: Lin et al. 2017, arXiv:1708.02002.
    """

    aliases = ("BinaryFocalCrossentropy", "CategoricalFocalCrossentropy", "sigmoid_focal_loss")

    gamma: float = option(Number(0), "how little weight; 0: as in cross entropy", default=2.0, position=0)
    alpha: float | None = option(
        Number(0, 1),
        "the weight of positive examples; negative ones have 1 - alpha (none: both 1); with a softmax use "
        "`class_weights` in the data",
        default=None,
        position=1,
    )

    def values(self, logits: Any, targets: Any, head: OutputHead) -> Any:
        x = logits.astype(jnp.float32)
        if head.activation == "softmax":
            if jnp.issubdtype(targets.dtype, jnp.integer):
                surprise = negative_log_likelihood(x, targets)
                return self._rest(-jnp.expm1(-surprise)) * surprise
            surprise = -jax.nn.log_softmax(x, axis=-1)
            return jnp.sum(targets * self._rest(-jnp.expm1(-surprise)) * surprise, axis=-1)
        y = as_numbers(targets, head.units)
        missing = jax.nn.sigmoid(x) * (1 - y) + jax.nn.sigmoid(-x) * y
        values = self._rest(missing) * _yes_or_no(x, y)
        return values if self.alpha is None else values * (self.alpha * y + (1 - self.alpha) * (1 - y))

    def _rest(self, missing: Any) -> Any:
        return jnp.power(jnp.maximum(missing, EPSILON), self.gamma)

    def implied_by(self, head: OutputHead, target: Target) -> str:
        return "softmax" if are_ids(head, target) else "sigmoid"

    def misfit(self, head: OutputHead, target: Target) -> str:
        is_softmax = head.activation == "softmax" or (head.activation == "linear" and are_ids(head, target))
        if is_softmax and self.alpha is not None:
            return "`alpha` applies to binary labels; for classes, use `class_weights` in `data`"
        if is_softmax:
            return NO_CLASSES * (target.kind == "numbers")
        if are_ids(head, target):
            return f"the targets are {target.classes} classes, of which one is correct"
        return super().misfit(head, target)


def margins(logits: Any, targets: Any, head: OutputHead) -> Any:
    """By how much a score falls short of a margin of 1, or 0."""
    x = logits.astype(jnp.float32)
    if not jnp.issubdtype(targets.dtype, jnp.integer):
        return jnp.maximum(1 - (2 * targets - 1) * x, 0)
    is_correct = jax.nn.one_hot(targets, head.units, dtype=bool)
    correct = jnp.sum(jnp.where(is_correct, x, 0), axis=-1)
    return jnp.maximum(1 + jnp.max(jnp.where(is_correct, -jnp.inf, x), axis=-1) - correct, 0)


hinge_word = partial(loss_word, heads=("linear",), implied="margin", takes_soft_targets=False, output_kind="scores")
Hinge = hinge_word(
    "hinge",
    "The hinge loss of SVMs: the score of the correct class must exceed the others by a margin of 1.",
    "Crammer and Singer 2001, On the algorithmic implementation of multiclass kernel-based vector machines.",
    details="The network ends in plain numbers: a score for each class (the correct one is compared with the best of "
    "the others), or for binary targets a score that is positive for 1.",
    formula="max(0, 1 + max(other scores) - correct score); binary: max(0, 1 - s * score), s = 1 for target 1, else -1",
    aliases=("MultiMarginLoss", "CategoricalHinge", "HingeEmbeddingLoss", "hinge_loss", "multiclass_hinge_loss"),
    values=lambda self, logits, targets, head: margins(logits, targets, head),
)
SquaredHinge = hinge_word(
    "squared_hinge",
    "The square of `hinge`: small violations cost little, large ones much.",
    aliases=("SquaredHinge",),
    values=lambda self, logits, targets, head: margins(logits, targets, head) ** 2,
)


def no_distribution(targets: np.ndarray) -> WrongTargets | None:
    """The first target that is not a distribution over the classes."""
    sums = targets.sum(axis=-1, dtype=np.float64)
    wrong = ((np.abs(sums - 1) > SUM_TOLERANCE) | (targets < 0).any(axis=-1)).reshape(len(targets), -1)
    if not wrong.any():
        return None
    index = int(wrong.any(axis=1).argmax())
    place = int(wrong[index].argmax())
    lowest, total = targets[index].reshape(-1, targets.shape[-1])[place].min(), sums[index].reshape(-1)[place]
    problem = f"has the number {lowest:.4g}" if lowest < 0 else f"has numbers that sum up to {total:.4g}"
    advice = "divide each row by its sum"
    if (targets < 0).any() or total <= 0:  # no sum makes shares of them
        advice = f"to predict numbers write `dense({targets.shape[-1]})` and `loss = mse`"
    return WrongTargets(index, f"{problem}, and shares are at least 0 and sum up to 1", advice)


def negative_log_likelihood(logits: Any, targets: Any) -> Any:
    """-log softmax(logits) at the targets, without the last axis; targets are ids or distributions."""
    x = logits.astype(jnp.float32)
    whole = jax.nn.logsumexp(x, axis=-1)
    if jnp.issubdtype(targets.dtype, jnp.integer):
        return whole - jnp.take_along_axis(x, targets[..., None], axis=-1)[..., 0]
    return jnp.sum(targets, axis=-1) * whole - jnp.sum(targets * x, axis=-1)


def _yes_or_no(x: Any, y: Any) -> Any:
    # log(1 + exp(x)) - x * y, written so that no exp overflows
    return jnp.maximum(x, 0) - x * y + jnp.log1p(jnp.exp(-jnp.abs(x)))
