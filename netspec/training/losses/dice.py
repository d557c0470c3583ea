"""The Dice loss, for masks whose classes are of very different size."""

from __future__ import annotations

from typing import Any

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.language.kinds import Number
from netspec.language.lazy import lazy
from netspec.language.word import option
from netspec.training.feed.targets import are_ids, as_numbers
from netspec.training.losses.base import NO_CLASSES, JointLoss, loss
from netspec.training.losses.classification import BinaryCrossEntropy, negative_log_likelihood

jax = lazy("jax")
jnp = lazy("jax.numpy")


@loss("dice")
class DiceLoss(JointLoss):
    """1 - the Dice coefficient of the predicted probabilities and the mask, the mean over classes and examples.

    A class counts as much as any other, however few pixels it has. The sums are over the pixels (or steps) of an
    example that are not ignored. `cross_entropy` adds the mean cross entropy of the pixels with this weight.

    Formula: 1 - (2 * sum(p * y) + smooth) / (sum(p) + sum(y) + smooth)
    Example: train { loss = dice(cross_entropy = 1) }
    Reference: Milletari, Navab and Ahmadi 2016, V-Net, arXiv:1606.04797.
    """

    aliases = ("DiceLoss", "GeneralizedDiceLoss", "Dice", "dice_loss", "soft_dice", "DiceCELoss")
    heads = ("linear", "sigmoid", "softmax")

    cross_entropy: float = option(Number(0), "the weight of the cross entropy that is added", default=0.0, position=0)
    smooth: float = option(
        Number(0, open_low=True),
        "what is added to both sums, so that a class that an example lacks costs nothing where none is predicted",
        default=1.0,
    )

    def joint(self, logits: Any, targets: Any, head: OutputHead, counted: Any) -> tuple[Any, Any]:
        x, y = logits.astype(jnp.float32), as_numbers(targets, head.units)
        is_softmax = head.activation == "softmax"
        p = jax.nn.softmax(x, axis=-1) if is_softmax else jax.nn.sigmoid(x)
        p, y = (part.reshape(len(part), -1, head.units) for part in (p, y))
        pixels = jnp.ones(p.shape[:2], bool) if counted is None else _of_pixels(counted, p.shape[1])
        p, y = (jnp.where(pixels[..., None], part, 0) for part in (p, y))
        both, each = (p * y).sum(axis=1), p.sum(axis=1) + y.sum(axis=1)
        losses = (1 - (2 * both + self.smooth) / (each + self.smooth)).mean(axis=-1)
        if self.cross_entropy:
            entropy = self._entropy(x, targets, head).reshape(pixels.shape)
            count = jnp.maximum(pixels.sum(axis=1), 1)
            losses = losses + self.cross_entropy * jnp.where(pixels, entropy, 0).sum(axis=1) / count
        return losses, pixels.any(axis=1).astype(jnp.float32)

    def _entropy(self, x: Any, targets: Any, head: OutputHead) -> Any:
        if head.activation == "softmax":
            return negative_log_likelihood(x, targets)
        return BinaryCrossEntropy().values(x, targets, head).mean(axis=-1)

    def implied_by(self, head: OutputHead, target: Target) -> str:
        return "softmax" if are_ids(head, target) else "sigmoid"

    def misfit(self, head: OutputHead, target: Target) -> str:
        if not head.is_sequence:
            return "it compares regions: it needs a prediction for each pixel or step"
        if head.activation == "softmax" and target.kind != "class":
            return "it needs classes, of which one is correct, or a `sigmoid`"
        return super().misfit(head, target) or NO_CLASSES * (target.kind == "numbers")


def _of_pixels(counted: Any, positions: int) -> Any:
    """Which positions count, batch x positions; `counted` is batch for examples that count or do not."""
    flat = counted.reshape(len(counted), -1)
    return jnp.broadcast_to(flat, (len(flat), positions))
