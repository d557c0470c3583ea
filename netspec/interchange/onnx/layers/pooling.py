"""Pooling: the maximum or the mean of windows, of all positions, or of a fixed number of windows."""

from __future__ import annotations

from typing import Any

from netspec.interchange.errors import Unsupported
from netspec.interchange.onnx.layers.attributes import in_onnx, pad_attributes
from netspec.interchange.onnx.table import writes
from netspec.interchange.onnx.writer import Site, Value
from netspec.interchange.writing.windows import padding
from netspec.layers.base import per_axis
from netspec.layers.spatial.pool import AvgPool, GlobalAvgPool, GlobalMaxPool, GlobalPool, MaxPool, Pool


@writes(MaxPool, AvgPool)
def pool(site: Site, layer: Pool, x: Value) -> Value:
    is_max = isinstance(layer, MaxPool)
    x = site.first(x)
    shape = layer.infer(x.shape)
    kind = "MaxPool" if is_max else "AveragePool"
    if layer.to is not None:
        return _adaptive(site, layer.to, x, kind)
    windows, steps = per_axis(layer.size, x.shape, "window"), per_axis(layer.step, x.shape, "stride")
    margins = padding(x.shape, windows, steps, 1, layer.pad)
    attributes: dict[str, Any] = {"kernel_shape": windows, "strides": steps}
    counts_padding = isinstance(layer, AvgPool) and layer.count_pad
    source = x.name
    if layer.rounds_up and layer.pad != "same":
        assert margins is not None
        if counts_padding and any(map(any, margins)):  # padding counts; what rounding up adds does not
            axes = site.integers(*x.positions)
            source = site.op("Pad", source, site.integers(*in_onnx(margins)), site.number(0), axes)
            margins, counts_padding = _beyond(x, windows, steps, margins, is_padded=True), False
        else:
            margins = _beyond(x, windows, steps, margins)
        if margins is None:
            attributes["ceil_mode"] = 1
            margins = padding(x.shape, windows, steps, 1, layer.pad)
    if not is_max:
        attributes["count_include_pad"] = int(counts_padding)
    return Value(site.op(kind, source, **attributes, **pad_attributes(margins)), shape, channels_first=True)


def _beyond(
    x: Value, windows: Any, steps: Any, margins: list[tuple[int, int]], *, is_padded: bool = False
) -> list[tuple[int, int]] | None:
    """The padding with the rows that a last, partial window lacks; None where a size is not known. `is_padded`: the
    margins are part of the tensor already."""
    found = []
    for size, k, s, (before, after) in zip(x.shape.space, windows, steps, margins, strict=True):
        if not isinstance(size, int):
            return None
        count = -((k - size - before - after) // s) + 1
        count -= (count - 1) * s >= size + before  # a window that would start in the padding is left out
        needed = (count - 1) * s + k - size - before
        found.append((0, max(0, needed - after)) if is_padded else (before, max(after, needed)))
    return found


def _adaptive(site: Site, to: int | tuple[int, ...], x: Value, kind: str) -> Value:
    """As many windows as are wanted along each axis: of one size where they fit, else one axis after the other."""
    counts = per_axis(to, x.shape, "to")
    shape = x.shape.replace(sizes=(*counts, x.shape.channels))
    reduction = "ReduceMax" if kind == "MaxPool" else "ReduceMean"
    if all(n == 1 for n in counts):
        return Value(site.reduce(reduction, x.name, x.positions, keep=True), shape, channels_first=True)
    sizes = [size for size in x.shape.space if isinstance(size, int)]
    if len(sizes) < len(counts):
        raise Unsupported("`to` with sizes that are not known")
    if all(size % n == 0 for size, n in zip(sizes, counts, strict=True)):
        windows = [size // n for size, n in zip(sizes, counts, strict=True)]
        return Value(site.op(kind, x.name, kernel_shape=windows, strides=windows), shape, channels_first=True)
    y = x.name
    for axis, size, n in zip(x.positions, sizes, counts, strict=True):
        y = _along(site, y, axis, size, n, reduction)
    return Value(y, shape, channels_first=True)


def _along(site: Site, x: str, axis: int, size: int, count: int, reduction: str) -> str:
    """Window i of n along one axis, [floor(i * size / n), ceil((i + 1) * size / n)), reduced."""
    parts = []
    for i in range(count):
        start, end = i * size // count, -(-(i + 1) * size // count)
        part = site.op("Slice", x, site.integers(start), site.integers(end), site.integers(axis))
        parts.append(site.reduce(reduction, part, [axis], keep=True))
    return site.op("Concat", *parts, axis=axis) if count > 1 else parts[0]


@writes(GlobalAvgPool, GlobalMaxPool)
def global_pool(site: Site, layer: GlobalPool, x: Value) -> Value:
    kind = "ReduceMean" if isinstance(layer, GlobalAvgPool) else "ReduceMax"
    y = site.reduce(kind, x.name, x.positions, keep=layer.keep)
    return Value(y, layer.infer(x.shape), channels_first=x.channels_first and layer.keep)
