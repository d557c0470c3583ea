"""Convolutions over sequences, images and volumes."""

from __future__ import annotations

from math import isqrt
from typing import Any, ClassVar

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Count, Flag, Number, OneWord, Padding, Sizes
from netspec.language.shape import Shape, Size, product
from netspec.language.word import option
from netspec.layers.activations import Activation
from netspec.layers.base import (
    Apply,
    BiasInit,
    Layer,
    Weighted,
    activation_option,
    check_rank,
    dtype_option,
    known,
    layer,
    per_axis,
)
from netspec.layers.code import Code, PythonCall, call
from netspec.layers.errors.shapes import GroupsDoNotDivide
from netspec.layers.initializers import Init
from netspec.layers.spatial.windows import slide


def image_advice(x: Shape) -> str:
    """What to write where a vector should be an image."""
    count = x.count if isinstance(x.count, int) else 0
    found = next((f"{s}x{s}x{c}" for c in (1, 3) for s in [isqrt(count // c)] if s > 1 and s * s * c == count), None)
    shape = found or "28x28x1"
    return f"give it an image: `input {shape}`, or `reshape({shape})` before it"


def kernel_option(position: int | None = None, default: int = 3) -> Any:
    """The option `kernel`."""
    doc = "height x width of a filter, or one number for both"
    return option(Sizes(), doc, default=default, position=position, aliases=("kernel_size",))


class Sliding(Layer):
    """What the layers that slide filters share."""

    kernel: int | tuple[int, ...] = kernel_option()
    stride: int | tuple[int, ...] = option(
        Sizes(), "how far the window moves at a time", default=1, aliases=("strides",)
    )
    pad: str | int | tuple[int, ...] = option(
        Padding(), "what is put around the input", default="same", aliases=("padding",)
    )
    dilation: int | tuple[int, ...] = option(
        Sizes(), "distance between the points of a filter", default=1, aliases=("dilation_rate",)
    )

    def places(self, x: Shape) -> tuple[Size, ...]:
        """The sizes that come out.

        Raises:
            Unplaced: the filters are larger than the input, or an extent has the wrong number of axes.
        """
        return slide(x, kernel=self.kernel, stride=self.stride, dilation=self.dilation, pad=self.pad)

    def window_arguments(self, x: Shape) -> dict[str, Code]:
        """What `nn.Conv` is told of stride, padding and dilation, where they differ from its defaults."""
        ones = (1,) * (x.rank - 1)
        found: dict[str, Code] = {}
        if (stride := per_axis(self.stride, x, "stride")) != ones:
            found["strides"] = stride
        if isinstance(self.pad, str):
            found |= {} if self.pad == "same" else {"padding": self.pad.upper()}
        else:
            found["padding"] = [(p, p) for p in per_axis(self.pad, x, "pad")]
        if (dilation := per_axis(self.dilation, x, "dilation")) != ones:
            found["kernel_dilation"] = dilation
        return found


class Filtering(Sliding, Weighted):
    """What the layers share that slide filters and hold them in one kernel."""

    output_axis: ClassVar[int | None] = -1

    def group_count(self, x: Shape) -> int:
        """Into how many parts the channels are split, each of which has filters of its own."""
        raise TypeError(f"{type(self).__name__} declares no filters: override `group_count`")

    def count_filters(self, x: Shape) -> int:
        """How many channels come out."""
        raise TypeError(f"{type(self).__name__} declares no filters: override `count_filters`")

    def _kernel(self, x: Shape) -> tuple[int, ...]:
        channels = known(self, x.channels, x, "its input channels") // self.group_count(x)
        return (*per_axis(self.kernel, x, "kernel"), channels, self.count_filters(x))

    @property
    def kernel_axes(self) -> str:
        return "height, width, input channels, filters"

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        kernel = self._kernel(x)
        return {"kernel": kernel, "bias": kernel[-1:]} if self.bias else {"kernel": kernel}

    def macs(self, output: Shape, x: Shape) -> Size:
        return product(self._kernel(x)) * product(output.space)

    def module(self, x: Shape) -> PythonCall:
        more = self.window_arguments(x)
        if (groups := self.group_count(x)) != 1:
            more["feature_group_count"] = groups
        if not self.bias:
            more["use_bias"] = False
        kernel = self._kernel(x)
        channels = known(self, x.channels, x)
        return call("nn.Conv", channels, kernel[-1], kernel[:-2], **more, **self.initializers(kernel))


@layer("conv")
class Conv(Filtering):
    """Slides filters over a sequence, an image or a volume and adds what they see, over all channels.

    Computes a cross-correlation, as every deep-learning library does. `pad = same` is XLA's rule: the output has
    ceil(n / stride) places, and an odd row of padding goes behind. A number pads both sides.

    Shape: H x W x C -> floor((H + 2p - k) / s) + 1 x … x filters, with k = (kernel - 1) * dilation + 1
    Parameters: kernel area * C / groups * filters + filters
    Formula: y[i, f] = activation(b[f] + sum over j, c of kernel[j, c, f] * x[i * s - p + d * j, c]), for places i and
        points j of the kernel; x is 0 in the padding, and c counts the channels of the filter's group
    Example: conv(16, 3x3, relu)
    Reference: LeCun et al. 1998, Gradient-based learning applied to document recognition.
    """

    aliases = ("Conv1D", "Conv2D", "Conv3D", "Convolution", "Convolution2D")

    filters: int = option(
        Count(),
        "how many filters, and so how many channels come out",
        position=0,
        aliases=("out_channels", "channels"),
    )
    kernel: int | tuple[int, ...] = kernel_option(1)
    activation: Activation | None = activation_option(2)
    groups: int = option(Count(), "split the channels into this many separate convolutions", default=1)

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), image_advice(x))
        channels = known(self, x.channels, x, "its input channels")
        self._check_groups(channels, "input channels", channels)
        self._check_groups(self.filters, "filters", channels)
        space = self.places(x)
        self.check_weights(self._kernel(x))
        return Shape((*space, self.filters))

    def _check_groups(self, count: int, what: str, channels: int) -> None:
        if count % self.groups:
            both = [g for g in range(1, channels + 1) if channels % g == 0 and self.filters % g == 0]
            *most, last = map(str, both[:12])
            valid = f"{', '.join(most)} or {last}" if most else last
            raise Unplaced(
                GroupsDoNotDivide, option="groups", groups=self.groups, channels=count, what=what, valid=valid
            )

    def group_count(self, x: Shape) -> int:
        return self.groups

    def count_filters(self, x: Shape) -> int:
        return self.filters


@layer("depthwise")
class Depthwise(Filtering):
    """Slides filters over each channel by itself; nothing is added up across channels.

    Each channel has `multiplier` filters of its own, whose results stand next to each other: channel c gives the
    channels c * multiplier, c * multiplier + 1 …, as in Keras and PyTorch (`groups = in_channels`). Padding is that of
    `conv`.

    Shape: H x W x C -> floor((H + 2p - k) / s) + 1 x … x C * multiplier, with k = (kernel - 1) * dilation + 1
    Parameters: kernel area * C * multiplier + C * multiplier
    Formula: y[i, f] = activation(b[f] + sum over j of kernel[j, 0, f] * x[i * s - p + d * j, floor(f / multiplier)])
    Example: depthwise(3x3, relu6, stride = 2)
    Reference: Howard et al. 2017, MobileNets, arXiv:1704.04861.
    """

    aliases = ("DepthwiseConv1D", "DepthwiseConv2D", "DepthwiseConv")

    kernel: int | tuple[int, ...] = kernel_option(0)
    activation: Activation | None = activation_option(1)
    multiplier: int = option(Count(), "how many filters each channel has", default=1, aliases=("depth_multiplier",))

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), image_advice(x))
        channels = known(self, x.channels, x, "its input channels")
        space = self.places(x)
        self.check_weights(self._kernel(x))
        return Shape((*space, channels * self.multiplier))

    def group_count(self, x: Shape) -> int:
        return known(self, x.channels, x)

    def count_filters(self, x: Shape) -> int:
        return known(self, x.channels, x) * self.multiplier


@layer("separable")
class Separable(Sliding):
    """A `depthwise` convolution and a 1x1 `conv` that mixes its channels: nearly a convolution, with far fewer weights.

    Stands for these two layers, which the summary shows: `depthwise` without a bias and an activation, then the 1x1
    convolution with both, so that the weights are those of Keras. `init`, `frozen`, `l1`, `l2` hold for both kernels.

    Shape: H x W x C -> floor((H + 2p - k) / s) + 1 x … x filters, with k = (kernel - 1) * dilation + 1
    Parameters: kernel area * C * multiplier + C * multiplier * filters + filters
    Formula: y[i, f] = activation(b[f] + sum over g of pointwise[g, f] * z[i, g]),
        z[i, g] = sum over j of depthwise[j, 0, g] * x[i * s - p + d * j, floor(g / multiplier)]
    Example: separable(16, 3x3, relu)
    Reference: Chollet 2016, Xception, arXiv:1610.02357.
    """

    aliases = ("SeparableConv1D", "SeparableConv2D", "SeparableConv", "SeparableConvolution2D")

    filters: int = option(Count(), "how many channels come out", position=0, aliases=("out_channels", "channels"))
    kernel: int | tuple[int, ...] = kernel_option(1)
    activation: Activation | None = activation_option(2)
    multiplier: int = option(
        Count(), "how many filters each channel has in between", default=1, aliases=("depth_multiplier",)
    )
    bias: bool = option(Flag(), "add a trainable vector to the result", default=True)
    init: Init | None = option(OneWord("init"), "how both kernels begin (none: `lecun_normal`)", default=None)
    bias_init: Init | None = option(BiasInit(), "how the bias begins (none: `zeros`)", default=None)
    frozen: bool = option(Flag(), "keep the weights as they begin: they are not trained", default=False)
    l1: float = option(Number(0), "L1 penalty on both kernels: l1 * sum(|w|) is added to the loss", default=0.0)
    l2: float = option(Number(0), "L2 penalty on both kernels: l2 * sum(w * w) is added to the loss", default=0.0)
    dtype: str | None = dtype_option()

    is_macro = True

    def implied_defaults(self) -> dict[str, str]:
        return {"activation": "linear", "init": "lecun_normal", "bias_init": "zeros"}

    def expand(self, apply: Apply, *tensors: Any) -> Any:
        (tensor,) = tensors
        check_rank(self, tensor.shape, (2, 3, 4), image_advice(tensor.shape))
        known(self, tensor.shape.channels, tensor.shape, "its input channels")
        self.places(tensor.shape)
        both = {name: getattr(self, name) for name in ("init", "frozen", "l1", "l2", "dtype")}
        window = {name: getattr(self, name) for name in ("kernel", "stride", "pad", "dilation", "multiplier")}
        depthwise = Depthwise(name=self.name and f"{self.name}_depthwise", bias=False, **window, **both)
        pointwise = Conv(
            name=f"{self.name}_pointwise" if self.name else "pointwise",
            filters=self.filters,
            kernel=1,
            activation=self.activation,
            bias=self.bias,
            bias_init=self.bias_init,
            **both,
        )
        return apply(pointwise, apply(depthwise, tensor))
