"""Pools: the largest or the mean number in a window."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Flag, Padding, Sizes
from netspec.language.shape import Shape
from netspec.language.values import to_source
from netspec.language.word import option
from netspec.layers.base import Layer, check_rank, known, layer, per_axis
from netspec.layers.code import Code, Names, PythonName, Shapes, call
from netspec.layers.errors.shapes import PadTooLarge
from netspec.layers.errors.windows import MissingChoice, OptionsClash
from netspec.layers.spatial.windows import pads, slide


class Pool(Layer):
    """What maxpool and avgpool share."""

    window: int | tuple[int, ...] | None = option(
        Sizes(),
        "height x width of the window, or one number for both; left out with `to`",
        default=None,
        position=0,
        aliases=("pool_size", "kernel_size", "kernel", "size"),
    )
    to: int | tuple[int, ...] | None = option(
        Sizes(),
        "height x width to come to, or one number for both, in place of a window",
        default=None,
        aliases=("output_size",),
    )
    stride: int | tuple[int, ...] | None = option(
        Sizes(), "how far it moves at a time (none: the window's size)", default=None, aliases=("strides",)
    )
    pad: str | int | tuple[int, ...] = option(
        Padding(), "what is put around the input", default="valid", aliases=("padding",)
    )
    ceil: bool | None = option(
        Flag(),
        "round sizes up, so that a part of a window at the end counts too (none: `false`, with a warning)",
        default=None,
    )

    function: ClassVar[str] = ""
    reduction: ClassVar[str] = ""
    """What it does to the numbers of a window."""

    @property
    def step(self) -> int | tuple[int, ...]:
        """The stride in force."""
        return self.size if self.stride is None else self.stride

    @property
    def size(self) -> int | tuple[int, ...]:
        """The window, where there is one."""
        assert self.window is not None
        return self.window

    @property
    def rounds_up(self) -> bool:
        """`ceil` in force."""
        return bool(self.ceil)

    def implied_defaults(self) -> dict[str, str]:
        found = {"ceil": "false"}
        return found if self.window is None else {**found, "stride": to_source(self.window)}

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), "a vector has nothing to slide over; remove the pool, or move it up")
        self._check_choice()
        if self.to is not None:
            return Shape((*per_axis(self.to, x, "to"), x.channels))
        space = slide(x, kernel=self.size, stride=self.step, pad=self.pad, ceil=self.rounds_up, what="window")
        self._check_pad(x)
        self._check_ceil(x)
        return Shape((*space, x.channels))

    def _check_choice(self) -> None:
        """A window, or the size to come to, from which the windows follow."""
        if self.to is None and self.window is None:
            advice = f"write `{self.word}(2)` for a window, or `{self.word}(to = 7x7)` for what comes out"
            raise Unplaced(MissingChoice, word=self.word, choices="a window, or a size to come to", advice=advice)
        if self.to is None:
            return
        for item in self.options():
            if item.name not in ("to", "name") and getattr(self, item.name) != item.default:
                raise Unplaced(
                    OptionsClash,
                    option=item.name,
                    first="`to`",
                    second="a window" if item.name == "window" else f"`{item.name}`",
                    reason="the windows follow from the sizes",
                    advice="use one of the two",
                )

    def _check_pad(self, x: Shape) -> None:
        windows = per_axis(self.size, x, "window")
        if not isinstance(self.pad, str):
            given = per_axis(self.pad, x, "pad")
            if any(p > k // 2 for p, k in zip(given, windows, strict=True)):
                shown, limit = ("x".join(map(str, v)) for v in (windows, [k // 2 for k in windows]))
                raise Unplaced(PadTooLarge, option="pad", pad="x".join(map(str, given)), kernel=shown, limit=limit)

    def _check_ceil(self, x: Shape) -> None:
        """Whether the last window would start in the padding, and so is left out, is no formula of the size."""
        if not self.rounds_up or self.pad == "same":
            return
        windows, steps = per_axis(self.size, x, "window"), per_axis(self.step, x, "stride")
        for size, k, s, p in zip(x.space, windows, steps, pads(self.pad, x), strict=True):
            if s + (0 if p == "valid" else int(p)) > k:
                known(self, size, x, "`ceil = true` with this stride")

    def _margins(self, x: Shape) -> str | list[tuple[int, int]]:
        """The padding as XLA takes it, without what `ceil` adds."""
        if isinstance(self.pad, str) and not self._adds_behind:
            return self.pad.upper()
        return [(0, 0) if p == "valid" else (int(p), int(p)) for p in pads(self.pad, x)]

    @property
    def _adds_behind(self) -> bool:
        """Whether `ceil` asks for more than the padding gives."""
        return self.rounds_up and self.pad != "same"

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        x = shapes[0]
        if self.to is not None:
            return self._adaptive_code(tensors, x)
        window, strides = per_axis(self.size, x, "window"), per_axis(self.step, x, "stride")
        more = self.more_arguments(tensors[0], window, strides, self._margins(x))
        return call(self.function, tensors[0], window, strides=strides, **more)

    def _adaptive_code(self, tensors: Names, x: Shape) -> Code:
        """A plain pool where the sizes divide; windows of different sizes otherwise."""
        assert self.to is not None
        places = per_axis(self.to, x, "to")
        sizes = [size for size, n in zip(x.space, places, strict=True) if isinstance(size, int) and size % n == 0]
        if len(sizes) < len(places):
            return call("nn.adaptive_pool", *tensors, places, PythonName(self.reduction))
        window = tuple(size // n for size, n in zip(sizes, places, strict=True))
        return call(self.function, *tensors, window, strides=window)

    def more_arguments(self, x: PythonName, window: Code, strides: Code, margins: Code) -> dict[str, Code]:
        """The padding, and how it counts."""
        return {} if margins == "VALID" else {"padding": margins}


@layer("maxpool")
class MaxPool(Pool):
    """The largest number in every window, for each channel by itself.

    `maxpool(to = 7x7)` comes to 7x7 places whatever the size of the input: window i of n goes from floor(i * size / n)
    to ceil((i + 1) * size / n), as in PyTorch's AdaptiveMaxPool.

    Shape: H x W x C -> floor((H + 2p - k) / s) + 1 x … x C; with ceil = true the division is rounded up
    Formula: y[i, c] = max over j of x[i * s - p + j, c], for all places i and places j of the window
    Example: maxpool(2)
    Reference: Riesenhuber and Poggio 1999, Hierarchical models of object recognition in cortex.
    """

    aliases = (
        *("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "MaxPool1d", "MaxPool2d", "MaxPool3d"),
        *("AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d"),
    )

    function = "nn.max_pool"
    reduction = "jnp.max"

    def more_arguments(self, x: PythonName, window: Code, strides: Code, margins: Code) -> dict[str, Code]:
        if self._adds_behind:
            return {"padding": call("nn.ceil_padding", x, window, strides, margins)}
        return super().more_arguments(x, window, strides, margins)


@layer("avgpool")
class AvgPool(Pool):
    """The mean of every window, for each channel by itself; padding does not count unless `count_pad`.

    `avgpool(to = 6x6)` comes to 6x6 places whatever the size of the input: window i of n goes from floor(i * size / n)
    to ceil((i + 1) * size / n), as in PyTorch's AdaptiveAvgPool.

    Shape: H x W x C -> floor((H + 2p - k) / s) + 1 x … x C; with ceil = true the division is rounded up
    Formula: y[i, c] = mean over j of x[i * s - p + j, c], for all places i and places j of the window
    Example: avgpool(2)
    Reference: LeCun et al. 1998, Gradient-based learning applied to document recognition.
    """

    aliases = (
        *("AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "AvgPool1d", "AvgPool2d", "AvgPool3d"),
        *("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AveragePool"),
    )

    count_pad: bool = option(Flag(), "count padding as zeros, as PyTorch does by default", default=False)

    function = "nn.avg_pool"
    reduction = "jnp.mean"

    def more_arguments(self, x: PythonName, window: Code, strides: Code, margins: Code) -> dict[str, Code]:
        found = super().more_arguments(x, window, strides, margins)
        if self._adds_behind:
            found["ceil"] = True
        if found and not self.count_pad:
            found["count_include_pad"] = False
        return found


class GlobalPool(Layer):
    """What gap and gmp share."""

    keep: bool = option(
        Flag(), "keep the places, as one: an image stays an image of 1x1", default=False, aliases=("keepdims",)
    )

    function: ClassVar[str] = ""

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), f"a vector has no places to go over; remove the `{self.word}`")
        return Shape((*(1,) * (x.rank - 1 if self.keep else 0), x.channels))

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        more = {"keepdims": True} if self.keep else {}
        return call(self.function, *tensors, axis=tuple(range(1, shapes[0].rank)), **more)


@layer("gap")
class GlobalAvgPool(GlobalPool):
    """The mean over all places, for each channel: an image becomes a vector.

    Shape: H x W x C -> C; with keep = true, 1 x 1 x C
    Formula: y[c] = mean over places i of x[i, c]
    Example: gap
    Reference: Lin, Chen and Yan 2013, Network in network, arXiv:1312.4400.
    """

    aliases = ("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalAvgPool")

    function = "jnp.mean"


@layer("gmp")
class GlobalMaxPool(GlobalPool):
    """The largest number over all places, for each channel: an image becomes a vector.

    Shape: H x W x C -> C; with keep = true, 1 x 1 x C
    Formula: y[c] = max over places i of x[i, c]
    Example: gmp
    Reference: Oquab et al. 2015, Is object localization for free?
    """

    aliases = ("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D", "GlobalMaxPool")

    function = "jnp.max"
