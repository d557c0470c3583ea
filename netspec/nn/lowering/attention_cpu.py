"""Attention under the names of `netspec.nn.attention`, with a custom gradient on CPUs.

The gradient of softmax takes a sum over the scores of each query. It equals the product of the result and its
gradient, which is smaller by the ratio of the head size to the number of steps (Dao et al. 2022,
arXiv:2205.14135, appendix B.2).
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from netspec.nn import attention
from netspec.nn.dropout import Dropout
from netspec.nn.linear import multiply
from netspec.nn.lowering.choice import is_fast_on_cpu, note

BATCH = (0, 1)
"""The axes of examples and of heads."""


def attend(query: Any, key: Any, value: Any, *, mask: Any = None, causal: bool = False, dropout: Any = None) -> Any:
    """`netspec.nn.attention.attend`: softmax(Q K^T / sqrt(size)) V for every head."""
    if not is_fast_on_cpu("attention", query, key, value):
        return attention.attend(query, key, value, mask=mask, causal=causal, dropout=dropout)
    examples, steps, heads, size = query.shape
    others, kv_heads = key.shape[1:3]
    what = f"attention, {heads} heads of {size}, {steps} steps to {others}"
    note("attention", what, "hand-written gradient", "needs no reductions over the scores")
    # Neighboring heads that share keys and values are more queries of one head.
    grouped = query.reshape(examples, steps, kv_heads, -1, size).transpose(0, 2, 3, 1, 4)
    rows = grouped.reshape(examples, kv_heads, -1, size) * size**-0.5
    seen = None if mask is None else mask[:, None, None, :]
    if causal:
        earlier = jnp.tile(jnp.tril(jnp.ones((steps, others), bool)), (heads // kv_heads, 1))[None, None]
        seen = earlier if seen is None else seen & earlier
    shape = (examples, kv_heads, rows.shape[2], others)
    factor = None if dropout is None or dropout.deterministic else dropout(jnp.ones(shape, query.dtype))
    y = weigh_jit(rows, key.swapaxes(1, 2), value.swapaxes(1, 2), seen, factor)
    if seen is not None and mask is not None:
        y = jnp.where(seen.any(-1)[..., None], y, 0)
    return y.reshape(examples, heads, steps, size).swapaxes(1, 2)


class Attention(attention.Attention):
    """`netspec.nn.attention.Attention`, with the products and the dropout of this package."""

    attend = staticmethod(attend)
    dropout_layer = Dropout

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, dot_general=multiply, **more)


@jax.custom_vjp  # type: ignore[untyped-decorator]
def weigh(query: Any, key: Any, value: Any, seen: Any, factor: Any) -> Any:
    """The mean of the values, weighted by softmax(Q K^T).

    Args:
        query: examples x heads x queries x size.
        key: examples x heads x steps x size.
        value: as the keys.
        seen: false for the keys to leave out, broadcast to examples x heads x queries x steps, or None.
        factor: for the weights (dropout), of that shape, or None.
    """
    return _forward(query, key, value, seen, factor)[0]


def _product(a: Any, b: Any, axis: int, other: int) -> Any:
    return lax.dot_general(a, b, (((axis,), (other,)), (BATCH, BATCH)))


def _forward(query: Any, key: Any, value: Any, seen: Any, factor: Any) -> tuple[Any, tuple[Any, ...]]:
    scores = _product(query, key, 3, 3)
    if seen is not None:
        scores = jnp.where(seen, scores, jnp.finfo(scores.dtype).min)
    weights = jax.nn.softmax(scores)
    y = _product(weights if factor is None else weights * factor, value, 3, 2)
    return y, (query, key, value, factor, weights, y)


def _backward(kept: tuple[Any, ...], gradient: Any) -> tuple[Any, ...]:
    query, key, value, factor, weights, y = kept
    to_value = _product(weights if factor is None else weights * factor, gradient, 2, 2)
    to_weights = _product(gradient, value, 3, 3)
    if factor is not None:
        to_weights = to_weights * factor
    to_scores = weights * (to_weights - (gradient * y).sum(axis=-1, keepdims=True))
    return _product(to_scores, key, 3, 2), _product(to_scores, query, 2, 2), to_value, None, None


weigh.defvjp(_forward, _backward)
weigh_jit = jax.jit(weigh)
