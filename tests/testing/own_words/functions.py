"""What emitted code calls. It does not import netspec, so that standalone source runs without it."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Film(nnx.Module):
    """x * gain(condition) + offset(condition), for each channel."""

    def __init__(self, channels: int, features: int, *, use_offset: bool = True, rngs: nnx.Rngs) -> None:
        self.gain = nnx.Linear(features, channels, rngs=rngs)
        self.offset = nnx.Linear(features, channels, rngs=rngs) if use_offset else None

    def __call__(self, x: Any, condition: Any) -> Any:
        places = (slice(None), *[None] * (x.ndim - 2), slice(None))
        y = x * self.gain(condition)[places]
        return y if self.offset is None else y + self.offset(condition)[places]


class RunningMean(nnx.Module):
    """x without its mean over the batch; outside training without the mean of all batches seen."""

    def __init__(self, channels: int, *, keep: float) -> None:
        self.mean = nnx.BatchStat(jnp.zeros((channels,)))
        self.keep = keep
        self.use_running_average = False

    def __call__(self, x: Any) -> Any:
        if self.use_running_average:
            return x - self.mean[...]
        mean = jnp.mean(x, axis=tuple(range(x.ndim - 1)))
        self.mean[...] = self.keep * self.mean[...] + (1 - self.keep) * mean
        return x - mean


class Threshold(nnx.Module):
    """max(x, t) with a trained t for each channel."""

    def __init__(self, channels: int) -> None:
        self.level = nnx.Param(jnp.zeros((channels,)))

    def __call__(self, x: Any) -> Any:
        return jnp.maximum(x, self.level[...])


def largest(x: Any, mask: Any = None) -> Any:
    """The largest number of each channel over the steps; with a mask, over the real ones."""
    return jnp.max(x if mask is None else jnp.where(mask[..., None], x, -jnp.inf), axis=1)


def blend(*tensors: Any, power: int) -> Any:
    """The power mean of tensors of one shape."""
    return sum(jnp.abs(t) ** power for t in tensors) / len(tensors)


def squareplus(x: Any, width: float = 4.0) -> Any:
    return (x + jnp.sqrt(x * x + width)) / 2


def sparse(share: float) -> Any:
    """Weights of which a share is zero."""

    def initializer(key: Any, shape: Any, dtype: Any = jnp.float32, out_sharding: Any = None) -> Any:
        first, second = jax.random.split(key)
        kept = jax.random.bernoulli(first, 1 - share, shape)
        return jnp.where(kept, 0.1 * jax.random.normal(second, shape, dtype), 0)

    return initializer
