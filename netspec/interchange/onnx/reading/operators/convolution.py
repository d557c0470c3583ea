"""Convolutions, pools, resizing, and fully connected layers."""

from __future__ import annotations

from typing import Any

from netspec.interchange.onnx.reading.graph import Node
from netspec.interchange.onnx.reading.network import Network
from netspec.interchange.onnx.reading.operators.attention import project, scores
from netspec.interchange.onnx.reading.table import reads
from netspec.interchange.reading.channels_first.folding import fold
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value
from netspec.language.lazy import np


def pads_of(node: Node, axes: int) -> Any:
    """The padding of a window, as the builder takes it."""
    automatic = node.attributes.get("auto_pad", "NOTSET")
    if automatic != "NOTSET":
        return automatic.lower()
    given = node.attributes.get("pads", [0] * (2 * axes))
    return list(zip(given[: len(given) // 2], given[len(given) // 2 :], strict=True))


def _window(node: Node, axes: int) -> dict[str, Any]:
    found = {"pads": pads_of(node, axes)}
    for name, own in (("strides", "stride"), ("dilations", "dilation")):
        found[own] = node.attributes.get(name, [1] * axes)
    return found


def _weight(network: Network, node: Node) -> Any:
    weight = network.constant(node, 1)
    if weight is None or weight.ndim < 3:
        raise CannotSay("its weights have no axes for a window")
    return weight


@reads("Conv")
def convolution(network: Network, node: Node) -> Value:
    weight, bias = _weight(network, node), network.constant(node, 2)
    groups = node.attributes.get("group", 1)
    window = _window(node, weight.ndim - 2)
    return network.builder.conv(network.tensor(node), weight=weight, bias=bias, groups=groups, **window)


@reads("ConvTranspose")
def transposed_convolution(network: Network, node: Node) -> Value:
    weight, bias = _weight(network, node), network.constant(node, 2)
    axes = weight.ndim - 2
    added = node.attributes.get("output_padding", [0] * axes)
    window, x = _window(node, axes), network.tensor(node)
    if "output_shape" in node.attributes:
        sizes = [x.size(axis) for axis in range(2, axes + 2)]
        reaches = [(k - 1) * d + 1 for k, d in zip(weight.shape[2:], window["dilation"], strict=True)]
        wanted = node.attributes["output_shape"][-axes:]
        if not all(isinstance(size, int) for size in sizes):
            raise CannotSay("it has an output size, for an input whose size is not known")
        given = zip(sizes, window["stride"], reaches, added, wanted, strict=True)
        totals = [(int(str(n)) - 1) * s + k + o - out for n, s, k, o, out in given]
        upper = node.attributes.get("auto_pad") == "SAME_UPPER"
        window["pads"] = [(t // 2, t - t // 2) if upper else (t - t // 2, t // 2) for t in totals]
    b, groups = network.builder, node.attributes.get("group", 1)
    if groups == 1:
        return b.conv_transpose(x, weight=weight, bias=bias, output_padding=added, **window)
    size, channels = len(weight) // groups, x.size(1)
    if groups * size != channels:
        raise CannotSay(f"its kernel is for {len(weight)} channels, and it gets {channels}")
    biases = [None] * groups if bias is None else np.split(bias, groups)
    parts = [
        b.conv_transpose(
            b.slice(x, 1, i * size, (i + 1) * size),
            weight=weight[i * size : (i + 1) * size],
            bias=biases[i],
            output_padding=added,
            **window,
        )
        for i in range(groups)
    ]
    return b.concat(parts, 1)


@reads("MaxPool", "AveragePool")
def pool(network: Network, node: Node) -> Value:
    if len([name for name in node.outputs if name]) > 1 and network.graph.uses[node.outputs[1]]:
        raise CannotSay("the positions of the maxima are used")
    kernel = node.attributes["kernel_shape"]
    options = {"ceil": bool(node.attributes.get("ceil_mode", 0)), **_window(node, len(kernel))}
    if node.kind == "MaxPool":
        return network.builder.pool(network.tensor(node), "max", kernel=kernel, **options)
    counted = bool(node.attributes.get("count_include_pad", 0))
    return network.builder.pool(network.tensor(node), "average", kernel=kernel, count_include_pad=counted, **options)


@reads("GlobalAveragePool", "GlobalMaxPool")
def global_pool(network: Network, node: Node) -> Value:
    kind = "average" if node.kind == "GlobalAveragePool" else "max"
    return network.builder.global_pool(network.tensor(node), kind, keepdims=True)


@reads("Gemm")
def gemm(network: Network, node: Node) -> Value:
    x, weight, bias = network.tensor(node), network.constant(node, 1), network.constant(node, 2)
    if node.attributes.get("transA", 0) or weight is None or weight.ndim != 2:
        raise CannotSay("it is a product of other things than a tensor of features and a kernel")
    weight = weight.T if node.attributes.get("transB", 0) else weight
    if (alpha := node.attributes.get("alpha", 1.0)) != 1:
        weight = weight * np.float32(alpha)
    if bias is not None and bias.size not in (1, weight.shape[1]):
        raise CannotSay("its bias differs from example to example")
    if bias is not None:
        bias = np.broadcast_to(bias.reshape(-1) * np.float32(node.attributes.get("beta", 1.0)), weight.shape[1:])
    projected = project(network, node, weight)
    if projected is not None and bias is not None:
        fold(projected, projected.rank - 1, None, bias)
    return projected or network.builder.dense(x, weight=weight, bias=bias)


@reads("MatMul")
def product(network: Network, node: Node) -> Any:
    if network.is_constant(node, 1):
        tied = _tied(network, node)
        if tied is not None:
            return tied
        weight = _matrix(network.get(node.inputs[1]))
        projected = project(network, node, weight)
        return projected or network.builder.dense(network.tensor(node), weight=weight)
    if network.is_constant(node, 0):
        x, weight = network.tensor(node, 1), _matrix(network.get(node.inputs[0]))
        swapped = [*range(x.rank - 2), x.rank - 1, x.rank - 2]
        y = network.builder.dense(network.builder.transpose(x, swapped), weight=weight.T)
        return y if y.is_lost else network.builder.transpose(y, swapped)
    return scores(network, node)


def _tied(network: Network, node: Node) -> Value | None:
    """A product with the table of an embedding before it, turned; None if it is another one."""
    maker = network.graph.makers.get(node.inputs[1])
    if maker is None or maker.kind != "Transpose" or maker.inputs[0] not in network.tables:
        return None
    return network.builder.unembed(network.tensor(node), network.tables[maker.inputs[0]])


def _matrix(weight: Any) -> Any:
    while weight.ndim > 2 and weight.shape[0] == 1:
        weight = weight[0]
    if weight.ndim != 2:
        raise CannotSay("its kernel is not a matrix")
    return weight
