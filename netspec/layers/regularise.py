"""Layers that make training harder so that the net generalises."""

from __future__ import annotations

from netspec.kinds import Number
from netspec.layers.base import Layer, PythonCall, call, check_numbers, layer
from netspec.shape import Shape
from netspec.vocabulary import option


@layer("dropout")
class Dropout(Layer):
    """Sets each number to zero with probability `rate` while training, and divides the others by 1 - rate.

    Shape: any -> the same
    Example: dropout(0.5)
    Reference: Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from overfitting.
    """

    elsewhere = ("Dropout1d", "Dropout2d", "SpatialDropout2D")

    rate: float = option(
        Number(0, 1, open_high=True),
        "the probability to drop a number",
        position=0,
        elsewhere=("p", "prob", "dropout"),
    )

    is_random = True
    training_only = True

    def infer(self, x: Shape) -> Shape:
        check_numbers(self, x)
        return x

    def module(self, x: Shape) -> PythonCall:
        return call("nn.Dropout", self.rate)
