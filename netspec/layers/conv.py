"""Convolutions over sequences, images and volumes."""

from __future__ import annotations

from math import isqrt

from netspec.kinds import Count, Padding, Sizes
from netspec.layers.activations import Activation
from netspec.layers.base import PythonCall, Weighted, activation_option, call, check_rank, known, layer, per_axis
from netspec.layers.errors import GroupsDoNotDivide, Misfit
from netspec.layers.windows import slide
from netspec.shape import Shape, Size, product
from netspec.vocabulary import option


def image_advice(x: Shape) -> str:
    """What to write where a vector should be an image."""
    count = x.count if isinstance(x.count, int) else 0
    found = next((f"{s}x{s}x{c}" for c in (1, 3) for s in [isqrt(count // c)] if s > 1 and s * s * c == count), None)
    shape = found or "28x28x1"
    return f"give it an image: `input {shape}`, or `reshape({shape})` before it"


@layer("conv")
class Conv(Weighted):
    """Slides filters over a sequence, an image or a volume and adds what they see, over all channels.

    Computes a cross-correlation, as every deep-learning library does. `pad = same` is XLA's rule: the output has
    ceil(n / stride) places, and an odd row of padding goes behind. A number pads both sides.

    Shape: H x W x C -> floor((H + 2p - k) / s) + 1 x … x filters, with k = (kernel - 1) * dilation + 1
    Parameters: kernel area * C / groups * filters + filters
    Example: conv(16, 3x3, relu)
    Reference: LeCun et al. 1998, Gradient-based learning applied to document recognition.
    """

    elsewhere = ("Conv1D", "Conv2D", "Conv3D", "Convolution", "Convolution2D")

    filters: int = option(
        Count(),
        "how many filters, and so how many channels come out",
        position=0,
        elsewhere=("out_channels", "channels"),
    )
    kernel: int | tuple[int, ...] = option(
        Sizes(), "height x width of a filter, or one number for both", default=3, position=1
    )
    activation: Activation | None = activation_option(2)
    stride: int | tuple[int, ...] = option(Sizes(), "how far the window moves at a time", default=1)
    pad: str | int | tuple[int, ...] = option(
        Padding(), "what is put around the input", default="same", elsewhere=("padding",)
    )
    dilation: int | tuple[int, ...] = option(Sizes(), "distance between the points of a filter", default=1)
    groups: int = option(Count(), "split the channels into this many separate convolutions", default=1)

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), image_advice(x))
        channels = known(self, x.channels, x, "its input channels")
        self._check_groups(channels, "input channels", channels)
        self._check_groups(self.filters, "filters", channels)
        space = slide(x, kernel=self.kernel, stride=self.stride, dilation=self.dilation, pad=self.pad)
        self.check_weights(self._kernel(x))
        return Shape((*space, self.filters))

    def _check_groups(self, count: int, what: str, channels: int) -> None:
        if count % self.groups:
            both = [g for g in range(1, channels + 1) if channels % g == 0 and self.filters % g == 0]
            *most, last = map(str, both[:12])
            valid = f"{', '.join(most)} or {last}" if most else last
            raise Misfit(GroupsDoNotDivide, option="groups", groups=self.groups, channels=count, what=what, valid=valid)

    def _kernel(self, x: Shape) -> tuple[int, ...]:
        channels = known(self, x.channels, x) // self.groups
        return (*per_axis(self.kernel, x, "kernel"), channels, self.filters)

    @property
    def kernel_axes(self) -> str:
        return "height, width, input channels, filters"

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        kernel = self._kernel(x)
        return {"kernel": kernel, "bias": (self.filters,)} if self.bias else {"kernel": kernel}

    def macs(self, output: Shape, x: Shape) -> Size:
        return product(self._kernel(x)) * product(output.space)

    def module(self, x: Shape) -> PythonCall:
        axes = x.rank - 1
        more: dict[str, object] = {}
        if (stride := per_axis(self.stride, x, "stride")) != (1,) * axes:
            more["strides"] = stride
        if self.pad != "same":
            pad = self.pad
            more["padding"] = "VALID" if pad == "valid" else [(p, p) for p in per_axis(pad, x, "pad")]  # type: ignore[arg-type]
        if (dilation := per_axis(self.dilation, x, "dilation")) != (1,) * axes:
            more["kernel_dilation"] = dilation
        if self.groups != 1:
            more["feature_group_count"] = self.groups
        if not self.bias:
            more["use_bias"] = False
        channels = known(self, x.channels, x)
        kernel = self._kernel(x)
        return call("nn.Conv", channels, self.filters, kernel[:-2], **more, **self.initializers(kernel))
