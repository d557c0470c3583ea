"""Max pooling under the name that Flax gives it, lowered to what is fast on the current device.

XLA on a CPU scatters the gradient of `reduce_window` one window at a time: 12 ms for 128x28x28x16 where the forward
pass takes 0.5. The largest of a few strided slices has the same values and the same gradient, ties included (the first
of equal numbers takes all of it), in 0.6 ms. Where windows do not overlap the gradient is written in one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from itertools import product
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from netspec.nn.lowering.barriers import gradient_barrier
from netspec.nn.lowering.choice import is_fast_on_cpu, note

MAX_SLICES = 25
"""With more numbers than this in a window the slices cost more than they save."""


def max_pool(x: Any, window_shape: Sequence[int], strides: Sequence[int] | None = None, padding: Any = "VALID") -> Any:
    """The largest number of each window: batch x positions x channels -> batch x fewer positions x channels.

    Args:
        x: the input.
        window_shape: its size along each spatial axis.
        strides: how far it moves; 1 everywhere when left out.
        padding: `SAME`, `VALID`, or pairs of numbers; padding is never the largest.
    """
    if not is_fast_on_cpu("max_pool") or prod(window_shape) > MAX_SLICES:
        return nnx.max_pool(x, tuple(window_shape), strides, padding)
    what = f"{'x'.join(map(str, window_shape))} max pool, {x.shape[-1]} channels"
    why = "the scatter that XLA uses for the gradient is up to 20 times slower"
    note("max_pool", what, "maximum of strided slices", why)
    steps = tuple(strides) if strides is not None else (1,) * len(window_shape)
    pads = lax.padtype_to_pads(x.shape[1:-1], window_shape, steps, padding) if isinstance(padding, str) else padding
    if any(before or after for before, after in pads):
        x = jnp.pad(x, [(0, 0), *pads, (0, 0)], constant_values=-jnp.inf)
    if steps == tuple(window_shape):
        return _largest_of_tiles(x, steps)
    # Overlapping windows share work: the largest along one axis, then of these along the next. Among equal numbers the
    # first one takes the gradient either way.
    for axis in reversed(range(len(steps))):
        x = gradient_barrier(_largest_along(x, axis + 1, window_shape[axis], steps[axis]))
    return x


def _largest_along(x: Any, axis: int, size: int, step: int) -> Any:
    """The largest number of each window along one axis."""
    length = (x.shape[axis] - size) // step * step + 1
    parts = (lax.slice_in_dim(x, offset, offset + length, step, axis) for offset in range(size))
    # NaN (x != x) stays, as in `reduce_window`.
    return reduce(lambda largest, part: jnp.where((largest >= part) | (largest != largest), largest, part), parts)


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def _largest_of_tiles(x: Any, window: tuple[int, ...]) -> Any:
    """The largest number of each window; what is left over at the end of an axis is in no window."""
    return reduce(lax.max, _slices(x, window))


def _slices(x: Any, window: tuple[int, ...]) -> list[Any]:
    """The numbers at each position of the window: batch x windows x channels."""
    ends = [size // k * k for size, k in zip(x.shape[1:-1], window, strict=True)]
    cuts = product(*([slice(o, end, k) for o in range(k)] for end, k in zip(ends, window, strict=True)))
    return [x[(slice(None), *cut)] for cut in cuts]


def _tiles_forward(x: Any, window: tuple[int, ...]) -> tuple[Any, tuple[Any, Any]]:
    largest = _largest_of_tiles(x, window)
    return largest, (x, largest)


def _tiles_backward(window: tuple[int, ...], kept: tuple[Any, Any], gradient: Any) -> tuple[Any]:
    x, largest = kept
    # Which position of its window wins: the first that is equal, or NaN.
    winner = jnp.zeros(largest.shape, jnp.uint8)
    for position, part in reversed([*enumerate(_slices(x, window))]):
        winner = jnp.where((part == largest) | (part != part), jnp.uint8(position), winner)
    winner = lax.optimization_barrier(winner)  # or XLA compares again for each position
    spread = (slice(None), *(slice(None), None) * len(window), slice(None))
    positions = jnp.arange(prod(window), dtype=jnp.uint8).reshape(1, *(size for k in window for size in (1, k)), 1)
    whole = jnp.where(winner[spread] == positions, gradient[spread], 0)
    sizes = [count * k for count, k in zip(largest.shape[1:-1], window, strict=True)]
    whole = whole.reshape(len(x), *sizes, x.shape[-1])
    return (jnp.pad(whole, [(0, n - m) for n, m in zip(x.shape, whole.shape, strict=True)]),)


_largest_of_tiles.defvjp(_tiles_forward, _tiles_backward)
