"""Regularization layers: active during training only."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.kinds import Choice, Number
from netspec.language.shape import Shape
from netspec.language.word import option
from netspec.layers.base import Elementwise, dropout_option, layer
from netspec.layers.code import PythonCall, call


class TrainingNoise(Elementwise):
    """Base class of random layers that do nothing at inference."""

    training_only: ClassVar[bool] = True


@layer("dropout")
class Dropout(TrainingNoise):
    """Sets each number to zero with probability `rate` during training, and divides the others by 1 - rate.

    `per = channel` drops whole channels (spatial dropout): neighboring positions of an image are strongly correlated,
    so dropping single numbers regularizes little.

    Shape: any -> the same
    Formula: y = x * m / (1 - rate), with m = 0 with probability rate, else 1
    Example: dropout(0.5)
    Reference: Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from overfitting.
    """

    aliases = ("Dropout1d", "Dropout2d", "Dropout3d", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")

    rate: float = dropout_option(
        "the probability of dropping a number", position=0, aliases=("p", "prob", "dropout", "dropout_ratio")
    )
    per: str = option(Choice(("number", "channel")), "the unit that is dropped", default="number")

    def module(self, x: Shape) -> PythonCall:
        axes = tuple(range(1, x.rank)) if self.per == "channel" else ()
        return call("nn.Dropout", self.rate, **{"broadcast_dims": axes} if axes else {})


@layer("droppath")
class DropPath(TrainingNoise):
    """Sets a whole example to zero with probability `rate` during training, and divides the others by 1 - rate.

    Also known as stochastic depth: used at the end of a residual branch, it skips the block for some examples.

    Shape: any -> the same
    Formula: y = x * m / (1 - rate), with one m for each example: 0 with probability rate, else 1
    Example: identity + (dense(64, relu) -> dense(64) -> droppath(0.1))
    Reference: Huang et al. 2016, Deep networks with stochastic depth, arXiv:1603.09382.
    """

    aliases = ("StochasticDepth", "drop_connect", "path_dropout")

    rate: float = dropout_option(
        "the probability of dropping an example", position=0, aliases=("p", "prob", "drop_prob")
    )

    def module(self, x: Shape) -> PythonCall:
        return call("nn.Dropout", self.rate, broadcast_dims=tuple(range(1, x.rank + 1)))


@layer("noise")
class Noise(TrainingNoise):
    """Adds zero-mean Gaussian noise during training.

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
