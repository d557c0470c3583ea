"""Constants for each channel that become part of the weights before them."""

from __future__ import annotations

from typing import Any

from netspec.interchange.reading.channels_first.values import Value
from netspec.language.lazy import np
from netspec.layers.dense import Dense
from netspec.layers.norm import BatchNorm, Centering, Normalization
from netspec.layers.sequence.attention import Attention
from netspec.layers.spatial.conv import Filtering
from netspec.layers.spatial.transposed_conv import Upconv


def fold(x: Value, axis: int, factor: Any, offset: Any) -> bool:
    """Multiply by a factor for each size of an axis, and add an offset, in the weights of the step; whether it is done.

    The caller knows that nothing else reads the step. The step stays the same object.

    Args:
        x: the tensor.
        axis: one of its axes.
        factor: one number for each channel; None for 1.
        offset: one number for each channel; None for 0.
    """
    step, layer = x.step, x.step.layer
    if x.blocks or layer is None or step.shared is not None or x.axes[axis] != step.shape.rank:
        return False
    weights = dict(step.weights)
    if not weights and not (isinstance(layer, Normalization) and not layer.weight_names):
        return False
    is_input = isinstance(layer, BatchNorm) and not layer.weight_names and step.inputs[0].is_input
    if is_input and offset is None and factor is not None and np.all(factor > 0):
        weights["var"] = weights["var"] / factor**2  # statistics of an input, which are subtracted, then divide
        step.weights = weights
        return True
    if isinstance(layer, Normalization):
        if offset is not None and not isinstance(layer, Centering):
            return False
        more = {"scale": layer.scale or factor is not None}
        if isinstance(layer, Centering):
            more["offset"] = layer.offset or offset is not None
        names, step.layer = ("scale", "bias"), layer.replace(**more)
    elif isinstance(layer, Dense | Filtering | Upconv):
        names, step.layer = ("kernel", "bias"), layer.replace(bias=layer.bias or offset is not None)
    elif isinstance(layer, Attention):
        names = ("out.kernel", "out.bias")
        if offset is not None and not layer.bias:
            step.layer = layer.replace(bias=True)
            for name, kernel in step.weights.items():
                weights[name.replace("kernel", "bias")] = np.zeros(kernel.shape[1], np.float32)
    else:
        return False
    main, bias = names
    if factor is not None:
        along = factor[:, None] if isinstance(layer, Upconv) else factor
        ones = np.ones(int(str(step.shape.channels)), np.float32)
        weights[main] = weights.get(main, ones) * along
        if bias in weights:
            weights[bias] = weights[bias] * factor
    if offset is not None:
        weights[bias] = weights[bias] + offset if bias in weights else offset
    step.weights = weights
    return True
