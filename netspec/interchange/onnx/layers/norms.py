"""Normalization. The statistics of a batch norm are those of the training, as at every inference."""

from __future__ import annotations

from collections.abc import Callable

from netspec.interchange.onnx.table import writes
from netspec.interchange.onnx.writer import FLOAT, Site, Value
from netspec.language.lazy import np
from netspec.layers.base import known
from netspec.layers.norm import (
    BatchNorm,
    Centering,
    GroupNorm,
    InstanceNorm,
    L2Norm,
    LayerNorm,
    LocalResponseNorm,
    Normalization,
    RMSNorm,
)


def _channels(site: Site, x: Value, name: str) -> str:
    """A weight with one number per channel, shaped to be broadcast over the tensor."""
    if not x.channels_first:
        return site.weight(name)
    shape = (-1, *[1] * (x.rank - 1))
    return site.weight(name, lambda numbers: numbers.reshape(shape), shape)


def _affine(site: Site, layer: Normalization, x: Value, y: str) -> Value:
    """The trained scale and offset of each channel."""
    y = site.op("Mul", y, _channels(site, x, "scale")) if layer.scale else y
    has_offset = isinstance(layer, Centering) and layer.offset
    y = site.op("Add", y, _channels(site, x, "bias")) if has_offset else y
    return Value(y, x.shape, x.channels_first)


@writes(BatchNorm)
def batch_norm(site: Site, layer: BatchNorm, x: Value) -> Value:
    x = site.first(x) if x.rank > 2 else x
    count = known(layer, x.shape.channels, x.shape)
    if not x.channels_first and x.rank > 1:  # a sequence: transposing it would cost more
        centered = site.op("Sub", x.name, site.weight("mean"))
        factor = site.weight("var", lambda var: (1 / np.sqrt(var.astype("f8") + layer.epsilon)).astype("f4"), "factor")
        return _affine(site, layer, x, site.op("Mul", centered, factor))
    scale = site.weight("scale") if layer.scale else site.constant(np.ones(count, np.float32), "ones")
    offset = site.weight("bias") if layer.offset else site.constant(np.zeros(count, np.float32), "zeros")
    inputs = (x.name, scale, offset, site.weight("mean"), site.weight("var"))
    return Value(site.op("BatchNormalization", *inputs, epsilon=layer.epsilon), x.shape, x.channels_first)


@writes(LayerNorm)
def layer_norm(site: Site, layer: LayerNorm, x: Value) -> Value:
    x = site.last(x)
    count = known(layer, x.shape.channels, x.shape)
    scale = site.weight("scale") if layer.scale else site.constant(np.ones(count, np.float32), "ones")
    offset = [site.weight("bias")] if layer.offset else []
    y = site.op("LayerNormalization", x.name, scale, *offset, axis=-1, epsilon=layer.epsilon)
    return Value(y, x.shape)


@writes(RMSNorm)
def rms_norm(site: Site, layer: RMSNorm, x: Value) -> Value:
    mean = site.reduce("ReduceMean", site.op("Mul", x.name, x.name), [x.channel_axis], keep=True)
    root = site.op("Sqrt", site.op("Add", mean, site.number(layer.epsilon)))
    return _affine(site, layer, x, site.op("Div", x.name, root))


@writes(GroupNorm, InstanceNorm)
def group_norm(site: Site, layer: GroupNorm | InstanceNorm, x: Value) -> Value:
    """Each group of channels is one row, after which the tensor gets its shape back."""
    count = known(layer, x.shape.channels, x.shape)
    groups = layer.groups if isinstance(layer, GroupNorm) else count
    if site.mask is not None:
        return _affine(site, layer, site.last(x), _masked(site, layer, site.last(x).name, groups, count))
    if isinstance(layer, InstanceNorm):
        x = site.first(x)
        scale = site.weight("scale") if layer.scale else site.constant(np.ones(count, np.float32), "ones")
        offset = site.weight("bias") if layer.offset else site.constant(np.zeros(count, np.float32), "zeros")
        y = site.op("InstanceNormalization", x.name, scale, offset, epsilon=layer.epsilon)
        return Value(y, x.shape, x.channels_first)
    x = site.first(x)
    rows = site.op("Reshape", x.name, site.integers(0, groups, -1))
    normalized = _normalized(site, rows, layer.epsilon, lambda y: site.reduce("ReduceMean", y, [2], keep=True))
    return _affine(site, layer, x, site.op("Reshape", normalized, site.op("Shape", x.name)))


def _normalized(site: Site, x: str, epsilon: float, mean: Callable[[str], str]) -> str:
    """(x - mean) / sqrt(variance + epsilon)"""
    centered = site.op("Sub", x, mean(x))
    variance = mean(site.op("Mul", centered, centered))
    return site.op("Div", centered, site.op("Sqrt", site.op("Add", variance, site.number(epsilon))))


def _masked(site: Site, layer: Normalization, x: str, groups: int, count: int) -> str:
    """A sequence, batch x T x C, normalized over its real steps; one of padding alone over all steps."""
    real = site.op("Cast", site.mask or "", to=FLOAT)
    empty = site.op("Sub", site.number(1), site.reduce("ReduceMax", real, [1], keep=True))
    weight = site.op("Unsqueeze", site.op("Add", real, empty), site.integers(2, 3))
    total = site.op("Mul", site.reduce("ReduceSum", weight, [1, 3], keep=True), site.number(count // groups))

    def mean(y: str) -> str:
        return site.op("Div", site.reduce("ReduceSum", site.op("Mul", y, weight), [1, 3], keep=True), total)

    rows = site.op("Reshape", x, site.integers(0, 0, groups, count // groups))
    return site.op("Reshape", _normalized(site, rows, layer.epsilon, mean), site.integers(0, 0, count))


@writes(LocalResponseNorm)
def local_response_norm(site: Site, layer: LocalResponseNorm, x: Value) -> Value:
    factor = layer.alpha / layer.size if layer.divide else layer.alpha
    if layer.size % 2 and x.rank == 3:
        x = site.first(x)
        # ONNX divides alpha by the size
        y = site.op("LRN", x.name, size=layer.size, alpha=factor * layer.size, beta=layer.beta, bias=layer.k)
        return Value(y, x.shape, channels_first=True)
    x = site.last(x)
    count = known(layer, x.shape.channels, x.shape)
    near = np.arange(count)[:, None] - np.arange(count) + layer.size // 2
    band = ((near >= 0) & (near < layer.size)).astype(np.float32)
    total = site.op("MatMul", site.op("Mul", x.name, x.name), site.constant(band, "band"))
    base = site.op("Add", site.op("Mul", total, site.number(factor)), site.number(layer.k))
    return Value(site.op("Div", x.name, site.op("Pow", base, site.number(layer.beta))), x.shape)


@writes(L2Norm)
def l2_norm(site: Site, layer: L2Norm, x: Value) -> Value:
    squares = site.reduce("ReduceSumSquare", x.name, [x.channel_axis], keep=True)
    length = site.op("Sqrt", site.op("Max", squares, site.number(layer.epsilon**2)))
    return Value(site.op("Div", x.name, length), x.shape, x.channels_first)
