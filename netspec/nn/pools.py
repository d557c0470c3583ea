"""Max pools under the name of Flax, lowered to what is fast on the device at hand.

XLA on a CPU scatters the gradient of `reduce_window` one window at a time: 12 ms for 128x28x28x16 where the forward
pass takes 0.5. The largest of a few strided slices has the same values and the same gradient, ties included (the first
of equal numbers takes all of it), in 0.6 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    places = [(size - k) // s + 1 for size, k, s in zip(x.shape[1:-1], window_shape, steps, strict=True)]
    largest = None
    for offsets in product(*map(range, window_shape)):
        spans = [slice(o, o + (n - 1) * s + 1, s) for o, n, s in zip(offsets, places, steps, strict=True)]
        found = x[(slice(None), *spans)]
        # A number that is not one (x != x) stays, as in `reduce_window`.
        largest = found if largest is None else jnp.where((largest >= found) | (largest != largest), largest, found)
    return largest
