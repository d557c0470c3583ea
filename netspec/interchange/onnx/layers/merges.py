"""Layers that join several tensors into one."""

from __future__ import annotations

from functools import reduce

from netspec.interchange.onnx.table import writes
from netspec.interchange.onnx.writer import Site, Value
from netspec.layers.merge import DIRECTIONS, Add, Average, Concat, Maximum, Merge, Mul


@writes(Add, Mul, Maximum, Average)
def merge(site: Site, layer: Merge, *inputs: Value) -> Value:
    names, channels_first = _fitted(site, inputs)
    if isinstance(layer, Mul):
        y = reduce(lambda a, b: site.op("Mul", a, b), names)
    elif isinstance(layer, Add) and len(names) == 2:
        y = site.op("Add", *names)
    else:
        y = site.op({Add: "Sum", Maximum: "Max", Average: "Mean"}[type(layer)], *names)
    return Value(y, layer.infer(*(x.shape for x in inputs)), channels_first)


def _fitted(site: Site, inputs: tuple[Value, ...]) -> tuple[list[str], bool]:
    """The tensors in one order of axes, with axes of size 1 in vectors; whether their channels are first."""
    rank = max(x.rank for x in inputs)
    channels_first = any(x.channels_first for x in inputs)
    names = []
    for x in inputs:
        if x.rank < rank:
            axes = range(2, rank + 1) if channels_first else range(1, rank)
            names.append(site.op("Unsqueeze", x.name, site.integers(*axes)))
        else:
            names.append((site.first(x) if channels_first else site.last(x)).name)
    return names, channels_first


@writes(Concat)
def concat(site: Site, layer: Concat, *inputs: Value) -> Value:
    channels_first = any(x.channels_first for x in inputs)
    fitted = [site.first(x) if channels_first else site.last(x) for x in inputs]
    axis = fitted[0].channel_axis
    if layer.along != "channels":
        axis = fitted[0].positions[DIRECTIONS[layer.along][inputs[0].rank]]
    y = site.op("Concat", *(x.name for x in fitted), axis=axis)
    return Value(y, layer.infer(*(x.shape for x in inputs)), channels_first)
