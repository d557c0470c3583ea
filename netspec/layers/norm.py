"""Normalisation."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Count, Flag, Number
from netspec.language.shape import Shape
from netspec.language.word import option
from netspec.layers.base import Layer, check_numbers, check_rank, dtype_option, known, layer, precision
from netspec.layers.code import Code, Names, PythonCall, PythonName, Shapes, call
from netspec.layers.errors.shapes import GroupsDoNotDivide

# ---------------------------------------------------------------- with a trained factor for each channel


class Normalisation(Layer):
    """What normalising layers with weights share."""

    function: ClassVar[str] = ""
    flax_epsilon: ClassVar[float] = 1e-6
    """What the module takes by itself."""

    epsilon: float = option(
        Number(0, open_low=True), "added to the variance, against division by zero", default=1e-5, aliases=("eps",)
    )
    scale: bool = option(Flag(), "train a factor for each channel (gamma)", default=True, aliases=("gamma", "affine"))
    frozen: bool = option(
        Flag(), "keep the weights as they begin: they are not trained", default=False, aliases=("trainable",)
    )
    dtype: str | None = dtype_option()

    @property
    def weight_names(self) -> tuple[str, ...]:
        """The weights that it has, each with a number for every channel."""
        return ("scale",) if self.scale else ()

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (1, 2, 3, 4), "")
        known(self, x.channels, x, "the channels")
        return x

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        return {name: (known(self, x.channels, x),) for name in self.weight_names}

    def arguments(self) -> dict[str, Code]:
        """What the module takes besides the channels."""
        found: dict[str, Code] = {} if self.epsilon == self.flax_epsilon else {"epsilon": self.epsilon}
        if not self.scale:
            found["use_scale"] = False
        return found

    def module(self, x: Shape) -> PythonCall:
        return call(self.function, known(self, x.channels, x), **self.arguments(), **precision(self.dtype))


class Centring(Normalisation):
    """Norms that take a mean away."""

    offset: bool = option(Flag(), "train an offset for each channel (beta)", default=True, aliases=("beta", "center"))

    @property
    def weight_names(self) -> tuple[str, ...]:
        return (*super().weight_names, "bias") if self.offset else super().weight_names

    def arguments(self) -> dict[str, Code]:
        found = super().arguments()
        if not self.offset:
            found["use_bias"] = False
        # Flax takes the variance for the mean of the squares less the square of the mean unless told otherwise; in f32
        # nothing is left of it where the mean is a thousand times the deviation, as in a column of years.
        found["use_fast_variance"] = False
        return found


class AcrossPlaces(Centring):
    """Norms that take the mean over places, padded steps left out."""

    reads_mask: ClassVar[int | None] = 0

    def masked_code(self, module: PythonName | None, tensors: Names, mask: PythonName, shapes: Shapes) -> Code:
        assert module is not None
        return call(module.text, *tensors, mask=call("nn.real_steps", mask, *tensors))


@layer("batchnorm")
class BatchNorm(AcrossPlaces):
    """Gives each channel mean 0 and variance 1 over the batch and all places; outside training it uses running means.

    The running mean and variance are state, not trained: momentum * old + (1 - momentum) * new at each step. The new
    variance is that of the batch itself, as in Keras and Flax; PyTorch keeps n / (n - 1) times it, with n the numbers
    of a channel in the batch, and calls 1 - momentum the momentum. Padded steps of texts do not count.

    Shape: any -> the same
    Parameters: 2 * C trained, 2 * C state
    Formula: y = scale * (x - mean) / sqrt(variance + epsilon) + offset
    Example: batchnorm
    Reference: Ioffe and Szegedy 2015, arXiv:1502.03167.
    """

    aliases = ("BatchNormalization", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "bn")

    momentum: float = option(
        Number(0, 1, open_high=True), "how much of the running mean is kept at each step", default=0.9
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
class LayerNorm(Centring):
    """Gives the channels at each place mean 0 and variance 1.

    Shape: any -> the same
    Parameters: 2 * C
    Formula: y = scale * (x - mean) / sqrt(variance + epsilon) + offset
    Example: layernorm
    Reference: Ba, Kiros and Hinton 2016, arXiv:1607.06450.
    """

    aliases = ("LayerNormalization",)

    function = "nn.LayerNorm"


@layer("groupnorm")
class GroupNorm(AcrossPlaces):
    """Gives each group of channels mean 0 and variance 1 over all places of an example.

    One group takes all channels together; as many groups as channels are `instancenorm`. Padded steps of texts do not
    count.

    Shape: any -> the same
    Parameters: 2 * C
    Formula: y = scale * (x - mean) / sqrt(variance + epsilon) + offset
    Example: groupnorm(4)
    Reference: Wu and He 2018, arXiv:1803.08494.
    """

    aliases = ("GroupNormalization", "gn")

    groups: int = option(
        Count(), "how many groups the channels make", default=32, position=0, aliases=("num_groups", "g")
    )

    function = "nn.GroupNorm"

    def infer(self, x: Shape) -> Shape:
        shape = super().infer(x)
        channels = known(self, x.channels, x)
        if channels % self.groups:
            divisors = [g for g in range(1, channels + 1) if channels % g == 0]
            *most, last = map(str, divisors[:12])
            valid = f"{', '.join(most)} or {last}" if most else last
            raise Unplaced(
                GroupsDoNotDivide,
                option="groups",
                groups=self.groups,
                channels=channels,
                what="channels" if channels > 1 else "channel",
                valid=valid,
            )
        return shape

    def module(self, x: Shape) -> PythonCall:
        channels = known(self, x.channels, x)
        return call(self.function, channels, self.groups, **self.arguments(), **precision(self.dtype))


@layer("instancenorm")
class InstanceNorm(AcrossPlaces):
    """Gives each channel mean 0 and variance 1 over the places of an example, in training and outside alike.

    Factor and offset are trained unless `scale` and `offset` say otherwise; PyTorch has none by default. Padded steps
    of texts do not count.

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
        check_rank(self, x, (2, 3, 4), "nothing is left of a single number less its mean; use `layernorm` for a vector")
        return super().infer(x)


@layer("rmsnorm")
class RMSNorm(Normalisation):
    """Divides the channels at each place by their root mean square; no mean is taken away.

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
    """Divides each number by what the channels around it come to at the same place, as AlexNet does.

    The defaults are those of the AlexNet paper, where `alpha` multiplies the sum of the squares. PyTorch, Caffe and
    ONNX divide `alpha` by `size`, and begin with k = 1: write `lrn(5, k = 1, divide = true)` for theirs. Channels
    beyond the first and the last count as zero. An even `size` reaches one channel further down than up, as in PyTorch.

    Shape: any -> the same
    Formula: y = x / (k + alpha * sum of x^2 over `size` channels)^beta
    Example: lrn(5)
    Reference: Krizhevsky, Sutskever and Hinton 2012, ImageNet classification with deep convolutional networks.
    """

    aliases = ("LocalResponseNorm", "LocalResponseNormalization", "local_response_normalization")

    size: int = option(
        Count(),
        "how many channels count, the one itself in the middle",
        default=5,
        position=0,
        aliases=("n", "local_size"),
    )
    alpha: float = option(Number(0), "multiplies the squares", default=1e-4)
    beta: float = option(Number(0), "the exponent", default=0.75)
    k: float = option(Number(0, open_low=True), "what is there without any squares", default=2.0, aliases=("bias",))
    divide: bool = option(Flag(), "divide alpha by size, as PyTorch, Caffe and ONNX do", default=False)

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (1, 2, 3, 4), "")
        return x

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        more = {"divide": True} if self.divide else {}
        return call("nn.local_response_norm", *tensors, self.size, alpha=self.alpha, beta=self.beta, k=self.k, **more)


@layer("l2norm")
class L2Norm(Layer):
    """Divides the channels at each place by their Euclidean length, which makes it 1.

    Shape: any -> the same
    Formula: y = x / max(sqrt(sum(x^2)), epsilon)
    Example: l2norm
    Reference: Liu, Rabinovich and Berg 2015, ParseNet, arXiv:1506.04579.
    """

    aliases = ("normalize", "UnitNormalization", "l2_normalize")

    epsilon: float = option(
        Number(0, open_low=True), "the least length, against division by zero", default=1e-12, aliases=("eps",)
    )

    def infer(self, x: Shape) -> Shape:
        check_numbers(self, x)
        return x

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        more = {} if self.epsilon == 1e-12 else {"epsilon": self.epsilon}
        return call("nn.l2_normalize", *tensors, **more)
