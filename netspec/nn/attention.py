"""Attention and positions: what Flax lacks or does differently.

As in `helpers`, each function and class is self-contained, or uses others of these files by their plain names.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx as nn


def rope(x: Any, base: float = 10000.0, start: Any = 0) -> Any:
    """Rotates the pairs of features (i, i + C/2) of step t by the angle t * base^(-2i/C); x is batch x T x … x C, and
    its first step is `start`."""
    steps, half = x.shape[1], x.shape[-1] // 2
    angle = (start + jnp.arange(steps))[:, None] * base ** (-jnp.arange(half) / half)
    angle = angle.reshape(steps, *[1] * (x.ndim - 3), half)
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    a, b = x[..., :half], x[..., half:]
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1).astype(x.dtype)


def sinusoidal(x: Any, base: float = 10000.0, start: Any = 0) -> Any:
    """x plus sin(t / base^(2i/C)) at the features 2i and the cosine at 2i + 1 of step t; x is batch x T x C, and its
    first step is `start`."""
    steps, features = x.shape[1:]
    half = (features + 1) // 2
    angle = (start + jnp.arange(steps))[:, None] * base ** (-2 * jnp.arange(half) / features)
    waves = jnp.stack([jnp.sin(angle), jnp.cos(angle)], axis=-1).reshape(steps, 2 * half)
    return x + waves[:, :features].astype(x.dtype)


class PositionEmbedding(nn.Module):  # type: ignore[misc]  # Flax is not read by the type checker
    """Adds a trained table of the shape of one example."""

    def __init__(self, shape: Any, *, embedding_init: Any, rngs: Any) -> None:
        self.embedding = nn.Param(embedding_init(rngs.params(), shape))

    def __call__(self, x: Any) -> Any:
        return x + self.embedding[...].astype(x.dtype)


class ClassToken(nn.Module):  # type: ignore[misc]
    """Prepends a trained vector to every sequence: batch x T x C -> batch x T + 1 x C."""

    def __init__(self, features: int, *, embedding_init: Any, rngs: Any) -> None:
        self.embedding = nn.Param(embedding_init(rngs.params(), (features,)))

    def __call__(self, x: Any) -> Any:
        token = jnp.broadcast_to(self.embedding[...].astype(x.dtype), (x.shape[0], 1, x.shape[-1]))
        return jnp.concatenate([token, x], axis=1)


def attend(query: Any, key: Any, value: Any, *, mask: Any = None, causal: bool = False, dropout: Any = None) -> Any:
    """softmax(Q K^T / sqrt(size)) V for every head.

    Queries are batch x T x heads x size, keys and values batch x S x kv_heads x size: adjacent heads of the queries
    share them. `mask` (batch x S) is false for the keys to leave out; a query that may see none gives zeros. With
    `causal` step t sees the steps up to t. `dropout` acts on the attention weights.
    """
    uses_jax = query.dtype != jnp.float16 and (dropout is None or dropout.deterministic)  # it refuses f16 on a CPU
    if uses_jax and mask is None:
        return jax.nn.dot_product_attention(query, key, value, is_causal=causal)
    steps, others = query.shape[1], key.shape[1]
    seen = jnp.ones((1, 1, 1, others), bool) if mask is None else mask[:, None, None, :]
    if causal:
        seen = seen & jnp.tril(jnp.ones((steps, others), bool))
    if uses_jax:
        y = jax.nn.dot_product_attention(query, key, value, mask=seen)
    else:
        grouped = query.reshape(*query.shape[:2], key.shape[2], -1, query.shape[3])
        scores = jnp.einsum("btkgh,bskh->bkgts", grouped, key, preferred_element_type=jnp.float32)
        scores = jnp.where(seen[:, :, None], scores * query.shape[3] ** -0.5, jnp.finfo(jnp.float32).min)
        weights = jax.nn.softmax(scores).astype(value.dtype)
        weights = weights if dropout is None else dropout(weights)
        y = jnp.einsum("bkgts,bskh->btkgh", weights, value).reshape(query.shape)
    return jnp.where(seen.any(-1).swapaxes(1, 2)[..., None], y, 0)


class Attention(nn.Module):  # type: ignore[misc]
    """Attention with several heads: of a sequence to itself, or to the steps of another one.

    `kv_heads` are fewer heads for keys and values, each shared by adjacent heads of the queries; `rope` is the base of
    rotary positions; `linear` has options of the four projections.
    """

    attend = staticmethod(attend)
    dropout_layer = nn.Dropout

    def __init__(
        self,
        in_features: int,
        heads: int,
        *,
        kv_features: int | None = None,
        kv_heads: int | None = None,
        head_size: int | None = None,
        out_features: int | None = None,
        causal: bool = False,
        rope: float | None = None,
        dropout: float = 0.0,
        rngs: Any,
        **linear: Any,
    ) -> None:
        self.head_size = head_size or in_features // heads
        self.causal = causal
        self.rope = rope
        width, kv_width = heads * self.head_size, (kv_heads or heads) * self.head_size
        kv_features = kv_features or in_features
        self.query = nn.Linear(in_features, width, rngs=rngs, **linear)
        self.key = nn.Linear(kv_features, kv_width, rngs=rngs, **linear)
        self.value = nn.Linear(kv_features, kv_width, rngs=rngs, **linear)
        self.out = nn.Linear(width, out_features or in_features, rngs=rngs, **linear)
        self.dropout = self.dropout_layer(dropout, rngs=rngs) if dropout > 0 else None

    def __call__(self, x: Any, memory: Any = None, *, mask: Any = None) -> Any:
        """Queries from `x`; keys and values from `memory`, or from `x`, whose padded steps have false in `mask`."""
        memory = x if memory is None else memory
        query, key, value = (
            y.reshape(*y.shape[:2], -1, self.head_size) for y in (self.query(x), self.key(memory), self.value(memory))
        )
        if self.rope is not None:
            query, key = rope(query, self.rope), rope(key, self.rope)
        y = self.attend(query, key, value, mask=mask, causal=self.causal, dropout=self.dropout)
        return self.out(y.reshape(*y.shape[:2], -1))
