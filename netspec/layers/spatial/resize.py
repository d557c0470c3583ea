"""Upsampling and resizing, without weights."""

from __future__ import annotations

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Choice, Flag, Sizes
from netspec.language.shape import Shape
from netspec.language.word import option
from netspec.layers.base import Layer, check_rank, layer, per_axis
from netspec.layers.code import Code, Names, PythonName, Shapes, call
from netspec.layers.errors.windows import MissingChoice, clash
from netspec.layers.spatial.windows import target_space

METHODS = ("nearest", "bilinear", "bicubic")


@layer("upsample")
class Upsample(Layer):
    """Upsamples by an integer factor, by repeating positions or by interpolation.

    `nearest` repeats each position; `bilinear` and `bicubic` work as in `resize`, along the one axis of a sequence or
    all three of a volume.

    Shape: H x W x C -> H * factor x W * factor x C
    Formula: nearest: y[i, c] = x[floor(i / factor), c]; the others as in `resize`
    Example: upsample(2)
    Reference: Odena, Dumoulin and Olah 2016, Deconvolution and checkerboard artifacts, doi:10.23915/distill.00003.
    """

    aliases = ("UpSampling1D", "UpSampling2D", "UpSampling3D", "UpsamplingNearest2d", "UpsamplingBilinear2d")

    factor: int | tuple[int, ...] = option(
        Sizes(),
        "the factor for height x width, or one number for both",
        default=2,
        position=0,
        aliases=("scale_factor", "size"),
    )
    method: str = option(
        Choice(METHODS), "the interpolation", default="nearest", position=1, aliases=("mode", "interpolation")
    )

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), "a vector has no positions to repeat")
        factors = per_axis(self.factor, x, "factor")
        return Shape((*(size * factor for size, factor in zip(x.space, factors, strict=True)), x.channels))

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        more = {} if self.method == "nearest" else {"method": self.method}
        return call("nn.upsample", *tensors, per_axis(self.factor, shapes[0], "factor"), **more)


@layer("resize")
class Resize(Layer):
    """Resizes by interpolation to a given size or, with two inputs `(a | b) -> resize`, to the size of the second.

    Pixel centers are at half-integers and the corners of both grids are aligned, as with PyTorch's
    `align_corners = False` and TensorFlow's `half_pixel_centers`; borders are replicated. `nearest` takes the pixel
    that contains the new center (PyTorch's `nearest-exact`); `bicubic` uses Keys' kernel with a = -0.75, as PyTorch
    and OpenCV do. With `antialias`, downsampling averages over all pixels that a new one covers, and `bicubic` uses
    a = -0.5, as PyTorch and Pillow do. All work along the one axis of a sequence or all three of a volume.

    Shape: H x W x C -> size x C
    Formula: nearest: y[i] = x[floor((i + 0.5) * old / new)], along each axis, from the old size to the new one;
        bilinear: y[i] = sum over j of max(0, 1 - |u - j|) * x[j], with u = (i + 0.5) * old / new - 0.5;
        bicubic: y[i] = sum over j of w(u - j) * x[j], with w(t) = (a + 2) |t|^3 - (a + 3) t^2 + 1 for |t| <= 1,
        a (|t|^3 - 5 t^2 + 8 |t| - 4) for 1 < |t| < 2, else 0
    Example: resize(6x6, bilinear)
    Reference: Keys 1981, Cubic convolution interpolation for digital image processing.
    """

    aliases = ("Resizing", "interpolate")

    input_count = (1, 2)

    size: int | tuple[int, ...] | None = option(
        Sizes(),
        "height x width of the output, or one number for both (none: those of a second input)",
        default=None,
        position=0,
        aliases=("output_size",),
    )
    method: str = option(
        Choice(METHODS), "the interpolation", default="bilinear", position=1, aliases=("mode", "interpolation")
    )
    antialias: bool = option(Flag(), "average when downsampling, instead of skipping pixels", default=False)

    def infer(self, x: Shape, like: Shape | None = None) -> Shape:
        check_rank(self, x, (2, 3, 4), "a vector has no positions to interpolate between")
        if self.antialias and self.method == "nearest":
            advice = "use `bilinear` or `bicubic`"
            raise clash("antialias", "`antialias`", "`nearest`", "nothing is averaged", advice)
        space = target_space(self, x, self.size, like)
        if space is None:
            advice = "write `resize(14x14)`, or `(a | b) -> resize` for the size of b"
            raise Unplaced(MissingChoice, word=self.word, choices="a size or a second input", advice=advice)
        return Shape((*space, x.channels))

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        more: dict[str, Code] = {} if self.method == "bilinear" else {"method": self.method}
        if self.antialias:
            more["antialias"] = True
        if self.size is None:
            return call("nn.resize_like", *tensors, **more)
        return call("nn.resize", *tensors, per_axis(self.size, shapes[0], "size"), **more)
