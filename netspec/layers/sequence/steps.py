"""Reductions of a sequence to one vector."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.shape import Shape, product
from netspec.layers.base import Layer, check_rank, layer


def make_a_sequence(shape: Shape) -> str:
    """How to turn another shape into a sequence."""
    if not shape.is_known:
        return "turn its positions into a sequence with `reshape`, which needs sizes as numbers in the `input` line"
    if shape.rank < 2:
        return f"it needs steps x features: `reshape({shape.channels}x1)` before it makes each number a step"
    return f"put `reshape({product(shape.space)}x{shape.channels})` before it, which makes each position a step"


class OfSteps(Layer):
    """Base class of layers that reduce a sequence to a vector, ignoring padded steps."""

    instead: ClassVar[str] = ""
    """What to write if the input is not a sequence."""

    reads_mask: ClassVar[int | None] = 0

    def infer(self, x: Shape) -> Shape:
        advice = f"a vector has no steps: remove `{self.word}`" if x.rank == 1 else self.instead
        check_rank(self, x, (2,), advice)
        return Shape((x.channels,))


@layer("first")
class First(OfSteps):
    """The first step of a sequence; with padding at the start, the first step after it.

    Shape: T x C -> C
    Formula: y = x[t], with t the first real step
    Example: first
    Reference: Devlin et al. 2018, BERT, arXiv:1810.04805.
    """

    aliases = ("first_step", "select_first")

    function = "nn.first_step"
    instead = "`flatten` keeps all positions, `gap` averages them"


@layer("last")
class Last(OfSteps):
    """The last step of a sequence; with padding at the end, the last step before it.

    After a recurrent layer this is its final state; `lstm(64, return = last)` gives the same and stores nothing else.

    Shape: T x C -> C
    Formula: y = x[t], with t the last real step
    Example: last
    Reference: Sutskever, Vinyals and Le 2014, Sequence to sequence learning with neural networks, arXiv:1409.3215.
    """

    aliases = ("last_step", "select_last")

    function = "nn.last_step"
    instead = "`flatten` keeps all positions, `gap` averages them"


@layer("mean_pool")
class MeanPool(OfSteps):
    """The mean over the steps of a sequence, ignoring padded steps; a sequence of padding alone gives 0.

    Shape: T x C -> C
    Formula: y = sum over real steps of x / number of real steps
    Example: mean_pool
    Reference: Iyyer et al. 2015, Deep unordered composition rivals syntactic methods for text classification.
    """

    aliases = ("mean_over_time", "average_over_time", "masked_mean")

    function = "nn.mean_of_steps"
    instead = "use `gap` for the mean over all positions"
