"""Pools: the largest or the mean number in a window."""

from __future__ import annotations

from typing import ClassVar

from netspec.kinds import Flag, Padding, Sizes
from netspec.layers.base import Code, Layer, Names, PythonName, Shapes, call, check_rank, known, layer, per_axis
from netspec.layers.errors import Misfit, PadTooLarge
from netspec.layers.windows import pads, slide
from netspec.record import record
from netspec.shape import Shape
from netspec.values import spell
from netspec.vocabulary import option


@record
class Pool(Layer):
    """What maxpool and avgpool share."""

    window: int | tuple[int, ...] = option(
        Sizes(),
        "height x width of the window, or one number for both",
        position=0,
        elsewhere=("pool_size", "kernel_size", "kernel", "size"),
    )
    stride: int | tuple[int, ...] | None = option(
        Sizes(), "how far it moves at a time (none: the window's size)", default=None
    )
    pad: str | int | tuple[int, ...] = option(
        Padding(), "what is put around the input", default="valid", elsewhere=("padding",)
    )
    ceil: bool = option(Flag(), "round sizes up, so that a part of a window at the end counts too", default=False)

    function: ClassVar[str] = ""

    @property
    def step(self) -> int | tuple[int, ...]:
        """The stride in force."""
        return self.window if self.stride is None else self.stride

    def follows(self) -> dict[str, str]:
        return {"stride": spell(self.window)}

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), "a vector has nothing to slide over; remove the pool, or move it up")
        space = slide(x, kernel=self.window, stride=self.step, pad=self.pad, ceil=self.ceil, what="window")
        self._check_pad(x)
        self._check_ceil(x)
        return Shape((*space, x.channels))

    def _check_pad(self, x: Shape) -> None:
        windows = per_axis(self.window, x, "window")
        if not isinstance(self.pad, str):
            given = per_axis(self.pad, x, "pad")
            if any(p > k // 2 for p, k in zip(given, windows, strict=True)):
                shown, limit = ("x".join(map(str, v)) for v in (windows, [k // 2 for k in windows]))
                raise Misfit(PadTooLarge, option="pad", pad="x".join(map(str, given)), kernel=shown, limit=limit)

    def _check_ceil(self, x: Shape) -> None:
        """Whether the last window would start in the padding, and so is left out, is no formula of the size."""
        if not self.ceil or self.pad == "same":
            return
        windows, steps = per_axis(self.window, x, "window"), per_axis(self.step, x, "stride")
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
        return self.ceil and self.pad != "same"

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        x = shapes[0]
        window, strides = per_axis(self.window, x, "window"), per_axis(self.step, x, "stride")
        more = self.more_arguments(tensors[0], window, strides, self._margins(x))
        return call(self.function, tensors[0], window, strides=strides, **more)

    def more_arguments(self, x: PythonName, window: Code, strides: Code, margins: Code) -> dict[str, Code]:
        """The padding, and how it counts."""
        return {} if margins == "VALID" else {"padding": margins}


@layer("maxpool")
class MaxPool(Pool):
    """The largest number in every window, for each channel by itself.

    Shape: H x W x C -> floor((H + 2p - k) / s) + 1 x … x C; with ceil = true the division is rounded up
    Example: maxpool(2)
    """

    elsewhere = ("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "MaxPool1d", "MaxPool2d", "MaxPool3d")

    function = "nn.max_pool"

    def more_arguments(self, x: PythonName, window: Code, strides: Code, margins: Code) -> dict[str, Code]:
        if self._adds_behind:
            return {"padding": call("nn.ceil_padding", x, window, strides, margins)}
        return super().more_arguments(x, window, strides, margins)


@layer("avgpool")
class AvgPool(Pool):
    """The mean of every window, for each channel by itself; padding does not count unless `count_pad`.

    Shape: H x W x C -> floor((H + 2p - k) / s) + 1 x … x C; with ceil = true the division is rounded up
    Example: avgpool(2)
    """

    elsewhere = ("AveragePooling1D", "AveragePooling2D", "AvgPool1d", "AvgPool2d", "AvgPool3d", "AveragePool")

    count_pad: bool = option(Flag(), "count padding as zeros, as PyTorch does by default", default=False)

    function = "nn.avg_pool"

    def more_arguments(self, x: PythonName, window: Code, strides: Code, margins: Code) -> dict[str, Code]:
        found = super().more_arguments(x, window, strides, margins)
        if self._adds_behind:
            found["ceil"] = True
        if found and not self.count_pad:
            found["count_include_pad"] = False
        return found


@layer("gap")
class GlobalAvgPool(Layer):
    """The mean over all places, for each channel: an image becomes a vector.

    Shape: H x W x C -> C
    Example: gap
    Reference: Lin, Chen and Yan 2013, Network in network, arXiv:1312.4400.
    """

    elsewhere = ("GlobalAveragePooling1D", "GlobalAveragePooling2D", "AdaptiveAvgPool2d", "GlobalAvgPool")

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), "a vector has no places to take the mean over; remove the `gap`")
        return Shape((x.channels,))

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call("jnp.mean", *tensors, axis=tuple(range(1, shapes[0].rank)))
