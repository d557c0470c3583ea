"""Convolutions, pools, and what else slides windows over positions or changes their number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netspec.interchange.reading.channels_first.layout import CannotSay, Layout, operator, with_batch
from netspec.interchange.reading.channels_first.values import NO_AXIS, Value
from netspec.interchange.reading.channels_first.windows import Axes, Pads, each, extent, margins_of, pad_of, plain
from netspec.interchange.writing.windows import transposed_margins
from netspec.language.shape import Shape, Size
from netspec.layers.base import Layer
from netspec.layers.dense import Dense
from netspec.layers.spatial.conv import Conv, Depthwise
from netspec.layers.spatial.cropping import Crop, Pad
from netspec.layers.spatial.pool import AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool, Pool
from netspec.layers.spatial.resize import Resize, Upsample
from netspec.layers.spatial.transposed_conv import Upconv
from netspec.layers.spatial.windows import dropped, slide

LOWEST = -3.4028234663852886e38
"""What a maximum ignores."""
POOLS: dict[str, type[Pool]] = {"max": MaxPool, "average": AvgPool}


def with_bias(weights: dict[str, Any], bias: Any) -> dict[str, Any]:
    return weights if bias is None else {**weights, "bias": bias}


class Spatial(Layout):
    """Operators over the positions of sequences, images and volumes; axis 1 has the channels."""

    @operator
    def conv(
        self,
        x: Value,
        *,
        weight: Any = None,
        filters: int = 0,
        kernel: Axes = 1,
        bias: Any = None,
        has_bias: bool = False,
        stride: Axes = 1,
        pads: Pads = 0,
        dilation: Axes = 1,
        groups: int = 1,
    ) -> Value:
        """A convolution.

        Args:
            x: N x C x positions.
            weight: filters x C / groups x kernel; None for a format without weights, which gives `filters`, `kernel`
                and `has_bias`.
            filters: the number of output channels.
            kernel: the size of the window.
            bias: one number per filter.
            has_bias: whether there is a bias that is not known.
            stride: the step of the window.
            pads: the padding.
            dilation: the spacing between the points of the kernel.
            groups: the number of groups of channels.
        """
        axes = with_batch(x).rank - 2
        filters, kernel = (filters, kernel) if weight is None else (weight.shape[0], weight.shape[2:])
        sizes, steps = each(kernel, axes, "kernel"), each(stride, axes, "stride")
        spread = each(dilation, axes, "dilation")
        options: dict[str, Any] = {"bias": has_bias or bias is not None}
        weights = {} if weight is None else {"kernel": weight.transpose(*range(2, axes + 2), 1, 0)}
        weights = with_bias(weights, bias)
        if set(sizes) | {groups} == {1} and set(x.axes[2:]) == {NO_AXIS} and pads in (0, "valid", [(0, 0)] * axes):
            return self._on_vector(x, Dense(units=filters, **options), weights)
        x = self.channels_last(x)
        x, pad = self._padded(x, sizes, steps, spread, pads)
        window: dict[str, Any] = {
            "kernel": extent(sizes),
            "stride": plain(steps),
            "dilation": plain(spread),
            "pad": pad,
        }
        channels = x.step.shape.channels
        layer: Layer = Conv(filters=filters, groups=groups, **window, **options)
        if groups > 1 and groups == channels and filters % groups == 0:
            layer = Depthwise(multiplier=filters // groups, **window, **options)
        return self.after(x, layer, weights)

    def _on_vector(self, x: Value, layer: Layer, weights: dict[str, Any]) -> Value:
        """A convolution of one position."""
        flat = {name: array.reshape(array.shape[-2:]) if name == "kernel" else array for name, array in weights.items()}
        return self.after(self.arrange(x, (1,)), layer, flat)

    def _padded(
        self,
        x: Value,
        kernel: Sequence[int],
        stride: Sequence[int],
        dilation: Sequence[int],
        pads: Pads,
        default: str = "same",
        value: float = 0.0,
    ) -> tuple[Value, str | int | tuple[int, ...]]:
        """The tensor, after a `pad` layer where one is needed, and the option `pad`."""
        space = x.step.shape.space
        margins = margins_of(space, kernel, stride, dilation, pads)
        pad = pad_of(space, kernel, stride, dilation, margins, default=default)
        if pad is not None:
            return x, pad
        return self._pad_layers(x, margins, "constant", value), "valid"

    def _pad_layers(self, x: Value, margins: Sequence[tuple[int, int]], mode: str, value: float) -> Value:
        """`pad`, and `crop` for negative margins."""
        cropped = [[max(-before, 0), max(-after, 0)] for before, after in margins]
        padded = [[max(before, 0), max(after, 0)] for before, after in margins]
        if any(map(any, cropped)):
            x = self.after(x, Crop(margin=_margin(cropped)), is_helper=True)
        if any(map(any, padded)):
            x = self.after(x, Pad(margin=_margin(padded), mode=mode, value=value), is_helper=True)
        return x

    @operator
    def conv_transpose(
        self,
        x: Value,
        *,
        weight: Any = None,
        filters: int = 0,
        kernel: Axes = 1,
        bias: Any = None,
        has_bias: bool = False,
        stride: Axes = 1,
        pads: Pads = 0,
        output_padding: Axes = 0,
        dilation: Axes = 1,
        groups: int = 1,
    ) -> Value:
        """A transposed convolution; `pads` are cropped from its output. As `conv`, with `weight` as
        C x filters / groups x kernel.
        """
        axes = with_batch(x).rank - 2
        if groups != 1:
            raise CannotSay(f"netspec has no transposed convolution with groups, and it has {groups}")
        filters, kernel = (filters, kernel) if weight is None else (weight.shape[1], weight.shape[2:])
        sizes, steps = each(kernel, axes, "kernel"), each(stride, axes, "stride")
        spread, added = each(dilation, axes, "dilation"), each(output_padding, axes, "output_padding", 0)
        x = self.channels_last(x)
        if isinstance(pads, str) and pads != "valid":
            totals = [(k - 1) * d + 1 + o - s for k, d, o, s in zip(sizes, spread, added, steps, strict=True)]
            halves = [(total // 2, total - total // 2) for total in totals]
            margins = halves if pads == "same_upper" else [(after, before) for before, after in halves]
        else:
            margins = margins_of(x.step.shape.space, sizes, steps, spread, pads)
        if any(min(pair) < 0 for pair in margins):
            raise CannotSay("its padding is negative")
        options: dict[str, Any] = {
            "filters": filters,
            "kernel": extent(sizes),
            "stride": plain(steps),
            "dilation": plain(spread),
            "bias": has_bias or bias is not None,
        }
        weights = {} if weight is None else {"kernel": weight.transpose(*range(2, axes + 2), 1, 0)}
        layer, rest = _transposed(options, x, margins, added)
        x = self.after(x, layer, with_bias(weights, bias))
        return self._pad_layers(x, [(-before, -after) for before, after in rest], "constant", 0.0)

    @operator
    def pool(
        self,
        x: Value,
        kind: str = "max",
        *,
        kernel: Axes,
        stride: Axes = 1,
        pads: Pads = 0,
        dilation: Axes = 1,
        ceil: bool = False,
        count_include_pad: bool = False,
    ) -> Value:
        """A pool over windows: `max` or `average`. With `ceil` sizes are rounded up, as in PyTorch and Caffe."""
        axes = with_batch(x).rank - 2
        x = self.channels_last(x)
        sizes, steps = each(kernel, axes, "kernel"), each(stride, axes, "stride")
        if set(each(dilation, axes, "dilation")) - {1}:
            raise CannotSay("netspec has no pool with dilation")
        space = x.step.shape.space
        margins = margins_of(space, sizes, steps, (1,) * axes, pads)
        if not count_include_pad:
            sizes, margins = _one_window(space, sizes, steps, margins, ceil)
        has_room = all(max(m) <= k // 2 for m, k in zip(margins, sizes, strict=True))
        pad = pad_of(space, sizes, steps, (1,) * axes, margins, default="valid")
        if (pad is None or not (has_room or isinstance(pad, str))) and not ceil and not count_include_pad:
            half = _rounded_up(x.step.shape, sizes, steps, margins)
            pad, ceil = (pad, ceil) if half is None else (half, True)
            has_room = has_room or half is not None
        if pad is None or not (has_room or isinstance(pad, str)):
            if kind == "average" and not count_include_pad:
                raise CannotSay(f"netspec has no average pool with the padding {margins} that does not count it")
            x, pad = self._pad_layers(x, margins, "constant", LOWEST if kind == "max" else 0.0), "valid"
        options: dict[str, Any] = {"window": plain(sizes), "pad": pad}
        if steps != sizes:
            options["stride"] = plain(steps)
        window: dict[str, Any] = {"kernel": sizes, "stride": steps, "pad": pad}
        if ceil and slide(x.step.shape, **window) != slide(x.step.shape, ceil=True, **window):
            options["ceil"] = True
        elif any(dropped(x.step.shape, **window)):
            options["ceil"] = False
        if kind == "average" and count_include_pad and pad != "valid":
            options["count_pad"] = True
        return self.after(x, POOLS[kind](**options))

    @operator
    def adaptive_pool(self, x: Value, kind: str, size: Axes) -> Value:
        """A pool to an output size, with PyTorch's windows."""
        sizes = each(size, with_batch(x).rank - 2, "size")
        if set(sizes) == {1}:
            return self.global_pool(x, kind, keepdims=True)
        return self.after(self.channels_last(x), POOLS[kind](to=plain(sizes)))

    @operator
    def global_pool(self, x: Value, kind: str = "average", keepdims: bool = True) -> Value:
        """The mean (`average`) or maximum (`max`) over all positions."""
        if with_batch(x).rank < 3:
            raise CannotSay("its input has no positions to pool over")
        rest = range(2, x.rank) if keepdims else ()
        if all(own == NO_AXIS for own in x.axes[2:]):
            y = self.arrange(x, (1,)).step  # there is one position
        else:
            y = self.step(GlobalAvgPool() if kind == "average" else GlobalMaxPool(), self.channels_last(x).step)
        return Value(y, (0, 1, *(NO_AXIS for _ in rest)))

    # ---------------------------------------------------------------- sizes

    @operator
    def pad(self, x: Value, pads: Sequence[tuple[int, int]], mode: str = "constant", value: float = 0.0) -> Value:
        """Padding, or cropping where it is negative: a pair of numbers for each axis but the batch.

        Args:
            x: the tensor.
            pads: the padding before and after each axis.
            mode: `constant`, `reflect`, `edge` or `wrap`.
            value: the number that `constant` pads with.
        """
        if len(pads) != len(x.inner):
            raise CannotSay(f"it pads {len(pads)} axes of a tensor that has {len(x.inner)}")
        margins = {axis: pair for axis, pair in zip(x.inner, pads, strict=True) if any(pair)}
        if not margins:
            return x
        wide, order = self.as_positions(x, tuple(margins))
        padded = self._pad_layers(wide, [margins.get(axis, (0, 0)) for axis in order[:-1]], mode, value)
        return Value(padded.step, padded.axes[: x.rank])

    @operator
    def slice(self, x: Value, axis: int, start: int, stop: int) -> Value:
        """The positions from `start` up to `stop` along an axis, which count from its end if they are negative."""
        size = x.size(axis)
        if not isinstance(size, int):
            raise CannotSay("it slices an axis whose size is not known")
        first, end, _ = slice(start, stop).indices(size)
        if end <= first:
            raise CannotSay("nothing is left of its input")
        pads = [(-first, end - size) if inner == axis else (0, 0) for inner in x.inner]
        return self.pad(x, pads)

    @operator
    def resize(
        self,
        x: Value,
        *,
        factors: Sequence[float] | None = None,
        size: Sequence[int] | None = None,
        mode: str = "nearest",
        antialias: bool = False,
    ) -> Value:
        """Interpolation of the positions.

        Args:
            x: N x C x positions.
            factors: of the size of each axis of positions; or else
            size: the new sizes.
            mode: `nearest` (PyTorch's: position floor(i * old / new)), `nearest-exact` (floor((i + 0.5) * old / new)),
                `bilinear` or `bicubic`, with half-pixel centers.
            antialias: average when downsampling.
        """
        x = self.channels_last(x)
        space = x.step.shape.space
        whole = _factors(space, factors, size)
        if whole is not None:
            if set(whole) == {1}:
                return x
            method = "nearest" if mode == "nearest-exact" else mode
            return self.after(x, Upsample(factor=plain(whole), method=method))
        if mode == "nearest":
            raise CannotSay("netspec has no `nearest` interpolation by a factor that is not whole, from the corner on")
        if size is None:
            if factors is None or not all(isinstance(old, int) for old in space):
                raise CannotSay("its factor is not whole, and the size of its input not known")
            size = [int(old * factor) for old, factor in zip(space, factors, strict=True) if isinstance(old, int)]
            if any(new != int(str(old)) * factor for new, old, factor in zip(size, space, factors, strict=True)):
                raise CannotSay("its factor does not give whole sizes")
        method = "nearest" if mode == "nearest-exact" else mode
        return self.after(x, Resize(size=plain(each(size, len(space), "size")), method=method, antialias=antialias))


def _one_window(
    space: Sequence[Size], kernel: Sequence[int], stride: Sequence[int], margins: list[tuple[int, int]], ceil: bool
) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    """Windows and padding, where a single window that reaches into padding is a smaller one without."""
    sizes, pads = list(kernel), list(margins)
    for i, (size, k, s, (before, after)) in enumerate(zip(space, kernel, stride, margins, strict=True)):
        if isinstance(size, int) and (before or after) and 0 <= size + before + after - k < (1 if ceil else s):
            sizes[i], pads[i] = min(size, k - before), (0, 0)
    return tuple(sizes), pads


def _rounded_up(
    x: Shape, kernel: Sequence[int], stride: Sequence[int], margins: Sequence[tuple[int, int]]
) -> str | int | tuple[int, ...] | None:
    """The padding with which rounding up gives the same windows as more padding at the end; None for none."""
    before = [first for first, _ in margins]
    if not x.is_known or any(first > k // 2 for first, k in zip(before, kernel, strict=True)):
        return None
    wanted = [
        (int(str(size)) + sum(pair) - k) // s + 1
        for size, pair, k, s in zip(x.space, margins, kernel, stride, strict=True)
    ]
    pad = plain(before) or "valid"
    found = slide(x, kernel=tuple(kernel), stride=tuple(stride), pad=pad, ceil=True)
    return pad if list(found) == wanted else None


def _margin(sides: list[list[int]]) -> int | tuple[int, ...] | list[list[int]]:
    """A margin as it is written: one number, one for each axis, or one for each side."""
    if any(before != after for before, after in sides):
        return sides
    return plain([before for before, _ in sides])


def _transposed(
    options: dict[str, Any], x: Value, margins: Sequence[tuple[int, int]], added: Sequence[int]
) -> tuple[Upconv, list[tuple[int, int]]]:
    """The layer, and what is cropped from its output."""
    nothing = [(0, 0)] * len(margins)
    same = Upconv(pad="same", **options)
    cropped, extra = transposed_margins(same, x.step.shape)
    pairs = [(before, after - more) for (before, after), more in zip(margins, added, strict=True)]
    if pairs == [(before, after - more) for (before, after), more in zip(cropped, extra, strict=True)]:
        return same, nothing
    if all(before == after >= 0 for before, after in margins):
        pad = plain([before for before, _ in margins])
        return Upconv(pad=pad or "valid", output_pad=plain(added), **options), nothing
    return Upconv(pad="valid", output_pad=plain(added), **options), list(margins)


def _factors(
    space: Sequence[Size], factors: Sequence[float] | None, size: Sequence[int] | None
) -> tuple[int, ...] | None:
    """By which whole numbers the sizes grow; None where that is not so."""
    if size is not None:
        if len(size) != len(space):
            return None
        found = [new // old for old, new in zip(space, size, strict=True) if isinstance(old, int) and new % old == 0]
        return tuple(found) if len(found) == len(space) else None
    if factors is None or len(factors) != len(space) or any(f != int(f) or f < 1 for f in factors):
        return None
    return tuple(int(f) for f in factors)
