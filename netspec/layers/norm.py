"""Normalization layers."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.kinds import Count, Flag, Number
from netspec.language.shape import Shape
from netspec.language.word import option
from netspec.layers.base import (
    DTYPE,
    FROZEN,
    Elementwise,
    Layer,
    check_groups,
    check_rank,
    known,
    layer,
    precision,
)
from netspec.layers.code import Code, Names, PythonCall, PythonName, Shapes, call

# ---------------------------------------------------------------- with a trained scale for each channel


class Normalization(Layer):
    """Base class of normalization layers with weights."""

    flax_epsilon: ClassVar[float] = 1e-6
    """The default of the Flax module."""

    epsilon: float = option(
        Number(0, open_low=True), "added to the variance for numerical stability", default=1e-5, aliases=("eps",)
    )
    scale: bool = option(Flag(), "train a scale for each channel (gamma)", default=True, aliases=("gamma", "affine"))
    frozen: bool = FROZEN
    dtype: str | None = DTYPE

    @property
    def weight_names(self) -> tuple[str, ...]:
        """Its weights, each with one number per channel."""
        return ("scale",) if self.scale else ()

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (1, 2, 3, 4), "")
        known(self, x.channels, x, "a fixed number of channels")
        return x

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        return {name: (known(self, x.channels, x),) for name in self.weight_names}

    def arguments(self) -> dict[str, Code]:
        """The arguments of the module besides the channels."""
        arguments: dict[str, Code] = {} if self.epsilon == self.flax_epsilon else {"epsilon": self.epsilon}
        return arguments if self.scale else {**arguments, "use_scale": False}

    def module(self, x: Shape) -> PythonCall:
        return call(self.function, known(self, x.channels, x), **self.arguments(), **precision(self.dtype))


class Centering(Normalization):
    """Norms that subtract a mean."""

    offset: bool = option(Flag(), "train an offset for each channel (beta)", default=True, aliases=("beta", "center"))

    @property
    def weight_names(self) -> tuple[str, ...]:
        return (*super().weight_names, "bias") if self.offset else super().weight_names

    def arguments(self) -> dict[str, Code]:
        bias = {} if self.offset else {"use_bias": False}
        # By default Flax computes the variance as E[x^2] - E[x]^2, which cancels in f32 where the mean is a thousand
        # times the standard deviation, as in a column of years.
        return {**super().arguments(), **bias, "use_fast_variance": False}


class AcrossPositions(Centering):
    """Norms that average over positions, ignoring padded steps."""

    reads_mask: ClassVar[int | None] = 0

    def masked_code(self, module: PythonName | None, tensors: Names, mask: PythonName, shapes: Shapes) -> Code:
        assert module is not None
        return call(module.text, *tensors, mask=call("nn.real_steps", mask, *tensors))


@layer("batchnorm")
class BatchNorm(AcrossPositions):
    """Normalizes each channel over the batch and all positions; at inference it uses running statistics.

    The running mean and variance are state, not trained: momentum * old + (1 - momentum) * new at each step. The new
    variance is the biased one of the batch, as in Keras and Flax; PyTorch uses the unbiased one, n / (n - 1) times as
    large with n numbers per channel, and its momentum is 1 - momentum here. Padded steps are ignored.

    Shape: any -> the same
    Parameters: 2 * C trained, 2 * C state
    Formula: y = scale * (x - mean) / sqrt(variance + epsilon) + offset
    Example: batchnorm
    Reference: Ioffe and Szegedy 2015, arXiv:1502.03167.
    """

    aliases = ("BatchNormalization", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "bn")

    momentum: float = option(
        Number(0, 1, open_high=True), "the weight of the old running statistics at each step", default=0.9
    )

    cancels_bias = True
    function = "nn.BatchNorm"
    flax_epsilon = 1e-5

    def state(self, x: Shape) -> dict[str, tuple[int, ...]]:
        channels = known(self, x.channels, x)
        return {"mean": (channels,), "var": (channels,)}

    def arguments(self) -> dict[str, Code]:
        return {"momentum": self.momentum, **super().arguments()}


@layer("layernorm")
class LayerNorm(Centering):
    """Normalizes the channels at each position.

    Shape: any -> the same
    Parameters: 2 * C
    Formula: y = scale * (x - mean) / sqrt(variance + epsilon) + offset
    Example: layernorm
    Reference: Ba, Kiros and Hinton 2016, arXiv:1607.06450.
    """

    aliases = ("LayerNormalization",)

    function = "nn.LayerNorm"


@layer("groupnorm")
class GroupNorm(AcrossPositions):
    """Normalizes each group of channels over all positions of an example.

    With one group all channels are normalized together; with as many groups as channels it equals `instancenorm`.
    Padded steps are ignored.

    Shape: any -> the same
    Parameters: 2 * C
    Formula: y = scale * (x - mean) / sqrt(variance + epsilon) + offset
    Example: groupnorm(4)
    Reference: Wu and He 2018, arXiv:1803.08494.
    """

    aliases = ("GroupNormalization", "gn")

    groups: int = option(
        Count(), "the number of groups of channels", default=32, position=0, aliases=("num_groups", "g")
    )

    function = "nn.GroupNorm"

    def infer(self, x: Shape) -> Shape:
        shape = super().infer(x)
        channels = known(self, x.channels, x)
        check_groups(self.groups, (channels, "channels" if channels > 1 else "channel"))
        return shape

    def module(self, x: Shape) -> PythonCall:
        channels = known(self, x.channels, x)
        return call(self.function, channels, self.groups, **self.arguments(), **precision(self.dtype))


@layer("instancenorm")
class InstanceNorm(AcrossPositions):
    """Normalizes each channel over the positions of an example, in training and at inference alike.

    Scale and offset are trained by default, unlike in PyTorch. Padded steps are ignored.

    Shape: H x W x C -> H x W x C; sequences and volumes alike
    Parameters: 2 * C
    Formula: y = scale * (x - mean) / sqrt(variance + epsilon) + offset
    Example: instancenorm
    Reference: Ulyanov, Vedaldi and Lempitsky 2016, arXiv:1607.08022.
    """

    aliases = ("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "InstanceNormalization")

    cancels_bias = True
    function = "nn.InstanceNorm"

    def infer(self, x: Shape) -> Shape:
        check_rank(
            self, x, (2, 3, 4), "`instancenorm` would reduce the single value of each channel to 0; use `layernorm`"
        )
        return super().infer(x)


@layer("rmsnorm")
class RMSNorm(Normalization):
    """Divides the channels at each position by their root mean square; no mean is subtracted.

    Shape: any -> the same
    Parameters: C
    Formula: y = scale * x / sqrt(mean(x^2) + epsilon)
    Example: rmsnorm
    Reference: Zhang and Sennrich 2019, arXiv:1910.07467.
    """

    aliases = ("RMSNormalization", "LlamaRMSNorm")

    function = "nn.RMSNorm"


# ---------------------------------------------------------------- without weights


@layer("lrn")
class LocalResponseNorm(Layer):
    """Local response normalization: divides each number by the energy of the neighboring channels at its position.

    The defaults are those of the AlexNet paper, in which `alpha` multiplies the sum of squares. PyTorch, Caffe and
    ONNX divide `alpha` by `size` and default to k = 1: write `lrn(5, k = 1, divide = true)` for theirs. Channels
    outside the range count as zero. An even `size` reaches one channel further down than up, as in PyTorch.

    Shape: any -> the same
    Formula: y = x / (k + alpha * sum of x^2 over `size` channels)^beta
    Example: lrn(5)
    Reference: Krizhevsky, Sutskever and Hinton 2012, ImageNet classification with deep convolutional networks.
    """

    aliases = ("LocalResponseNorm", "LocalResponseNormalization", "local_response_normalization")

    size: int = option(
        Count(),
        "the number of channels in the window, centered on the channel itself",
        default=5,
        position=0,
        aliases=("n", "local_size"),
    )
    alpha: float = option(Number(0), "multiplies the sum of squares", default=1e-4)
    beta: float = option(Number(0), "the exponent", default=0.75)
    k: float = option(Number(0, open_low=True), "added to the sum of squares", default=2.0, aliases=("bias",))
    divide: bool = option(Flag(), "divide `alpha` by `size`, as PyTorch, Caffe and ONNX do", default=False)

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (1, 2, 3, 4), "")
        return x

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        more = {"divide": True} if self.divide else {}
        return call("nn.local_response_norm", *tensors, self.size, alpha=self.alpha, beta=self.beta, k=self.k, **more)


@layer("l2norm")
class L2Norm(Elementwise):
    """Divides the channels at each position by their Euclidean norm.

    Shape: any -> the same
    Formula: y = x / max(sqrt(sum(x^2)), epsilon)
    Example: l2norm
    Reference: Liu, Rabinovich and Berg 2015, ParseNet, arXiv:1506.04579.
    """

    aliases = ("normalize", "UnitNormalization", "l2_normalize")

    epsilon: float = option(
        Number(0, open_low=True), "the minimum norm, for numerical stability", default=1e-12, aliases=("eps",)
    )

    function = "nn.l2_normalize"
