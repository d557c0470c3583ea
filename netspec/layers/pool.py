"""Pools: the largest or the mean number in a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netspec.kinds import Flag, Padding, Sizes
from netspec.layers.base import Code, Layer, Names, PythonName, Shapes, call, check_rank, layer, per_axis
from netspec.layers.errors import Misfit, PadTooLarge
from netspec.layers.windows import pads, slide
from netspec.shape import Dim, Shape, same_padding
from netspec.vocabulary import option


@dataclass(frozen=True, kw_only=True)
class Pool(Layer):
    """What maxpool and avgpool share."""

    window: int | tuple[int, ...] = option(Sizes(), "height x width of the window, or one number for both", position=0)
    stride: int | tuple[int, ...] | None = option(
        Sizes(), "how far it moves at a time (none: the window's size)", default=None
    )
    pad: str | int | tuple[int, ...] = option(Padding(), "what is put around the input", default="valid")
    ceil: bool = option(Flag(), "round sizes up, so that a part of a window at the end counts too", default=False)

    function: ClassVar[str] = ""

    @property
    def step(self) -> int | tuple[int, ...]:
        """The stride in force."""
        return self.window if self.stride is None else self.stride

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), "a vector has nothing to slide over; remove the pool")
        space = slide(x, kernel=self.window, stride=self.step, pad=self.pad, ceil=self.ceil, what="window")
        self._check_pad(x)
        return Shape((*space, x.channels))

    def _check_pad(self, x: Shape) -> None:
        windows = per_axis(self.window, x, "window")
        if not isinstance(self.pad, str):
            given = per_axis(self.pad, x, "pad")
            if any(p > k // 2 for p, k in zip(given, windows, strict=True)):
                shown, limit = ("x".join(map(str, v)) for v in (windows, [k // 2 for k in windows]))
                raise Misfit(PadTooLarge, option="pad", pad="x".join(map(str, given)), kernel=shown, limit=limit)

    def margins(self, x: Shape, output: Shape) -> str | list[tuple[int, int]]:
        """The padding as XLA takes it; `ceil` adds what the last window lacks behind."""
        if self.pad in ("same", "valid") and not self.ceil:
            return str(self.pad).upper()
        result = []
        for size, places, k, s, p in zip(
            x.space,
            output.space,
            per_axis(self.window, x, "window"),
            per_axis(self.step, x, "stride"),
            pads(self.pad, x),
            strict=True,
        ):
            if isinstance(size, Dim) or isinstance(places, Dim):
                result.append((0, 0) if p == "valid" else (int(p), int(p)))
            elif p == "same":
                result.append(same_padding(size, k, s, 1))
            else:
                before = 0 if p == "valid" else int(p)
                result.append((before, max(before, (places - 1) * s + k - size - before)))
        return result

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call(self.function, *tensors, per_axis(self.window, shapes[0], "window"), **self.arguments(shapes[0]))

    def arguments(self, x: Shape) -> dict[str, Code]:
        """The keyword arguments of the pooling function."""
        margins = self.margins(x, self.infer(x))
        more = {} if margins == "VALID" else {"padding": margins}
        return {"strides": per_axis(self.step, x, "stride"), **more}


@layer("maxpool")
class MaxPool(Pool):
    """The largest number in every window, for each channel by itself.

    Shape: H x W x C -> floor((H + 2p - k) / s) + 1 x … x C; with ceil = true the division is rounded up
    Example: maxpool(2)
    """

    function = "nn.max_pool"


@layer("avgpool")
class AvgPool(Pool):
    """The mean of every window, for each channel by itself; padding does not count unless `count_pad`.

    Shape: H x W x C -> floor((H + 2p - k) / s) + 1 x … x C; with ceil = true the division is rounded up
    Example: avgpool(2)
    """

    count_pad: bool = option(Flag(), "count padding as zeros, as PyTorch does by default", default=False)

    function = "nn.avg_pool"

    def arguments(self, x: Shape) -> dict[str, Code]:
        found = super().arguments(x)
        return found if self.count_pad or "padding" not in found else {**found, "count_include_pad": False}


@layer("gap")
class GlobalAvgPool(Layer):
    """The mean over all places, for each channel: an image becomes a vector.

    Shape: H x W x C -> C
    Example: gap
    Reference: Lin, Chen and Yan 2013, Network in network, arXiv:1312.4400.
    """

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), "a vector has no places to take the mean over; remove the `gap`")
        return Shape((x.channels,))

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call("jnp.mean", *tensors, axis=tuple(range(1, shapes[0].rank)))
