"""Normalization and noise: what Flax lacks or does differently.

As in `helpers`, each function and class is self-contained, or uses others of these files by their plain names.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx as nn


def real_steps(mask: Any, x: Any) -> Any:
    """A mask of steps, batch x T, broadcast to x; an example of padding alone counts in full: a mean needs values."""
    mask = mask | ~mask.any(axis=-1, keepdims=True)
    return jnp.broadcast_to(mask.reshape(*mask.shape, *[1] * (x.ndim - 2)), x.shape)


def local_response_norm(x: Any, size: int, alpha: float, beta: float, k: float, divide: bool = False) -> Any:
    """x / (k + alpha * sum of the squares of `size` channels around each one) ** beta, computed in f32."""
    squares = jnp.square(x.astype(jnp.float32))
    around = [(0, 0)] * (x.ndim - 1) + [(size // 2, (size - 1) // 2)]
    ones = (1,) * (x.ndim - 1)
    total = jax.lax.reduce_window(squares, 0.0, jax.lax.add, (*ones, size), (*ones, 1), around)
    factor = alpha / size if divide else alpha
    return (x * (k + factor * total) ** -beta).astype(x.dtype)


def l2_normalize(x: Any, epsilon: float = 1e-12) -> Any:
    """x over its Euclidean length along the last axis, or over epsilon where that is more; computed in f32."""
    squares = jnp.square(x.astype(jnp.float32)).sum(axis=-1, keepdims=True)
    return (x * jax.lax.rsqrt(jnp.maximum(squares, epsilon**2))).astype(x.dtype)


class GaussianNoise(nn.Module):  # type: ignore[misc]  # Flax is not read by the type checker
    """Adds noise from a normal distribution while training."""

    def __init__(self, std: float, *, rngs: nn.Rngs):
        self.std = std
        self.deterministic = False
        self.rngs = rngs.dropout.fork()

    def __call__(self, x: Any) -> Any:
        if self.deterministic:
            return x
        return x + self.std * jax.random.normal(self.rngs(), x.shape, x.dtype)
