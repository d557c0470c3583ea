"""From the steps of a sequence to one vector."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.shape import Shape
from netspec.layers.base import Layer, check_rank, layer
from netspec.layers.code import Code, Names, PythonName, Shapes, call


class OfSteps(Layer):
    """What layers share that make a vector of a sequence, and leave out the steps that only fill up."""

    function: ClassVar[str] = ""
    instead: ClassVar[str] = ""
    """What to type where the input is no sequence."""

    reads_mask: ClassVar[int | None] = 0

    def infer(self, x: Shape) -> Shape:
        advice = f"a vector has no steps: remove `{self.word}`" if x.rank == 1 else self.instead
        check_rank(self, x, (2,), advice)
        return Shape((x.channels,))

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call(self.function, *tensors)

    def masked_code(self, module: PythonName | None, tensors: Names, mask: PythonName, shapes: Shapes) -> Code:
        return call(self.function, *tensors, mask)


@layer("first")
class First(OfSteps):
    """The first step of a sequence; of a text with padding in front, the first that is no padding.

    Shape: T x C -> C
    Formula: y = x[t], with t the first real step
    Example: first
    Reference: Devlin et al. 2018, BERT, arXiv:1810.04805.
    """

    aliases = ("first_step", "select_first")

    function = "nn.first_step"
    instead = "`flatten` makes a vector of all places, `gap` of their mean"


@layer("last")
class Last(OfSteps):
    """The last step of a sequence; of a text with padding behind it, the last that is no padding.

    Behind a recurrent layer that is all it remembers; `lstm(64, return = last)` gives the same and keeps nothing else.

    Shape: T x C -> C
    Formula: y = x[t], with t the last real step
    Example: last
    Reference: Sutskever, Vinyals and Le 2014, Sequence to sequence learning with neural networks, arXiv:1409.3215.
    """

    aliases = ("last_step", "select_last")

    function = "nn.last_step"
    instead = "`flatten` makes a vector of all places, `gap` of their mean"


@layer("mean_pool")
class MeanPool(OfSteps):
    """The mean over the steps of a sequence; steps of padding do not count, and a text of padding alone gives 0.

    Shape: T x C -> C
    Formula: y = sum over real steps of x / number of real steps
    Example: mean_pool
    Reference: Iyyer et al. 2015, Deep unordered composition rivals syntactic methods for text classification.
    """

    aliases = ("mean_over_time", "average_over_time", "masked_mean")

    function = "nn.mean_of_steps"
    instead = "`gap` takes the mean over all places"
