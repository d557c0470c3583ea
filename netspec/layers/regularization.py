"""Layers that make training harder so that the net generalises."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.kinds import Choice, Number
from netspec.language.shape import Shape
from netspec.language.word import option
from netspec.layers.base import Layer, check_numbers, layer
from netspec.layers.code import PythonCall, call


class Disturbance(Layer):
    """What only happens while training, at random."""

    training_only: ClassVar[bool] = True

    def infer(self, x: Shape) -> Shape:
        check_numbers(self, x)
        return x


@layer("dropout")
class Dropout(Disturbance):
    """Sets each number to zero with probability `rate` while training, and divides the others by 1 - rate.

    With `per = channel` all places of a channel are dropped together, which is called spatial dropout: neighbours in
    an image hold much the same, so that dropping single numbers takes little away.

    Shape: any -> the same
    Formula: y = x * m / (1 - rate), with m = 0 with probability rate, else 1
    Example: dropout(0.5)
    Reference: Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from overfitting.
    """

    aliases = ("Dropout1d", "Dropout2d", "Dropout3d", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")

    rate: float = option(
        Number(0, 1, open_high=True),
        "the probability to drop a number",
        position=0,
        aliases=("p", "prob", "dropout"),
    )
    per: str = option(Choice(("number", "channel")), "what is dropped as one", default="number")

    def module(self, x: Shape) -> PythonCall:
        places = tuple(range(1, x.rank)) if self.per == "channel" else ()
        return call("nn.Dropout", self.rate, **{"broadcast_dims": places} if places else {})


@layer("droppath")
class DropPath(Disturbance):
    """Sets a whole example to zero with probability `rate` while training, and divides the others by 1 - rate.

    It stands at the end of a branch beside a shortcut, which is then all that is left of the block: stochastic depth.

    Shape: any -> the same
    Formula: y = x * m / (1 - rate), with one m for each example: 0 with probability rate, else 1
    Example: identity + (dense(64, relu) -> dense(64) -> droppath(0.1))
    Reference: Huang et al. 2016, Deep networks with stochastic depth, arXiv:1603.09382.
    """

    aliases = ("StochasticDepth", "drop_connect", "path_dropout")

    rate: float = option(
        Number(0, 1, open_high=True),
        "the probability to drop an example",
        position=0,
        aliases=("p", "prob", "drop_prob"),
    )

    def module(self, x: Shape) -> PythonCall:
        return call("nn.Dropout", self.rate, broadcast_dims=tuple(range(1, x.rank + 1)))


@layer("noise")
class Noise(Disturbance):
    """Adds noise from a normal distribution around zero while training.

    Shape: any -> the same
    Formula: y = x + std * n, with n from a normal distribution with mean 0 and variance 1
    Example: noise(0.1)
    Reference: Bishop 1995, Training with noise is equivalent to Tikhonov regularization.
    """

    aliases = ("GaussianNoise",)

    std: float = option(
        Number(0), "the standard deviation of the noise", position=0, aliases=("stddev", "sigma", "amount")
    )

    def module(self, x: Shape) -> PythonCall:
        return call("nn.GaussianNoise", self.std)
