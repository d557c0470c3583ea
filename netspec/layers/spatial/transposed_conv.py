"""Transposed convolutions, which make an input larger."""

from __future__ import annotations

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Count, Padding, Sizes
from netspec.language.shape import Shape, Size, product
from netspec.language.word import option
from netspec.layers.activations import Activation
from netspec.layers.base import Weighted, activation_option, check_rank, known, layer, per_axis
from netspec.layers.code import Code, PythonCall, call
from netspec.layers.errors.windows import NothingLeft, OptionsClash, OutputPadTooLarge
from netspec.layers.spatial.conv import image_advice, kernel_option
from netspec.layers.spatial.windows import extent, pads


@layer("upconv")
class Upconv(Weighted):
    """A transposed convolution: every place of the input adds its numbers times the kernel to the output.

    The places of the input stand `stride` apart in the output, so that the default `upconv(64)` doubles height and
    width, as in a U-Net. It turns the sizes of a convolution around: `pad` and `stride` are those of the `conv` that
    goes the other way, and `output_pad` adds rows behind where several sizes would come to the same. `pad = same` gives
    n * stride places.

    The kernel is height x width x filters x input channels, as in Keras, and lies on the output as it stands;
    PyTorch's ConvTranspose has the same numbers as input channels x filters x height x width. Inits count its fans as
    both do: fan_in is the area times the filters.

    Shape: H x W x C -> (H - 1) * s - 2p + k + output_pad x … x filters, with k = (kernel - 1) * dilation + 1
    Parameters: kernel area * C * filters + filters
    Formula: y[i * s - p + d * j] += x[i] * kernel[j], for all places i and points j of the kernel
    Example: upconv(16, 2x2, relu)
    Reference: Zeiler et al. 2010, Deconvolutional networks; Dumoulin and Visin 2016, arXiv:1603.07285.
    """

    aliases = ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "ConvTranspose", "Deconvolution", "deconv")

    output_axis = -2

    filters: int = option(
        Count(),
        "how many filters, and so how many channels come out",
        position=0,
        aliases=("out_channels", "channels"),
    )
    kernel: int | tuple[int, ...] = kernel_option(1, default=2)
    activation: Activation | None = activation_option(2)
    stride: int | tuple[int, ...] = option(
        Sizes(), "how far apart the input's places stand in the output", default=2, aliases=("strides",)
    )
    pad: str | int | tuple[int, ...] = option(
        Padding(),
        "what is cut off around the output: the padding of the `conv` it turns around",
        default="same",
        aliases=("padding",),
    )
    output_pad: int | tuple[int, ...] = option(
        Sizes(0), "rows and columns added behind", default=0, aliases=("output_padding",)
    )
    dilation: int | tuple[int, ...] = option(
        Sizes(), "distance between the points of a filter", default=1, aliases=("dilation_rate",)
    )

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), image_advice(x))
        known(self, x.channels, x, "its input channels")
        self._check_output_pad(x)
        space = self._places(x)
        self.check_weights(self._kernel(x))
        return Shape((*space, self.filters))

    def _places(self, x: Shape) -> tuple[Size, ...]:
        strides, extra = per_axis(self.stride, x, "stride"), per_axis(self.output_pad, x, "output_pad")
        found: list[Size] = []
        for size, k, s, p, o in zip(x.space, self._reach(x), strides, pads(self.pad, x), extra, strict=True):
            margin = 0 if isinstance(p, str) else p
            found.append(size * s if p == "same" else (size - 1) * s + (k + o - 2 * margin))
        if any(isinstance(size, int) and size < 1 for size in found):
            taken = 2 * max(p for p in pads(self.pad, x) if isinstance(p, int))
            advice = "use a smaller `pad`, or a larger kernel"
            shown = extent(x.space)
            raise Unplaced(NothingLeft, option="pad", word=self.word, space=shown, taken=str(taken), advice=advice)
        return tuple(found)

    def _check_output_pad(self, x: Shape) -> None:
        given, strides = per_axis(self.output_pad, x, "output_pad"), per_axis(self.stride, x, "stride")
        if not any(given):
            return
        if self.pad == "same":
            raise Unplaced(
                OptionsClash,
                option="output_pad",
                first="`output_pad`",
                second="`pad = same`",
                reason="the size is n * stride already",
                advice="leave `output_pad` out, or give `pad` as a number",
            )
        limits = [max(s, d) - 1 for s, d in zip(strides, per_axis(self.dilation, x, "dilation"), strict=True)]
        if any(o > most for o, most in zip(given, limits, strict=True)):
            shown = [extent(v) if len(set(v)) > 1 else str(v[0]) for v in (given, strides, tuple(limits))]
            raise Unplaced(OutputPadTooLarge, option="output_pad", given=shown[0], stride=shown[1], most=shown[2])

    def _reach(self, x: Shape) -> tuple[int, ...]:
        """The kernel with its holes."""
        dilations = per_axis(self.dilation, x, "dilation")
        return tuple((k - 1) * d + 1 for k, d in zip(per_axis(self.kernel, x, "kernel"), dilations, strict=True))

    def _kernel(self, x: Shape) -> tuple[int, ...]:
        return (*per_axis(self.kernel, x, "kernel"), self.filters, known(self, x.channels, x, "its input channels"))

    @property
    def kernel_axes(self) -> str:
        return "height, width, filters, input channels"

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        kernel = self._kernel(x)
        return {"kernel": kernel, "bias": (self.filters,)} if self.bias else {"kernel": kernel}

    def macs(self, output: Shape, x: Shape) -> Size:
        return product(self._kernel(x)) * product(x.space)

    def module(self, x: Shape) -> PythonCall:
        ones = (1,) * (x.rank - 1)
        more: dict[str, Code] = {"strides": per_axis(self.stride, x, "stride")}
        if self.pad != "same":
            more["padding"] = self._margins(x)
        if (dilation := per_axis(self.dilation, x, "dilation")) != ones:
            more["kernel_dilation"] = dilation
        more["transpose_kernel"] = True
        if not self.bias:
            more["use_bias"] = False
        kernel = self._kernel(x)
        return call("nn.ConvTranspose", kernel[-1], self.filters, kernel[:-2], **more, **self.initializers(kernel))

    def _margins(self, x: Shape) -> list[tuple[int, int]]:
        """What Flax puts around the input, whose places it has pulled apart: the kernel's reach less `pad`."""
        found = []
        extra = per_axis(self.output_pad, x, "output_pad")
        for k, p, o in zip(self._reach(x), pads(self.pad, x), extra, strict=True):
            room = k - 1 - (0 if isinstance(p, str) else p)
            found.append((room, room + o))
        return found
