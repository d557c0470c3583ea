"""Convolutions under the name that Flax gives them, lowered to what is fast on the current device.

What XLA does on a CPU (2 cores, f32) and what is done instead:

- The gradient to the weights is one more convolution, over the batch, of transposed arrays. What XLA would recompute
  while it transposes them is computed once (`lowering/barriers.py`).
- The library that XLA takes for most convolutions (YNNPACK) runs those with fewer than 96 filters on one core;
  `compiler_options` (`lowering/choice.py`) leaves them to the other one (Eigen), which uses all cores.
- With few channels and filters it takes longer to gather the windows than to multiply. There one window does the work
  of several adjacent ones: it is wider, moves further, and has the filters of each.
- With one channel the windows are gathered once, for the forward pass and the gradient; both are matrix products then.
- A depthwise convolution and its gradients take XLA's slowest path. Here they are sums of shifted products.
- A grouped convolution with few groups is split into dense ones.

Forward-mode differentiation (`jax.jvp`, `jax.hessian`) does not work with custom gradients; it does with
`netspec.nn.using("reference")`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import product
from math import prod
from operator import add
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from netspec.nn import initializers
from netspec.nn.lowering.barriers import gradient_barrier, input_barrier
from netspec.nn.lowering.choice import is_fast_on_cpu, note
from netspec.nn.lowering.reductions import sum_of_terms
from netspec.nn.lowering.shards import parts_of

MAX_GROUPS = 64
"""A convolution of more groups than this is left to XLA, unless each group is one channel."""
MAX_TAPS = 49
"""A depthwise convolution with more points in its filter is left to XLA."""
FOUR_WINDOWS, TWO_WINDOWS = 96, 192
"""With at most this many pairs of a channel and a filter, four adjacent windows are computed as one, or two."""
MAX_GATHERED = 2
"""The windows of one channel are gathered up to this many times the size of the result."""

Pads: TypeAlias = tuple[tuple[int, int], ...]
"""Rows added before and after, by spatial axis."""


class Conv(nnx.Conv):  # type: ignore[misc]  # Flax is not read by the type checker
    """`flax.nnx.Conv`, computed by `convolve`."""

    def __init__(self, *args: Any, kernel_init: Any = initializers.default, **more: Any) -> None:
        super().__init__(*args, kernel_init=kernel_init, conv_general_dilated=convolve, **more)


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
    """`jax.lax.conv_general_dilated` for channels-last arrays: batch x … x channels -> batch x … x filters.

    Args:
        x: the input.
        kernel: window x channels of a group x filters.
        strides: how far the window moves, by spatial axis.
        padding: `SAME`, `VALID`, or rows before and after by spatial axis.
        lhs_dilation: of the input; only 1 is lowered.
        rhs_dilation: of the window; only 1 is lowered.
        dimension_numbers: as Flax gives them, channels last.
        feature_group_count: into how many parts the channels are split.
        more: for `conv_general_dilated`.
    """
    is_fast = is_fast_on_cpu("convolution", x, kernel)
    x = input_barrier(x) if is_fast else x
    y = None
    if {*lhs_dilation, *rhs_dilation} == {1} and not any(value is not None for value in more.values()):
        window, steps = kernel.shape[:-2], tuple(strides)
        pads = lax.padtype_to_pads(x.shape[1:-1], window, steps, padding) if isinstance(padding, str) else padding
        y = _chosen(x, kernel, steps, tuple((int(a), int(b)) for a, b in pads), feature_group_count)
    if y is None:
        more |= {"lhs_dilation": lhs_dilation, "rhs_dilation": rhs_dilation, "dimension_numbers": dimension_numbers}
        y = lax.conv_general_dilated(x, kernel, strides, padding, feature_group_count=feature_group_count, **more)
    return gradient_barrier(y) if is_fast else y


def _chosen(x: Any, kernel: Any, strides: tuple[int, ...], pads: Pads, groups: int) -> Any:
    """The convolution by the method that was measured to be fastest; None where that is XLA's."""
    window, channels = kernel.shape[:-2], x.shape[-1]
    what = f"{'x'.join(map(str, window))} convolution, {channels} -> {kernel.shape[-1]} channels"
    if any(min(pair) < 0 for pair in pads):
        return None
    if groups == channels and groups > 1:
        if prod(window) > MAX_TAPS or not is_fast_on_cpu("depthwise", x, kernel):
            return None
        note("depthwise", what, "a sum of shifted products", "XLA's depthwise convolution is up to 25 times slower")
        return _depthwise(x, kernel, strides, pads)
    if groups > 1:
        if groups > MAX_GROUPS or not is_fast_on_cpu("groups", x, kernel):
            return None
        note("groups", what, f"{groups} separate convolutions", "XLA's grouped convolution is up to 100 times slower")
        parts = zip(jnp.split(x, groups, axis=-1), jnp.split(kernel, groups, axis=-1), strict=True)
        return jnp.concatenate([_dense_jit(part, own, strides, pads) for part, own in parts], axis=-1)
    if not is_fast_on_cpu("convolution", x, kernel):
        return None
    if prod(window) > 1 and all(n + sum(pair) == k for n, k, pair in zip(x.shape[1:-1], window, pads, strict=True)):
        note("convolution", what, "as a dense layer", "the kernel is as large as the input")
        x = jnp.pad(x, [(0, 0), *pads, (0, 0)])
        return (x.reshape(len(x), -1) @ kernel.reshape(-1, kernel.shape[-1])).reshape(len(x), *(1 for _ in window), -1)
    if _is_gathered(x, kernel, strides, pads):
        why = "gathering the windows of one channel is cheap, and is done once for the forward and the backward pass"
        note("convolution", what, "im2col and a matrix product", why)
        return _of_one_channel(x, kernel, pads)
    count = windows_at_once(kernel.shape, x.shape, strides, pads)
    if count == 1:
        why = "without them XLA recomputes both in the backward pass"
        note("convolution", what, "optimization barriers around its input and the gradient of its output", why)
        return None
    why = "with few channels and filters, XLA spends most of the time gathering windows"
    note("convolution", what, f"computes {count} adjacent windows at once", why)
    return _dense_jit(x, kernel, strides, pads)


# ---------------------------------------------------------------- one channel


def _is_gathered(x: Any, kernel: Any, strides: tuple[int, ...], pads: Pads) -> bool:
    """Whether `_of_one_channel` applies: images of one channel, where gathering pays off."""
    if kernel.ndim != 4 or kernel.shape[2] != 1 or set(strides) != {1}:
        return False
    count = _windows_of_one_channel(x, kernel, pads)
    return bool(kernel.shape[0] * (kernel.shape[1] + count - 1) <= MAX_GATHERED * count * kernel.shape[3])


def _windows_of_one_channel(x: Any, kernel: Any, pads: Pads) -> int:
    """How many adjacent windows are gathered as one."""
    return _dividing(x.shape[2] + sum(pads[1]) - kernel.shape[1] + 1, 4)


def _dividing(positions: int, limit: int) -> int:
    """The largest of 4, 2 and 1, up to `limit`, that divides the number of windows."""
    return next((count for count in (4, 2) if count <= limit and positions % count == 0), 1)


def _of_one_channel(x: Any, kernel: Any, pads: Pads) -> Any:
    """The convolution of images of one channel, with steps of 1. Adjacent windows that are gathered as one are wider:
    the product has fewer rows, and the filters of each."""
    height, width = kernel.shape[:2]
    count = _windows_of_one_channel(x, kernel, pads)
    blocks = -(-(width + count - 1) // count)  # of `count` columns, which hold a window and its neighbors
    (top, bottom), (left, right) = pads
    rows, positions = x.shape[1] + top + bottom - height + 1, x.shape[2] + left + right - width + 1
    after = positions + (blocks - 1) * count - x.shape[2] - left
    x = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), (top, bottom, 0), (left, after, 0), (0, 0, 0)])
    x = x.reshape(*x.shape[:2], -1, count)
    windows = jnp.concatenate([x[:, :, k : k + positions // count] for k in range(blocks)], axis=-1)
    windows = jnp.concatenate([windows[:, i : i + rows] for i in range(height)], axis=-1)
    wide = jnp.pad(_widened(kernel, count, 1), [(0, 0), (0, blocks * count - width - count + 1), (0, 0), (0, 0)])
    y = windows.reshape(-1, windows.shape[-1]) @ wide.reshape(windows.shape[-1], -1)
    return y.reshape(len(x), rows, positions, -1)


def _widened(kernel: Any, count: int, step: int) -> Any:
    """A kernel for windows that each hold several adjacent ones: the filters of all of them."""
    moved = [jnp.pad(kernel, ((0, 0), (i * step, (count - 1 - i) * step), (0, 0), (0, 0))) for i in range(count)]
    return jnp.concatenate(moved, axis=-1)


# ---------------------------------------------------------------- dense


def _plain(x: Any, kernel: Any, strides: tuple[int, ...], pads: Pads) -> Any:
    letters = "DHW"[3 - len(strides) :]
    numbers = (f"N{letters}C", f"{letters}IO", f"N{letters}C")
    return lax.conv_general_dilated(x, kernel, strides, pads, dimension_numbers=numbers)


def windows_at_once(kernel: tuple[int, ...], x: tuple[int, ...], strides: tuple[int, ...], pads: Pads) -> int:
    """How many adjacent windows are best computed as one, from the shapes of the kernel and the input."""
    *window, channels, filters = kernel
    if len(window) != 2:
        return 1
    limit = 4 if channels * filters <= FOUR_WINDOWS else 2 if channels * filters <= TWO_WINDOWS else 1
    return _dividing((x[-2] + sum(pads[-1]) - window[-1]) // strides[-1] + 1, limit)


def _forward(x: Any, kernel: Any, strides: tuple[int, ...], pads: Pads) -> Any:
    """The convolution, with several windows of an image computed as one where that is faster."""
    count, step = windows_at_once(kernel.shape, x.shape, strides, pads), strides[-1]
    if count == 1:
        return _plain(x, kernel, strides, pads)
    y = _plain(x, _widened(kernel, count, step), (strides[0], count * step), pads)
    return y.reshape(*y.shape[:2], -1, kernel.shape[-1])


def _with_gradient(compute: Callable[..., Any], backward: Callable[..., Any]) -> Any:
    """`compute(x, kernel, strides, pads)` with a custom gradient to `x` and `kernel`."""
    convolution = jax.custom_vjp(compute, nondiff_argnums=(2, 3))
    convolution.defvjp(lambda *inputs: (compute(*inputs), inputs[:2]), backward)
    return convolution


def _dense_backward(strides: tuple[int, ...], pads: Pads, kept: tuple[Any, Any], gradient: Any) -> tuple[Any, Any]:
    x, kernel = kept
    _, of_kernel = jax.vjp(lambda kernel: _plain(x, kernel, strides, pads), kernel)
    return _input_gradient(x, kernel, gradient, strides, pads), of_kernel(gradient)[0]


_dense_jit = jax.jit(_with_gradient(_forward, _dense_backward), static_argnums=(2, 3))


def _input_gradient(x: Any, kernel: Any, gradient: Any, strides: tuple[int, ...], pads: Pads) -> Any:
    """The gradient to the input: for steps of 1 a convolution with the flipped kernel."""
    window = kernel.shape[:-2]
    around = tuple((k - 1 - before, k - 1 - after) for k, (before, after) in zip(window, pads, strict=True))
    if set(strides) != {1} or any(min(pair) < 0 for pair in around):
        _, of_input = jax.vjp(lambda x: _plain(x, kernel, strides, pads), x)
        return of_input(gradient)[0]
    flipped = jnp.flip(kernel, range(len(window))).swapaxes(-1, -2)
    return _forward(gradient, flipped, strides, around)


# ---------------------------------------------------------------- depthwise


def _depthwise(x: Any, kernel: Any, strides: tuple[int, ...], pads: Pads) -> Any:
    """Each channel by itself; filters of the same channel are adjacent."""
    multiplier = kernel.shape[-1] // x.shape[-1]
    if multiplier > 1:
        x = jnp.repeat(x, multiplier, axis=-1)
    return _channelwise(x, kernel, strides, pads)


def _taps(x: Any, window: tuple[int, ...], strides: tuple[int, ...], pads: Pads) -> list[Any]:
    """The input at each point of the window: arrays of batch x output positions x channels."""
    x = jnp.pad(x, [(0, 0), *pads, (0, 0)])
    counts = [(size - k) // s + 1 for size, k, s in zip(x.shape[1:-1], window, strides, strict=True)]
    axes = list(zip(window, counts, strides, strict=True))
    cuts = product(*([slice(o, o + (n - 1) * s + 1, s) for o in range(k)] for k, n, s in axes))
    return [x[(slice(None), *cut)] for cut in cuts]


def _shifted_sum(x: Any, kernel: Any, strides: tuple[int, ...], pads: Pads) -> Any:
    window = kernel.shape[:-2]
    weights = kernel.reshape(-1, kernel.shape[-1])
    return reduce(add, [tap * weights[i] for i, tap in enumerate(_taps(x, window, strides, pads))])


def _shifted_backward(strides: tuple[int, ...], pads: Pads, kept: tuple[Any, Any], gradient: Any) -> tuple[Any, Any]:
    x, kernel = kept
    _, to_input = jax.vjp(lambda x: _shifted_sum(x, kernel, strides, pads), x)
    taps = _taps(x, kernel.shape[:-2], strides, pads)
    to_kernel = sum_of_terms(lambda tap, g: tap * g, taps, gradient, devices=parts_of(len(x)))
    return *to_input(gradient), to_kernel.reshape(kernel.shape)


_channelwise = _with_gradient(_shifted_sum, _shifted_backward)
