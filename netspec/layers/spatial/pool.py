"""Pooling: the maximum or the mean of each window."""

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
from netspec.layers.errors.windows import MissingChoice, clash
from netspec.layers.spatial.windows import pads, slide


class Pool(Layer):
    """Base class of maxpool and avgpool."""

    window: int | tuple[int, ...] | None = option(
        Sizes(),
        "height x width of the window, or one number for both; omitted with `to`",
        default=None,
        position=0,
        aliases=("pool_size", "kernel_size", "kernel", "kernel_shape", "size"),
    )
    to: int | tuple[int, ...] | None = option(
        Sizes(),
        "height x width of the output, or one number for both, instead of a window",
        default=None,
        aliases=("output_size",),
    )
    stride: int | tuple[int, ...] | None = option(
        Sizes(), "the step of the window (none: the size of the window)", default=None, aliases=("strides",)
    )
    pad: str | int | tuple[int, ...] = option(
        Padding(), "the padding of the input", default="valid", aliases=("padding",)
    )
    ceil: bool | None = option(
        Flag(),
        "round sizes up, so that a partial window at the end counts (none: `false`, with a warning)",
        default=None,
    )

    reduction: ClassVar[str] = ""
    """The function that reduces a window."""

    @property
    def step(self) -> int | tuple[int, ...]:
        """The stride in force."""
        return self.size if self.stride is None else self.stride

    @property
    def size(self) -> int | tuple[int, ...]:
        """The window of a pool that has one."""
        assert self.window is not None
        return self.window

    @property
    def rounds_up(self) -> bool:
        """`ceil` in force."""
        return bool(self.ceil)

    def implied_defaults(self) -> dict[str, str]:
        return {"ceil": "false"} | ({} if self.window is None else {"stride": to_source(self.window)})

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), "pooling needs spatial positions: remove it, or move it before the `flatten`")
        self._check_choice()
        if self.to is not None:
            return Shape((*per_axis(self.to, x, "to"), x.channels))
        space = slide(x, kernel=self.size, stride=self.step, pad=self.pad, ceil=self.rounds_up, what="window")
        self._check_pad(x)
        self._check_ceil(x)
        return Shape((*space, x.channels))

    def _check_choice(self) -> None:
        """Whether there is either a window or an output size."""
        if self.to is None and self.window is None:
            advice = f"write `{self.word}(2)` for a window, or `{self.word}(to = 7x7)` for an output size"
            raise Unplaced(MissingChoice, word=self.word, choices="a window or an output size", advice=advice)
        if self.to is None:
            return
        for item in self.options():
            if item.name not in ("to", "name") and getattr(self, item.name) != item.default:
                other = "a window" if item.name == "window" else f"`{item.name}`"
                raise clash(item.name, "`to`", other, "the windows follow from the sizes", "use one of the two")

    def _check_pad(self, x: Shape) -> None:
        windows = per_axis(self.size, x, "window")
        if not isinstance(self.pad, str):
            given = per_axis(self.pad, x, "pad")
            if any(p > k // 2 for p, k in zip(given, windows, strict=True)):
                shown, limit = ("x".join(map(str, v)) for v in (windows, [k // 2 for k in windows]))
                raise Unplaced(PadTooLarge, option="pad", pad="x".join(map(str, given)), kernel=shown, limit=limit)

    def _check_ceil(self, x: Shape) -> None:
        """Whether the output size is a formula of the input size: not so if the last window may start in padding."""
        if not self.rounds_up or self.pad == "same":
            return
        windows, steps = per_axis(self.size, x, "window"), per_axis(self.step, x, "stride")
        for size, k, s, p in zip(x.space, windows, steps, pads(self.pad, x), strict=True):
            if s + (0 if p == "valid" else int(p)) > k:
                known(self, size, x, "fixed sizes for `ceil = true` with this stride")

    def _margins(self, x: Shape) -> str | list[tuple[int, int]]:
        """The padding in XLA's terms, without what `ceil` adds."""
        if isinstance(self.pad, str) and not self._pads_end:
            return self.pad.upper()
        return [(0, 0) if p == "valid" else (int(p), int(p)) for p in pads(self.pad, x)]

    @property
    def _pads_end(self) -> bool:
        """Whether `ceil` may need more than the padding at the end."""
        return self.rounds_up and self.pad != "same"

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        x = shapes[0]
        if self.to is not None:
            return self._adaptive_code(tensors, x)
        window, strides = per_axis(self.size, x, "window"), per_axis(self.step, x, "stride")
        more = self.more_arguments(tensors[0], window, strides, self._margins(x))
        return call(self.function, tensors[0], window, strides=strides, **more)

    def _adaptive_code(self, tensors: Names, x: Shape) -> Code:
        """A plain pool if the sizes divide evenly; windows of different sizes otherwise."""
        assert self.to is not None
        outputs = per_axis(self.to, x, "to")
        sizes = [size for size, n in zip(x.space, outputs, strict=True) if isinstance(size, int) and size % n == 0]
        if len(sizes) < len(outputs):
            return call("nn.adaptive_pool", *tensors, outputs, PythonName(self.reduction))
        window = tuple(size // n for size, n in zip(sizes, outputs, strict=True))
        return call(self.function, *tensors, window, strides=window)

    def more_arguments(self, x: PythonName, window: Code, strides: Code, margins: Code) -> dict[str, Code]:
        """The arguments for padding and for how it counts."""
        return {} if margins == "VALID" else {"padding": margins}


@layer("maxpool")
class MaxPool(Pool):
    """Max pooling: the maximum of each window, per channel.

    `maxpool(to = 7x7)` gives 7x7 positions for any input size: window i of n spans floor(i * size / n) to
    ceil((i + 1) * size / n), as in PyTorch's AdaptiveMaxPool.

    Shape: H x W x C -> floor((H + 2p - k) / s) + 1 x … x C; with ceil = true the division is rounded up
    Formula: y[i, c] = max over j of x[i * s - p + j, c], for all positions i, and positions j of the window
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
        if self._pads_end:
            return {"padding": call("nn.ceil_padding", x, window, strides, margins)}
        return super().more_arguments(x, window, strides, margins)


@layer("avgpool")
class AvgPool(Pool):
    """Average pooling: the mean of each window, per channel; padding is not counted unless `count_pad`.

    `avgpool(to = 6x6)` gives 6x6 positions for any input size: window i of n spans floor(i * size / n) to
    ceil((i + 1) * size / n), as in PyTorch's AdaptiveAvgPool.

    Shape: H x W x C -> floor((H + 2p - k) / s) + 1 x … x C; with ceil = true the division is rounded up
    Formula: y[i, c] = mean over j of x[i * s - p + j, c], for all positions i, and positions j of the window
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
        arguments = super().more_arguments(x, window, strides, margins)
        if self._pads_end:
            arguments["ceil"] = True
        if arguments and not self.count_pad:
            arguments["count_include_pad"] = False
        return arguments


class GlobalPool(Layer):
    """Base class of gap and gmp."""

    keep: bool = option(Flag(), "keep the spatial axes, with size 1", default=False, aliases=("keepdims",))

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), f"a vector has no positions to pool over; remove `{self.word}`")
        return Shape((*(1,) * (x.rank - 1 if self.keep else 0), x.channels))

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        more = {"keepdims": True} if self.keep else {}
        return call(self.function, *tensors, axis=tuple(range(1, shapes[0].rank)), **more)


@layer("gap")
class GlobalAvgPool(GlobalPool):
    """Global average pooling: the mean over all positions, per channel.

    Shape: H x W x C -> C; with keep = true, 1 x 1 x C
    Formula: y[c] = mean over positions i of x[i, c]
    Example: gap
    Reference: Lin, Chen and Yan 2013, Network in network, arXiv:1312.4400.
    """

    aliases = (
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "GlobalAveragePooling3D",
        "GlobalAvgPool",
        "GlobalAveragePool",
    )

    function = "jnp.mean"


@layer("gmp")
class GlobalMaxPool(GlobalPool):
    """Global max pooling: the maximum over all positions, per channel.

    Shape: H x W x C -> C; with keep = true, 1 x 1 x C
    Formula: y[c] = max over positions i of x[i, c]
    Example: gmp
    Reference: Oquab et al. 2015, Is object localization for free?
    """

    aliases = ("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D", "GlobalMaxPool")

    function = "jnp.max"
