"""The function that a network of one number computes, and the parts that it is a sum of.

Input: a model with one input of one number. Output: a chart of its output against its input.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from netspec.analysis.inside.inputs import Inputs, training_inputs
from netspec.data.dataset.lazy_rows import Array
from netspec.display.charts.plane import Series, large_svg
from netspec.layers.dense import Dense
from netspec.runs.model import Model

POINTS = 400
"""Along the input."""
MAX_UNITS = 12
"""Hidden units whose contributions are drawn."""
MAX_DATA = 400
"""Examples that are drawn."""


def curve_svg(model: Model, data: Any) -> str:
    """See `Look.curve`."""
    ((name, shape),) = model.inputs.items() if len(model.inputs) == 1 else (("", None),)
    if shape is None or shape.sizes != (1,) or shape.is_tokens or len(model.outputs) != 1:
        raise ValueError("a curve is for a network with one input of one number and one output")
    examples = training_inputs(model, MAX_DATA, data)
    low, high = _range(model, name, examples)
    x = np.linspace(low, high, POINTS).astype(np.float32)[:, None]
    y = np.concatenate([np.asarray(part, np.float64) for part in model.predictions(x).values()]).reshape(POINTS, -1)
    parts = contributions(model, x)
    drawn = _points(examples)
    for number, (part, values) in enumerate(parts.items(), 1):
        drawn.append(_curve(part, x, values, color=number, weight="thin", is_dashed=part == "bias"))
    names = ["sum" if parts else "network"] if y.shape[1] == 1 else [f"output {i + 1}" for i in range(y.shape[1])]
    for number, one in enumerate(names):
        drawn.append(_curve(one, x, y[:, number], color=number, weight="thick"))
    preprocessing = model.preprocessing
    column = (preprocessing.columns.get(name) if preprocessing is not None else None) or (name,)
    title = f"{model.name}: the sum of {len(parts) - 1} units" if parts else f"{model.name}: output against input"
    return large_svg(title, (column[0], next(iter(model.outputs))), drawn)


def contributions(model: Model, x: Array) -> dict[str, Array]:
    """What each hidden unit adds to the output: its activation times its weight, in the units of the output.

    Args:
        model: a network of one input.
        x: raw inputs of shape (examples, 1).

    Returns:
        Arrays of shape (examples,) by the names of the units, with the `bias`; their sum is the output. Empty where the
        output is not a weighted sum of a few units.
    """
    rows = [row for row in model.layers if row.word != "flatten"]
    if len(rows) < 2 or any(row.word != "dense" for row in rows[-2:]) or "/" in rows[-1].name:
        return {}
    hidden, last = rows[-2:]
    units, outputs = last.sizes["kernel"]
    operation = last.node.operation
    if outputs != 1 or units > MAX_UNITS or not isinstance(operation, Dense) or operation.activation_word is not None:
        return {}
    layer = getattr(model.module, last.name)
    activations = np.asarray(model.layer_results([hidden.name], x)[hidden.name], np.float64)
    added = activations * np.asarray(layer.kernel[...], np.float64)[:, 0]
    bias = float(layer.bias[...][0]) if layer.bias is not None else 0.0
    scale = model.preprocessing.outputs.get(next(iter(model.outputs))) if model.preprocessing is not None else None
    if scale is not None:
        zero = scale.invert(np.zeros((1, 1)))
        added, bias = scale.invert(added) - zero, float(scale.invert(np.full((1, 1), bias))[0, 0])
    found = {f"unit {i + 1}": added[:, i] for i in range(units)}
    return {**found, "bias": np.full(len(x), bias)}


def _range(model: Model, name: str, examples: Inputs | None) -> tuple[float, float]:
    """The smallest and the largest input of the training data; from -1 to 1 where they are not known."""
    known = model.preprocessing.ranges.get(name) if model.preprocessing is not None else None
    if known is None and examples is not None:
        known = float(np.nanmin(examples.single)), float(np.nanmax(examples.single))
    return known if known is not None and known[0] < known[1] else (-1.0, 1.0)


def _curve(name: str, x: Array, y: Array, **more: Any) -> Series:
    return Series(name, x[:, 0].tolist(), y.tolist(), **more)


def _points(examples: Inputs | None) -> list[Series]:
    targets = next(iter(examples.targets.values()), None) if examples is not None else None
    if examples is None or targets is None or targets.size != len(examples):
        return []
    return [_curve("training data", examples.single, targets.reshape(-1), kind="points", color=None)]
