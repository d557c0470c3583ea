"""Which loss is for which output: `of("digit", cross_entropy, weight = 0.5) -> of("style", mse)`."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.language.kinds import Number, OneWord, Text
from netspec.language.vocabulary import register
from netspec.language.word import Word, option
from netspec.training.losses.base import Loss


@register("loss", "of")
class OfOutput(Word):
    """The loss of one output of a network with several outputs, and its weight in the total loss.

    Join several of them by `->`. A loss in the chain without `of` is for all other outputs; an output without any gets
    the loss that fits its last layer.

    Example: train { loss = of("digit", cross_entropy) -> of("style", mse, weight = 0.5) }
    """

    output: str = option(Text(), "the name of the output, in quotes", position=0)
    loss: Loss | OfOutput | None = option(
        OneWord("loss"), "its loss (none: chosen by the last layer)", default=None, position=1
    )
    weight: float = option(
        Number(0, open_low=True), "its weight in the total loss", default=1.0, aliases=("loss_weights",)
    )


LossWord = Loss | OfOutput
"""A word of the chain `loss`."""


def loss_for(output: str, chain: Sequence[LossWord] | None) -> Loss | None:
    """The loss that a chain sets for an output; None where the last layer decides."""
    named = [word.loss for word in chain or () if isinstance(word, OfOutput) and word.output == output]
    loss = (named or [word for word in chain or () if isinstance(word, Loss)] or [None])[0]
    return loss if isinstance(loss, Loss) else None


def plain_losses(chain: Sequence[LossWord] | None) -> list[Loss]:
    """The losses of a chain, whichever output they are for."""
    losses = [word.loss if isinstance(word, OfOutput) else word for word in chain or ()]
    return [loss for loss in losses if isinstance(loss, Loss)]
