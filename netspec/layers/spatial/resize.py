"""Layers that change how many places an input has, without weights."""

from __future__ import annotations

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Choice, Flag, Sizes
from netspec.language.shape import Shape
from netspec.language.word import option
from netspec.layers.base import Layer, check_rank, layer, per_axis
from netspec.layers.code import Code, Names, PythonName, Shapes, call
from netspec.layers.errors.windows import MissingChoice, OptionsClash
from netspec.layers.spatial.windows import goal

METHODS = ("nearest", "bilinear", "bicubic")


@layer("upsample")
class Upsample(Layer):
    """Makes an input larger by a whole factor: repeats its places, or interpolates between them.

    `nearest` repeats every place; `bilinear` and `bicubic` are those of `resize`, and work along one axis of a sequence
    and all three of a volume.

    Shape: H x W x C -> H * factor x W * factor x C
    Formula: nearest: y[i, c] = x[floor(i / factor), c]; the others as in `resize`
    Example: upsample(2)
    Reference: Odena, Dumoulin and Olah 2016, Deconvolution and checkerboard artifacts, doi:10.23915/distill.00003.
    """

    aliases = ("UpSampling1D", "UpSampling2D", "UpSampling3D", "UpsamplingNearest2d", "UpsamplingBilinear2d")

    factor: int | tuple[int, ...] = option(
        Sizes(),
        "how many times as high x wide, or one number for both",
        default=2,
        position=0,
        aliases=("scale_factor", "size"),
    )
    method: str = option(
        Choice(METHODS), "how new places come about", default="nearest", position=1, aliases=("mode", "interpolation")
    )

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), "a vector has no places to repeat")
        factors = per_axis(self.factor, x, "factor")
        return Shape((*(size * factor for size, factor in zip(x.space, factors, strict=True)), x.channels))

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        more = {} if self.method == "nearest" else {"method": self.method}
        return call("nn.upsample", *tensors, per_axis(self.factor, shapes[0], "factor"), **more)


@layer("resize")
class Resize(Layer):
    """Brings an input to a size by interpolation; with two inputs, `(a | b) -> resize`, to the places of the second.

    Places are squares with their centres at half-numbers, and the corners of both sizes lie on each other: PyTorch's
    `align_corners = False`, TensorFlow's `half_pixel_centers`. What lies beyond the edge is the edge. `nearest` takes
    the place in which a new centre lies (PyTorch's `nearest-exact`); `bicubic` is Keys' with a = -0.75, as in PyTorch
    and OpenCV. With `antialias` a smaller result is a weighted mean of all that it stands for, and `bicubic` has
    a = -0.5, as in PyTorch and Pillow. All work along one axis of a sequence and all three of a volume.

    Shape: H x W x C -> size x C
    Formula: nearest: y[i] = x[floor((i + 0.5) * old / new)], along each axis, from old places to new ones;
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
        "height x width to come to, or one number for both (none: those of a second input)",
        default=None,
        position=0,
        aliases=("output_size",),
    )
    method: str = option(
        Choice(METHODS), "how numbers come about", default="bilinear", position=1, aliases=("mode", "interpolation")
    )
    antialias: bool = option(Flag(), "average where places are left out, for a smaller result", default=False)

    def infer(self, x: Shape, like: Shape | None = None) -> Shape:
        check_rank(self, x, (2, 3, 4), "a vector has no places to interpolate between")
        if self.antialias and self.method == "nearest":
            raise Unplaced(
                OptionsClash,
                option="antialias",
                first="`antialias`",
                second="`nearest`",
                reason="nothing is averaged",
                advice="use `bilinear` or `bicubic`",
            )
        places = goal(self, x, self.size, like)
        if places is None:
            advice = "write `resize(14x14)`, or `(a | b) -> resize` for the places of b"
            raise Unplaced(
                MissingChoice, word=self.word, choices="a size, or a second input of that size", advice=advice
            )
        return Shape((*places, x.channels))

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        more: dict[str, Code] = {} if self.method == "bilinear" else {"method": self.method}
        if self.antialias:
            more["antialias"] = True
        if self.size is None:
            return call("nn.resize_like", *tensors, **more)
        return call("nn.resize", *tensors, per_axis(self.size, shapes[0], "size"), **more)
