"""Upsampling and resizing."""

from __future__ import annotations

from typing import Any

from netspec import nn
from netspec.interchange.errors import Unsupported
from netspec.interchange.onnx.table import writes
from netspec.interchange.onnx.writer import Site, Value
from netspec.language.lazy import np
from netspec.language.shape import Shape
from netspec.layers.base import per_axis
from netspec.layers.spatial.resize import Resize, Upsample

MODES = {"nearest": "nearest", "bilinear": "linear", "bicubic": "cubic"}


@writes(Upsample)
def upsample(site: Site, layer: Upsample, x: Value) -> Value:
    shape = layer.infer(x.shape)
    factors = per_axis(layer.factor, x.shape, "factor")
    if layer.method != "nearest":
        return _interpolated(site, x, shape, layer.method, scales=factors)
    x = site.first(x)
    scales = site.constant(np.array([1, 1, *factors], np.float32), "scales")
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return Value(site.op("Resize", x.name, "", scales, **how), shape, channels_first=True)


@writes(Resize)
def resize(site: Site, layer: Resize, x: Value, like: Value | None = None) -> Value:
    shape = layer.infer(x.shape, None if like is None else like.shape)
    if x.shape.is_known and shape.is_known and layer.method == "nearest":
        return _nearest(site, x, shape)
    if layer.antialias or layer.method == "nearest":
        if not (x.shape.is_known and shape.is_known):
            raise Unsupported(f"`{layer.to_source()}` with sizes that are not known")
        return _by_matrices(site, x, shape, layer.method, layer.antialias)
    return _interpolated(site, x, shape, layer.method, like=like)


def _interpolated(
    site: Site, x: Value, shape: Shape, method: str, *, scales: tuple[int, ...] | None = None, like: Value | None = None
) -> Value:
    """Linear or cubic interpolation by `Resize`. Its cubic one works on images only, others are products."""
    if method == "bicubic" and x.rank != 3:
        if not (x.shape.is_known and shape.is_known):
            raise Unsupported("`bicubic` for sequences and volumes with sizes that are not known")
        return _by_matrices(site, x, shape, method, antialias=False)
    x = site.first(x)
    how: dict[str, Any] = {"mode": MODES[method], "coordinate_transformation_mode": "half_pixel"}
    if method == "bicubic":
        how["cubic_coeff_a"] = -0.75
    if scales is not None:
        inputs = ["", site.constant(np.array([1, 1, *scales], np.float32), "scales")]
    else:
        inputs = ["", "", _sizes(site, x, shape, like)]
    return Value(site.op("Resize", x.name, *inputs, **how), shape, channels_first=True)


def _sizes(site: Site, x: Value, shape: Shape, like: Value | None) -> str:
    """The sizes of all axes of the result, channels first."""
    head = site.op("Shape", x.name, start=0, end=2)
    if like is None:
        space = site.integers(*(size for size in shape.space if isinstance(size, int)))
    else:
        space = site.op("Shape", site.first(like).name, start=2)
    return site.op("Concat", head, space, axis=0)


def _nearest(site: Site, x: Value, shape: Shape) -> Value:
    """The pixel that contains each new center, by its index."""
    y = x.name
    for axis, old, new in zip(x.positions, _space(x.shape), _space(shape), strict=True):
        if old != new:
            indices = (2 * np.arange(new, dtype=np.int64) + 1) * old // (2 * new)
            y = site.op("Gather", y, site.constant(indices, "pixels"), axis=axis)
    return Value(y, shape, x.channels_first)


def _by_matrices(site: Site, x: Value, shape: Shape, method: str, antialias: bool) -> Value:
    """Interpolation along one axis after the other, each a product with the matrix that netspec's own makes of the
    identity."""
    x = site.first(x)
    y = x.name
    for axis, old, new in zip(x.positions, _space(x.shape), _space(shape), strict=True):
        if old == new:
            continue
        matrix = np.asarray(nn.resize(np.eye(old, dtype=np.float32)[:, :, None], (new,), method, antialias))[..., 0]
        order = list(range(x.rank + 1))
        order[axis], order[-1] = order[-1], order[axis]
        is_last = axis == x.rank
        moved = y if is_last else site.op("Transpose", y, perm=order)
        moved = site.op("MatMul", moved, site.constant(matrix, "interpolation"))
        y = moved if is_last else site.op("Transpose", moved, perm=order)
    return Value(y, shape, channels_first=True)


def _space(shape: Shape) -> list[int]:
    """The spatial sizes of a tensor whose sizes are known."""
    return [size for size in shape.space if isinstance(size, int)]
