"""Cropping and padding."""

from __future__ import annotations

from typing import Any

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Choice, Count, Number, Sizes
from netspec.language.shape import Shape, Size
from netspec.language.values import to_source
from netspec.language.word import Mismatch, option
from netspec.layers.base import Layer, check_rank, extent_rank, layer, per_axis
from netspec.layers.code import Code, Names, PythonName, Shapes, call
from netspec.layers.errors.windows import CropTooLarge, MissingChoice, NothingLeft, TooFewToRepeat, clash
from netspec.layers.spatial.windows import extent, target_space

Margin = int | tuple[int, ...] | list[list[int]]


class Margins(Sizes):
    """As `Sizes`, or a list with two numbers per axis, for its start and its end."""

    minimum: int = 0

    def accept(self, value: object) -> Any:
        if not isinstance(value, list):
            return super().accept(value)
        if not value or any(not isinstance(pair, list) or len(pair) != 2 for pair in value):
            wrong = Mismatch(self.describe(), value)
            wrong.given = f"the list {to_source(value)}"
            raise wrong
        return [[Count(0).accept(number) for number in pair] for pair in value]

    def describe(self) -> str:
        return "a number, a shape such as 1x2, or a pair for each axis, as in [[0, 1], [0, 1]]"


def margins(given: Margin, x: Shape, name: str) -> tuple[tuple[int, int], ...]:
    """The margin at the start and the end of each axis.

    Raises:
        Unplaced: it has a different number of axes.
    """
    if not isinstance(given, list):
        return tuple((m, m) for m in per_axis(given, x, name))
    axes = x.rank - 1
    if len(given) != axes:
        count = "1 pair" if len(given) == 1 else f"{len(given)} pairs"
        advice = f"a pair for each axis, such as {[[0, 1]] * axes}"
        raise extent_rank(name, to_source(given), count, x, advice)
    return tuple((start, end) for start, end in given)


@layer("crop")
class Crop(Layer):
    """Crops to a size around the center, to the size of a second tensor, or by a margin.

    `(a | b) -> crop` crops a to the size of b, as a U-Net without padding does for its skip connections:
    `((skip | up) -> crop | up) -> concat`. If an odd number of rows is removed, the extra one comes off the end.

    Shape: H x W x C -> size x C; with a margin m, H - 2m x W - 2m x C
    Formula: y[i] = x[i + m], with m the margin at the start, or floor((old - new) / 2) from the old size to the new one
    Example: crop(6x6)
    Reference: Ronneberger, Fischer and Brox 2015, U-Net, arXiv:1505.04597.
    """

    aliases = ("Cropping1D", "Cropping2D", "Cropping3D", "CenterCrop")

    input_count = (1, 2)

    size: int | tuple[int, ...] | None = option(
        Sizes(), "height x width of the center to keep, or one number for both", default=None, position=0
    )
    margin: Any = option(
        Margins(),
        "how much to crop on all sides, of height x width, or per side: `[[0, 1], [0, 1]]`",
        default=None,
        aliases=("cropping",),
    )

    def infer(self, x: Shape, like: Shape | None = None) -> Shape:
        check_rank(self, x, (2, 3, 4), "a vector has no positions to crop")
        space = target_space(self, x, self.size, like)
        if self.margin is not None:
            if space is not None:
                other = "a size" if self.size is not None else "a second input"
                raise clash("margin", "`margin`", other, "both say what to cut off", "use one of the two")
            return Shape((*self._within_margin(x), x.channels))
        if space is None:
            advice = "write `crop(28x28)`, `crop(margin = 2)`, or `(a | b) -> crop` for the size of b"
            raise Unplaced(MissingChoice, word=self.word, choices="a size, a margin or a second input", advice=advice)
        for old, new in zip(x.space, space, strict=True):
            if isinstance(old, int) and isinstance(new, int) and new > old:
                advice = "use a smaller size, or `pad` or `resize` to make it larger"
                if like is not None:
                    advice = "the first tensor is cropped to the size of the second: `(large | small) -> crop`"
                option = "size" if like is None else None
                raise Unplaced(CropTooLarge, option=option, old=extent(x.space), new=extent(space), advice=advice)
        return Shape((*space, x.channels))

    def _within_margin(self, x: Shape) -> tuple[Size, ...]:
        sides = margins(self.margin, x, "margin")
        left = tuple(size - (a + b) for size, (a, b) in zip(x.space, sides, strict=True))
        if any(isinstance(size, int) and size < 1 for size in left):
            space, taken = extent(x.space), extent([a + b for a, b in sides])
            raise Unplaced(
                NothingLeft, option="margin", word=self.word, space=space, taken=taken, advice="cut off less"
            )
        return left

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        if self.margin is not None:
            return call("nn.crop", tensors[0], margins(self.margin, shapes[0], "margin"))
        if self.size is None:
            return call("nn.crop_like", *tensors)
        return call("nn.center_crop", *tensors, per_axis(self.size, shapes[0], "size"))


@layer("pad")
class Pad(Layer):
    """Pads a sequence, an image or a volume.

    `constant` pads with `value`; `reflect` mirrors the input at its border, `edge` repeats the border, and `wrap`
    continues at the opposite side. `pad([[1, 0]])` adds one step before a sequence and none after it.

    Shape: H x W x C -> H + 2m x W + 2m x C, with m = margin
    Formula: y[m + i] = x[i]; before it y[m - i] = value, x[i] (reflect), x[0] (edge), x[H - i] (wrap),
        for i from 1 to m
    Example: pad(1)
    """

    aliases = (
        *("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"),
        *("ZeroPad2d", "ConstantPad2d", "ReflectionPad2d", "ReplicationPad2d", "CircularPad2d"),
    )

    margin: Any = option(
        Margins(),
        "how much to pad on all sides, in height x width, or per side: `[[0, 1], [0, 1]]`",
        position=0,
        aliases=("padding",),
    )
    mode: str = option(Choice(("constant", "reflect", "edge", "wrap")), "how to fill the padding", default="constant")
    value: float = option(Number(), "the fill value for `mode = constant`", default=0.0)

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), "a vector has no positions to pad")
        if self.value and self.mode != "constant":
            other = f"`mode = {self.mode}`"
            raise clash("value", "`value`", other, "the padding is taken from the input", "remove one of the two")
        sides = margins(self.margin, x, "margin")
        if self.mode in ("reflect", "wrap"):
            self._check_reach(x, sides)
        return Shape((*(size + (a + b) for size, (a, b) in zip(x.space, sides, strict=True)), x.channels))

    def _check_reach(self, x: Shape, sides: tuple[tuple[int, int], ...]) -> None:
        """Whether the input has enough positions to copy from."""
        for size, pair in zip(x.space, sides, strict=True):
            most = size - 1 if self.mode == "reflect" else size
            if isinstance(most, int) and max(pair) > most:
                raise Unplaced(TooFewToRepeat, option="margin", mode=self.mode, size=size, pad=max(pair), most=most)

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        around = ((0, 0), *margins(self.margin, shapes[0], "margin"), (0, 0))
        more: dict[str, Code] = {} if self.mode == "constant" else {"mode": self.mode}
        if self.value:
            more["constant_values"] = self.value
        return call("jnp.pad", *tensors, around, **more)
