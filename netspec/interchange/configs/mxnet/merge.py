"""Operators of MXNet that compute one tensor from several, or with constants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netspec.interchange.configs.mxnet.site import Site
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value


def added(site: Site) -> Value:
    """A sum; one of the two may be an array of the file."""
    constant = _constant(site)
    return site.builder.add(*site.values()) if constant is None else site.builder.scale(constant[0], 1.0, constant[1])


def multiplied(site: Site) -> Value:
    constant = _constant(site)
    return site.builder.mul(*site.values()) if constant is None else site.builder.scale(constant[0], constant[1])


def subtracted(site: Site) -> Value:
    constant = _constant(site)
    if constant is None:
        first, second = _two(site)
        return site.builder.sub(first, second)
    x, array = constant
    if site.tensors[0] is None:
        return site.builder.scale(x, -1.0, array)
    return site.builder.scale(x, 1.0, -array)


def divided(site: Site) -> Value:
    constant = _constant(site)
    if constant is None or site.tensors[0] is None or not (constant[1] != 0).all():
        raise CannotSay("netspec has no quotient of tensors")
    return site.builder.scale(constant[0], 1.0 / constant[1])


def largest(site: Site) -> Value:
    return site.builder.maximum(*site.values())


def concatenated(site: Site) -> Value:
    axis = site.attributes.integer("dim", site.attributes.integer("axis", 1))
    return site.builder.concat(site.values(), axis)


def stacked(site: Site) -> Value:
    values, axis = site.values(), site.attributes.integer("axis", 0)
    axis %= values[0].rank + 1
    if axis == 0:
        raise CannotSay("it joins examples")
    return site.builder.concat([site.builder.unsqueeze(x, [axis]) for x in values], axis)


def _two(site: Site) -> tuple[Value, Value]:
    values = site.values()
    if len(values) != 2:
        raise CannotSay(f"it has {len(values)} inputs instead of 2")
    return values[0], values[1]


def _constant(site: Site) -> tuple[Value, Any] | None:
    """The tensor and the array, where one of two inputs is an array of the file."""
    if len(site.tensors) != 2 or all(x is not None for x in site.tensors):
        return None
    place = 0 if site.tensors[0] is None else 1
    if site.arrays[place] is None:
        raise CannotSay(f"its constant `{site.names[place]}` is not known", "give the `.params` file, too")
    return site.tensor(1 - place), site.arrays[place]


def _by(change: Callable[[float], tuple[float, float]]) -> Callable[[Site], Value]:
    """A factor and an offset, computed from the scalar."""

    def scaled(site: Site) -> Value:
        if not site.attributes.has("scalar"):
            raise CannotSay("it has no `scalar`")
        try:
            factor, offset = change(site.attributes.number("scalar", 0.0))
        except ZeroDivisionError:
            raise CannotSay("it divides by 0") from None
        return site.builder.scale(site.x, factor, offset)

    return scaled


def negated(site: Site) -> Value:
    return site.builder.scale(site.x, -1.0)


def squared(site: Site) -> Value:
    return site.builder.mul(site.x, site.x)


MERGE: dict[str, Callable[[Site], Value]] = {
    **dict.fromkeys(("elemwise_add", "_plus", "_Plus", "_add", "broadcast_add", "broadcast_plus"), added),
    **dict.fromkeys(("add_n", "ElementWiseSum", "_grad_add"), added),
    **dict.fromkeys(("elemwise_sub", "_minus", "_Minus", "_sub", "broadcast_sub", "broadcast_minus"), subtracted),
    **dict.fromkeys(("elemwise_mul", "_mul", "_Mul", "broadcast_mul"), multiplied),
    **dict.fromkeys(("elemwise_div", "_div", "_Div", "broadcast_div"), divided),
    **dict.fromkeys(("_maximum", "_Maximum", "broadcast_maximum"), largest),
    **dict.fromkeys(("Concat", "concat"), concatenated),
    "stack": stacked,
    "negative": negated,
    "square": squared,
    **dict.fromkeys(("_plus_scalar", "_PlusScalar"), _by(lambda c: (1.0, c))),
    **dict.fromkeys(("_minus_scalar", "_MinusScalar"), _by(lambda c: (1.0, -c))),
    **dict.fromkeys(("_rminus_scalar", "_RMinusScalar"), _by(lambda c: (-1.0, c))),
    **dict.fromkeys(("_mul_scalar", "_MulScalar"), _by(lambda c: (c, 0.0))),
    **dict.fromkeys(("_div_scalar", "_DivScalar"), _by(lambda c: (1.0 / c, 0.0))),
}
