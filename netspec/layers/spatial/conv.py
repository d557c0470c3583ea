"""Convolutions over sequences, images and volumes."""

from __future__ import annotations

from math import isqrt
from typing import Any, ClassVar

from netspec.language.kinds import Count, Padding, Sizes
from netspec.language.shape import Shape, Size, product
from netspec.language.word import option
from netspec.layers.activations import Activation
from netspec.layers.base import (
    Apply,
    Layer,
    Weighted,
    WithKernels,
    activation_option,
    check_groups,
    check_rank,
    known,
    layer,
    per_axis,
)
from netspec.layers.code import Code, PythonCall, call
from netspec.layers.spatial.windows import slide


def image_advice(x: Shape, kernel: int | tuple[int, ...]) -> str:
    """What to write for a vector that should be an image, or a sequence where its size is not that of an image."""
    count = x.count if isinstance(x.count, int) else 0
    found = next((f"{s}x{s}x{c}" for c in (1, 3) for s in [isqrt(count // c)] if s > 1 and s * s * c == count), None)
    if found is None and count and isinstance(kernel, int):
        return f"give it a sequence: `input {count}x1`, or `reshape({count}x1)` before it"
    if found is None:
        return "give it an image, such as `input 28x28x1`"
    return f"give it an image: `input {found}`, or `reshape({found})` before it"


def kernel_option(position: int | None = None, default: int = 3) -> Any:
    """The option `kernel`."""
    doc = "height x width of the filters, or one number for both"
    return option(Sizes(), doc, default=default, position=position, aliases=("kernel_size", "kernel_shape"))


FILTERS: Any = option(
    Count(),
    "the number of output channels",
    position=0,
    aliases=("out_channels", "channels", "num_output", "nb_filter"),
)
DILATION: Any = option(Sizes(), "the spacing between kernel points", default=1, aliases=("dilation_rate", "dilations"))


class Sliding(Layer):
    """Base class of layers that slide filters."""

    kernel: int | tuple[int, ...] = kernel_option()
    stride: int | tuple[int, ...] = option(Sizes(), "the step of the window", default=1, aliases=("strides",))
    pad: str | int | tuple[int, ...] = option(
        Padding(), "the padding of the input", default="same", aliases=("padding",)
    )
    dilation: int | tuple[int, ...] = DILATION

    def output_space(self, x: Shape) -> tuple[Size, ...]:
        """The spatial sizes of the output.

        Raises:
            Unplaced: the filters are larger than the input, or an extent has the wrong number of axes.
        """
        return slide(x, kernel=self.kernel, stride=self.stride, dilation=self.dilation, pad=self.pad)

    def window_arguments(self, x: Shape) -> dict[str, Code]:
        """The arguments of `nn.Conv` for stride, padding and dilation, where they differ from its defaults."""
        ones = (1,) * (x.rank - 1)
        arguments: dict[str, Code] = {}
        if (stride := per_axis(self.stride, x, "stride")) != ones:
            arguments["strides"] = stride
        if isinstance(self.pad, str):
            arguments |= {} if self.pad == "same" else {"padding": self.pad.upper()}
        else:
            arguments["padding"] = [(p, p) for p in per_axis(self.pad, x, "pad")]
        if (dilation := per_axis(self.dilation, x, "dilation")) != ones:
            arguments["kernel_dilation"] = dilation
        return arguments


class Filtering(Sliding, Weighted):
    """Base class of layers that slide the filters of one kernel."""

    output_axis: ClassVar[int | None] = -1

    def group_count(self, x: Shape) -> int:
        """The number of groups that the channels are split into, each with separate filters."""
        raise TypeError(f"{type(self).__name__} declares no filters: override `group_count`")

    def count_filters(self, x: Shape) -> int:
        """The number of output channels."""
        raise TypeError(f"{type(self).__name__} declares no filters: override `count_filters`")

    def kernel_shape(self, x: Shape) -> tuple[int, ...]:
        channels = known(self, x.channels, x, "a fixed number of input channels") // self.group_count(x)
        return (*per_axis(self.kernel, x, "kernel"), channels, self.count_filters(x))

    @property
    def kernel_axes(self) -> str:
        return "height, width, input channels, filters"

    def macs(self, output: Shape, x: Shape) -> Size:
        return product(self.kernel_shape(x)) * product(output.space)

    def module(self, x: Shape) -> PythonCall:
        more = self.window_arguments(x)
        if (groups := self.group_count(x)) != 1:
            more["feature_group_count"] = groups
        kernel = self.kernel_shape(x)
        channels = known(self, x.channels, x)
        return call("nn.Conv", channels, kernel[-1], kernel[:-2], **more, **self.weight_arguments(kernel))


@layer("conv")
class Conv(Filtering):
    """Convolution over the positions of a sequence, an image or a volume.

    Computes a cross-correlation, like every deep-learning library. `pad = same` follows XLA: the output has
    ceil(n / stride) positions, and an odd row of padding goes to the end. A number pads both sides.

    Shape: H x W x C -> floor((H + 2p - k) / s) + 1 x … x filters, with k = (kernel - 1) * dilation + 1
    Parameters: kernel area * C / groups * filters + filters
    Formula: y[i, f] = activation(b[f] + sum over j, c of kernel[j, c, f] * x[i * s - p + d * j, c]), for positions i
        and points j of the kernel; x is 0 in the padding, and c runs over the channels of the filter's group
    Example: conv(16, 3x3, relu)
    Reference: LeCun et al. 1998, Gradient-based learning applied to document recognition.
    """

    aliases = ("Conv1D", "Conv2D", "Conv3D", "Convolution", "Convolution2D")

    filters: int = FILTERS
    kernel: int | tuple[int, ...] = kernel_option(1)
    activation: Activation | None = activation_option(2)
    groups: int = option(Count(), "the number of groups that the channels are split into", default=1)

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), image_advice(x, self.kernel))
        channels = known(self, x.channels, x, "a fixed number of input channels")
        check_groups(self.groups, (channels, "input channels"), (self.filters, "filters"))
        space = self.output_space(x)
        self.check_weights(self.kernel_shape(x))
        return Shape((*space, self.filters))

    def group_count(self, x: Shape) -> int:
        return self.groups

    def count_filters(self, x: Shape) -> int:
        return self.filters


@layer("depthwise")
class Depthwise(Filtering):
    """Depthwise convolution: convolves each channel separately.

    Each channel has `multiplier` filters, whose outputs are adjacent: channel c becomes the channels c * multiplier,
    c * multiplier + 1 …, as in Keras and PyTorch (`groups = in_channels`). Padding works as in `conv`.

    Shape: H x W x C -> floor((H + 2p - k) / s) + 1 x … x C * multiplier, with k = (kernel - 1) * dilation + 1
    Parameters: kernel area * C * multiplier + C * multiplier
    Formula: y[i, f] = activation(b[f] + sum over j of kernel[j, 0, f] * x[i * s - p + d * j, floor(f / multiplier)])
    Example: depthwise(3x3, relu6, stride = 2)
    Reference: Howard et al. 2017, MobileNets, arXiv:1704.04861.
    """

    aliases = ("DepthwiseConv1D", "DepthwiseConv2D", "DepthwiseConv")

    kernel: int | tuple[int, ...] = kernel_option(0)
    activation: Activation | None = activation_option(1)
    multiplier: int = option(Count(), "the number of filters per channel", default=1, aliases=("depth_multiplier",))

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), image_advice(x, self.kernel))
        channels = known(self, x.channels, x, "a fixed number of input channels")
        space = self.output_space(x)
        self.check_weights(self.kernel_shape(x))
        return Shape((*space, channels * self.multiplier))

    def group_count(self, x: Shape) -> int:
        return known(self, x.channels, x)

    def count_filters(self, x: Shape) -> int:
        return known(self, x.channels, x) * self.multiplier


@layer("separable")
class Separable(WithKernels, Sliding):
    """Separable convolution: a `depthwise` convolution, then a 1x1 `conv` that mixes the channels.

    Expands into these two layers, which the summary shows: `depthwise` without bias and activation, then the 1x1
    convolution with both, so the weights match those of Keras. `init`, `frozen`, `l1`, `l2` apply to both kernels.

    Shape: H x W x C -> floor((H + 2p - k) / s) + 1 x … x filters, with k = (kernel - 1) * dilation + 1
    Parameters: kernel area * C * multiplier + C * multiplier * filters + filters
    Formula: y[i, f] = activation(b[f] + sum over g of pointwise[g, f] * z[i, g]),
        z[i, g] = sum over j of depthwise[j, 0, g] * x[i * s - p + d * j, floor(g / multiplier)]
    Example: separable(16, 3x3, relu)
    Reference: Chollet 2016, Xception, arXiv:1610.02357.
    """

    aliases = ("SeparableConv1D", "SeparableConv2D", "SeparableConv", "SeparableConvolution2D")

    filters: int = FILTERS
    kernel: int | tuple[int, ...] = kernel_option(1)
    activation: Activation | None = activation_option(2)
    multiplier: int = option(
        Count(), "the number of depthwise filters per channel", default=1, aliases=("depth_multiplier",)
    )

    is_macro = True

    def expand(self, apply: Apply, *tensors: Any) -> Any:
        (tensor,) = tensors
        check_rank(self, tensor.shape, (2, 3, 4), image_advice(tensor.shape, self.kernel))
        known(self, tensor.shape.channels, tensor.shape, "a fixed number of input channels")
        self.output_space(tensor.shape)
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
