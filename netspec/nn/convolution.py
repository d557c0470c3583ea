"""Convolutions under the name of Flax, lowered to what is fast on the device at hand.

What XLA does on a CPU (2 cores, f32) and what is done instead:

- The gradient to the weights is one more convolution there, over the batch, at a tenth of the speed of a matrix
  product. Here it is a few matrix products, one for each row of the window.
- The library that XLA takes for most convolutions (YNNPACK) runs those with fewer than 96 filters on one core;
  `compiler_options` (lowering.py) leaves them to the other one (Eigen), which uses all.
- A filter of one point is a matrix product over the channels.
- A depthwise convolution and its gradients take XLA's slowest path. Here they are sums of shifted products.
- A grouped convolution with few groups is as many dense ones.

Forward-mode differentiation (`jax.jvp`, `jax.hessian`) does not go through rules of our own; it works with
`netspec.nn.using("reference")`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from itertools import product
from math import prod
from operator import add
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from netspec.nn.lowering import is_fast_on_cpu, note
from netspec.nn.sums import sum_of_terms

MOST_GROUPS = 64
"""A convolution of more groups than this is left to XLA, unless each group is one channel."""
MOST_TAPS = 49
"""A depthwise convolution with more points in its filter is left to XLA."""
FEW_CHANNELS = 8
"""Below so many input channels the input is spread out for the gradient to the weights, not what comes from behind."""

Pads: TypeAlias = tuple[tuple[int, int], ...]
"""Rows put before and behind, by axis of places."""


class Conv(nnx.Conv):  # type: ignore[misc]  # Flax is not read by the type checker
    """`flax.nnx.Conv`, computed by `convolve`."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, conv_general_dilated=convolve, **more)


def convolve(
    x: Any,
    kernel: Any,
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    *,
    lhs_dilation: Sequence[int],
    rhs_dilation: Sequence[int],
    dimension_numbers: Any,
    feature_group_count: int = 1,
    **more: Any,
) -> Any:
    """`jax.lax.conv_general_dilated` for channels-last arrays: batch x places x channels -> batch x places x filters.

    Args:
        x: the numbers.
        kernel: window x channels of a group x filters.
        strides: how far the window moves, by axis of places.
        padding: `SAME`, `VALID`, or rows before and behind by axis of places.
        lhs_dilation: of the input; choices are made for 1 alone.
        rhs_dilation: of the window; as well.
        dimension_numbers: those of Flax, channels last.
        feature_group_count: into how many parts the channels are split.
        more: for `conv_general_dilated`.
    """
    is_plain = {*lhs_dilation, *rhs_dilation} == {1} and not any(v is not None for v in more.values())
    if is_plain:
        window, steps = kernel.shape[:-2], tuple(strides)
        pads = lax.padtype_to_pads(x.shape[1:-1], window, steps, padding) if isinstance(padding, str) else padding
        found = _chosen(x, kernel, steps, tuple((int(a), int(b)) for a, b in pads), feature_group_count)
        if found is not None:
            return found
    return lax.conv_general_dilated(
        x,
        kernel,
        strides,
        padding,
        lhs_dilation=lhs_dilation,
        rhs_dilation=rhs_dilation,
        dimension_numbers=dimension_numbers,
        feature_group_count=feature_group_count,
        **more,
    )


def _chosen(x: Any, kernel: Any, strides: tuple[int, ...], pads: Pads, groups: int) -> Any:
    """The convolution by what was measured to be fastest; None where that is what XLA does."""
    window, channels = kernel.shape[:-2], x.shape[-1]
    what = f"{'x'.join(map(str, window))} convolution, {channels} -> {kernel.shape[-1]} channels"
    if any(min(pair) < 0 for pair in pads):
        return None
    if groups == channels and groups > 1:
        if prod(window) > MOST_TAPS or not is_fast_on_cpu("depthwise", x, kernel):
            return None
        note("depthwise", what, "a sum of shifted products", "XLA's depthwise convolution is up to 25 times slower")
        return _depthwise(x, kernel, strides, pads)
    if groups > 1:
        if groups > MOST_GROUPS or not is_fast_on_cpu("groups", x, kernel):
            return None
        note(
            "groups", what, f"{groups} convolutions side by side", "XLA's grouped convolution is up to 100 times slower"
        )
        parts = zip(jnp.split(x, groups, axis=-1), jnp.split(kernel, groups, axis=-1), strict=True)
        return jnp.concatenate([_dense_once(part, own, strides, pads) for part, own in parts], axis=-1)
    if prod(window) == 1 and not any(map(any, pads)) and is_fast_on_cpu("pointwise", x, kernel):
        note("pointwise", what, "a matrix product", "forward and backward twice as fast as a convolution of one point")
        spans = [slice(None, None, step) for step in strides]
        return x[(slice(None), *spans)] @ kernel.reshape(kernel.shape[-2:])
    if not is_fast_on_cpu("convolution", x, kernel):
        return None
    note(
        "convolution",
        what,
        "its weight gradient as matrix products",
        "XLA's is a convolution over the batch, 2 to 4 times slower",
    )
    return _dense_once(x, kernel, strides, pads)


# ---------------------------------------------------------------- dense


def _plain(x: Any, kernel: Any, strides: tuple[int, ...], pads: Pads) -> Any:
    letters = "DHW"[3 - len(strides) :]
    numbers = (f"N{letters}C", f"{letters}IO", f"N{letters}C")
    return lax.conv_general_dilated(x, kernel, strides, pads, dimension_numbers=numbers)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _dense(x: Any, kernel: Any, strides: tuple[int, ...], pads: Pads) -> Any:
    return _plain(x, kernel, strides, pads)


def _dense_forward(x: Any, kernel: Any, strides: tuple[int, ...], pads: Pads) -> Any:
    return _plain(x, kernel, strides, pads), (x, kernel)


def _dense_backward(strides: tuple[int, ...], pads: Pads, kept: tuple[Any, Any], gradient: Any) -> tuple[Any, Any]:
    x, kernel = kept
    _, to_input = jax.vjp(lambda x: _plain(x, kernel, strides, pads), x)
    return *to_input(gradient), kernel_gradient(x, gradient, kernel.shape[:-2], strides, pads)


_dense.defvjp(_dense_forward, _dense_backward)
_dense_once = jax.jit(_dense, static_argnums=(2, 3))


def kernel_gradient(x: Any, gradient: Any, window: tuple[int, ...], strides: tuple[int, ...], pads: Pads) -> Any:
    """The gradient to a dense kernel, window x channels x filters.

    Along the last axis of places one of the two arrays is spread out, so that all points of a row of the window come
    from one matrix product: the gradient, which has to be spread for steps of 1 alone, or the input where it has few
    channels. The other rows are the input moved along the other axes.

    Args:
        x: the input, batch x places x channels.
        gradient: to the output, batch x places x filters.
        window: its size.
        strides: how far it moves.
        pads: rows put around the input.
    """
    *rows, width = window
    channels, filters = x.shape[-1], gradient.shape[-1]
    spreads_gradient = strides[-1] == 1 and channels >= FEW_CHANNELS
    before, behind = pads[-1]
    outer = (*pads[:-1], (0, 0)) if spreads_gradient else pads
    x = jnp.pad(x, [(0, 0), *outer, (0, 0)])
    if spreads_gradient:
        spread = _spread(gradient, width, (width - 1 - before, width - 1 - behind), 1, x.shape[-2], backwards=True)
    else:
        x = _spread(x, width, (0, 0), strides[-1], gradient.shape[-2], backwards=False)
        spread = gradient
    found = []
    for offsets in product(*map(range, rows)):
        ends = zip(offsets, gradient.shape[1:-2], strides, strict=False)
        spans = [slice(o, o + (n - 1) * step + 1, step) for o, n, step in ends]
        found.append(_over_places(x[(slice(None), *spans)], spread))
    whole = jnp.stack(found)
    if spreads_gradient:
        return whole.reshape(*rows, channels, width, filters).swapaxes(-3, -2)
    return whole.reshape(*rows, width, channels, filters)


def _spread(x: Any, width: int, pads: tuple[int, int], step: int, places: int, *, backwards: bool) -> Any:
    """Beside each other in the last axis: what `x` has at each place, and at the `width - 1` places behind it."""
    # `lax.pad` takes rows away where there is more padding than window.
    x = lax.pad(x, jnp.zeros((), x.dtype), [*[(0, 0, 0)] * (x.ndim - 2), (*pads, 0), (0, 0, 0)])
    shifts = [x[..., j : j + (places - 1) * step + 1 : step, :] for j in range(width)]
    return jnp.concatenate(shifts[::-1] if backwards else shifts, axis=-1)


def _over_places(a: Any, b: Any) -> Any:
    """The matrix product over all axes but the last: … x A, … x B -> A x B."""
    return lax.dot_general(a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1]), (((0,), (0,)), ((), ())))


# ---------------------------------------------------------------- depthwise


def _depthwise(x: Any, kernel: Any, strides: tuple[int, ...], pads: Pads) -> Any:
    """Each channel by itself; filters of the same channel stand next to each other."""
    multiplier = kernel.shape[-1] // x.shape[-1]
    if multiplier > 1:
        x = jnp.repeat(x, multiplier, axis=-1)
    return _channelwise(x, kernel, strides, pads)


def _taps(x: Any, window: tuple[int, ...], strides: tuple[int, ...], pads: Pads) -> list[Any]:
    """For each point of the window what it sees: as many arrays of batch x places of the output x channels."""
    x = jnp.pad(x, [(0, 0), *pads, (0, 0)])
    places = [(size - k) // s + 1 for size, k, s in zip(x.shape[1:-1], window, strides, strict=True)]
    return [
        x[(slice(None), *(slice(o, o + (n - 1) * s + 1, s) for o, n, s in zip(offsets, places, strides, strict=True)))]
        for offsets in product(*map(range, window))
    ]


def _shifted_sum(x: Any, kernel: Any, strides: tuple[int, ...], pads: Pads) -> Any:
    window = kernel.shape[:-2]
    weights = kernel.reshape(-1, kernel.shape[-1])
    return reduce(add, [tap * weights[i] for i, tap in enumerate(_taps(x, window, strides, pads))])


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _channelwise(x: Any, kernel: Any, strides: tuple[int, ...], pads: Pads) -> Any:
    return _shifted_sum(x, kernel, strides, pads)


def _channelwise_forward(x: Any, kernel: Any, strides: tuple[int, ...], pads: Pads) -> Any:
    return _shifted_sum(x, kernel, strides, pads), (x, kernel)


def _channelwise_backward(
    strides: tuple[int, ...], pads: Pads, kept: tuple[Any, Any], gradient: Any
) -> tuple[Any, Any]:
    x, kernel = kept
    _, to_input = jax.vjp(lambda x: _shifted_sum(x, kernel, strides, pads), x)
    to_kernel = sum_of_terms(lambda tap, g: tap * g, _taps(x, kernel.shape[:-2], strides, pads), gradient)
    return *to_input(gradient), to_kernel.reshape(kernel.shape)


_channelwise.defvjp(_channelwise_forward, _channelwise_backward)
