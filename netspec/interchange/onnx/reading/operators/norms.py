"""Normalization."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from netspec.interchange.onnx.reading.graph import Node
from netspec.interchange.onnx.reading.network import Network
from netspec.interchange.onnx.reading.table import reads
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value
from netspec.language.lazy import np


def _needed(array: Any) -> Any:
    if array is None:
        raise CannotSay("it lacks weights")
    return array


@reads("BatchNormalization")
def batch_norm(network: Network, node: Node) -> Value:
    if node.attributes.get("training_mode", 0) or any(network.graph.uses[name] for name in node.outputs[1:]):
        raise CannotSay("it is in training mode, and changes its statistics")
    names = ("scale", "offset", "mean", "variance")
    weights = {name: _needed(network.constant(node, i)) for i, name in enumerate(names, start=1)}
    epsilon, momentum = node.attributes.get("epsilon", 1e-5), node.attributes.get("momentum", 0.9)
    return network.builder.batchnorm(network.tensor(node), epsilon=short(epsilon), momentum=short(momentum), **weights)


def short(number: float) -> float:
    """A number as it was before float32 rounded it: 1e-05, not 9.99999974e-06."""
    return float(f"{number:.7g}")


@reads("InstanceNormalization")
def instance_norm(network: Network, node: Node) -> Value:
    scale, offset = (_needed(network.constant(node, i)) for i in (1, 2))
    epsilon = short(node.attributes.get("epsilon", 1e-5))
    x = network.tensor(node)
    return network.builder.instancenorm(x, scale=scale, offset=offset, epsilon=epsilon)


@reads("GroupNormalization")
def group_norm(network: Network, node: Node) -> Value:
    x, groups = network.tensor(node), node.attributes["num_groups"]
    scale, offset = (_needed(network.constant(node, i)) for i in (1, 2))
    channels = x.size(1)
    if isinstance(channels, int) and scale.size != channels:  # before opset 21 there is one for each group
        scale, offset = (np.repeat(array, channels // groups) for array in (scale, offset))
    epsilon = short(node.attributes.get("epsilon", 1e-5))
    return network.builder.groupnorm(x, groups=groups, scale=scale, offset=offset, epsilon=epsilon)


@reads("LayerNormalization")
def layer_norm(network: Network, node: Node) -> Value:
    if any(network.graph.uses[name] for name in node.outputs[1:]):
        raise CannotSay("its mean or deviation is used")
    scale, offset = _needed(network.constant(node, 1)), network.constant(node, 2)
    return _over_last(
        network, node, network.builder.layernorm, scale=scale, offset=offset, has_offset=offset is not None
    )


def _over_last(network: Network, node: Node, norm: Callable[..., Value], **options: Any) -> Value:
    """A norm over the last axes, which are made one where there are others besides the batch."""
    x, b = network.tensor(node), network.builder
    options["epsilon"] = short(node.attributes.get("epsilon", 1e-5))
    first = node.attributes.get("axis", -1) % x.rank
    sizes = [x.size(axis) for axis in x.inner]
    inside = sizes[first - 1 :]
    is_part = x.axes[0] == 0 and 1 < first < x.rank - 1 and all(isinstance(size, int) for size in sizes)
    if not is_part or all(size == 1 for size in sizes[: first - 1]):
        return norm(x, axes=tuple(range(first, x.rank)), **options)
    flat = {name: value.reshape(-1) if isinstance(value, np.ndarray) else value for name, value in options.items()}
    y = norm(b.reshape(x, [*sizes[: first - 1], prod(int(str(size)) for size in inside)]), axes=(-1,), **flat)
    return b.reshape(y, sizes)


@reads("RMSNormalization")
def rms_norm(network: Network, node: Node) -> Value:
    return _over_last(network, node, network.builder.rmsnorm, scale=_needed(network.constant(node, 1)))


@reads("LRN")
def local_response_norm(network: Network, node: Node) -> Value:
    get = node.attributes.get
    size = get("size", 1)
    if size % 2 == 0:
        raise CannotSay("its window is even, and reaches further up than down")
    alpha, beta, bias = (short(get(n, d)) for n, d in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0)))
    return network.builder.lrn(network.tensor(node), size=size, alpha=alpha, beta=beta, bias=bias)


@reads("idiom.LayerNorm", "idiom.RMSNorm", "idiom.L2Norm")
def written_norm(network: Network, node: Node) -> Value:
    """A norm that was written as means, products and a root; its scale and offset are operators after it."""
    x, axes, epsilon = network.tensor(node), node.attributes["axes"], short(node.attributes["epsilon"])
    builder = network.builder
    if node.kind == "idiom.LayerNorm":
        return builder.layernorm(x, epsilon=epsilon, axes=axes, has_scale=False, has_offset=False)
    if node.kind == "idiom.RMSNorm":
        return builder.rmsnorm(x, epsilon=epsilon, axes=axes, has_scale=False)
    return builder.l2norm(x, epsilon=epsilon, axes=axes)
