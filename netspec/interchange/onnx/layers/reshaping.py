"""Layers that rearrange, rescale, crop or pad, without weights."""

from __future__ import annotations

from netspec.interchange.errors import Unsupported
from netspec.interchange.onnx.layers.attributes import in_onnx
from netspec.interchange.onnx.table import writes
from netspec.interchange.onnx.writer import Site, Value
from netspec.interchange.writing.windows import crop_sides
from netspec.layers.reshape import Flatten, Permute, Reshape, Scale
from netspec.layers.spatial.cropping import Crop, Pad, margins


@writes(Flatten)
def flatten(site: Site, layer: Flatten, x: Value) -> Value:
    shape = layer.infer(x.shape)
    return x if x.rank == 1 else Value(site.op("Flatten", site.last(x).name, axis=1), shape)


@writes(Reshape)
def reshape(site: Site, layer: Reshape, x: Value) -> Value:
    # 0 keeps the size of the batch
    sizes = site.integers(0, *layer.sizes)
    return Value(site.op("Reshape", site.last(x).name, sizes), layer.infer(x.shape))


@writes(Permute)
def permute(site: Site, layer: Permute, x: Value) -> Value:
    return Value(site.op("Transpose", site.last(x).name, perm=(0, *layer.order)), layer.infer(x.shape))


@writes(Scale)
def scale(site: Site, layer: Scale, x: Value) -> Value:
    y = x.name if layer.factor == 1 else site.op("Mul", x.name, site.number(layer.factor))
    y = y if layer.offset == 0 else site.op("Add", y, site.number(layer.offset))
    return Value(y, x.shape, x.channels_first)


@writes(Crop)
def crop(site: Site, layer: Crop, x: Value, like: Value | None = None) -> Value:
    shape = layer.infer(x.shape, None if like is None else like.shape)
    sides = crop_sides(layer, x.shape, shape)
    cut = [(axis, before, after) for axis, (before, after) in zip(x.positions, sides, strict=True) if before or after]
    if not cut:
        return Value(x.name, shape, x.channels_first)
    y = site.op(
        "Slice",
        x.name,
        site.integers(*(before for _, before, _ in cut)),
        site.integers(*(-after or END for _, _, after in cut)),
        site.integers(*(axis for axis, _, _ in cut)),
    )
    return Value(y, shape, x.channels_first)


END = 2**63 - 1
"""The end of an axis, for `Slice`."""


@writes(Pad)
def pad(site: Site, layer: Pad, x: Value) -> Value:
    sides = list(margins(layer.margin, x.shape, "margin"))
    shape = layer.infer(x.shape)
    if layer.mode == "wrap" and site.writer.opset < 19:
        raise Unsupported("`mode = wrap` before opset 19")
    amounts, axes = site.integers(*in_onnx(sides)), site.integers(*x.positions)
    fill = site.number(layer.value) if layer.mode == "constant" else ""
    return Value(site.op("Pad", x.name, amounts, fill, axes, mode=layer.mode), shape, x.channels_first)
