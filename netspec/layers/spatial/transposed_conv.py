"""Transposed convolutions, for upsampling."""

from __future__ import annotations

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Padding, Sizes
from netspec.language.shape import Shape, Size, product
from netspec.language.word import option
from netspec.layers.activations import Activation
from netspec.layers.base import Weighted, activation_option, check_rank, known, layer, per_axis
from netspec.layers.code import Code, PythonCall, call
from netspec.layers.errors.windows import NothingLeft, OutputPadTooLarge, clash
from netspec.layers.spatial.conv import DILATION, FILTERS, image_advice, kernel_option
from netspec.layers.spatial.windows import extent, pads


@layer("upconv")
class Upconv(Weighted):
    """Transposed convolution: each position of the input adds its numbers times the kernel to the output.

    The positions of the input are `stride` apart in the output, so the default `upconv(64)` doubles height and width,
    as in a U-Net. It maps the output sizes of a convolution back to its input sizes: `pad` and `stride` are those of
    that `conv`, and `output_pad` adds rows at the end where several input sizes give the same output size. With
    `pad = same` the output has n * stride positions.

    The kernel is height x width x filters x input channels, as in Keras, and is not flipped; PyTorch's ConvTranspose
    stores the same numbers as input channels x filters x height x width. Initializers compute fan_in as both do: the
    area times the filters.

    Shape: H x W x C -> (H - 1) * s - 2p + k + output_pad x … x filters, with k = (kernel - 1) * dilation + 1
    Parameters: kernel area * C * filters + filters
    Formula: y[i * s - p + d * j] += x[i] * kernel[j], for all positions i and points j of the kernel
    Example: upconv(16, 2x2, relu)
    Reference: Zeiler et al. 2010, Deconvolutional networks; Dumoulin and Visin 2016, arXiv:1603.07285.
    """

    aliases = ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "ConvTranspose", "Deconvolution", "deconv")

    output_axis = -2

    filters: int = FILTERS
    kernel: int | tuple[int, ...] = kernel_option(1, default=2)
    activation: Activation | None = activation_option(2)
    stride: int | tuple[int, ...] = option(
        Sizes(), "the spacing of the input's positions in the output", default=2, aliases=("strides",)
    )
    pad: str | int | tuple[int, ...] = option(
        Padding(),
        "what is cropped from the output: the padding of the `conv` that it reverses",
        default="same",
        aliases=("padding",),
    )
    output_pad: int | tuple[int, ...] = option(
        Sizes(0), "rows and columns added at the end of the output", default=0, aliases=("output_padding",)
    )
    dilation: int | tuple[int, ...] = DILATION

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), image_advice(x, self.kernel))
        known(self, x.channels, x, "a fixed number of input channels")
        self._check_output_pad(x)
        space = self._output_space(x)
        self.check_weights(self.kernel_shape(x))
        return Shape((*space, self.filters))

    def _output_space(self, x: Shape) -> tuple[Size, ...]:
        strides, extra = per_axis(self.stride, x, "stride"), per_axis(self.output_pad, x, "output_pad")
        sizes: list[Size] = []
        for size, k, s, p, o in zip(x.space, self._reach(x), strides, pads(self.pad, x), extra, strict=True):
            margin = 0 if isinstance(p, str) else p
            sizes.append(size * s if p == "same" else (size - 1) * s + (k + o - 2 * margin))
        if any(isinstance(size, int) and size < 1 for size in sizes):
            taken = 2 * max(p for p in pads(self.pad, x) if isinstance(p, int))
            advice = "use a smaller `pad`, or a larger kernel"
            shown = extent(x.space)
            raise Unplaced(NothingLeft, option="pad", word=self.word, space=shown, taken=str(taken), advice=advice)
        return tuple(sizes)

    def _check_output_pad(self, x: Shape) -> None:
        given, strides = per_axis(self.output_pad, x, "output_pad"), per_axis(self.stride, x, "stride")
        if not any(given):
            return
        if self.pad == "same":
            advice = "remove `output_pad`, or give `pad` as a number"
            raise clash("output_pad", "`output_pad`", "`pad = same`", "the size is n * stride already", advice)
        limits = [max(s, d) - 1 for s, d in zip(strides, per_axis(self.dilation, x, "dilation"), strict=True)]
        if any(o > most for o, most in zip(given, limits, strict=True)):
            shown = [extent(v) if len(set(v)) > 1 else str(v[0]) for v in (given, strides, tuple(limits))]
            raise Unplaced(OutputPadTooLarge, option="output_pad", given=shown[0], stride=shown[1], most=shown[2])

    def _reach(self, x: Shape) -> tuple[int, ...]:
        """The extent of the dilated kernel."""
        dilations = per_axis(self.dilation, x, "dilation")
        return tuple((k - 1) * d + 1 for k, d in zip(per_axis(self.kernel, x, "kernel"), dilations, strict=True))

    def kernel_shape(self, x: Shape) -> tuple[int, ...]:
        return (
            *per_axis(self.kernel, x, "kernel"),
            self.filters,
            known(self, x.channels, x, "a fixed number of input channels"),
        )

    @property
    def kernel_axes(self) -> str:
        return "height, width, filters, input channels"

    def macs(self, output: Shape, x: Shape) -> Size:
        return product(self.kernel_shape(x)) * product(x.space)

    def module(self, x: Shape) -> PythonCall:
        ones = (1,) * (x.rank - 1)
        more: dict[str, Code] = {"strides": per_axis(self.stride, x, "stride")}
        if self.pad != "same":
            more["padding"] = self._margins(x)
        if (dilation := per_axis(self.dilation, x, "dilation")) != ones:
            more["kernel_dilation"] = dilation
        more["transpose_kernel"] = True
        kernel = self.kernel_shape(x)
        return call("nn.ConvTranspose", kernel[-1], self.filters, kernel[:-2], **more, **self.weight_arguments(kernel))

    def _margins(self, x: Shape) -> list[tuple[int, int]]:
        """The padding in Flax' terms, of the input spread out by `stride`: the kernel's extent less `pad`."""
        extra = per_axis(self.output_pad, x, "output_pad")
        axes = zip(self._reach(x), pads(self.pad, x), extra, strict=True)
        rooms = [(k - 1 - (0 if isinstance(p, str) else p), o) for k, p, o in axes]
        return [(room, room + o) for room, o in rooms]
