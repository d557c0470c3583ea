"""Losses for embeddings: examples of one class should be close to each other, others far apart.

The network computes an embedding of each example, and the targets are class ids. Pairs are formed inside each batch, so
the value of these losses depends on the batch size. With one unit `contrastive` takes a distance instead.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.language.kinds import Number
from netspec.language.lazy import lazy
from netspec.language.word import option
from netspec.training.feed.targets import are_ids
from netspec.training.losses.base import JointLoss, loss

jax = lazy("jax")
jnp = lazy("jax.numpy")

EPSILON = 1e-12
"""Squared distances are kept above this under a root, whose gradient at 0 is infinite."""


class _Pairs(JointLoss):
    """Base of the losses of embeddings."""

    heads = ("linear",)
    output_kind = "embedding"

    margin: float = option(
        Number(0, open_low=True), "how far apart examples of different classes should be", default=1.0, position=0
    )

    def joint(self, logits: Any, targets: Any, head: OutputHead, counted: Any) -> tuple[Any, Any]:
        points = logits.astype(jnp.float32).reshape(len(logits), -1)
        rows = jnp.ones(len(points), bool) if counted is None else counted
        ids = targets.reshape(-1)
        is_pair = rows[:, None] & rows[None, :] & ~jnp.eye(len(points), dtype=bool)
        return self.of_pairs(squared_distances(points), ids[:, None] == ids[None, :], is_pair)

    @abstractmethod
    def of_pairs(self, squares: Any, is_alike: Any, is_pair: Any) -> tuple[Any, Any]:
        """Losses and what each counts from squared distances and what is known of each pair, all batch x batch."""

    def pairs_examples(self, head: OutputHead) -> bool:
        return head.units > 1

    def misfit(self, head: OutputHead, target: Target) -> str:
        if head.is_sequence:
            return "it needs one embedding for each example: put `gap` or `flatten` before the last layer"
        if target.kind != "class" or target.size != 1:
            return "the targets are not one class for each example"
        return super().misfit(head, target)


@loss("contrastive")
class Contrastive(_Pairs):
    """Pulls examples of one class together, and pushes others apart up to a margin.

    The network computes an embedding of each example, the targets are class ids, and every pair of a batch counts. A
    network with one unit computes the distance of its two inputs, 0 or more, and the target is 1 where they are alike.

    Formula: distance^2 if alike else max(0, margin - distance)^2
    Example: train { loss = contrastive(1.0) }
    Reference: Hadsell, Chopra and LeCun 2006, Dimensionality reduction by learning an invariant mapping.
    """

    aliases = ("ContrastiveLoss", "contrastive_loss")

    def joint(self, logits: Any, targets: Any, head: OutputHead, counted: Any) -> tuple[Any, Any]:
        if head.units > 1:
            return super().joint(logits, targets, head, counted)
        distance = logits.astype(jnp.float32).reshape(-1)
        is_alike = targets.reshape(-1) > 0.5
        values = jnp.where(is_alike, distance**2, jnp.maximum(self.margin - distance, 0) ** 2)
        return values, jnp.ones(len(values)) if counted is None else counted.astype(jnp.float32)

    def of_pairs(self, squares: Any, is_alike: Any, is_pair: Any) -> tuple[Any, Any]:
        apart = jnp.maximum(self.margin - jnp.sqrt(jnp.maximum(squares, EPSILON)), 0) ** 2
        return jnp.where(is_alike, squares, apart), is_pair.astype(jnp.float32)

    def misfit(self, head: OutputHead, target: Target) -> str:
        if head.count == 1 and target.kind != "numbers" and not are_ids(head, target) and (target.classes or 2) <= 2:
            return "it expects plain numbers: remove the activation" * (head.activation != "linear")
        return super().misfit(head, target)


@loss("triplet")
class Triplet(_Pairs):
    """Requires every example to be closer to those of its class than to those of others, by a margin.

    Of the examples of other classes in the batch, each pair of one class is compared with a semi-hard one: the nearest
    that is farther away than the pair, or the farthest when there is none. Distances are Euclidean; where the network
    ends in `l2norm`, a margin of 0.2 is usual.

    Formula: max(0, margin + distance(anchor, positive) - distance(anchor, negative))
    Example: train { loss = triplet(0.2) }
    Reference: Schroff, Kalenichenko and Philbin 2015, arXiv:1503.03832.
    """

    aliases = ("TripletMarginLoss", "TripletSemiHardLoss", "triplet_loss")

    def of_pairs(self, squares: Any, is_alike: Any, is_pair: Any) -> tuple[Any, Any]:
        distances = jnp.sqrt(jnp.maximum(squares, EPSILON))
        is_other = is_pair & ~is_alike
        others = jnp.sort(jnp.where(is_other, distances, jnp.inf), axis=1)
        count = is_other.sum(axis=1)[:, None]
        farther = jax.vmap(lambda row, d: jnp.searchsorted(row, d, side="right"))(others, distances)
        chosen = jnp.take_along_axis(others, jnp.clip(farther, 0, jnp.maximum(count - 1, 0)), axis=1)
        is_counted = is_pair & is_alike & (count > 0)
        # Distances are infinite only where nothing is counted; their gradients must not come through either.
        shortfall = self.margin + distances - jnp.where(is_counted, chosen, 0)
        return jnp.where(is_counted, jnp.maximum(shortfall, 0), 0), is_counted.astype(jnp.float32)

    def misfit(self, head: OutputHead, target: Target) -> str:
        is_number = "a single number is not an embedding: it needs at least 2 units" * (head.count < 2)
        return is_number or super().misfit(head, target)


def squared_distances(points: Any) -> Any:
    """The squared Euclidean distances of all pairs of points, by one product of matrices."""
    squares = jnp.sum(points * points, axis=1)
    products = jnp.matmul(points, points.T, precision=jax.lax.Precision.HIGHEST)
    return jnp.maximum(squares[:, None] + squares[None, :] - 2 * products, 0)
