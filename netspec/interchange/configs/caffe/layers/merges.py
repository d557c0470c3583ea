"""Layers with several inputs or several outputs."""

from __future__ import annotations

from itertools import pairwise

from netspec.interchange.configs.caffe.layers.table import MANY, Site, reads
from netspec.interchange.reading.channels_first.values import Value


@reads("Eltwise", inputs=(2, MANY))
def eltwise(site: Site) -> Value:
    """The sum, with coefficients or not, the product or the maximum."""
    options = site.options("eltwise_param")
    kind = options.choice("operation", ("PROD", "SUM", "MAX")) if options.has("operation") else "SUM"
    coefficients = options.numbers("coeff")
    if kind != "SUM":
        return (site.builder.mul if kind == "PROD" else site.builder.maximum)(*site.inputs)
    if coefficients and len(coefficients) != len(site.inputs):
        return site.lost(f"it has {len(coefficients)} coefficients for {len(site.inputs)} inputs")
    count = len(site.inputs)
    if coefficients and all(abs(c * count - 1) < 1e-6 for c in coefficients):
        return site.builder.average(*site.inputs)
    terms = [
        x if c == 1 else site.builder.scale(x, c, 0.0)
        for x, c in zip(site.inputs, coefficients or [1.0] * count, strict=True)
    ]
    return site.builder.add(*terms)


@reads("Concat", inputs=(1, MANY))
def concat(site: Site) -> Value:
    """Joins along an axis."""
    options = site.options("concat_param")
    axis = options.integer("concat_dim", 1) if options.has("concat_dim") else site.axis(options)
    if len(site.inputs) == 1:
        return site.x
    if axis == 0:
        return site.lost("it joins examples")
    return site.builder.concat(site.inputs, axis)


@reads("Slice")
def slice_layer(site: Site) -> list[Value]:
    """Parts of an axis."""
    options, x = site.options("slice_param"), site.x
    axis = options.integer("slice_dim", 1) if options.has("slice_dim") else site.axis(options)
    count = len(site.layer.tops)
    size = x.size(axis) if 0 < axis < x.rank else None
    points = options.integers("slice_point", 1)
    if isinstance(size, int) and not points and size % count == 0:
        points = [size // count * i for i in range(1, count)]
    if not isinstance(size, int) or len(points) != count - 1:
        return [site.lost(f"it cannot be cut into {count} parts at {points}")] * count
    edges = [0, *points, size]
    if any(a >= b for a, b in pairwise(edges)):
        return [site.lost(f"the points {points} are not in order within {size}")] * count
    return [site.builder.slice(x, axis, a, b) for a, b in pairwise(edges)]


@reads("Split")
def split(site: Site) -> list[Value]:
    """The same for several readers."""
    return [site.x] * len(site.layer.tops)
