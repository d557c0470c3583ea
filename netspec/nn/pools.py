"""Max pools under the name of Flax, lowered to what is fast on the device at hand.

XLA on a CPU scatters the gradient of `reduce_window` one window at a time: 12 ms for 128x28x28x16 where the forward
pass takes 0.5. The largest of a few strided slices has the same values and the same gradient, ties included (the first
of equal numbers takes all of it), in 0.6 ms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import jax.numpy as jnp
from flax import nnx
from jax import lax

from netspec.nn.lowering import is_fast_on_cpu, note

MOST_SLICES = 25
"""Above so many numbers in a window the slices cost more than they save."""


def max_pool(x: Any, window_shape: Sequence[int], strides: Sequence[int] | None = None, padding: Any = "VALID") -> Any:
    """The largest number of each window: batch x places x channels -> batch x fewer places x channels.

    Args:
        x: the numbers.
        window_shape: its size along each axis of places.
        strides: how far it moves; 1 everywhere when left out.
        padding: `SAME`, `VALID`, or pairs of numbers; what is put around never wins.
    """
    if not is_fast_on_cpu("max_pool") or prod(window_shape) > MOST_SLICES:
        return nnx.max_pool(x, tuple(window_shape), strides, padding)
    what = f"{'x'.join(map(str, window_shape))} max pool, {x.shape[-1]} channels"
    note(
        "max_pool",
        what,
        "the largest of strided slices",
        "XLA scatters the gradient of a window: up to 20 times slower",
    )
    steps = tuple(strides) if strides is not None else (1,) * len(window_shape)
    pads = lax.padtype_to_pads(x.shape[1:-1], window_shape, steps, padding) if isinstance(padding, str) else padding
    if any(before or after for before, after in pads):
        x = jnp.pad(x, [(0, 0), *pads, (0, 0)], constant_values=-jnp.inf)
    overlap = any(k > s for k, s in zip(window_shape, steps, strict=True))
    # Windows that overlap have much in common: the largest along one axis, then of these along the next. What is equal
    # gives its gradient to the first place either way.
    axes = range(len(steps))
    for some in [(axis,) for axis in reversed(axes)] if overlap else [tuple(axes)]:
        x = _largest(x, {axis + 1: (window_shape[axis], steps[axis]) for axis in some})
    return x


def _largest(x: Any, windows: Mapping[int, tuple[int, int]]) -> Any:
    """The largest number of each window, which has a size and a step along some axes."""
    places = {axis: (x.shape[axis] - k) // step + 1 for axis, (k, step) in windows.items()}
    largest = None
    for offsets in product(*(range(k) for k, _ in windows.values())):
        spans = [slice(None)] * x.ndim
        for offset, (axis, (_, step)) in zip(offsets, windows.items(), strict=True):
            spans[axis] = slice(offset, offset + (places[axis] - 1) * step + 1, step)
        found = x[tuple(spans)]
        # A number that is not one (x != x) stays, as in `reduce_window`.
        largest = found if largest is None else jnp.where((largest >= found) | (largest != largest), largest, found)
    return largest
