"""Normalisation."""

from __future__ import annotations

from typing import ClassVar

from netspec.kinds import Flag, Number
from netspec.layers.base import Code, Layer, PythonCall, call, check_rank, known, layer
from netspec.record import record
from netspec.shape import Shape
from netspec.vocabulary import option


@record
class Normalisation(Layer):
    """What normalising layers share: a trained factor and offset for each channel."""

    is_normalisation: ClassVar[bool] = True
    function: ClassVar[str] = ""

    epsilon: float = option(
        Number(0, open_low=True), "added to the variance, against division by zero", default=1e-5, elsewhere=("eps",)
    )
    scale: bool = option(Flag(), "train a factor for each channel (gamma)", default=True, elsewhere=("gamma",))
    offset: bool = option(Flag(), "train an offset for each channel (beta)", default=True, elsewhere=("beta", "center"))
    frozen: bool = option(Flag(), "keep factor and offset as they begin: they are not trained", default=False)

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (1, 2, 3, 4), "")
        known(self, x.channels, x, "the channels")
        return x

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        channels = known(self, x.channels, x)
        return {name: (channels,) for name, on in (("scale", self.scale), ("bias", self.offset)) if on}

    def arguments(self) -> dict[str, Code]:
        found: dict[str, Code] = {"epsilon": self.epsilon}
        if not self.scale:
            found["use_scale"] = False
        if not self.offset:
            found["use_bias"] = False
        return found

    def module(self, x: Shape) -> PythonCall:
        return call(self.function, known(self, x.channels, x), **self.arguments())


@layer("batchnorm")
class BatchNorm(Normalisation):
    """Gives each channel mean 0 and variance 1 over the batch and all places; outside training it uses running means.

    The running mean and variance are state, not trained: momentum * old + (1 - momentum) * new at each step.

    Shape: any -> the same
    Parameters: 2 * C trained, 2 * C state
    Example: batchnorm
    Reference: Ioffe and Szegedy 2015, arXiv:1502.03167.
    """

    elsewhere = ("BatchNormalization", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "bn")

    momentum: float = option(
        Number(0, 1, open_high=True), "how much of the running mean is kept at each step", default=0.9
    )

    function = "nn.BatchNorm"

    def state(self, x: Shape) -> dict[str, tuple[int, ...]]:
        channels = known(self, x.channels, x)
        return {"mean": (channels,), "var": (channels,)}

    def arguments(self) -> dict[str, Code]:
        return {"momentum": self.momentum, **super().arguments()}


@layer("layernorm")
class LayerNorm(Normalisation):
    """Gives the channels at each place mean 0 and variance 1.

    Shape: any -> the same
    Parameters: 2 * C
    Example: layernorm
    Reference: Ba, Kiros and Hinton 2016, arXiv:1607.06450.
    """

    elsewhere = ("LayerNormalization",)

    function = "nn.LayerNorm"
