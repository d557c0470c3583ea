"""Sums, products and bounds of tensors and numbers, by the words of netspec."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from netspec.interchange.errors import NotImported
from netspec.interchange.reading.channels_first.builder import Builder
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value
from netspec.layers import activations as words

SELU_ALPHA, SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875
FAR = 1000.0
"""Numbers are not cut off beyond this one."""


def combined(b: Builder, kind: str, given: Sequence[Any]) -> Value:
    """Tensors and numbers, joined by an operator.

    Raises:
        CannotSay: netspec has nothing for it.
    """
    numbers = [x for x in given if isinstance(x, float)]
    tensors = [x for x in given if isinstance(x, Value)]
    if kind in ("Add", "Sum"):
        return b.scale(b.add(*tensors), 1.0, sum(numbers))
    if kind == "Mul":
        return b.scale(b.mul(*tensors), prod(numbers, start=1.0), 0.0)
    if kind == "Mean" and not numbers:
        return b.average(*tensors)
    if kind == "Sub":
        if numbers:
            factor, offset = (1.0, -numbers[0]) if isinstance(given[0], Value) else (-1.0, numbers[0])
            return b.scale(tensors[0], factor, offset)
        return b.sub(*tensors)
    if kind == "Div" and numbers and isinstance(given[0], Value) and numbers[0]:
        return b.scale(tensors[0], 1 / numbers[0], 0.0)
    if kind == "Max":
        return clipped(b, b.maximum(*tensors), max(numbers, default=None), None)
    if kind == "Min":
        y = tensors[0] if len(tensors) == 1 else _negated(b, b.maximum(*(_negated(b, x) for x in tensors)))
        return clipped(b, y, None, min(numbers, default=None))
    if kind == "Pow" and numbers and isinstance(given[0], Value) and numbers[0] in (2.0, 3.0):
        return b.mul(*(tensors * int(numbers[0])))
    raise CannotSay(f"netspec has no `{kind}` of tensors")


def _negated(b: Builder, x: Value) -> Value:
    return b.scale(x, -1.0, 0.0)


def clipped(b: Builder, x: Value, low: float | None, high: float | None) -> Value:
    """The numbers between two bounds, by `relu` and `hardsigmoid`; these would round too much for bounds far away."""
    for bound, size in ((low, None if low is None else -low), (high, high)):
        if size is not None and FAR <= size < 1e30:
            reason = "netspec cannot cut off so large numbers exactly, and leaves them as they are"
            b.sketch.report(NotImported(what=f"{b.here.name or 'Clip'} at {bound:g}", reason=reason))
    low = low if low is not None and low > -FAR else None
    high = high if high is not None and high < FAR else None
    if low is not None and high is not None:
        if low >= high:
            raise CannotSay(f"it limits numbers to {low} to {high}")
        size = high - low
        y = b.activation(b.scale(x, 6 / size, -6 * low / size - 3), words.Hardsigmoid())
        return b.scale(y, size, low)
    if low is not None:
        return b.scale(b.activation(b.scale(x, 1.0, -low), words.Relu()), 1.0, low)
    if high is not None:
        return b.scale(b.activation(b.scale(x, -1.0, high), words.Relu()), -1.0, high)
    return x


def apart(b: Builder, kind: str, given: Sequence[Any], options: dict[str, Any]) -> Value:
    """The outermost operator of an expression that is not an activation.

    Raises:
        CannotSay: netspec has nothing for it.
    """
    if kind == "Clip":
        low, high = [*given[1:], None, None][:2]
        return clipped(b, given[0], low, high)
    if len(given) > 1:
        return combined(b, kind, given)
    (x,) = given
    if kind == "Abs":
        return b.maximum(x, _negated(b, x))
    if kind == "Relu":
        return b.activation(x, words.Relu())
    if kind == "Selu":
        alpha, gamma = options.get("alpha", SELU_ALPHA), options.get("gamma", SELU_GAMMA)
        return b.scale(b.activation(x, words.Elu(alpha=alpha)), gamma, 0.0)
    if kind == "Swish":
        alpha = options.get("alpha", 1.0)
        return b.scale(b.activation(b.scale(x, alpha, 0.0), words.Silu()), 1 / alpha, 0.0)
    if kind == "ThresholdedRelu":
        alpha = options.get("alpha", 1.0)
        above = b.scale(x, 1.0, -alpha)
        return b.add(b.activation(above, words.Relu()), b.scale(b.activation(above, words.Step()), alpha, 0.0))
    if kind == "HardSigmoid":
        alpha, beta = options.get("alpha", 0.2), options.get("beta", 0.5)
        return b.activation(b.scale(x, 6 * alpha, 6 * beta - 3), words.Hardsigmoid())
    raise CannotSay(f"netspec has no function that computes `{kind}`")
